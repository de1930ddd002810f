//! What a host answers with. Each text is borrowed from the host, or owned: `"…".into()`,
//! `name.clone().into()`.

use std::borrow::Cow;

/// Whose token it is: the answer to [`Host::authenticate`](crate::Host::authenticate).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Principal<'a> {
    /// `@alice:example.org`, 1 to 255 bytes: the user acted as.
    pub user_id: Cow<'a, str>,
    /// At most 255 bytes. `None`: the token belongs to no device, and then `token_id` must be there.
    pub device_id: Option<Cow<'a, str>>,
    /// A lasting name of the token (a row ID, a digest), never the token; at most 255 bytes.
    pub token_id: Option<Cow<'a, str>>,
    /// Of an application service, for its token: its ID, at most 255 bytes.
    pub service_id: Option<Cow<'a, str>>,
    /// With `service_id`: exempt from limits.
    pub unlimited: bool,
    /// A guest's.
    pub guest: bool,
    /// A token from the OAuth 2.0 API.
    pub oauth: bool,
    /// What [`Host::mark_validated`](crate::Host::mark_validated) said last.
    pub validated_ms: Option<i64>,
}

impl<'a> Principal<'a> {
    /// A user, on no device.
    pub fn new(user_id: impl Into<Cow<'a, str>>) -> Self {
        Self {
            user_id: user_id.into(),
            device_id: None,
            token_id: None,
            service_id: None,
            unlimited: false,
            guest: false,
            oauth: false,
            validated_ms: None,
        }
    }

    /// The same by a token of this name; needed where there is no device.
    pub fn by_token(mut self, token_id: impl Into<Cow<'a, str>>) -> Self {
        self.token_id = Some(token_id.into());
        self
    }

    /// The same, for an application service.
    pub fn of_service(mut self, service_id: impl Into<Cow<'a, str>>, unlimited: bool) -> Self {
        self.service_id = Some(service_id.into());
        self.unlimited = unlimited;
        self
    }

    /// The same on a device.
    pub fn on_device(mut self, device_id: impl Into<Cow<'a, str>>) -> Self {
        self.device_id = Some(device_id.into());
        self
    }
}

/// A device of a user.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Device<'a> {
    /// 1 to 255 bytes.
    pub device_id: Cow<'a, str>,
    /// `None`: it has none. May be empty.
    pub display_name: Option<Cow<'a, str>>,
    /// `None`: not known.
    pub last_seen_ip: Option<Cow<'a, str>>,
    /// Ms since the epoch.
    pub last_seen_ts_ms: Option<i64>,
}

impl<'a> Device<'a> {
    /// A device of which nothing else is known.
    pub fn new(device_id: impl Into<Cow<'a, str>>) -> Self {
        Self {
            device_id: device_id.into(),
            display_name: None,
            last_seen_ip: None,
            last_seen_ts_ms: None,
        }
    }

    /// The same with a name.
    pub fn named(mut self, display_name: Option<impl Into<Cow<'a, str>>>) -> Self {
        self.display_name = display_name.map(Into::into);
        self
    }

    /// The same, last seen there and then.
    pub fn seen(mut self, ip: Option<impl Into<Cow<'a, str>>>, ts_ms: Option<i64>) -> Self {
        self.last_seen_ip = ip.map(Into::into);
        self.last_seen_ts_ms = ts_ms;
        self
    }
}

/// What [`Host::put_device`](crate::Host::put_device) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The device was not there before.
    Created,
    /// It was there, and has the name if one was to be set.
    Kept,
}

/// One way to authenticate: stages, all to be completed.
#[derive(Clone, Debug)]
pub struct Flow<'a>(pub Vec<Stage<'a>>);

impl<'a> Flow<'a> {
    /// A single stage, without parameters.
    pub fn of(stage: impl Into<Cow<'a, str>>) -> Self {
        Self(vec![Stage::new(stage)])
    }
}

/// A stage of a flow.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stage<'a> {
    /// `m.login.password`; 1 to 255 bytes.
    pub name: Cow<'a, str>,
    /// A JSON object for `params`; of one stage the first counts.
    pub params: Option<Cow<'a, str>>,
    /// For one that the Matrix specification does not name: it proves nobody's identity.
    pub proves_nobody: bool,
}

impl<'a> Stage<'a> {
    /// A stage without parameters.
    pub fn new(name: impl Into<Cow<'a, str>>) -> Self {
        Self { name: name.into(), params: None, proves_nobody: false }
    }
}

/// A session, as it was last created or replaced.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeptSession<'a> {
    /// 1 as created, one more by each replacement.
    pub revision: i64,
    /// Byte for byte.
    pub state: Cow<'a, [u8]>,
    /// Stages that were completed elsewhere than in the module (single sign-on, a link in a mail),
    /// in the order completed.
    pub completed: Vec<CompletedStage<'a>>,
}

impl<'a> KeptSession<'a> {
    /// Of a host that completes no stage elsewhere.
    pub fn new(revision: i64, state: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { revision, state: state.into(), completed: Vec::new() }
    }
}

/// A stage that was completed elsewhere.
#[derive(Clone, Debug)]
pub struct CompletedStage<'a> {
    /// The stage.
    pub name: Cow<'a, str>,
    /// The user ID that it proved.
    pub identity: Option<Cow<'a, str>>,
}
