//! A router for axum.

use std::convert::Infallible;
use std::future::Ready;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tower_service::Service;

use crate::Instance;
use crate::service::{Answering, DevicesLayer};

/// The module's routes, to be merged into a homeserver's own.
///
/// The client's address is that of the connection, if the server is made with
/// `into_make_service_with_connect_info::<SocketAddr>()`; behind a proxy put
/// [`DevicesLayer`] around the homeserver instead, with its `client_of`.
pub fn router<S: Clone + Send + Sync + 'static>(instance: Instance) -> Router<S> {
    let routes = instance.routes();
    let service = Routed(DevicesLayer::new(instance));
    routes
        .iter()
        .fold(Router::new(), |router, route| router.route_service(&route.path, service.clone()))
}

/// Behind a router, which has looked at the path. What the module does not take all the same is 404:
/// a stage without a fallback page.
#[derive(Clone)]
struct Routed(DevicesLayer);

impl Service<Request> for Routed {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering<Ready<Result<Response, Infallible>>>; // nobody else answers

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.0.answer(request)
    }
}
