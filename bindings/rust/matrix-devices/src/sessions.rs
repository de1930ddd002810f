use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard};

use crate::{DeviceIds, KeptSession, NewSession, Refusal, Replacement, Result, SessionKey};

/// Sessions of User-Interactive Authentication, in memory: for tests, and for a homeserver of one
/// process whose users don't mind to begin again after a restart. Others keep them in their
/// database.
///
/// Four of a host's methods hand on to it; their names and answers are the same.
#[derive(Default)]
pub struct MemorySessions(Mutex<Vec<Session>>); // in the order of creation

struct Session {
    id: String,
    user_id: String,
    device_id: Option<String>,
    token_id: String,
    expires_ms: i64,
    finished: bool,
    kept: KeptSession<'static>,
}

impl MemorySessions {
    /// For [`Host::uia_create_session`](crate::Host::uia_create_session). `now_ms` is the host's.
    pub fn create(&self, asked: NewSession<'_>, now_ms: i64) -> Result<Option<Cow<'static, str>>> {
        let new = Session {
            id: asked.proposed_id.reveal().into(),
            user_id: asked.user_id.into(),
            device_id: asked.device_id.map(Into::into),
            token_id: asked.token_id.into(),
            expires_ms: asked.expires_ms,
            finished: false,
            kept: KeptSession::new(1, asked.state.to_vec()),
        };
        let mut all = self.all();
        all.retain(|it| it.user_id != new.user_id || it.expires_ms > now_ms);
        let is_begun_elsewhere = |it: &Session| match &new.device_id {
            Some(_) => it.device_id != new.device_id,
            None => it.device_id.is_some() || it.token_id != new.token_id,
        };
        loop {
            let theirs = (0..all.len()).filter(|at| all[*at].user_id == new.user_id);
            if theirs.clone().count() < asked.max_live as usize {
                break;
            }
            let rank = |at: &usize| {
                (all[*at].finished, !all[*at].finished && is_begun_elsewhere(&all[*at]))
            };
            let Some(next) = theirs.min_by_key(rank) else { break };
            all.remove(next);
        }
        all.push(new);
        Ok(None)
    }

    /// For [`Host::uia_load_session`](crate::Host::uia_load_session).
    pub fn load(&self, asked: SessionKey<'_>, now_ms: i64) -> Result<KeptSession<'static>> {
        let all = self.all();
        let found = all.iter().find(|it| it.id == asked.session_id.reveal());
        let found = found.filter(|it| it.expires_ms > now_ms).ok_or(Refusal::NotFound)?;
        Ok(found.kept.clone())
    }

    /// For [`Host::uia_replace_session`](crate::Host::uia_replace_session).
    pub fn replace(&self, asked: Replacement<'_>) -> Result<()> {
        let mut all = self.all();
        let found = all.iter_mut().find(|it| it.id == asked.session_id.reveal());
        let it = found.ok_or(Refusal::NotFound)?;
        if it.kept.revision != asked.revision {
            return Err(Refusal::Conflict);
        }
        (it.expires_ms, it.finished) = (asked.expires_ms, asked.finished);
        it.kept = KeptSession::new(asked.revision + 1, asked.state.to_vec());
        Ok(())
    }

    /// For [`Host::delete_devices`](crate::Host::delete_devices): those that they began.
    pub fn forget(&self, user_id: &str, device_ids: DeviceIds<'_>) {
        let is_gone = |it: &Session| {
            let begun_with = it.device_id.as_deref();
            it.user_id == user_id && device_ids.iter().any(|id| begun_with == Some(id))
        };
        self.all().retain(|it| !is_gone(it));
    }

    fn all(&self) -> MutexGuard<'_, Vec<Session>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
