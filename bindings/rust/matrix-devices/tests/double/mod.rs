//! A host of which a test says how it answers each question, and hears what was asked.
#![allow(dead_code)] // no test needs all of it

use std::borrow::Cow;
use std::collections::HashMap;
use std::env;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use matrix_devices::*;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

pub const DEVICES: &str = "/_matrix/client/v3/devices";
pub const LAPTOP: &str = "/_matrix/client/v3/devices/LAPTOP";
pub const DELETE_DEVICES: &str = "/_matrix/client/v3/delete_devices";

/// What a busy machine, or Valgrind, may take for what is to come about.
pub const PATIENCE: Duration = Duration::from_secs(60);

async fn comes_about(condition: impl Fn() -> bool) -> bool {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.is_ok()
}

/// The library that the environment names, or that of the build tree.
pub fn library(variable: &str, name: &str) -> PathBuf {
    let built = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../build/release/out");
    env::var_os(variable).map_or_else(|| built.join(name), PathBuf::from)
}

pub fn module() -> Module {
    let path = library("MXD_MODULE", "libmatrix_devices.so");
    Module::load(path).expect("MXD_MODULE names the module, or it is in build/release/out")
}

pub enum Step {
    /// Waits until the test gives a permit.
    Wait,
    /// Is refused, once.
    Refuse(Refusal),
    /// Asks for the list itself, first.
    AskInside(Instance),
    /// Panics before there is a future, or in it.
    PanicAtOnce,
    PanicLater,
}

#[derive(Clone, Default)]
pub struct Double(Arc<Script>);

#[derive(Default)]
struct Script {
    steps: Mutex<HashMap<&'static str, Step>>,
    said: Mutex<Vec<String>>,
    permits: Permits,
    is_slow: bool,
    sessions: MemorySessions,
}

struct Permits(Semaphore);
impl Default for Permits {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

/// Says that a question was broken off, unless it got to its end.
struct Watch<'a>(&'a Double, &'static str, bool);
impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.2 {
            self.0.say(format!("{} broken off", self.1));
        }
    }
}

impl Double {
    pub fn with(steps: impl IntoIterator<Item = (&'static str, Step)>) -> Self {
        let double = Self::default();
        double.0.steps.lock().unwrap().extend(steps);
        double
    }

    /// Every question takes a millisecond.
    pub fn slow() -> Self {
        Self(Arc::new(Script { is_slow: true, ..Script::default() }))
    }

    /// How the next question of this name is answered.
    pub fn script(&self, name: &'static str, step: Step) {
        self.0.steps.lock().unwrap().insert(name, step);
    }

    /// One question that waits goes on.
    pub fn permit(&self) {
        self.0.permits.0.add_permits(1);
    }

    fn say(&self, what: String) {
        self.0.said.lock().unwrap().push(what);
    }

    pub fn said(&self) -> Vec<String> {
        self.0.said.lock().unwrap().clone()
    }

    /// Waits until this was said.
    pub async fn says(&self, what: &str) {
        if !comes_about(|| self.said().iter().any(|said| said == what)).await {
            panic!("expected {what:?}, got {:?}", self.said());
        }
    }

    fn owners(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// Waits until nobody but the test has this host any more.
    pub async fn is_let_go(&self) {
        if !comes_about(|| self.owners() == 1).await {
            panic!("expected that the host is dropped, got {} owners", self.owners());
        }
    }

    fn ask(&self, name: &'static str) -> impl Future<Output = Result<()>> + Send {
        self.say(name.to_string());
        let step = self.0.steps.lock().unwrap().remove(name);
        if matches!(step, Some(Step::PanicAtOnce)) {
            panic!("at once, in {name}");
        }
        async move {
            let mut watch = Watch(self, name, false);
            if matches!(step, Some(Step::Wait)) {
                self.0.permits.0.acquire().await?.forget();
            }
            if self.0.is_slow {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            if let Some(Step::AskInside(instance)) = &step {
                assert_eq!(read(ask(instance, "GET", DEVICES, "").await).0, 200);
            }
            watch.2 = true;
            match step {
                Some(Step::Refuse(refusal)) => Err(refusal),
                Some(Step::PanicLater) => panic!("later, in {name}"),
                _ => Ok(()),
            }
        }
    }
}

impl Host for Double {
    const OFFERS: Offers = Offers { put_device: true, mark_validated: true, take_limit: true };

    async fn authenticate(&self, asked: Credentials<'_>) -> Result<Principal<'_>> {
        self.ask("authenticate").await?;
        match asked.access_token.reveal() {
            "secret" => Ok(Principal::new("@alice:example.org").on_device("LAPTOP")),
            "bridge" => {
                let user_id = asked.user_id.unwrap_or("@bridge:example.org").to_string();
                Ok(Principal::new(user_id).by_token("bridge").of_service("bridge", true))
            }
            _ => Err(Refusal::UnknownToken),
        }
    }
    fn list_devices(
        &self,
        asked: DeviceQuery<'_>,
    ) -> impl Future<Output = Result<Vec<Device<'_>>>> + Send {
        let asking = self.ask("list_devices"); // without an async fn, so that it can panic at once
        async move {
            asking.await?;
            let by = asked.context.principal().expect("authenticated").user_id.to_string();
            let phone = Device::new("PHONE").seen(Some("192.0.2.7"), Some(1_000));
            Ok(vec![Device::new("LAPTOP").named(Some(by)), phone])
        }
    }
    async fn get_device(&self, asked: DeviceKey<'_>) -> Result<Device<'_>> {
        self.ask("get_device").await?;
        if asked.device_id == "NEW" {
            return Err(Refusal::NotFound);
        }
        Ok(Device::new(asked.device_id.to_string()))
    }
    async fn rename_device(&self, asked: DeviceUpdate<'_>) -> Result<()> {
        self.ask("rename_device").await?;
        self.say(format!("named {}", asked.display_name.unwrap_or("nothing")));
        Ok(())
    }
    async fn delete_devices(&self, asked: Deletion<'_>) -> Result<()> {
        self.ask("delete_devices").await?;
        self.say(format!("deleted {:?}", asked.device_ids));
        Ok(())
    }
    async fn uia_flows(&self, _asked: UiaOperation<'_>) -> Result<Vec<Flow<'_>>> {
        self.ask("uia_flows").await?;
        Ok(vec![Flow::of("m.login.password")])
    }
    async fn uia_create_session(&self, asked: NewSession<'_>) -> Result<Option<Cow<'_, str>>> {
        self.ask("uia_create_session").await?;
        self.0.sessions.create(asked, self.now_ms())
    }
    async fn uia_load_session(&self, asked: SessionKey<'_>) -> Result<KeptSession<'_>> {
        self.ask("uia_load_session").await?;
        self.0.sessions.load(asked, self.now_ms())
    }
    async fn uia_replace_session(&self, asked: Replacement<'_>) -> Result<()> {
        self.ask("uia_replace_session").await?;
        self.0.sessions.replace(asked)
    }
    async fn uia_check(&self, asked: UiaAttempt<'_>) -> Result<Option<Cow<'_, str>>> {
        self.ask("uia_check").await?;
        match asked.password.map(Secret::reveal) {
            Some("right") => Ok(Some("@alice:example.org".into())),
            Some(_) => Err(Refusal::Refused(Some("Not that one.".to_string()))),
            None => Err(Refusal::BadData(None)),
        }
    }
    async fn put_device(&self, asked: DeviceUpdate<'_>) -> Result<Put> {
        self.ask("put_device").await?;
        Ok(if asked.device_id == "NEW" { Put::Created } else { Put::Kept })
    }
    async fn mark_validated(&self, asked: Validation<'_>) -> Result<()> {
        self.ask("mark_validated").await?;
        self.say(format!("validated {}", asked.user_id));
        Ok(())
    }
    async fn take_limit(&self, asked: LimitRequest<'_>) -> Result<()> {
        self.ask("take_limit").await?;
        let names: Vec<_> = asked.limits.iter().map(|limit| limit.name).collect();
        self.say(format!("{} of {}", asked.units, names.join(" ")));
        Ok(())
    }
}

/// An instance whose rests go on in the test's runtime.
pub fn serve(double: &Double) -> Instance {
    module().serve(double.clone(), "", Handle::current()).expect("the table is whole")
}

/// Alice's header.
pub fn authorized(token: &str) -> HeaderMap {
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    HeaderMap::from_iter([(http::header::AUTHORIZATION, value)])
}

pub fn ask(instance: &Instance, method: &str, target: &str, body: &str) -> Handling {
    let headers = authorized("secret");
    instance.handle(Request::new(method, target, &headers).body(body.as_bytes()))
}

/// Status and body.
pub fn read(answer: Result<Response<Bytes>, NotHandled>) -> (u16, String) {
    let answer = answer.expect("the module answers");
    (answer.status().as_u16(), String::from_utf8(answer.body().to_vec()).unwrap())
}

/// With Alice's password, in a session that is made for it.
pub const RIGHT: &str = r#""auth": {"type": "m.login.password", "password": "right",
    "identifier": {"type": "m.id.user", "user": "alice"}}"#;
