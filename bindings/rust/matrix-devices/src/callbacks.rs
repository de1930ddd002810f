//! The host's table for a [`Host`]: each callback reads what it was passed, asks the host, and
//! completes the operation if the answer is there at once.

use std::future::Future;
use std::mem::transmute;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Waker};

use matrix_devices_sys::*;
use tracing::{debug, error, info, warn};

use crate::answer::Answer;
use crate::exchange::Exchange;
use crate::operation::Operation;
use crate::question::{Answering, Question, what_panicked};
use crate::questions::Question as Asked;
use crate::response::read_response;
use crate::views::text;
use crate::{Host, Result, Spawn};

/// What the host's cookie points to, from `create` to after `destroy`.
pub(crate) struct Shared<H> {
    pub(crate) host: H,
    pub(crate) table: &'static mxd_module,
    pub(crate) spawner: Arc<dyn Spawn>,
}

/// Nothing that panics crosses into the module.
fn guard<T>(instead: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = what_panicked(&*panic);
        let _ = catch_unwind(|| error!(target: "matrix_devices", "{text}"));
        instead
    })
}

/// # Safety
/// A cookie of a host that is not destroyed, as long as what is returned is used.
unsafe fn shared<H>(host: mxd_cookie) -> &'static Shared<H> {
    // SAFETY: as above.
    unsafe { &*(host as *const Shared<H>) }
}

/// [`Answering`], with what it borrows.
type Borrowing<'a> = Pin<Box<dyn Future<Output = Result<Answer<'a>>> + Send + 'a>>;

/// What differs between the questions.
struct Asks {
    name: &'static str,
    writes: bool,
}

/// # Safety
/// What a callback with an operation was called with.
unsafe fn ask<'a, H, Q, F>(
    host: mxd_cookie,
    request: mxd_cookie,
    number: mxd_op,
    record: *const Q::Record,
    asks: Asks,
    start: impl FnOnce(&'a H, Q) -> F,
) -> i32
where
    H: Host,
    Q: Asked<'a>,
    F: Future<Output = Result<Answer<'a>>> + Send + 'a,
{
    guard(MXD_OK, || {
        // SAFETY: the host is not destroyed, the request not answered, and the record not given
        // back before the operation is completed; and the future is dropped before that.
        let (shared, exchange, record) =
            unsafe { (shared::<H>(host), &*(request as *const Exchange), &*record) };
        // SAFETY: as above.
        let question = unsafe { Q::read(record, exchange.context()) };
        let operation = Operation {
            table: shared.table,
            number,
            principal: &exchange.principal,
            asks: asks.name,
            writes: asks.writes,
            is_open: true,
        };
        let answering: Borrowing<'a> = Box::pin(start(&shared.host, question));
        // SAFETY: as above; so it may be named without its lifetime.
        let answering = unsafe { transmute::<Borrowing<'a>, Answering>(answering) };
        let mut question = Question::new(operation, answering);
        // Polled again by whoever is to wait for it, so this time nobody need be woken.
        if question.poll_answer(&mut TaskContext::from_waker(Waker::noop())).is_pending() {
            if let Some(question) = exchange.hand_over.ask(question) {
                shared.spawner.spawn(Box::pin(question)); // the module goes on all the same
            }
        }
        MXD_OK // a panic on the way has dropped the operation, which has completed it
    })
}

macro_rules! callbacks {
    ($($name:ident: $record:ident, $writes:literal, $answer:expr;)*) => {$(
        unsafe extern "C" fn $name<H: Host>(
            host: mxd_cookie,
            request: mxd_cookie,
            op: mxd_op,
            _principal: mxd_cookie,
            record: *const $record,
        ) -> i32 {
            let asks = Asks { name: stringify!($name), writes: $writes };
            // SAFETY: these are what this callback was called with.
            unsafe {
                ask(host, request, op, record, asks, |host: &H, question| async move {
                    host.$name(question).await.map($answer)
                })
            }
        }
    )*};
}
callbacks! {
    authenticate: mxd_credentials, false, Answer::Principal;
    list_devices: mxd_device_query, false, Answer::Devices;
    get_device: mxd_device_key, false, Answer::Device;
    rename_device: mxd_device_update, true, |()| Answer::Done;
    delete_devices: mxd_deletion, true, |()| Answer::Done;
    uia_flows: mxd_uia_operation, false, Answer::Flows;
    uia_create_session: mxd_uia_session, true, Answer::SessionId;
    uia_load_session: mxd_uia_session_key, false, Answer::Session;
    uia_replace_session: mxd_uia_replacement, true, |()| Answer::Done;
    uia_check: mxd_uia_attempt, true, Answer::Identity;
    put_device: mxd_device_update, true, Answer::Put;
    mark_validated: mxd_validation, true, |()| Answer::Done;
    take_limit: mxd_limit_request, true, |()| Answer::Done;
}

unsafe extern "C" fn respond(_host: mxd_cookie, request: mxd_cookie, record: *const mxd_response) {
    guard((), || {
        // SAFETY: `handle` gave this cookie away, and it is not used again.
        let exchange = unsafe { Arc::from_raw(request as *const Exchange) };
        // SAFETY: the record is good until this returns.
        exchange.hand_over.answer(unsafe { read_response(&*record) });
    });
}

unsafe extern "C" fn now_ms<H: Host>(host: mxd_cookie) -> i64 {
    // SAFETY: the host is not destroyed while it is asked something.
    guard(-1, || unsafe { shared::<H>(host) }.host.now_ms())
}

unsafe extern "C" fn log(_host: mxd_cookie, _request: mxd_cookie, level: i32, line: mxd_view) {
    // SAFETY: the line is good until this returns.
    guard((), || match (level, unsafe { text(line) }) {
        (MXD_LOG_DEBUG, line) => debug!(target: "matrix_devices", "{line}"),
        (MXD_LOG_INFO, line) => info!(target: "matrix_devices", "{line}"),
        (MXD_LOG_WARNING, line) => warn!(target: "matrix_devices", "{line}"),
        (MXD_LOG_HOST_MISBEHAVING, line) => {
            error!(target: "matrix_devices", host_misbehaving = true, "{line}");
        }
        (_, line) => error!(target: "matrix_devices", "{line}"),
    });
}

/// The table for a host with this cookie.
pub(crate) fn table<H: Host>(cookie: mxd_cookie) -> mxd_host {
    mxd_host {
        abi_minor: MXD_ABI_MINOR,
        cookie,
        respond: Some(respond),
        authenticate: Some(authenticate::<H>),
        list_devices: Some(list_devices::<H>),
        get_device: Some(get_device::<H>),
        rename_device: Some(rename_device::<H>),
        delete_devices: Some(delete_devices::<H>),
        uia_flows: Some(uia_flows::<H>),
        uia_create_session: Some(uia_create_session::<H>),
        uia_load_session: Some(uia_load_session::<H>),
        uia_replace_session: Some(uia_replace_session::<H>),
        uia_check: Some(uia_check::<H>),
        put_device: H::OFFERS.put_device.then_some(put_device::<H>),
        mark_validated: H::OFFERS.mark_validated.then_some(mark_validated::<H>),
        take_limit: H::OFFERS.take_limit.then_some(take_limit::<H>),
        now_ms: Some(now_ms::<H>),
        log: Some(log),
        ..Default::default()
    }
}
