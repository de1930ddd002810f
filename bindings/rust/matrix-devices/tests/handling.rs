//! What a request becomes, and what a host's method becomes for the client.

mod double;

use std::time::Duration;

use double::*;
use http::HeaderMap;
use matrix_devices::*;

#[tokio::test]
async fn an_answer_at_once_is_there_at_once() {
    let double = Double::default();
    let instance = serve(&double);
    let answer = ask(&instance, "GET", DEVICES, "");
    assert_eq!(double.said(), ["authenticate", "list_devices"]); // before anybody awaits it
    let answer = answer.await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let (status, body) = read(Ok(answer));
    assert_eq!(status, 200);
    let expected = concat!(
        r#"{"devices":[{"device_id":"LAPTOP","display_name":"@alice:example.org"},"#,
        r#"{"device_id":"PHONE","last_seen_ip":"192.0.2.7","last_seen_ts":1000}]}"#
    );
    assert_eq!(body, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_takes_its_time_is_waited_for() {
    let double = Double::with([("authenticate", Step::Wait), ("list_devices", Step::Wait)]);
    let instance = serve(&double);
    let answer = tokio::spawn(ask(&instance, "GET", DEVICES, ""));
    double.says("authenticate").await;
    double.permit();
    double.says("list_devices").await;
    double.permit();
    assert_eq!(read(answer.await.unwrap()).0, 200);
}

#[tokio::test]
async fn what_is_not_the_modules_is_not_taken() {
    let instance = serve(&Double::default());
    let target = "/_matrix/client/v3/sync";
    assert!(!instance.matches("GET", target));
    assert!(instance.matches("GET", DEVICES));
    let headers = HeaderMap::new();
    let answer = instance.handle(Request::new("GET", target, &headers)).await;
    assert_eq!(answer.unwrap_err(), NotHandled::NotMine);
    let paths: Vec<_> = instance.routes().into_iter().map(|route| route.path).collect();
    assert!(paths.contains(&"/_matrix/client/v3/devices/{deviceId}".to_string()), "{paths:?}");
    assert_eq!(instance.max_body_bytes(), 1 << 20);
}

#[tokio::test]
async fn every_refusal_has_its_status() {
    let own = ErrorAnswer {
        http_status: 418,
        errcode: "M_TEAPOT".to_string(),
        text: "Brew elsewhere.".to_string(),
        retry_after: Some(Duration::from_millis(1_500)),
        extra_json: r#"{"short": true}"#.to_string(),
    };
    let cases = [
        ("authenticate", Refusal::UnknownToken, 401, r#""soft_logout":false"#),
        ("authenticate", Refusal::TokenExpired, 401, r#""soft_logout":true"#),
        ("authenticate", Refusal::UserLocked, 401, "M_USER_LOCKED"),
        ("authenticate", Refusal::Forbidden, 403, "M_FORBIDDEN"),
        ("authenticate", Refusal::UnknownDevice, 400, "M_UNKNOWN_DEVICE"),
        ("authenticate", own.into(), 418, r#""short": true"#),
        ("get_device", Refusal::NotFound, 404, "M_NOT_FOUND"),
        ("get_device", Refusal::Unavailable(Some(Duration::from_secs(7))), 503, "M_UNKNOWN"),
        ("get_device", Refusal::OutOfMemory, 503, "M_UNKNOWN"),
        ("get_device", Refusal::Timeout, 504, "M_UNKNOWN"),
        ("get_device", "no".parse::<u8>().unwrap_err().into(), 500, "M_UNKNOWN"),
        ("get_device", Refusal::Conflict, 500, "M_UNKNOWN"), // not one of its own
    ];
    for (name, refusal, status, part) in cases {
        let case = format!("{refusal:?} from {name}");
        let instance = serve(&Double::with([(name, Step::Refuse(refusal))]));
        let (got, body) = read(ask(&instance, "GET", LAPTOP, "").await);
        assert_eq!(got, status, "{case}: {body}");
        assert!(body.contains(part), "{case}: {body}");
    }
}

#[tokio::test]
async fn a_wait_is_told_to_the_client() {
    let wait = Some(Duration::from_micros(6_000_001)); // 7 s, rounded up
    let refusal = Refusal::Unavailable(wait);
    let instance = serve(&Double::with([("get_device", Step::Refuse(refusal))]));
    let answer = ask(&instance, "GET", LAPTOP, "").await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "7");
}

#[tokio::test]
async fn a_deletion_goes_through_all_its_questions() {
    let double = Double::default();
    let config = r#"{"uia": {"grace_period_ms": 1000}}"#;
    let handle = tokio::runtime::Handle::current();
    let instance = module().serve(double.clone(), config, handle).unwrap();
    let body = format!(r#"{{"devices": ["PHONE", "LAPTOP"], {RIGHT}}}"#);
    let wrong = body.replace("right", "wrong");
    let (status, text) = read(ask(&instance, "POST", DELETE_DEVICES, &wrong).await);
    assert_eq!(status, 401);
    assert!(text.contains("Not that one."), "{text}");
    assert_eq!(read(ask(&instance, "POST", DELETE_DEVICES, &body).await), (200, "{}".to_string()));
    let said = double.said();
    for what in [
        "1 of uia_failures_device uia_failures_user",
        "validated @alice:example.org",
        r#"deleted ["LAPTOP", "PHONE"]"#,
    ] {
        assert!(said.iter().any(|each| each == what), "expected {what}, got {said:?}");
    }
}

#[tokio::test]
async fn an_application_service_creates() {
    let instance = serve(&Double::default());
    let headers = authorized("bridge");
    for (device, status) in [("NEW", 201), ("OLD", 200)] {
        let target = format!("{DEVICES}/{device}");
        let request = Request::new("PUT", &target, &headers).body(b"{}");
        assert_eq!(read(instance.handle(request).await).0, status);
    }
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_next_request_works() {
    for step in [Step::PanicAtOnce, Step::PanicLater] {
        let double = Double::with([("list_devices", step)]);
        let instance = serve(&double);
        assert_eq!(read(ask(&instance, "GET", DEVICES, "").await).0, 500);
        assert_eq!(read(ask(&instance, "GET", DEVICES, "").await).0, 200);
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let instance = serve(&Double::default());
    let headers = authorized("secret");
    let request = Request::new("PUT", LAPTOP, &headers).body_too_large();
    assert_eq!(read(instance.handle(request).await).0, 413);
}

#[tokio::test]
async fn a_request_inside_a_question_is_answered() {
    let double = Double::default();
    let instance = serve(&double);
    double.script("authenticate", Step::AskInside(instance.clone()));
    assert_eq!(read(ask(&instance, "GET", DEVICES, "").await).0, 200);
    let each = ["authenticate", "authenticate", "list_devices", "list_devices"];
    assert_eq!(double.said(), each);
}

#[test]
fn what_cannot_work_says_what_to_do() {
    let error = Module::load("/nowhere/libmatrix_devices.so").err().unwrap().to_string();
    assert!(error.contains("give the path of libmatrix_devices.so"), "{error}");
    let served = module().serve(Double::default(), r#"{"no_such": 1}"#, drop::<Rest>);
    let error = served.err().unwrap().to_string();
    assert!(error.contains("no_such"), "{error}");
    assert!(module().version().starts_with("1."), "{}", module().version());
}
