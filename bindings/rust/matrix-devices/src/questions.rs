//! What the module passes with its questions. Everything is borrowed from the module and good until
//! the question is answered: nothing has to be copied for an answer that takes its time.
//!
//! Text is UTF-8 without U+0000.

use matrix_devices_sys::*;

use crate::views::{bytes, records, text, text_if, text_unless_empty};
use crate::{Context, DeviceIds, Limits, Secret};

/// With [`Host::authenticate`](crate::Host::authenticate).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Credentials<'a> {
    /// Who asks, and in which request.
    pub context: Context<'a>,
    /// 1 byte to 4 KiB.
    pub access_token: Secret<'a>,
    /// Whom an application service wants to act as; pass it over for others.
    pub user_id: Option<&'a str>,
    /// And on which of that user's devices; pass it over for others.
    pub device_id: Option<&'a str>,
    /// For last seen; empty where it is not known.
    pub remote_addr: &'a str,
}

/// With [`Host::list_devices`](crate::Host::list_devices).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DeviceQuery<'a> {
    /// Who asks, and in which request.
    pub context: Context<'a>,
    /// Here and below: the principal's.
    pub user_id: &'a str,
}

/// With [`Host::get_device`](crate::Host::get_device).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DeviceKey<'a> {
    /// Who asks, and in which request.
    pub context: Context<'a>,
    /// Whose.
    pub user_id: &'a str,
    /// Here and below: 1 to 255 bytes.
    pub device_id: &'a str,
}

/// With [`Host::rename_device`](crate::Host::rename_device) and
/// [`Host::put_device`](crate::Host::put_device).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DeviceUpdate<'a> {
    /// Who asks, and in which request.
    pub context: Context<'a>,
    /// Whose.
    pub user_id: &'a str,
    /// Which.
    pub device_id: &'a str,
    /// The new name, which may be empty. `None`: it stays as it is, and a new device has none.
    pub display_name: Option<&'a str>,
    /// For `put_device`: create only below this many. `None`: no cap.
    pub max_devices: Option<u64>,
}

/// With [`Host::delete_devices`](crate::Host::delete_devices).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Deletion<'a> {
    /// Who asks, and in which request.
    pub context: Context<'a>,
    /// Whose.
    pub user_id: &'a str,
    /// Distinct, in bytewise order; there may be none.
    pub device_ids: DeviceIds<'a>,
}

/// With [`Host::uia_flows`](crate::Host::uia_flows): what is to be authenticated for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct UiaOperation<'a> {
    /// Who asks, and in which request.
    pub context: Context<'a>,
    /// Who asks.
    pub user_id: &'a str,
    /// The device of the token.
    pub device_id: Option<&'a str>,
    /// `"DELETE"`, `"POST"`.
    pub method: &'a str,
    /// `"/devices/{deviceId}"`, `"/delete_devices"`.
    pub endpoint: &'a str,
}

/// With [`Host::uia_create_session`](crate::Host::uia_create_session): a new session, to be kept.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NewSession<'a> {
    /// Who asks, and in which request.
    pub context: Context<'a>,
    /// 43 of `[A-Za-z0-9_-]`, 256 random bits.
    pub proposed_id: Secret<'a>,
    /// Ms since the epoch.
    pub expires_ms: i64,
    /// How many sessions the user may have with this one, at least 1.
    pub max_live: u32,
    /// Who began it.
    pub user_id: &'a str,
    /// With which device.
    pub device_id: Option<&'a str>,
    /// Or, where there is no device, with which token.
    pub token_id: &'a str,
    /// 1 byte to 256 KiB: keep it byte for byte, and don't look into it.
    pub state: &'a [u8],
    /// For pages of the host's own, as what follows: the module does not ask for them again.
    pub method: &'a str,
    /// `"/delete_devices"`.
    pub endpoint: &'a str,
    /// As it came, in origin form, without the access token.
    pub target: &'a str,
    /// `"Sign out 3 devices"`.
    pub description: &'a str,
}

/// With [`Host::uia_load_session`](crate::Host::uia_load_session).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SessionKey<'a> {
    /// Who asks, and in which request.
    pub context: Context<'a>,
    /// From a client: 1 to 255 bytes.
    pub session_id: Secret<'a>,
}

/// With [`Host::uia_replace_session`](crate::Host::uia_replace_session).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Replacement<'a> {
    /// Who asks, and in which request.
    pub context: Context<'a>,
    /// Which.
    pub session_id: Secret<'a>,
    /// Whose, for a host that keeps them by user.
    pub user_id: &'a str,
    /// The one that it takes the place of; afterwards it is one more.
    pub revision: i64,
    /// From now on, ms since the epoch.
    pub expires_ms: i64,
    /// Evicted after all that are not.
    pub finished: bool,
    /// Byte for byte.
    pub state: &'a [u8],
}

/// With [`Host::uia_check`](crate::Host::uia_check). What stands behind `remote_addr` is for
/// `m.login.password`, as far as the client gave it; other stages read `auth_json`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct UiaAttempt<'a> {
    /// Who asks, and in which request.
    pub context: Context<'a>,
    /// Who asks; never compare the credentials with it.
    pub user_id: &'a str,
    /// The device of the token.
    pub device_id: Option<&'a str>,
    /// Of which session.
    pub session_id: Secret<'a>,
    /// One that `uia_flows` offered and that is due.
    pub stage: &'a str,
    /// Of the client; empty where it is not known.
    pub remote_addr: &'a str,
    /// As the client wrote it: `alice`, `@alice:example.org`.
    pub user: Option<&'a str>,
    /// A third-party identifier in its place.
    pub address: Option<Address<'a>>,
    /// What is to be checked.
    pub password: Option<Secret<'a>>,
    /// The client's object, without the members that are null.
    pub auth_json: Secret<'a>,
}

/// A third-party identifier, as the client wrote it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Address<'a> {
    /// `"email"`, `"msisdn"`.
    pub medium: &'a str,
    /// With `country` a number as it is dialled there.
    pub address: &'a str,
    /// ISO 3166-1 alpha-2.
    pub country: Option<&'a str>,
}

/// With [`Host::mark_validated`](crate::Host::mark_validated).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Validation<'a> {
    /// Who asks, and in which request.
    pub context: Context<'a>,
    /// Whose.
    pub user_id: &'a str,
    /// Keep it with the device,
    pub device_id: Option<&'a str>,
    /// or with the token where there is none.
    pub token_id: &'a str,
    /// Now, ms since the epoch.
    pub validated_ms: i64,
}

/// With [`Host::take_limit`](crate::Host::take_limit).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LimitRequest<'a> {
    /// Who asks, and in which request.
    pub context: Context<'a>,
    /// 1: take one from each bucket; -1: give one back.
    pub units: i32,
    /// 1 to 4.
    pub limits: Limits<'a>,
}

/// What a callback gets, as the host's method does.
pub(crate) trait Question<'a>: Sized {
    type Record: 'a;

    /// # Safety
    /// The record is one that the module passes, and good for `'a`.
    unsafe fn read(record: &'a Self::Record, context: Context<'a>) -> Self;
}

macro_rules! questions {
    ($($question:ident from $record:ident as $it:ident { $($fields:tt)* })*) => {$(
        impl<'a> Question<'a> for $question<'a> {
            type Record = $record;

            unsafe fn read($it: &'a $record, context: Context<'a>) -> Self {
                // SAFETY: the texts are good for as long as the record.
                unsafe { $question { context, $($fields)* } }
            }
        }
    )*};
}
questions! {
    Credentials from mxd_credentials as it {
        access_token: Secret::new(text(it.access_token)),
        user_id: text_if(it.flags & MXD_CREDENTIALS_HAS_USER_ID, it.user_id),
        device_id: text_if(it.flags & MXD_CREDENTIALS_HAS_DEVICE_ID, it.device_id),
        remote_addr: text(it.remote_addr),
    }
    DeviceQuery from mxd_device_query as it {
        user_id: text(it.user_id),
    }
    DeviceKey from mxd_device_key as it {
        user_id: text(it.user_id),
        device_id: text(it.device_id),
    }
    DeviceUpdate from mxd_device_update as it {
        user_id: text(it.user_id),
        device_id: text(it.device_id),
        display_name: text_if(it.flags & MXD_UPDATE_SET_DISPLAY_NAME, it.display_name),
        max_devices: u64::try_from(it.max_devices).ok().filter(|most| *most > 0),
    }
    Deletion from mxd_deletion as it {
        user_id: text(it.user_id),
        device_ids: DeviceIds::new(records(it.device_ids, it.device_id_count)),
    }
    UiaOperation from mxd_uia_operation as it {
        user_id: text(it.user_id),
        device_id: text_unless_empty(it.device_id),
        method: text(it.method),
        endpoint: text(it.endpoint),
    }
    NewSession from mxd_uia_session as it {
        proposed_id: Secret::new(text(it.proposed_id)),
        expires_ms: it.expires_ms,
        max_live: it.max_live,
        user_id: text(it.user_id),
        device_id: text_unless_empty(it.device_id),
        token_id: text(it.token_id),
        state: bytes(it.state),
        method: text(it.method),
        endpoint: text(it.endpoint),
        target: text(it.target),
        description: text(it.description),
    }
    SessionKey from mxd_uia_session_key as it {
        session_id: Secret::new(text(it.session_id)),
    }
    Replacement from mxd_uia_replacement as it {
        session_id: Secret::new(text(it.session_id)),
        user_id: text(it.user_id),
        revision: it.revision,
        expires_ms: it.expires_ms,
        finished: it.flags & MXD_UIA_FINISHED != 0,
        state: bytes(it.state),
    }
    UiaAttempt from mxd_uia_attempt as it {
        user_id: text(it.user_id),
        device_id: text_unless_empty(it.device_id),
        session_id: Secret::new(text(it.session_id)),
        stage: text(it.r#type),
        remote_addr: text(it.remote_addr),
        user: text_if(it.flags & MXD_ATTEMPT_HAS_USER, it.user),
        address: (it.flags & MXD_ATTEMPT_HAS_THIRDPARTY != 0).then(|| Address {
            medium: text(it.medium),
            address: text(it.address),
            country: text_if(it.flags & MXD_ATTEMPT_HAS_COUNTRY, it.country),
        }),
        password: text_if(it.flags & MXD_ATTEMPT_HAS_PASSWORD, it.password).map(Secret::new),
        auth_json: Secret::new(text(it.auth_json)),
    }
    Validation from mxd_validation as it {
        user_id: text(it.user_id),
        device_id: text_unless_empty(it.device_id),
        token_id: text(it.token_id),
        validated_ms: it.validated_ms,
    }
    LimitRequest from mxd_limit_request as it {
        units: it.units,
        limits: Limits::new(records(it.limits, it.limit_count)),
    }
}
