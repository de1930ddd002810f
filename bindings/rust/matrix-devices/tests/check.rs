//! The homeserver to copy keeps the promises of a host: the checking module, over HTTP
//! (docs/host_check.md).
#![cfg(feature = "axum")]

mod double;
#[path = "../examples/homeserver.rs"]
#[allow(dead_code)] // its main
mod homeserver;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use double::library;
use homeserver::Homeserver;
use matrix_devices::*;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

/// What a homeserver with passwords alone, in one process, is not asked.
const NOT_TRIED: [&str; 20] = [
    "authenticate.expired",
    "authenticate.guest",
    "authenticate.locked",
    "authenticate.replaced",
    "list_devices.after_restart",
    "mark_validated.kept",
    "take_limit.all_or_none",
    "take_limit.at_once",
    "take_limit.by_name_and_key",
    "take_limit.gives_back",
    "take_limit.never_over_burst",
    "take_limit.refills",
    "take_limit.retry_after",
    "take_limit.takes",
    "uia_check.email",
    "uia_check.phone",
    "uia_check.stages",
    "uia_load_session.after_restart",
    "uia_load_session.elsewhere",
    "uia_replace_session.elsewhere",
];

async fn listen(app: axum::Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
    address
}

async fn post(address: SocketAddr, path: &str, token: &str, body: Value) -> Value {
    let body = body.to_string();
    let head = format!(
        "POST /_matrix/client/v3/{path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// A user with a device, and three to spare.
async fn user(address: SocketAddr, name: &str) -> Value {
    let password = format!("password of {name}");
    let account = json!({"username": name, "password": password, "inhibit_login": true,
        "auth": {"type": "m.login.dummy"}});
    post(address, "register", "", account).await;
    let mut devices = Vec::new();
    for number in 0..4 {
        let login = json!({"type": "m.login.password", "password": password,
            "identifier": {"type": "m.id.user", "user": name},
            "device_id": format!("{name}_{number}"), "initial_device_display_name": "first name"});
        let login = post(address, "login", "", login).await;
        devices.push(json!({"device_id": login["device_id"], "token": login["access_token"]}));
    }
    json!({"user_id": format!("@{name}:example.org"), "password": password,
        "device_id": devices[0]["device_id"], "token": devices[0]["token"],
        "spares": devices[1..]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_homeserver_to_copy_keeps_its_promises() {
    let service = json!({"id": "bridge", "as_token": "token of the bridge", "sender": "bridge",
        "prefix": "_bridge_", "rate_limited": true});
    let server = Homeserver::new(&json!({"services": [service]}));
    let real = double::module().serve(server.clone(), "", Handle::current()).unwrap();
    let address = listen(homeserver::app(server.clone(), real)).await;
    let inside = json!({"type": "m.login.application_service", "username": "_bridge_inside",
        "inhibit_login": true});
    post(address, "register", "token of the bridge", inside).await;
    let users = [user(address, "alice").await, user(address, "bob").await];

    let config = json!({"check": {"disposable": true, "parallel": 32, "users": users,
        "service": {"token": "token of the bridge", "inside": "@_bridge_inside:example.org",
            "outside": "@alice:example.org", "unregistered": "@_bridge_nobody:example.org"}}});
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("check.json");
    fs::write(&file, config.to_string()).unwrap();
    let path = library("MXD_CHECK_LIBRARY", "libmatrix_devices_check.so");
    let checking = Module::load(path).expect("MXD_CHECK_LIBRARY names the checking module");
    let instance = checking.serve(server.clone(), &config.to_string(), Handle::current()).unwrap();
    let address = listen(homeserver::app(server, instance)).await;

    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../abi/check/run.py");
    let mut check = Command::new("python3");
    check.args(["-B".as_ref(), program.as_os_str(), "--json".as_ref(), "--config".as_ref()]);
    check.arg(file).arg(format!("http://{address}"));
    let done = tokio::task::spawn_blocking(move || check.output()).await.unwrap().unwrap();
    let promises: Vec<Value> = serde_json::from_slice(&done.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&done.stderr)));
    let with = |outcome: &str| promises.iter().filter(|it| it["outcome"] == outcome).collect();
    let broken: Vec<&Value> = with("broken");
    assert!(broken.is_empty(), "{broken:#?}");
    let not_tried: Vec<&Value> = with("not tried");
    let not_tried: BTreeSet<_> = not_tried.iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(not_tried, BTreeSet::from(NOT_TRIED));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    println!("{} promises held", promises.len() - NOT_TRIED.len());
}
