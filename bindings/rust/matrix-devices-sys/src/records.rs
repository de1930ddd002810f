//! The structs of the contract, field by field as in the header.
#![allow(missing_docs)] // module.h says what each means

use std::ffi::c_char;
use std::mem::size_of;

use crate::{mxd_cookie, mxd_host};

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_view {
    pub data: *const c_char,
    pub size: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_header {
    pub name: mxd_view,
    pub value: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_limit {
    pub burst: i64,
    pub interval_ms: i64,
    pub name: mxd_view,
    pub key: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_request {
    pub size: u32,
    pub flags: u32,
    pub cookie: mxd_cookie,
    pub headers: *const mxd_header,
    pub header_count: usize,
    pub method: mxd_view,
    pub target: mxd_view,
    pub body: mxd_view,
    pub remote_addr: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_response {
    pub size: u32,
    pub http_status: u32,
    pub headers: *const mxd_header,
    pub header_count: usize,
    pub body: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_route {
    pub size: u32,
    pub reserved: u32,
    pub methods: mxd_view,
    pub path: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_principal {
    pub size: u32,
    pub flags: u32,
    pub validated_ms: i64,
    pub user_id: mxd_view,
    pub device_id: mxd_view,
    pub token_id: mxd_view,
    pub service_id: mxd_view,
    pub cookie: mxd_cookie,
    pub reserved: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_device {
    pub size: u32,
    pub flags: u32,
    pub last_seen_ts_ms: i64,
    pub device_id: mxd_view,
    pub display_name: mxd_view,
    pub last_seen_ip: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_uia_stage {
    pub size: u32,
    pub flags: u32,
    pub flow: u32,
    pub reserved: u32,
    pub r#type: mxd_view,
    pub params: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_uia_kept {
    pub size: u32,
    pub flags: u32,
    pub revision: i64,
    pub state: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_uia_completed {
    pub size: u32,
    pub flags: u32,
    pub r#type: mxd_view,
    pub identity: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_error {
    pub size: u32,
    pub http_status: u32,
    pub retry_after_ms: i64,
    pub errcode: mxd_view,
    pub text: mxd_view,
    pub extra_json: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_credentials {
    pub size: u32,
    pub flags: u32,
    pub access_token: mxd_view,
    pub user_id: mxd_view,
    pub device_id: mxd_view,
    pub remote_addr: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_device_query {
    pub size: u32,
    pub flags: u32,
    pub user_id: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_device_key {
    pub size: u32,
    pub flags: u32,
    pub user_id: mxd_view,
    pub device_id: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_device_update {
    pub size: u32,
    pub flags: u32,
    pub max_devices: i64,
    pub user_id: mxd_view,
    pub device_id: mxd_view,
    pub display_name: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_deletion {
    pub size: u32,
    pub flags: u32,
    pub device_ids: *const mxd_view,
    pub device_id_count: usize,
    pub user_id: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_uia_operation {
    pub size: u32,
    pub flags: u32,
    pub user_id: mxd_view,
    pub device_id: mxd_view,
    pub method: mxd_view,
    pub endpoint: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_uia_session {
    pub size: u32,
    pub flags: u32,
    pub expires_ms: i64,
    pub max_live: u32,
    pub reserved: u32,
    pub proposed_id: mxd_view,
    pub user_id: mxd_view,
    pub device_id: mxd_view,
    pub token_id: mxd_view,
    pub state: mxd_view,
    pub method: mxd_view,
    pub endpoint: mxd_view,
    pub target: mxd_view,
    pub description: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_uia_session_key {
    pub size: u32,
    pub flags: u32,
    pub session_id: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_uia_replacement {
    pub size: u32,
    pub flags: u32,
    pub revision: i64,
    pub expires_ms: i64,
    pub session_id: mxd_view,
    pub user_id: mxd_view,
    pub state: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_uia_attempt {
    pub size: u32,
    pub flags: u32,
    pub user_id: mxd_view,
    pub device_id: mxd_view,
    pub session_id: mxd_view,
    pub r#type: mxd_view,
    pub remote_addr: mxd_view,
    pub user: mxd_view,
    pub medium: mxd_view,
    pub address: mxd_view,
    pub country: mxd_view,
    pub password: mxd_view,
    pub auth_json: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_validation {
    pub size: u32,
    pub flags: u32,
    pub validated_ms: i64,
    pub user_id: mxd_view,
    pub device_id: mxd_view,
    pub token_id: mxd_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_limit_request {
    pub size: u32,
    pub flags: u32,
    pub units: i32,
    pub reserved: u32,
    pub limits: *const mxd_limit,
    pub limit_count: usize,
}

impl mxd_view {
    /// A view of these bytes: good as long as they are.
    pub const fn of(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr().cast(), size: bytes.len() }
    }
}

// SAFETY: an address and a size. To read through them is unsafe, and whoever does so knows until when
// and for whom the bytes are good.
unsafe impl Send for mxd_view {}
// SAFETY: as above.
unsafe impl Sync for mxd_view {}

/// What a host writes: zeroed, with its size set (convention 1).
macro_rules! written_by_hosts {
    ($($record:ident)*) => {$(
        impl Default for $record {
            fn default() -> Self {
                // SAFETY: numbers, pointers and optional functions are all good as zeros.
                let mut made: Self = unsafe { std::mem::zeroed() };
                made.size = size_of::<Self>() as u32;
                made
            }
        }
    )*};
}
written_by_hosts! {
    mxd_request mxd_route mxd_principal mxd_device mxd_uia_stage mxd_uia_kept mxd_uia_completed
    mxd_error mxd_host
}
