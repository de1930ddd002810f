use std::any::Any;
use std::sync::Arc;

use matrix_devices_sys::*;

use crate::ending::{Ending, Remains};
use crate::exchange::Exchange;
use crate::views::{text, view_of};
use crate::{Handling, NotHandled, Request, Spawn};

/// The module, serving with a host. Its clones are the same one. When the last of them, and the last
/// request, is gone, so is the host.
#[derive(Clone)]
pub struct Instance(Arc<Inner>);

struct Inner {
    table: &'static mxd_module,
    raw: *mut mxd_instance,
    host: Arc<dyn Any + Send + Sync>,
    spawner: Arc<dyn Spawn>,
    ending: Arc<Ending>,
}

// SAFETY: what takes the instance may be called on any thread, also at the same time.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

/// A route of the module's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// `GET, HEAD, PUT, DELETE, OPTIONS`; let all others come too: the 405 is the module's answer.
    pub methods: String,
    /// `/_matrix/client/v3/devices/{deviceId}`.
    pub path: String,
}

impl Instance {
    pub(crate) fn new(
        table: &'static mxd_module,
        raw: *mut mxd_instance,
        host: Arc<dyn Any + Send + Sync>,
        spawner: Arc<dyn Spawn>,
    ) -> Self {
        Self(Arc::new(Inner { table, raw, host, spawner, ending: Arc::default() }))
    }

    /// Takes a request, which is copied; await the answer. A host that answers at once has done so
    /// when this returns.
    ///
    /// To drop the future is to say that nobody waits: [`Host`](crate::Host) tells what of it goes
    /// on.
    pub fn handle(&self, mut request: Request<'_>) -> Handling {
        let exchange = Arc::new(Exchange::new(std::mem::take(&mut request.extensions)));
        let cookie = Arc::into_raw(exchange.clone());
        let mut token = 0;
        let status = request.with_record(cookie as mxd_cookie, |record| {
            // SAFETY: the instance is not destroyed while somebody has it; the record is good.
            unsafe { (self.0.table.handle)(self.0.raw, record, &mut token) }
        });
        if status == MXD_OK {
            return Handling::new(self.clone(), exchange, token);
        }
        // SAFETY: nothing will respond, so the cookie is not used again.
        drop(unsafe { Arc::from_raw(cookie) });
        Handling::refused(match status {
            MXD_NOT_MINE => NotHandled::NotMine,
            MXD_UNAVAILABLE => NotHandled::ShuttingDown,
            _ => NotHandled::OutOfMemory, // the record is well formed
        })
    }

    /// Whether [`handle`](Self::handle) would take it, if it were not shut down. Asks nothing of the
    /// host.
    pub fn matches(&self, method: &str, target: &str) -> bool {
        let (method, target) = (view_of(Some(method)), view_of(Some(target)));
        // SAFETY: as in `handle`.
        unsafe { (self.0.table.r#match)(self.0.raw, method, target) == MXD_OK }
    }

    /// How many bytes of a body to read; over it, stop and say [`Request::body_too_large`].
    pub fn max_body_bytes(&self) -> u64 {
        // SAFETY: as in `handle`.
        unsafe { (self.0.table.max_body_bytes)(self.0.raw) }
    }

    /// The routes, for a router.
    pub fn routes(&self) -> Vec<Route> {
        let route = |index| {
            let mut record = mxd_route::default();
            // SAFETY: as in `handle`; the views are good as long as the instance.
            unsafe {
                ((self.0.table.route)(self.0.raw, index, &mut record) == MXD_OK).then(|| Route {
                    methods: text(record.methods).into(),
                    path: text(record.path).into(),
                })
            }
        };
        (0..).map_while(route).collect()
    }

    /// Refuses new requests, and waits until all that were taken are answered. Their futures have
    /// to be polled, or dropped, for that.
    pub async fn shutdown(&self) {
        // SAFETY: as in `handle`.
        unsafe { self.0.ending.begin(self.0.table, self.0.raw) };
        self.0.ending.wait().await;
    }

    /// Nobody waits for the answer.
    pub(crate) fn cancel(&self, token: mxd_request_token) {
        // SAFETY: any number may be cancelled, from any thread.
        unsafe { (self.0.table.cancel)(token) };
    }

    pub(crate) fn spawner(&self) -> &dyn Spawn {
        &*self.0.spawner
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: as in `handle`; and nobody else can have it, or be inside it, any more.
        unsafe { self.ending.begin(self.table, self.raw) };
        self.ending.leave(Remains { table: self.table, raw: self.raw, host: self.host.clone() });
    }
}
