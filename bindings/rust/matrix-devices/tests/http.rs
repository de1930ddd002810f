//! Over HTTP: the layer, the router, clients that hang up, and an end under load.
#![cfg(feature = "axum")]

mod double;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use double::*;
use matrix_devices::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Serves until told to stop; where, how to tell it, and what to wait for then.
async fn listen(app: Router) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, app).with_graceful_shutdown(async { _ = stopped.await });
    (address, stop, tokio::spawn(async { serving.await.unwrap() }))
}

/// The whole answer to a request on a connection of its own; empty where there is none.
async fn send(address: SocketAddr, head: &str, body: &[u8]) -> String {
    let length = body.len();
    let head =
        format!("{head}\r\nHost: test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    let mut answer = Vec::new();
    if let Ok(mut stream) = TcpStream::connect(address).await {
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(body).await; // it may be answered before all of it has come
        let _ = stream.read_to_end(&mut answer).await;
    }
    String::from_utf8_lossy(&answer).to_lowercase()
}

const LIST: &str = "GET /_matrix/client/v3/devices HTTP/1.1\r\nAuthorization: Bearer secret";
const HEAD: &str = "HEAD /_matrix/client/v3/devices HTTP/1.1\r\nAuthorization: Bearer secret";
const SYNC: &str = "GET /_matrix/client/v3/sync HTTP/1.1";
const PUT: &str = "PUT /_matrix/client/v3/devices/LAPTOP HTTP/1.1\r\nAuthorization: Bearer secret";

#[tokio::test]
async fn the_router_takes_what_is_the_modules() {
    let app = Router::new()
        .route("/_matrix/client/v3/sync", get(async || "of the homeserver"))
        .merge(router(serve(&Double::default())));
    let (address, _stop, _) = listen(app).await;
    let list = send(address, LIST, b"").await;
    assert!(list.starts_with("http/1.1 200") && list.contains("192.0.2.7"), "{list}");
    let head = send(address, HEAD, b"").await;
    let length = list.rsplit("\r\n\r\n").next().unwrap().len();
    assert!(head.contains(&format!("content-length: {length}")), "{head}");
    assert!(head.ends_with("\r\n\r\n"), "{head}");
    assert!(send(address, SYNC, b"").await.ends_with("of the homeserver"));
    let other = "PATCH /_matrix/client/v3/devices HTTP/1.1";
    assert!(send(address, other, b"").await.starts_with("http/1.1 405"));
    let encoded = LIST.replace("devices", "devices/a%2Fb");
    let one = send(address, &encoded, b"").await;
    assert!(one.contains(r#""device_id":"a/b""#), "{one}");
}

#[tokio::test]
async fn the_layer_passes_on_what_is_not() {
    let app = Router::new().fallback(async || "of the homeserver");
    let layer = DevicesLayer::new(serve(&Double::default()));
    let (address, _stop, _) = listen(Router::new().fallback_service(tower_layer(layer, app))).await;
    assert!(send(address, LIST, b"").await.starts_with("http/1.1 200"));
    assert!(send(address, SYNC, b"").await.ends_with("of the homeserver"));
}

fn tower_layer<S>(layer: DevicesLayer, inner: S) -> Devices<S> {
    tower_layer::Layer::layer(&layer, inner)
}

#[tokio::test]
async fn a_body_is_read_up_to_the_limit() {
    let (address, _stop, _) = listen(router(serve(&Double::default()))).await;
    let name = |size| format!(r#"{{"display_name": "x", "pad": "{}"}}"#, "x".repeat(size));
    let fits = send(address, PUT, name(1 << 19).as_bytes()).await;
    assert!(fits.starts_with("http/1.1 200"), "{fits}");
    let too_large = send(address, PUT, name(1 << 20).as_bytes()).await;
    assert!(too_large.starts_with("http/1.1 413"), "{too_large}");
}

#[tokio::test]
async fn after_the_end_it_is_503() {
    let instance = serve(&Double::default());
    let (address, _stop, _) = listen(router(instance.clone())).await;
    instance.shutdown().await;
    let answer = send(address, LIST, b"").await;
    assert!(answer.starts_with("http/1.1 503") && answer.contains("retry-after: 1"), "{answer}");
}

/// Clients that ask, that hang up in the middle, and that begin deletions; then the end, while they
/// go on. Everyone who waits gets an answer, and nothing is left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_hang_up_and_the_end_comes_under_load() {
    const CLIENTS: usize = 48;
    let double = Double::slow();
    let config = r#"{"uia": {"max_sessions_per_user": 1000}}"#; // all clients are one user
    let instance = module().serve(double.clone(), config, Handle::current()).unwrap();
    let (address, stop, serving) = listen(router(instance.clone())).await;
    let (answered, hung_up) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (answered, hung_up) = (answered.clone(), hung_up.clone());
            tokio::spawn(async move {
                let deletion = format!(r#"{{"devices": ["PHONE"], {RIGHT}}}"#);
                let post = LIST.replace("GET", "POST").replace("devices", "delete_devices");
                for round in number.. {
                    let (head, body) = match round % 3 {
                        0 => (post.as_str(), deletion.as_bytes()),
                        _ => (LIST, &b""[..]),
                    };
                    let asking = send(address, head, body);
                    let patience = Duration::from_micros(300 * (round % 9) as u64);
                    if round % 2 == 0 && timeout(patience, asking).await.is_err() {
                        hung_up.fetch_add(1, Ordering::Relaxed);
                    } else if round % 2 == 1 {
                        let answer = send(address, head, body).await;
                        match answer.get(9..12) {
                            Some("200" | "429" | "503") => answered.fetch_add(1, Ordering::Relaxed),
                            Some(_) => panic!("{answer}"),
                            None => return, // the server is gone
                        };
                    }
                }
            })
        })
        .collect();
    let enough = async {
        while answered.load(Ordering::Relaxed) < 500 || hung_up.load(Ordering::Relaxed) < 300 {
            assert!(!clients.iter().any(tokio::task::JoinHandle::is_finished), "a client failed");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, enough).await.expect("clients are answered, and hang up");
    stop.send(()).unwrap();
    let end = async {
        serving.await.unwrap();
        instance.shutdown().await;
        for client in clients {
            client.await.unwrap();
        }
    };
    timeout(PATIENCE, end).await.expect("everything comes to its end");
    drop(instance);
    double.is_let_go().await;
    let said = double.said();
    assert!(said.iter().any(|said| said.ends_with("broken off")), "nobody hung up in the middle");
    let begun = said.iter().filter(|said| *said == "delete_devices").count();
    let ended = said.iter().filter(|said| said.starts_with("deleted")).count();
    assert_eq!(begun, ended, "a deletion was broken off");
    assert!(begun > 0, "no deletion got so far");
}
