// docs: begin
use std::borrow::Cow;
use std::error::Error;

use matrix_devices::*;
use tokio::net::TcpListener;
use tokio::runtime::Handle;

/// One user, whose token is `secret`, on two devices.
#[derive(Default)]
struct Small(MemorySessions);

impl Host for Small {
    async fn authenticate(&self, asked: Credentials<'_>) -> Result<Principal<'_>> {
        match asked.access_token.reveal() {
            "secret" => Ok(Principal::new("@alice:example.org").on_device("LAPTOP")),
            _ => Err(Refusal::UnknownToken),
        }
    }
    async fn list_devices(&self, _: DeviceQuery<'_>) -> Result<Vec<Device<'_>>> {
        Ok(vec![Device::new("LAPTOP").named(Some("Alice's laptop")), Device::new("PHONE")])
    }
    async fn get_device(&self, asked: DeviceKey<'_>) -> Result<Device<'_>> {
        let all = [Device::new("LAPTOP").named(Some("Alice's laptop")), Device::new("PHONE")];
        all.into_iter().find(|it| it.device_id == asked.device_id).ok_or(Refusal::NotFound)
    }
    async fn rename_device(&self, _: DeviceUpdate<'_>) -> Result<()> {
        Err(Refusal::Unavailable(None)) // the client gets 503
    }
    async fn delete_devices(&self, _: Deletion<'_>) -> Result<()> {
        Err(Refusal::Unavailable(None))
    }
    async fn uia_flows(&self, _: UiaOperation<'_>) -> Result<Vec<Flow<'_>>> {
        Ok(vec![Flow::of("m.login.password")])
    }
    async fn uia_check(&self, asked: UiaAttempt<'_>) -> Result<Option<Cow<'_, str>>> {
        match (asked.user, asked.password.map(Secret::reveal)) {
            (Some("alice"), Some("correct horse")) => Ok(Some("@alice:example.org".into())),
            _ => Err(Refusal::Refused(None)),
        }
    }
    async fn uia_create_session(&self, asked: NewSession<'_>) -> Result<Option<Cow<'_, str>>> {
        self.0.create(asked, self.now_ms())
    }
    async fn uia_load_session(&self, asked: SessionKey<'_>) -> Result<KeptSession<'_>> {
        self.0.load(asked, self.now_ms())
    }
    async fn uia_replace_session(&self, asked: Replacement<'_>) -> Result<()> {
        self.0.replace(asked)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("give the path of libmatrix_devices.so")?;
    let instance = Module::load(path)?.serve(Small::default(), "", Handle::current())?;
    let app = axum::Router::new().merge(router(instance.clone()));
    let listener = TcpListener::bind("127.0.0.1:8008").await?;
    let stopped = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, app).with_graceful_shutdown(stopped).await?;
    instance.shutdown().await; // what clients left behind runs to its end
    Ok(())
}
// docs: end
