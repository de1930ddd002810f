//! The end of an instance: `shutdown`, `done`, `destroy`.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};

use matrix_devices_sys::*;

/// Who waits for `done`, and what it is to take down.
#[derive(Default)]
pub(crate) struct Ending(Mutex<State>);

#[derive(Default)]
struct State {
    has_begun: bool,
    is_done: bool,
    waiting: Vec<Waker>,
    remains: Option<Remains>,
}

/// An instance that nobody uses any more.
pub(crate) struct Remains {
    pub(crate) table: &'static mxd_module,
    pub(crate) raw: *mut mxd_instance,
    /// What the host's cookie points to.
    pub(crate) host: Arc<dyn Any + Send + Sync>,
}

// SAFETY: an instance may be destroyed on any thread, and is used by no other then.
unsafe impl Send for Remains {}

impl Ending {
    /// New requests are refused from now on.
    ///
    /// # Safety
    /// The instance is not destroyed.
    pub(crate) unsafe fn begin(self: &Arc<Self>, table: &mxd_module, raw: *mut mxd_instance) {
        if std::mem::replace(&mut self.state().has_begun, true) {
            return;
        }
        let cookie = Arc::into_raw(self.clone()) as mxd_cookie;
        // SAFETY: as above; `done` is called once, since this is not called twice.
        unsafe { (table.shutdown)(raw, done, cookie) };
    }

    /// Nothing is in flight any more.
    pub(crate) async fn wait(&self) {
        poll_fn(|context| {
            let mut state = self.state();
            if state.is_done {
                return Poll::Ready(());
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                state.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// The last user has gone: destroys now, or as soon as it is done.
    pub(crate) fn leave(&self, remains: Remains) {
        let mut state = self.state();
        if state.is_done {
            drop(state);
            remains.take_down();
        } else {
            state.remains = Some(remains);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

unsafe extern "C" fn done(cookie: mxd_cookie) {
    // SAFETY: `begin` gave it away, and this is called once.
    let ending = unsafe { Arc::from_raw(cookie as *const Ending) };
    let (waiting, remains) = {
        let mut state = ending.state();
        state.is_done = true;
        (std::mem::take(&mut state.waiting), state.remains.take())
    };
    for waker in waiting {
        let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
    }
    if let Some(remains) = remains {
        remains.take_down();
    }
}

impl Remains {
    fn take_down(self) {
        // SAFETY: it is done, and nobody holds it who could be inside it.
        unsafe { (self.table.destroy)(self.raw) };
        let _ = catch_unwind(AssertUnwindSafe(|| drop(self.host)));
    }
}
