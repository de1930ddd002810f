//! Answers, emitted into an operation.

use std::borrow::Cow;
use std::time::Duration;

use matrix_devices_sys::*;
use tracing::error;

use crate::operation::Operation;
use crate::views::view_of;
use crate::{Device, ErrorAnswer, Flow, KeptSession, Principal, Put, Refusal, Result};

pub(crate) enum Answer<'a> {
    Done,
    Principal(Principal<'a>),
    Devices(Vec<Device<'a>>),
    Device(Device<'a>),
    Put(Put),
    Flows(Vec<Flow<'a>>),
    SessionId(Option<Cow<'a, str>>),
    Session(KeptSession<'a>),
    Identity(Option<Cow<'a, str>>),
}

impl Operation {
    /// Emits, and completes. What the module refuses it has logged, and answers 500 itself.
    pub(crate) fn answer(&mut self, result: Result<Answer<'static>>) {
        let status = match result {
            Ok(answer) => self.emit(answer),
            Err(refusal) => self.emit_refusal(refusal),
        };
        self.complete(status);
    }

    fn emit(&self, answer: Answer<'static>) -> i32 {
        match answer {
            Answer::Done => {}
            Answer::Principal(principal) => self.emit_principal(principal),
            Answer::Devices(devices) => devices.iter().for_each(|each| self.emit_device(each)),
            Answer::Device(device) => self.emit_device(&device),
            Answer::Put(Put::Created) => return MXD_CREATED,
            Answer::Put(Put::Kept) => {}
            Answer::Flows(flows) => self.emit_flows(&flows),
            Answer::SessionId(None) => {}
            Answer::SessionId(Some(id)) => {
                // SAFETY: here and below, what is emitted is good until the emit returns.
                unsafe { (self.table.emit_session_id)(self.number, view_of(Some(&id))) };
            }
            Answer::Session(session) => self.emit_session(&session),
            Answer::Identity(user_id) => {
                // SAFETY: as above.
                unsafe { (self.table.emit_identity)(self.number, view_of(user_id.as_deref())) };
            }
        }
        MXD_OK
    }

    fn emit_principal(&self, principal: Principal<'static>) {
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        let record = mxd_principal {
            flags: flag(principal.guest, MXD_PRINCIPAL_GUEST)
                | flag(principal.service_id.is_some(), MXD_PRINCIPAL_APPSERVICE)
                | flag(principal.oauth, MXD_PRINCIPAL_OAUTH)
                | flag(principal.unlimited, MXD_PRINCIPAL_UNLIMITED)
                | flag(principal.validated_ms.is_some(), MXD_PRINCIPAL_HAS_VALIDATED_MS),
            validated_ms: principal.validated_ms.unwrap_or_default(),
            user_id: view_of(Some(&principal.user_id)),
            device_id: view_of(principal.device_id.as_deref()),
            token_id: view_of(principal.token_id.as_deref()),
            service_id: view_of(principal.service_id.as_deref()),
            ..Default::default()
        };
        // SAFETY: as above.
        unsafe { (self.table.emit_principal)(self.number, &record) };
        // Asked once a request, and first: nothing stands there yet.
        self.principal.get_or_init(|| principal);
    }

    fn emit_device(&self, device: &Device<'_>) {
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        let record = mxd_device {
            flags: flag(device.display_name.is_some(), MXD_DEVICE_HAS_DISPLAY_NAME)
                | flag(device.last_seen_ip.is_some(), MXD_DEVICE_HAS_LAST_SEEN_IP)
                | flag(device.last_seen_ts_ms.is_some(), MXD_DEVICE_HAS_LAST_SEEN_TS),
            last_seen_ts_ms: device.last_seen_ts_ms.unwrap_or_default(),
            device_id: view_of(Some(&device.device_id)),
            display_name: view_of(device.display_name.as_deref()),
            last_seen_ip: view_of(device.last_seen_ip.as_deref()),
            ..Default::default()
        };
        // SAFETY: as above.
        unsafe { (self.table.emit_device)(self.number, &record) };
    }

    fn emit_flows(&self, flows: &[Flow<'_>]) {
        for (flow, stages) in (0..).zip(flows) {
            for stage in &stages.0 {
                let record = mxd_uia_stage {
                    flags: if stage.proves_nobody { MXD_STAGE_PROVES_NOBODY } else { 0 },
                    flow,
                    r#type: view_of(Some(&stage.name)),
                    params: view_of(stage.params.as_deref()),
                    ..Default::default()
                };
                // SAFETY: as above.
                unsafe { (self.table.emit_stage)(self.number, &record) };
            }
        }
    }

    fn emit_session(&self, session: &KeptSession<'_>) {
        let record = mxd_uia_kept {
            revision: session.revision,
            state: mxd_view::of(&session.state),
            ..Default::default()
        };
        // SAFETY: as above.
        unsafe { (self.table.emit_session)(self.number, &record) };
        for stage in &session.completed {
            let record = mxd_uia_completed {
                r#type: view_of(Some(&stage.name)),
                identity: view_of(stage.identity.as_deref()),
                ..Default::default()
            };
            // SAFETY: as above.
            unsafe { (self.table.emit_completed)(self.number, &record) };
        }
    }

    fn emit_refusal(&self, refusal: Refusal) -> i32 {
        match refusal {
            Refusal::UnknownToken => MXD_UNKNOWN_TOKEN,
            Refusal::TokenExpired => MXD_TOKEN_EXPIRED,
            Refusal::UserLocked => MXD_USER_LOCKED,
            Refusal::Forbidden => MXD_FORBIDDEN,
            Refusal::UnknownDevice => MXD_UNKNOWN_DEVICE,
            Refusal::NotFound => MXD_NOT_FOUND,
            Refusal::LimitExceeded(wait) => self.emit_wait(wait, MXD_LIMIT_EXCEEDED),
            Refusal::Refused(reason) => self.emit_reason(reason, MXD_REFUSED),
            Refusal::BadData(reason) => self.emit_reason(reason, MXD_BAD_DATA),
            Refusal::Conflict => MXD_CONFLICT,
            Refusal::Answer(answer) => self.emit_error(&answer),
            Refusal::Unavailable(wait) => self.emit_wait(wait, MXD_UNAVAILABLE),
            Refusal::Timeout => MXD_TIMEOUT,
            Refusal::OutOfMemory => MXD_NO_MEMORY,
            Refusal::Internal(error) => {
                error!(target: "matrix_devices", asks = self.asks, "{error}");
                MXD_INTERNAL
            }
        }
    }

    fn emit_wait(&self, wait: Option<Duration>, status: i32) -> i32 {
        if let Some(wait) = wait {
            // SAFETY: a number.
            unsafe { (self.table.emit_retry_after)(self.number, whole_ms(wait)) };
        }
        status
    }

    fn emit_reason(&self, reason: Option<String>, status: i32) -> i32 {
        if reason.is_some() {
            // SAFETY: as above.
            unsafe { (self.table.emit_reason)(self.number, view_of(reason.as_deref())) };
        }
        status
    }

    fn emit_error(&self, answer: &ErrorAnswer) -> i32 {
        let record = mxd_error {
            http_status: u32::from(answer.http_status),
            retry_after_ms: answer.retry_after.map_or(-1, whole_ms),
            errcode: view_of(Some(&answer.errcode)),
            text: view_of(Some(&answer.text)),
            extra_json: view_of(Some(&answer.extra_json)),
            ..Default::default()
        };
        // SAFETY: as above.
        unsafe { (self.table.emit_error)(self.number, &record) };
        MXD_HOST_ERROR
    }
}

/// Rounded up, so that who waits so long does not come too early.
fn whole_ms(wait: Duration) -> i64 {
    i64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
}
