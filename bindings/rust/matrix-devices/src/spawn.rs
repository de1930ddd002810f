use std::future::Future;
use std::pin::Pin;

/// What is left of a request whose future was dropped: an answer that runs to its end.
pub type Rest = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where what is left of a request goes on. With the feature `tokio` a `tokio::runtime::Handle` is
/// one; so is every function that takes a [`Rest`].
///
/// A rest that is dropped before its end answers its question with a failure, and nothing hangs.
pub trait Spawn: Send + Sync + 'static {
    /// Polls it to its end, on any thread. Not at once: the caller may be inside the module.
    fn spawn(&self, rest: Rest);
}

impl<F: Fn(Rest) + Send + Sync + 'static> Spawn for F {
    fn spawn(&self, rest: Rest) {
        self(rest);
    }
}

#[cfg(feature = "tokio")]
impl Spawn for tokio::runtime::Handle {
    fn spawn(&self, rest: Rest) {
        drop(tokio::runtime::Handle::spawn(self, rest)); // it goes on without being joined
    }
}
