use std::borrow::Cow;
use std::future::{Future, ready};
use std::time::{SystemTime, UNIX_EPOCH};

use http::Extensions;

use crate::*;

/// What the module asks a homeserver. Each method may be an `async fn`.
///
/// A future is polled at once, on the thread that asks; where it is ready then, the answer costs no
/// more than a call. It must not block. It must not hold a lock when it is ready: that falls when it
/// returns.
///
/// If the request's future is dropped, a question that only reads is broken off where it waits
/// (`authenticate`, `list_devices`, `get_device`, `uia_flows`, `uia_load_session`); every other one
/// runs to its end.
///
/// A panic is caught and answered 500. `matrix_devices/module.h` says what each question asks for in
/// full; `docs/host_guide.md` tells the story.
pub trait Host: Send + Sync + 'static {
    /// Which of the optional methods this host has.
    const OFFERS: Offers = Offers::NONE;

    /// Whose token is this? Asked once a request, and first. Let guests in, and suspended accounts.
    /// Record last seen for the device acted on, without making the request wait for it.
    ///
    /// Refusals: `UnknownToken`, `TokenExpired`, `UserLocked`; for an application service
    /// `Forbidden`, `UnknownDevice`.
    fn authenticate(
        &self,
        credentials: Credentials<'_>,
    ) -> impl Future<Output = Result<Principal<'_>>> + Send;

    /// All devices of a user, in an order that stays the same: all or a failure, never a part.
    fn list_devices(
        &self,
        query: DeviceQuery<'_>,
    ) -> impl Future<Output = Result<Vec<Device<'_>>>> + Send;

    /// One device. Refusals: `NotFound`.
    fn get_device(&self, key: DeviceKey<'_>) -> impl Future<Output = Result<Device<'_>>> + Send;

    /// Set the name, which is always there; nothing else changes. Refusals: `NotFound`.
    fn rename_device(&self, update: DeviceUpdate<'_>) -> impl Future<Output = Result<()>> + Send;

    /// Delete those of these devices that the user has, in one transaction: access and refresh
    /// tokens first; the device, its keys and signatures, pushers, queued messages, and the sessions
    /// that it began. Then one change notification. Durable when it is done.
    fn delete_devices(&self, deletion: Deletion<'_>) -> impl Future<Output = Result<()>> + Send;

    /// The flows that this user could complete, in an order that stays the same; there may be none.
    fn uia_flows(
        &self,
        operation: UiaOperation<'_>,
    ) -> impl Future<Output = Result<Vec<Flow<'_>>>> + Send;

    /// Keep a new session, at revision 1, where every process sees it and a restart does not lose
    /// it. In the same transaction make room among this user's: first the expired ones go; then,
    /// while there would be more than `max_live`, the oldest that is not finished of the same device
    /// (or token), then not finished, then of all.
    ///
    /// Answer: an ID of the host's own, 1 to 255 bytes, or `None` for the proposed one.
    fn uia_create_session(
        &self,
        session: NewSession<'_>,
    ) -> impl Future<Output = Result<Option<Cow<'_, str>>>> + Send;

    /// The session of this ID, whoever's it is. Refusals: `NotFound`, also for one that has expired.
    fn uia_load_session(
        &self,
        key: SessionKey<'_>,
    ) -> impl Future<Output = Result<KeptSession<'_>>> + Send;

    /// If the session stands at this revision, put state, expiry and `finished` in the place of
    /// those that it had, and count the revision up: one atomic step, durable when it is done.
    ///
    /// Refusals: `Conflict`, if another revision stands there or the session is gone; `NotFound`, if
    /// it is gone.
    fn uia_replace_session(
        &self,
        replacement: Replacement<'_>,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Is this stage's data right, whoever's it is? Take as long for a user who is not there.
    ///
    /// Answer: the user it proves; `None` where it proves nobody (terms, a captcha). Refusals:
    /// `Refused`, `BadData`. What could not be tried is `Unavailable`, and no failure of the
    /// client's.
    fn uia_check(
        &self,
        attempt: UiaAttempt<'_>,
    ) -> impl Future<Output = Result<Option<Cow<'_, str>>>> + Send;

    /// With [`Offers::put_device`]: create or rename, for an application service. Refusals:
    /// `LimitExceeded`, if it was not there and the user has `max_devices`.
    fn put_device(&self, _update: DeviceUpdate<'_>) -> impl Future<Output = Result<Put>> + Send {
        ready(Err(not_written("put_device")))
    }

    /// With [`Offers::mark_validated`]: the user has just proved who they are. Later principals of
    /// this device (or token) say so in `validated_ms`.
    fn mark_validated(
        &self,
        _validation: Validation<'_>,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(Err(not_written("mark_validated")))
    }

    /// With [`Offers::take_limit`]: take a unit from each bucket, all or none, or give one back to
    /// each, never over its burst. Bound the memory: keys come from clients. Refusals:
    /// `LimitExceeded`, with the wait.
    fn take_limit(&self, _request: LimitRequest<'_>) -> impl Future<Output = Result<()>> + Send {
        ready(Err(not_written("take_limit")))
    }

    /// Wall clock, ms since the epoch. Not to call the module.
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        since.as_millis() as i64
    }
}

fn not_written(method: &str) -> Refusal {
    Refusal::Internal(
        format!("OFFERS has {method}, and the host has no such method: write it").into(),
    )
}

/// Which of the optional methods a [`Host`] has.
///
/// ```
/// # use matrix_devices::Offers;
/// const OFFERS: Offers = Offers { put_device: true, ..Offers::NONE };
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Offers {
    /// Without it application services can't create devices: 404.
    pub put_device: bool,
    /// Without it there is no grace period, and a configuration with one is refused.
    pub mark_validated: bool,
    /// Without it the module counts by itself, for this process.
    pub take_limit: bool,
}

impl Offers {
    /// None of them.
    pub const NONE: Self = Self { put_device: false, mark_validated: false, take_limit: false };
}

/// What a question belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub(crate) principal: Option<&'a Principal<'a>>,
    pub(crate) extensions: &'a Extensions,
}

impl<'a> Context<'a> {
    /// What `authenticate` answered in this request. `None` there, and for fallback pages, on which
    /// nobody is authenticated.
    pub fn principal(self) -> Option<&'a Principal<'a>> {
        self.principal
    }

    /// What came with the request: [`Request::extensions`].
    pub fn extensions(self) -> &'a Extensions {
        self.extensions
    }
}
