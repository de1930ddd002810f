//! The Matrix device management endpoints in a homeserver written in Rust: a [`Host`] answers what
//! the module asks, and a router, a layer or [`Instance::handle`] serves. A whole one, with the
//! feature `axum`:
#![cfg_attr(feature = "axum", doc = "```no_run")]
#![cfg_attr(feature = "axum", doc = include_str!("../examples/smallest.rs"))]
#![cfg_attr(feature = "axum", doc = "```")]
//!
//! In `docs/rust.md` of the checkout is the rest; `examples/homeserver.rs` is a homeserver to copy.
//!
//! | Feature | |
//! |---|---|
//! | `tokio` (default) | a `tokio::runtime::Handle` is a [`Spawn`]er |
//! | `tower` | `DevicesLayer`, around any service of `http` |
//! | `axum` | `router` |
#![warn(missing_docs)]

mod answer;
mod answers;
mod callbacks;
mod ending;
mod error;
mod exchange;
mod hand_over;
mod handling;
mod host;
mod instance;
mod lists;
mod module;
mod operation;
mod question;
mod questions;
mod refusal;
mod request;
mod response;
#[cfg(feature = "axum")]
mod router;
mod secret;
#[cfg(feature = "tower")]
mod service;
mod sessions;
mod spawn;
mod views;

pub use answers::{CompletedStage, Device, Flow, KeptSession, Principal, Put, Stage};
pub use error::{Error, NotHandled};
pub use handling::Handling;
pub use host::{Context, Host, Offers};
pub use instance::{Instance, Route};
pub use lists::{DeviceIds, Limit, Limits};
pub use module::Module;
pub use questions::{
    Address, Credentials, Deletion, DeviceKey, DeviceQuery, DeviceUpdate, LimitRequest, NewSession,
    Replacement, SessionKey, UiaAttempt, UiaOperation, Validation,
};
pub use refusal::{ErrorAnswer, Refusal, Result};
pub use request::Request;
#[cfg(feature = "axum")]
pub use router::router;
pub use secret::Secret;
#[cfg(feature = "tower")]
pub use service::{Answering, Devices, DevicesLayer};
pub use sessions::MemorySessions;
pub use spawn::{Rest, Spawn};
