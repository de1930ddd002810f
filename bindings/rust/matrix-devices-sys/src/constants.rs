//! Numbers of the contract. All but the sizes of 1.0 have the type in which they are used.
#![allow(missing_docs)] // module.h says what each means

use std::ffi::CStr;
use std::mem::size_of;

pub const MXD_ABI_MINOR: u32 = 0;
pub const MXD_ENTRY_V1: &CStr = c"matrix_devices_module_v1";

pub const MXD_WORD: usize = size_of::<usize>();
pub const MXD_TEXT: usize = 2 * MXD_WORD;

// Statuses
pub const MXD_OK: i32 = 0;
pub const MXD_NOT_MINE: i32 = 1;
pub const MXD_CREATED: i32 = 2;
pub const MXD_NOT_FOUND: i32 = 3;
pub const MXD_UNKNOWN_TOKEN: i32 = 4;
pub const MXD_TOKEN_EXPIRED: i32 = 5;
pub const MXD_USER_LOCKED: i32 = 6;
pub const MXD_FORBIDDEN: i32 = 7;
pub const MXD_UNKNOWN_DEVICE: i32 = 8;
pub const MXD_LIMIT_EXCEEDED: i32 = 9;
pub const MXD_REFUSED: i32 = 10;
pub const MXD_BAD_DATA: i32 = 11;
pub const MXD_HOST_ERROR: i32 = 12;
pub const MXD_CONFLICT: i32 = 13;
pub const MXD_INTERNAL: i32 = -1;
pub const MXD_UNAVAILABLE: i32 = -2;
pub const MXD_TIMEOUT: i32 = -3;
pub const MXD_CANCELLED: i32 = -4;
pub const MXD_NO_MEMORY: i32 = -5;
pub const MXD_INVALID_ARGUMENT: i32 = -6;
pub const MXD_STALE: i32 = -7;
pub const MXD_BUSY: i32 = -8;
pub const MXD_UNSUPPORTED: i32 = -9;

// Log levels
pub const MXD_LOG_DEBUG: i32 = 0;
pub const MXD_LOG_INFO: i32 = 1;
pub const MXD_LOG_WARNING: i32 = 2;
pub const MXD_LOG_ERROR: i32 = 3;
pub const MXD_LOG_HOST_MISBEHAVING: i32 = 4;

// Flags of records
pub const MXD_REQUEST_BODY_TOO_LARGE: u32 = 1;
pub const MXD_PRINCIPAL_GUEST: u32 = 1;
pub const MXD_PRINCIPAL_APPSERVICE: u32 = 2;
pub const MXD_PRINCIPAL_OAUTH: u32 = 4;
pub const MXD_PRINCIPAL_UNLIMITED: u32 = 8;
pub const MXD_PRINCIPAL_HAS_VALIDATED_MS: u32 = 16;
pub const MXD_DEVICE_HAS_DISPLAY_NAME: u32 = 1;
pub const MXD_DEVICE_HAS_LAST_SEEN_IP: u32 = 2;
pub const MXD_DEVICE_HAS_LAST_SEEN_TS: u32 = 4;
pub const MXD_STAGE_PROVES_NOBODY: u32 = 1;
pub const MXD_CREDENTIALS_HAS_USER_ID: u32 = 1;
pub const MXD_CREDENTIALS_HAS_DEVICE_ID: u32 = 2;
pub const MXD_UPDATE_SET_DISPLAY_NAME: u32 = 1;
pub const MXD_UIA_FINISHED: u32 = 1;
pub const MXD_ATTEMPT_HAS_USER: u32 = 1;
pub const MXD_ATTEMPT_HAS_THIRDPARTY: u32 = 2;
pub const MXD_ATTEMPT_HAS_COUNTRY: u32 = 4;
pub const MXD_ATTEMPT_HAS_PASSWORD: u32 = 8;

/// Bits of `caps` from here on are refused by who does not know them.
pub const MXD_CAP_MUST_UNDERSTAND_FROM: u32 = 48;

// Sizes of 1.0: a record below that is refused
pub const MXD_REQUEST_SIZE_1_0: usize = 8 + 3 * MXD_WORD + 4 * MXD_TEXT;
pub const MXD_RESPONSE_SIZE_1_0: usize = 8 + 2 * MXD_WORD + MXD_TEXT;
pub const MXD_ROUTE_SIZE_1_0: usize = 8 + 2 * MXD_TEXT;
pub const MXD_PRINCIPAL_SIZE_1_0: usize = 16 + 4 * MXD_TEXT + 2 * MXD_WORD;
pub const MXD_DEVICE_SIZE_1_0: usize = 16 + 3 * MXD_TEXT;
pub const MXD_UIA_STAGE_SIZE_1_0: usize = 16 + 2 * MXD_TEXT;
pub const MXD_UIA_KEPT_SIZE_1_0: usize = 16 + MXD_TEXT;
pub const MXD_UIA_COMPLETED_SIZE_1_0: usize = 8 + 2 * MXD_TEXT;
pub const MXD_ERROR_SIZE_1_0: usize = 16 + 3 * MXD_TEXT;
pub const MXD_CREDENTIALS_SIZE_1_0: usize = 8 + 4 * MXD_TEXT;
pub const MXD_DEVICE_QUERY_SIZE_1_0: usize = 8 + MXD_TEXT;
pub const MXD_DEVICE_KEY_SIZE_1_0: usize = 8 + 2 * MXD_TEXT;
pub const MXD_DEVICE_UPDATE_SIZE_1_0: usize = 16 + 3 * MXD_TEXT;
pub const MXD_DELETION_SIZE_1_0: usize = 8 + 2 * MXD_WORD + MXD_TEXT;
pub const MXD_UIA_OPERATION_SIZE_1_0: usize = 8 + 4 * MXD_TEXT;
pub const MXD_UIA_SESSION_SIZE_1_0: usize = 24 + 9 * MXD_TEXT;
pub const MXD_UIA_SESSION_KEY_SIZE_1_0: usize = 8 + MXD_TEXT;
pub const MXD_UIA_REPLACEMENT_SIZE_1_0: usize = 24 + 3 * MXD_TEXT;
pub const MXD_UIA_ATTEMPT_SIZE_1_0: usize = 8 + 11 * MXD_TEXT;
pub const MXD_VALIDATION_SIZE_1_0: usize = 16 + 3 * MXD_TEXT;
pub const MXD_LIMIT_REQUEST_SIZE_1_0: usize = 16 + 2 * MXD_WORD;
pub const MXD_HOST_SIZE_1_0: usize = 16 + 22 * MXD_WORD;
pub const MXD_MODULE_SIZE_1_0: usize = 16 + 22 * MXD_WORD;
