//! A client that hangs up, and the end of an instance.

mod double;

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use double::*;
use matrix_devices::*;
use tokio::time::timeout;

#[tokio::test]
async fn a_question_that_reads_is_broken_off() {
    for name in ["authenticate", "list_devices"] {
        let double = Double::with([(name, Step::Wait)]);
        let instance = serve(&double);
        let mut answer = Box::pin(ask(&instance, "GET", DEVICES, ""));
        assert!(timeout(Duration::ZERO, &mut answer).await.is_err());
        drop(answer);
        assert_eq!(double.said().last().unwrap(), &format!("{name} broken off"));
        timeout(PATIENCE, instance.shutdown()).await.expect("nothing is left");
    }
}

#[tokio::test]
async fn a_question_that_was_not_yet_polled_is_broken_off() {
    let double = Double::with([("list_devices", Step::Wait)]);
    let instance = serve(&double);
    drop(ask(&instance, "GET", DEVICES, ""));
    assert_eq!(double.said().last().unwrap(), "list_devices broken off");
    timeout(PATIENCE, instance.shutdown()).await.expect("nothing is left");
}

#[tokio::test]
async fn a_deletion_goes_on_when_the_client_hangs_up() {
    let double = Double::with([("uia_check", Step::Wait), ("delete_devices", Step::Wait)]);
    let instance = serve(&double);
    let body = format!(r#"{{"devices": ["PHONE"], {RIGHT}}}"#);
    let mut answer = Box::pin(ask(&instance, "POST", DELETE_DEVICES, &body));
    assert!(timeout(Duration::ZERO, &mut answer).await.is_err());
    double.permit(); // of uia_check
    tokio::select! {
        _ = &mut answer => panic!("the deletion waits"),
        () = double.says("delete_devices") => {}
    }
    drop(answer);
    let shutdown = instance.shutdown();
    let mut shutdown = pin!(shutdown);
    assert!(timeout(Duration::from_millis(50), &mut shutdown).await.is_err(), "it waits for that");
    double.permit();
    timeout(PATIENCE, shutdown).await.expect("the deletion was the last");
    assert!(double.said().contains(&r#"deleted ["PHONE"]"#.to_string()), "{:?}", double.said());
}

#[tokio::test]
async fn what_the_spawner_drops_is_answered() {
    let double = Double::with([("rename_device", Step::Wait)]);
    let instance = module().serve(double.clone(), "", |rest: Rest| drop(rest)).unwrap();
    drop(ask(&instance, "PUT", LAPTOP, r#"{"display_name": "new"}"#));
    assert_eq!(double.said().last().unwrap(), "rename_device broken off");
    timeout(PATIENCE, instance.shutdown()).await.expect("it counts as answered");
}

#[tokio::test]
async fn a_runtime_that_ends_leaves_nothing_open() {
    let double = Double::with([("rename_device", Step::Wait)]);
    let other = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let instance = module().serve(double.clone(), "", other.handle().clone()).unwrap();
    drop(ask(&instance, "PUT", LAPTOP, r#"{"display_name": "new"}"#));
    other.shutdown_background();
    timeout(PATIENCE, instance.shutdown()).await.expect("it counts as answered");
}

#[tokio::test]
async fn shutting_down_refuses_and_waits() {
    let double = Double::with([("list_devices", Step::Wait)]);
    let instance = serve(&double);
    let answer = ask(&instance, "GET", DEVICES, "");
    {
        let mut twice = pin!(async { tokio::join!(instance.shutdown(), instance.shutdown()) });
        assert!(timeout(Duration::from_millis(50), &mut twice).await.is_err());
        let refused = ask(&instance, "GET", DEVICES, "").await;
        assert_eq!(refused.unwrap_err(), NotHandled::ShuttingDown);
        double.permit();
        assert_eq!(read(answer.await).0, 200);
        timeout(PATIENCE, twice).await.expect("nothing is left");
    }
    instance.shutdown().await; // again: it is done
}

#[tokio::test]
async fn the_host_goes_with_the_last_of_its_instance() {
    let double = Double::default();
    let instance = serve(&double);
    let clone = instance.clone();
    drop(instance);
    assert_eq!(read(ask(&clone, "GET", DEVICES, "").await).0, 200);
    drop(clone);
    double.is_let_go().await;
}

#[tokio::test]
async fn a_request_keeps_its_instance() {
    let double = Double::with([("list_devices", Step::Wait)]);
    let instance = serve(&double);
    let answer = ask(&instance, "GET", DEVICES, "");
    drop(instance);
    double.permit();
    assert_eq!(read(answer.await).0, 200);
    double.is_let_go().await;
}

#[tokio::test]
async fn what_goes_on_keeps_its_host() {
    let double = Double::with([("rename_device", Step::Wait)]);
    let instance = serve(&double);
    drop(ask(&instance, "PUT", LAPTOP, r#"{"display_name": "new"}"#));
    drop(instance);
    double.permit();
    double.says("named new").await;
    double.is_let_go().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hanging_up_at_any_moment_leaves_nothing_behind() {
    let double = Double::default();
    let rests: Arc<Mutex<Vec<Rest>>> = Arc::default();
    let kept = rests.clone();
    let keep = move |rest: Rest| kept.lock().unwrap().push(rest);
    let instance = module().serve(double.clone(), "", keep).unwrap();
    let body = format!(r#"{{"devices": ["PHONE"], {RIGHT}}}"#);
    // After so many permits: in each of the deletion's questions once.
    let questions = [
        "authenticate",
        "uia_flows",
        "take_limit",
        "uia_create_session",
        "uia_check",
        "uia_replace_session",
        "delete_devices",
    ];
    for name in questions {
        double.script(name, Step::Wait);
        let mut answer = Box::pin(ask(&instance, "POST", DELETE_DEVICES, &body));
        assert!(timeout(Duration::ZERO, &mut answer).await.is_err(), "{name} waits");
        drop(answer);
        let left = std::mem::take(&mut *rests.lock().unwrap());
        for rest in left {
            double.permit();
            rest.await;
        }
    }
    timeout(PATIENCE, instance.shutdown()).await.expect("nothing is left");
}
