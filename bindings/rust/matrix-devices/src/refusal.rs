use std::error::Error;
use std::time::Duration;

/// What a host's method returns: its answer, or why there is none.
pub type Result<T, E = Refusal> = std::result::Result<T, E>;

/// Why a question is not answered. The first ones belong to certain questions, which list them;
/// those from [`Answer`](Self::Answer) on to all.
///
/// Every error becomes [`Internal`](Self::Internal) by `?`: the client gets a 500, the log its text.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// Nobody's token, or its device is gone.
    UnknownToken,
    /// The token has expired or was replaced, and its device is there.
    TokenExpired,
    /// The account is locked.
    UserLocked,
    /// Not a user of that application service.
    Forbidden,
    /// The application service's `device_id` is not the user's.
    UnknownDevice,
    /// No such device, no such session.
    NotFound,
    /// There are `max_devices`; or a bucket is empty, and a unit is back after so long.
    LimitExceeded(Option<Duration>),
    /// The credentials are wrong; perhaps a text for the client that says so.
    Refused(Option<String>),
    /// A field of the credentials is missing or of a wrong type; perhaps a text that says which.
    BadData(Option<String>),
    /// Another revision stands there, or none.
    Conflict,
    /// This answer of the host's own.
    Answer(Box<ErrorAnswer>),
    /// Not to be had now, but perhaps after so long: 503.
    Unavailable(Option<Duration>),
    /// The host gave up waiting: 504.
    Timeout,
    /// Out of memory: 503.
    OutOfMemory,
    /// 500. Logged, and not shown to the client.
    Internal(Box<dyn Error + Send + Sync>),
}

/// An answer of the host's own in the place of the module's.
#[derive(Clone, Debug)]
pub struct ErrorAnswer {
    /// 400 to 599; from `uia_…` not 401.
    pub http_status: u16,
    /// `M_…`, 1 to 255 bytes.
    pub errcode: String,
    /// For a client developer: what to do next; no secrets.
    pub text: String,
    /// For `Retry-After`.
    pub retry_after: Option<Duration>,
    /// A JSON object whose members are added, or empty.
    pub extra_json: String,
}

impl<E: Error + Send + Sync + 'static> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Internal(Box::new(error))
    }
}

impl From<ErrorAnswer> for Refusal {
    fn from(answer: ErrorAnswer) -> Self {
        Self::Answer(Box::new(answer))
    }
}
