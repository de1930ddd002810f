use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use matrix_devices_sys::MXD_CANCELLED;
use tracing::{Span, debug_span, error};

use crate::answer::Answer;
use crate::operation::Operation;
use crate::{Refusal, Result};

/// The future of a host's method. Borrows from the host and from what the module passed, both of
/// which are there until the operation is completed.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Answer<'static>>> + Send>>;

/// A question that the host is busy with.
pub(crate) struct Question {
    // Before the operation, so that what it borrows is not given back before it is gone.
    answering: Option<Answering>,
    operation: Operation,
    span: Span,
}

impl Question {
    /// `answering` is good until the operation is completed.
    pub(crate) fn new(operation: Operation, answering: Answering) -> Self {
        let span = debug_span!(target: "matrix_devices", "question", asks = operation.asks);
        Self { answering: Some(answering), operation, span }
    }

    /// Ready once the operation is completed; the request has gone on by then, on this thread.
    pub(crate) fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let polled = {
            let _entered = self.span.enter();
            let Some(answering) = self.answering.as_mut() else { return Poll::Ready(()) };
            catch_unwind(AssertUnwindSafe(|| answering.as_mut().poll(context)))
        };
        let answer = match polled {
            Ok(polled) => ready!(polled),
            Err(panic) => Err(Refusal::Internal(what_panicked(&*panic).into())),
        };
        self.end();
        self.operation.answer(answer);
        Poll::Ready(())
    }

    /// Its request's future is gone. What has to be done all the same is given back.
    pub(crate) fn abandon(mut self) -> Option<Self> {
        if self.operation.writes {
            return Some(self);
        }
        self.end();
        self.operation.complete(MXD_CANCELLED);
        None
    }

    /// Drops the future, with what it borrows.
    fn end(&mut self) {
        let answering = self.answering.take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(answering))) {
            error!(target: "matrix_devices", asks = self.operation.asks, "{}", what_panicked(&*panic));
        }
    }
}

/// For a spawner: until the operation is completed.
impl Future for Question {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.poll_answer(context)
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.end();
    }
}

pub(crate) fn what_panicked(panic: &(dyn Any + Send)) -> String {
    let text = (panic.downcast_ref::<&str>().copied())
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the host panicked: {}", text.unwrap_or("without a text"))
}
