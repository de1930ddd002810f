//! The contract between a Matrix homeserver and `libmatrix_devices.so`, as C has it.
//!
//! This is `matrix_devices/module.h` in Rust, name by name. What each thing promises is said there
//! and only there. `tests/header.rs` compares every constant, size, offset and slot with what a C
//! compiler makes of the header. Homeservers use the crate `matrix-devices`, which needs no
//! `unsafe`.
#![allow(non_camel_case_types)]
#![warn(missing_docs)]

mod constants;
mod records;
mod tables;

pub use constants::*;
pub use records::*;
pub use tables::*;

/// One question to the host; never 0, never reused.
pub type mxd_op = u64;
/// Names a request for `cancel`.
pub type mxd_request_token = u64;
/// A number of the host's own, into which the module never looks.
pub type mxd_cookie = usize;

/// Opaque: what `create` makes.
#[repr(C)]
pub struct mxd_instance {
    _opaque: [u8; 0],
}
