//! The two tables of functions: the host's, and the module's.
#![allow(missing_docs)] // module.h says what each promises

use std::ffi::{c_char, c_void};

use crate::*;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_host {
    pub size: u32,
    pub abi_minor: u32,
    pub caps: u64,
    pub cookie: mxd_cookie,
    pub reserved: usize,
    pub respond: Option<
        unsafe extern "C" fn(host: mxd_cookie, request: mxd_cookie, response: *const mxd_response),
    >,
    pub authenticate: Option<
        unsafe extern "C" fn(
            host: mxd_cookie,
            request: mxd_cookie,
            op: mxd_op,
            principal: mxd_cookie,
            credentials: *const mxd_credentials,
        ) -> i32,
    >,
    pub list_devices: Option<
        unsafe extern "C" fn(
            host: mxd_cookie,
            request: mxd_cookie,
            op: mxd_op,
            principal: mxd_cookie,
            query: *const mxd_device_query,
        ) -> i32,
    >,
    pub get_device: Option<
        unsafe extern "C" fn(
            host: mxd_cookie,
            request: mxd_cookie,
            op: mxd_op,
            principal: mxd_cookie,
            key: *const mxd_device_key,
        ) -> i32,
    >,
    pub rename_device: Option<
        unsafe extern "C" fn(
            host: mxd_cookie,
            request: mxd_cookie,
            op: mxd_op,
            principal: mxd_cookie,
            update: *const mxd_device_update,
        ) -> i32,
    >,
    pub delete_devices: Option<
        unsafe extern "C" fn(
            host: mxd_cookie,
            request: mxd_cookie,
            op: mxd_op,
            principal: mxd_cookie,
            deletion: *const mxd_deletion,
        ) -> i32,
    >,
    pub uia_flows: Option<
        unsafe extern "C" fn(
            host: mxd_cookie,
            request: mxd_cookie,
            op: mxd_op,
            principal: mxd_cookie,
            operation: *const mxd_uia_operation,
        ) -> i32,
    >,
    pub uia_create_session: Option<
        unsafe extern "C" fn(
            host: mxd_cookie,
            request: mxd_cookie,
            op: mxd_op,
            principal: mxd_cookie,
            session: *const mxd_uia_session,
        ) -> i32,
    >,
    pub uia_load_session: Option<
        unsafe extern "C" fn(
            host: mxd_cookie,
            request: mxd_cookie,
            op: mxd_op,
            principal: mxd_cookie,
            key: *const mxd_uia_session_key,
        ) -> i32,
    >,
    pub uia_replace_session: Option<
        unsafe extern "C" fn(
            host: mxd_cookie,
            request: mxd_cookie,
            op: mxd_op,
            principal: mxd_cookie,
            replacement: *const mxd_uia_replacement,
        ) -> i32,
    >,
    pub uia_check: Option<
        unsafe extern "C" fn(
            host: mxd_cookie,
            request: mxd_cookie,
            op: mxd_op,
            principal: mxd_cookie,
            attempt: *const mxd_uia_attempt,
        ) -> i32,
    >,
    pub put_device: Option<
        unsafe extern "C" fn(
            host: mxd_cookie,
            request: mxd_cookie,
            op: mxd_op,
            principal: mxd_cookie,
            update: *const mxd_device_update,
        ) -> i32,
    >,
    pub mark_validated: Option<
        unsafe extern "C" fn(
            host: mxd_cookie,
            request: mxd_cookie,
            op: mxd_op,
            principal: mxd_cookie,
            validation: *const mxd_validation,
        ) -> i32,
    >,
    pub take_limit: Option<
        unsafe extern "C" fn(
            host: mxd_cookie,
            request: mxd_cookie,
            op: mxd_op,
            principal: mxd_cookie,
            limits: *const mxd_limit_request,
        ) -> i32,
    >,
    pub cancel_operation: Option<unsafe extern "C" fn(host: mxd_cookie, op: mxd_op)>,
    pub release_principal: Option<unsafe extern "C" fn(host: mxd_cookie, principal: mxd_cookie)>,
    pub now_ms: Option<unsafe extern "C" fn(host: mxd_cookie) -> i64>,
    pub random_bytes:
        Option<unsafe extern "C" fn(host: mxd_cookie, out: *mut c_void, size: usize) -> i32>,
    pub log: Option<
        unsafe extern "C" fn(host: mxd_cookie, request: mxd_cookie, level: i32, message: mxd_view),
    >,
    pub get_extension:
        Option<unsafe extern "C" fn(host: mxd_cookie, name: *const c_char) -> *const c_void>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mxd_module {
    pub size: u32,
    pub abi_minor: u32,
    pub caps: u64,
    pub product_version: *const c_char,
    pub create: unsafe extern "C" fn(
        host: *const mxd_host,
        config: mxd_view,
        out: *mut *mut mxd_instance,
        error: *mut c_char,
        error_size: usize,
    ) -> i32,
    pub destroy: unsafe extern "C" fn(instance: *mut mxd_instance) -> i32,
    pub shutdown: unsafe extern "C" fn(
        instance: *mut mxd_instance,
        done: unsafe extern "C" fn(cookie: mxd_cookie),
        cookie: mxd_cookie,
    ) -> i32,
    pub abandon: unsafe extern "C" fn(instance: *mut mxd_instance) -> i32,
    pub handle: unsafe extern "C" fn(
        instance: *mut mxd_instance,
        request: *const mxd_request,
        token: *mut mxd_request_token,
    ) -> i32,
    pub cancel: unsafe extern "C" fn(request: mxd_request_token) -> i32,
    pub r#match: unsafe extern "C" fn(
        instance: *mut mxd_instance,
        method: mxd_view,
        target: mxd_view,
    ) -> i32,
    pub max_body_bytes: unsafe extern "C" fn(instance: *mut mxd_instance) -> u64,
    pub route:
        unsafe extern "C" fn(instance: *mut mxd_instance, index: u32, out: *mut mxd_route) -> i32,
    pub complete: unsafe extern "C" fn(op: mxd_op, status: i32) -> i32,
    pub emit_principal: unsafe extern "C" fn(op: mxd_op, principal: *const mxd_principal) -> i32,
    pub emit_device: unsafe extern "C" fn(op: mxd_op, device: *const mxd_device) -> i32,
    pub emit_stage: unsafe extern "C" fn(op: mxd_op, stage: *const mxd_uia_stage) -> i32,
    pub emit_session_id: unsafe extern "C" fn(op: mxd_op, session_id: mxd_view) -> i32,
    pub emit_session: unsafe extern "C" fn(op: mxd_op, session: *const mxd_uia_kept) -> i32,
    pub emit_completed: unsafe extern "C" fn(op: mxd_op, stage: *const mxd_uia_completed) -> i32,
    pub emit_identity: unsafe extern "C" fn(op: mxd_op, user_id: mxd_view) -> i32,
    pub emit_reason: unsafe extern "C" fn(op: mxd_op, text: mxd_view) -> i32,
    pub emit_retry_after: unsafe extern "C" fn(op: mxd_op, retry_after_ms: i64) -> i32,
    pub emit_error: unsafe extern "C" fn(op: mxd_op, error: *const mxd_error) -> i32,
    pub get_extension: unsafe extern "C" fn(name: *const c_char) -> *const c_void,
}

/// The entry: what the one exported name is.
pub type mxd_entry_v1 = unsafe extern "C" fn() -> *const mxd_module;

// SAFETY: a table of the module's is const, and good for ever.
unsafe impl Sync for mxd_module {}
