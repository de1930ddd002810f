//! Where the callbacks of a request and the future that waits for its answer meet. They may be on
//! different threads: a request that is made inside a callback goes on when the outermost call into
//! the module returns, and its future may be somewhere else by then.

use std::task::{Context, Poll, Waker};

#[cfg(loom)]
use loom::sync::Mutex;
#[cfg(not(loom))]
use std::sync::Mutex;

/// For questions `Q`, one at a time, and one answer `A`.
pub(crate) struct HandOver<Q, A>(Mutex<State<Q, A>>);

enum State<Q, A> {
    /// The module is busy with it; who is to be woken.
    Running(Option<Waker>),
    Asked(Q),
    Answered(A),
    /// The future is gone.
    Left,
}

/// What the future goes on with.
pub(crate) enum Next<Q, A> {
    Question(Q),
    Answer(A),
}

impl<Q, A> HandOver<Q, A> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State::Running(None)))
    }

    /// A question whose answer has to be waited for. Back, if nobody is there to do so.
    pub(crate) fn ask(&self, question: Q) -> Option<Q> {
        match self.put(State::Asked(question)) {
            Some(State::Asked(question)) => Some(question),
            _ => None,
        }
    }

    /// The answer to the request, which is the last that is put here.
    pub(crate) fn answer(&self, answer: A) {
        drop(self.put(State::Answered(answer)));
    }

    fn put(&self, new: State<Q, A>) -> Option<State<Q, A>> {
        let mut state = self.state();
        if matches!(*state, State::Left) {
            return Some(new);
        }
        let before = std::mem::replace(&mut *state, new);
        drop(state); // whoever is woken may come here at once
        if let State::Running(Some(waker)) = before {
            waker.wake();
        }
        None
    }

    /// What was put here; else this task is woken when something is.
    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<Next<Q, A>> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Running(None)) {
            State::Asked(question) => Poll::Ready(Next::Question(question)),
            State::Answered(answer) => Poll::Ready(Next::Answer(answer)),
            State::Running(_) => {
                *state = State::Running(Some(context.waker().clone()));
                Poll::Pending
            }
            State::Left => unreachable!("who has left does not poll"),
        }
    }

    /// The future goes. The question that was put here and not taken.
    pub(crate) fn leave(&self) -> Option<Q> {
        match std::mem::replace(&mut *self.state(), State::Left) {
            State::Asked(question) => Some(question),
            _ => None,
        }
    }

    /// No code of anybody else's runs under the lock but the clone of a waker: where that panicked,
    /// what stands here is whole.
    fn state(&self) -> impl std::ops::DerefMut<Target = State<Q, A>> + '_ {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
