use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use matrix_devices_sys::mxd_request_token;

use crate::exchange::Exchange;
use crate::hand_over::Next;
use crate::question::Question;
use crate::{Instance, NotHandled};

/// The answer to a request, to be awaited. What the host's methods wait for, this waits for: they
/// are polled by it, in its task.
///
/// For `HEAD` the body is what `GET` would have: send its length, not the bytes.
#[must_use = "a request whose future is dropped is cancelled"]
pub struct Handling(State);

enum State {
    Refused(NotHandled),
    Going(Going),
    Over,
}

struct Going {
    exchange: Arc<Exchange>, // before the instance, and with it the host, from which it borrows
    instance: Instance,
    token: mxd_request_token,
    question: Option<Question>,
}

impl Handling {
    pub(crate) fn new(
        instance: Instance,
        exchange: Arc<Exchange>,
        token: mxd_request_token,
    ) -> Self {
        Self(State::Going(Going { exchange, instance, token, question: None }))
    }

    pub(crate) fn refused(why: NotHandled) -> Self {
        Self(State::Refused(why))
    }
}

impl Future for Handling {
    type Output = Result<Response<Bytes>, NotHandled>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match &mut self.0 {
            State::Refused(why) => Err(*why),
            State::Going(going) => Ok(ready!(going.poll(context))),
            State::Over => panic!("a request's future was polled after its end"),
        };
        self.0 = State::Over;
        Poll::Ready(result)
    }
}

impl Going {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Response<Bytes>> {
        loop {
            if let Some(question) = &mut self.question {
                ready!(question.poll_answer(context));
                self.question = None;
            }
            match ready!(self.exchange.hand_over.poll(context)) {
                Next::Question(question) => self.question = Some(question),
                Next::Answer(response) => return Poll::Ready(response),
            }
        }
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        let State::Going(going) = &mut self.0 else { return };
        going.instance.cancel(going.token);
        let untaken = going.exchange.hand_over.leave();
        let question = going.question.take().or(untaken);
        if let Some(rest) = question.and_then(Question::abandon) {
            going.instance.spawner().spawn(Box::pin(rest));
        }
    }
}
