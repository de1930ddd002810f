//! `hand_over.rs` of `matrix-devices`, tried in every order in which its threads can meet.
#![cfg(test)]

#[path = "../../matrix-devices/src/hand_over.rs"]
mod hand_over;

use std::future::poll_fn;
use std::task::{Context, Waker};

use hand_over::{HandOver, Next};
use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

/// A question, which counts those that were neither taken nor given back.
struct Question(Arc<AtomicUsize>);

impl Drop for Question {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

#[test]
fn who_waits_gets_the_question_and_then_the_answer() {
    loom::model(|| {
        let hand_over = Arc::new(HandOver::<u8, u8>::new());
        let module = hand_over.clone();
        let other = thread::spawn(move || {
            assert!(module.ask(1).is_none());
        });
        let next = || block_on(poll_fn(|context| hand_over.poll(context)));
        assert!(matches!(next(), Next::Question(1)));
        other.join().unwrap();
        hand_over.answer(2); // by who answers the question, in the same task
        assert!(matches!(next(), Next::Answer(2)));
    });
}

#[test]
fn who_polls_again_is_woken_where_they_polled_last() {
    loom::model(|| {
        let hand_over = Arc::new(HandOver::<u8, u8>::new());
        let first = Waker::noop();
        assert!(hand_over.poll(&mut Context::from_waker(first)).is_pending());
        let module = hand_over.clone();
        let other = thread::spawn(move || module.answer(2));
        let next = block_on(poll_fn(|context| hand_over.poll(context)));
        assert!(matches!(next, Next::Answer(2)));
        other.join().unwrap();
    });
}

#[test]
fn a_question_goes_to_one_of_them_when_the_future_goes() {
    loom::model(|| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let hand_over = Arc::new(HandOver::<Question, u8>::new());
        let (module, question) = (hand_over.clone(), Question(dropped.clone()));
        let other = thread::spawn(move || module.ask(question).is_some());
        let taken = hand_over.leave();
        let is_given_back = other.join().unwrap();
        assert_ne!(taken.is_some(), is_given_back, "one of them has to see to it");
        drop(taken);
        assert_eq!(dropped.load(Ordering::Acquire), 1);
        hand_over.answer(2); // nobody waits
    });
}
