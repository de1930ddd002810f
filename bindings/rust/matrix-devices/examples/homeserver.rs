//! A homeserver in memory, to copy: accounts, logins, application services, and the device endpoints.
//!
//! `homeserver LIBRARY ADDRESS [CONFIG]`. CONFIG is a JSON file with `module`, the module's settings,
//! and with `services`, an array of objects: `id`, `as_token`, `sender` (a localpart), `prefix` (of
//! the localparts in its namespace), `rate_limited`. In the place of `State` put your database.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex};
use std::{env, error::Error, fs, net::SocketAddr};

use argon2::password_hash::rand_core::{OsRng, RngCore};
use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier, password_hash::SaltString};
use axum::{Json, Router, extract::State as Extract, http::HeaderMap, http::StatusCode, routing};
use matrix_devices::*;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::{net::TcpListener, runtime::Handle, sync::Semaphore, task::spawn_blocking};

static HASHERS: Semaphore = Semaphore::const_new(4); // a hash takes 19 MiB
static NOBODY: LazyLock<String> = LazyLock::new(|| hash(&random_text()));

#[derive(Clone)]
pub(crate) struct Homeserver(Arc<(Vec<Value>, Mutex<State>, MemorySessions)>);

#[derive(Default)]
struct State {
    users: HashMap<String, User>,
    tokens: HashMap<String, (String, String)>, // of which user, on which device
}

#[derive(Default)]
struct User {
    password: Option<String>,                   // its hash
    devices: BTreeMap<String, Device<'static>>, // so lists are always in the same order
}

impl Homeserver {
    pub(crate) fn new(config: &Value) -> Self {
        let (services, mut state) = (config["services"].as_array(), State::default());
        let services = services.cloned().unwrap_or_default();
        let senders = services.iter().map(|it| user_id_of(text(&it["sender"])));
        state.users = senders.map(|user_id| (user_id, User::default())).collect();
        Self(Arc::new((services, Mutex::new(state), MemorySessions::default())))
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.1.lock().expect("nobody panics under this lock"))
    }

    fn with_user<T>(&self, user_id: &str, work: impl FnOnce(&mut User) -> Result<T>) -> Result<T> {
        self.with(|state| work(state.users.get_mut(user_id).ok_or(Refusal::NotFound)?))
    }

    fn service(&self, token: &str) -> Option<&Value> {
        self.0.0.iter().find(|it| it["as_token"] == token)
    }

    /// Whose it is. A wrong password takes as long for a user who is not there.
    async fn check_password(&self, user: &str, password: &str) -> Result<String> {
        let (user_id, password) = (user_id_of(user), password.to_string());
        let kept = self.with_user(&user_id, |user| Ok(user.password.clone())).unwrap_or_default();
        let _permit = HASHERS.acquire().await?;
        let is_right = spawn_blocking(move || {
            let hash = PasswordHash::new(kept.as_ref().unwrap_or(&NOBODY)).expect("our own");
            Argon2::default().verify_password(password.as_bytes(), &hash).is_ok() && kept.is_some()
        });
        is_right.await?.then_some(user_id).ok_or(Refusal::Refused(None))
    }

    pub(crate) fn log_in(&self, user_id: String, body: &Value) -> Json<Value> {
        let device_id = body["device_id"].as_str().map_or_else(random_text, String::from);
        let name = body["initial_device_display_name"].as_str().map(String::from);
        let (token, device) = (random_text(), Device::new(device_id.clone()).named(name));
        let answer = json!({"user_id": user_id, "device_id": device_id, "access_token": token});
        self.with(|state| {
            let user = state.users.entry(user_id.clone()).or_default();
            user.devices.entry(device_id.clone()).or_insert(device);
            state.tokens.retain(|_, it| it.0 != user_id || it.1 != device_id);
            state.tokens.insert(token, (user_id, device_id));
        });
        Json(answer)
    }
}

fn hash(password: &str) -> String {
    let salt = SaltString::generate(OsRng);
    Argon2::default().hash_password(password.as_bytes(), &salt).expect("not too long").to_string()
}
fn user_id_of(name: &str) -> String {
    if name.starts_with('@') { name.into() } else { format!("@{name}:example.org") }
}
fn random_text() -> String {
    format!("{:016X}{:016X}", OsRng.next_u64(), OsRng.next_u64())
}
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

impl Host for Homeserver {
    const OFFERS: Offers = Offers { put_device: true, ..Offers::NONE };

    async fn authenticate(&self, asked: Credentials<'_>) -> Result<Principal<'_>> {
        let token = asked.access_token.reveal();
        let principal = if let Some(service) = self.service(token) {
            let sender = user_id_of(text(&service["sender"]));
            let user_id = asked.user_id.unwrap_or(&sender).to_string();
            let is_inside = user_id.starts_with(&format!("@{}", text(&service["prefix"])));
            let is_there = self.with(|state| state.users.contains_key(&user_id));
            if !is_there || !is_inside && user_id != sender {
                return Err(Refusal::Forbidden);
            }
            let unlimited = user_id == sender || service["rate_limited"] == false;
            let id = text(&service["id"]);
            let principal = Principal::new(user_id).by_token(id).of_service(id, unlimited);
            let Some(device_id) = asked.device_id else { return Ok(principal) };
            principal.on_device(device_id.to_string())
        } else {
            let found = self.with(|state| state.tokens.get(token).cloned());
            let (user_id, device_id) = found.ok_or(Refusal::UnknownToken)?;
            Principal::new(user_id).on_device(device_id)
        };
        self.with_user(&principal.user_id, |user| {
            let device = user.devices.get_mut(principal.device_id.as_deref().unwrap_or_default());
            let device = device.ok_or(Refusal::UnknownDevice)?;
            device.last_seen_ts_ms = Some(self.now_ms());
            device.last_seen_ip = Some(asked.remote_addr.to_string().into());
            Ok(())
        })?;
        Ok(principal)
    }

    async fn list_devices(&self, asked: DeviceQuery<'_>) -> Result<Vec<Device<'_>>> {
        self.with_user(asked.user_id, |user| Ok(user.devices.values().cloned().collect()))
    }

    async fn get_device(&self, asked: DeviceKey<'_>) -> Result<Device<'_>> {
        let find = |user: &mut User| user.devices.get(asked.device_id).cloned();
        self.with_user(asked.user_id, |user| find(user).ok_or(Refusal::NotFound))
    }

    async fn rename_device(&self, asked: DeviceUpdate<'_>) -> Result<()> {
        self.with_user(asked.user_id, |user| {
            let device = user.devices.get_mut(asked.device_id).ok_or(Refusal::NotFound)?;
            device.display_name = asked.display_name.map(|name| name.to_string().into());
            Ok(())
        })
    }

    async fn put_device(&self, asked: DeviceUpdate<'_>) -> Result<Put> {
        let name = asked.display_name.map(String::from);
        let new = Device::new(asked.device_id.to_string()).named(name);
        self.with_user(asked.user_id, |user| {
            let there_are = user.devices.len() as u64;
            if let Some(old) = user.devices.get_mut(asked.device_id) {
                old.display_name = new.display_name.or(old.display_name.take());
                return Ok(Put::Kept);
            }
            if asked.max_devices.is_some_and(|most| there_are >= most) {
                return Err(Refusal::LimitExceeded(None));
            }
            user.devices.insert(asked.device_id.into(), new);
            Ok(Put::Created)
        })
    }

    async fn delete_devices(&self, asked: Deletion<'_>) -> Result<()> {
        let (user_id, ids) = (asked.user_id, asked.device_ids);
        self.0.2.forget(user_id, ids);
        self.with(|state| {
            state.tokens.retain(|_, it| it.0 != user_id || !ids.contains(&it.1));
            let mut user = state.users.get_mut(user_id);
            user.iter_mut().for_each(|user| user.devices.retain(|id, _| !ids.contains(id)));
        });
        Ok(())
    }

    async fn uia_flows(&self, asked: UiaOperation<'_>) -> Result<Vec<Flow<'_>>> {
        let password = self.with_user(asked.user_id, |user| Ok(user.password.clone()))?;
        Ok(password.map(|_| Flow::of("m.login.password")).into_iter().collect())
    }

    async fn uia_check(&self, asked: UiaAttempt<'_>) -> Result<Option<Cow<'_, str>>> {
        let nobody = asked.address.map(|_| ""); // addresses are not kept here
        let (Some(user), Some(password)) = (asked.user.or(nobody), asked.password) else {
            return Err(Refusal::BadData(Some("Give a user and a password.".into())));
        };
        Ok(Some(self.check_password(user, password.reveal()).await?.into()))
    }

    async fn uia_create_session(&self, asked: NewSession<'_>) -> Result<Option<Cow<'_, str>>> {
        self.0.2.create(asked, self.now_ms())
    }
    async fn uia_load_session(&self, asked: SessionKey<'_>) -> Result<KeptSession<'_>> {
        self.0.2.load(asked, self.now_ms())
    }
    async fn uia_replace_session(&self, asked: Replacement<'_>) -> Result<()> {
        self.0.2.replace(asked)
    }
}

type Body = Json<Value>;
type Reply = Result<Body, (StatusCode, Body)>;

fn no(status: StatusCode, errcode: &str, error: &str) -> Reply {
    Err((status, Json(json!({"errcode": errcode, "error": error}))))
}
fn service_of<'a>(server: &'a Homeserver, headers: &HeaderMap) -> Option<&'a Value> {
    server.service(headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")?)
}

async fn login(server: Extract<Homeserver>, Json(body): Body) -> Reply {
    let (user, password) = (text(&body["identifier"]["user"]), text(&body["password"]));
    match server.check_password(user, password).await {
        Ok(user_id) => Ok(server.log_in(user_id, &body)),
        Err(_) => no(StatusCode::FORBIDDEN, "M_FORBIDDEN", "Wrong user name or password."),
    }
}

async fn register(server: Extract<Homeserver>, headers: HeaderMap, Json(body): Body) -> Reply {
    let name = text(&body["username"]).to_lowercase();
    let (user_id, mut user) = (user_id_of(&name), User::default());
    if body["type"] == "m.login.application_service" {
        let service = service_of(&server, &headers);
        if !service.is_some_and(|it| name.starts_with(text(&it["prefix"]))) {
            return no(StatusCode::BAD_REQUEST, "M_EXCLUSIVE", "Not in this service's namespace.");
        }
    } else if body["auth"]["type"] != "m.login.dummy" {
        let flows = json!([{"stages": ["m.login.dummy"]}]);
        let challenge = json!({"flows": flows, "params": {}, "session": random_text()});
        return Err((StatusCode::UNAUTHORIZED, Json(challenge)));
    } else {
        let password = text(&body["password"]).to_string();
        user.password = spawn_blocking(move || hash(&password)).await.ok();
    }
    let is_taken = server.with(|state| {
        let is_taken = state.users.contains_key(&user_id);
        state.users.entry(user_id.clone()).or_insert(user);
        is_taken
    });
    if is_taken {
        return no(StatusCode::BAD_REQUEST, "M_USER_IN_USE", "This name is taken. Choose another.");
    }
    if body["inhibit_login"] == true {
        return Ok(Json(json!({"user_id": user_id})));
    }
    Ok(server.log_in(user_id, &body))
}

async fn whoami(server: Extract<Homeserver>, headers: HeaderMap) -> Reply {
    match service_of(&server, &headers) {
        Some(it) => Ok(Json(json!({"user_id": user_id_of(text(&it["sender"]))}))),
        None => no(StatusCode::UNAUTHORIZED, "M_UNKNOWN_TOKEN", "No token of a service."),
    }
}

pub(crate) fn app(server: Homeserver, instance: Instance) -> Router {
    let (versions, flows) = (json!({"versions": ["v1.17"]}), json!([{"type": "m.login.password"}]));
    Router::new()
        .route("/_matrix/client/versions", routing::get(Json(versions)))
        .route("/_matrix/client/v3/login", routing::get(Json(json!({"flows": flows}))).post(login))
        .route("/_matrix/client/v3/register", routing::post(register))
        .route("/_matrix/client/v3/account/whoami", routing::get(whoami))
        .fallback(async || no(StatusCode::NOT_FOUND, "M_UNRECOGNIZED", "No such endpoint here."))
        .with_state(server)
        .merge(router(instance))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let config = arguments.get(3).map_or(Ok("{}".into()), fs::read_to_string)?;
    let config: Value = serde_json::from_str(&config)?;
    let settings = config.get("module").map(Value::to_string).unwrap_or_default();
    let server = Homeserver::new(&config);
    let instance =
        Module::load(&arguments[1])?.serve(server.clone(), &settings, Handle::current())?;
    let listener = TcpListener::bind(&arguments[2]).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = app(server, instance.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let mut stop = signal(SignalKind::terminate())?;
    axum::serve(listener, app).with_graceful_shutdown(async move { _ = stop.recv().await }).await?;
    instance.shutdown().await; // what clients left behind runs to its end
    Ok(())
}
