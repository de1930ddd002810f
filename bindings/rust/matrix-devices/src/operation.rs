use std::sync::OnceLock;

use matrix_devices_sys::*;
use tracing::error;

use crate::Principal;

/// An operation of the module's, to be completed once.
pub(crate) struct Operation {
    pub(crate) table: &'static mxd_module,
    pub(crate) number: mxd_op,
    /// Whose request it is, once that is known.
    pub(crate) principal: &'static OnceLock<Principal<'static>>,
    pub(crate) asks: &'static str,
    /// Runs to its end though nobody waits for the answer.
    pub(crate) writes: bool,
    pub(crate) is_open: bool,
}

impl Operation {
    pub(crate) fn complete(&mut self, status: i32) {
        self.is_open = false;
        // SAFETY: any number may be completed, from any thread.
        unsafe { (self.table.complete)(self.number, status) };
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        if self.is_open {
            error!(target: "matrix_devices", asks = self.asks, "the host dropped a question unanswered");
            self.complete(MXD_INTERNAL);
        }
    }
}
