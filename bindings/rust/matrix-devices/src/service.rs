//! A [`tower_layer::Layer`] around a homeserver's own service.

use std::error::Error;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Handling, Instance, NotHandled, Request};

/// Puts the module's routes in front of a service, which gets all other requests.
///
/// Methods of the host find the request's extensions in their [`Context`](crate::Context).
#[derive(Clone)]
pub struct DevicesLayer {
    instance: Instance,
    client_of: fn(&Parts) -> Option<IpAddr>,
}

impl DevicesLayer {
    /// Of clients whose address nothing tells, but with the feature `axum` its `ConnectInfo`.
    pub fn new(instance: Instance) -> Self {
        Self { instance, client_of: client_of_connection }
    }

    /// How the client's address is found: behind a proxy, in the header that it sets.
    pub fn client_of(mut self, client_of: fn(&Parts) -> Option<IpAddr>) -> Self {
        self.client_of = client_of;
        self
    }
}

fn client_of_connection(_head: &Parts) -> Option<IpAddr> {
    #[cfg(feature = "axum")]
    if let Some(axum::extract::ConnectInfo(address)) =
        _head.extensions.get::<axum::extract::ConnectInfo<std::net::SocketAddr>>()
    {
        return Some(address.ip().to_canonical());
    }
    None
}

impl<S> Layer<S> for DevicesLayer {
    type Service = Devices<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Devices { layer: self.clone(), inner }
    }
}

/// What [`DevicesLayer`] makes.
#[derive(Clone)]
pub struct Devices<S> {
    layer: DevicesLayer,
    inner: S,
}

impl<S, B, R> Service<http::Request<B>> for Devices<S>
where
    S: Service<http::Request<B>, Response = Response<R>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    R: From<Bytes>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        if self.layer.instance.matches(request.method().as_str(), target) {
            self.layer.answer(request)
        } else {
            Answering { state: State::Others { answering: self.inner.call(request) } }
        }
    }
}

pin_project! {
    /// The future of [`Devices`].
    pub struct Answering<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = Project]
    enum State<F> {
        Handling { handling: Handling },
        Reading { answering: Pin<Box<dyn Future<Output = Response<Bytes>> + Send>> },
        Others { #[pin] answering: F },
    }
}

impl<F, R, E> Future for Answering<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: From<Bytes>,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let response = match self.project().state.project() {
            Project::Handling { handling } => whole(ready!(Pin::new(handling).poll(context))),
            Project::Reading { answering } => ready!(answering.as_mut().poll(context)),
            Project::Others { answering } => return answering.poll(context),
        };
        Poll::Ready(Ok(response.map(R::from)))
    }
}

impl DevicesLayer {
    /// For a request to one of the module's routes.
    pub(crate) fn answer<B, F>(&self, request: http::Request<B>) -> Answering<F>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let state = if body.is_end_stream() {
            State::Handling { handling: self.handle(head, Some(&[])) }
        } else {
            let layer = self.clone();
            State::Reading { answering: Box::pin(async move { layer.read(head, body).await }) }
        };
        Answering { state }
    }

    async fn read<B>(&self, head: Parts, body: B) -> Response<Bytes>
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let most = usize::try_from(self.instance.max_body_bytes()).unwrap_or(usize::MAX);
        let body = match Limited::new(body, most).collect().await {
            Ok(body) => Some(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => None,
            Err(_) => {
                return refusal(StatusCode::BAD_REQUEST, "The body broke off. Send it again.");
            }
        };
        whole(self.handle(head, body.as_deref()).await)
    }

    /// Without a body: it was too large.
    fn handle(&self, mut head: Parts, body: Option<&[u8]>) -> Handling {
        let client = (self.client_of)(&head).map(|address| address.to_string());
        let extensions = std::mem::take(&mut head.extensions);
        let asked = Request::of(&head).extensions(extensions);
        let asked = asked.remote_addr(client.as_deref().unwrap_or_default());
        self.instance.handle(match body {
            Some(body) => asked.body(body),
            None => asked.body_too_large(),
        })
    }
}

/// With what a host answers by itself.
fn whole(handled: Result<Response<Bytes>, NotHandled>) -> Response<Bytes> {
    handled.unwrap_or_else(|why| match why {
        NotHandled::NotMine => {
            let text = "There is no such endpoint here.";
            in_json(StatusCode::NOT_FOUND, "M_UNRECOGNIZED", text)
        }
        NotHandled::ShuttingDown => {
            let mut busy = refusal(StatusCode::SERVICE_UNAVAILABLE, "Restarting. Try again.");
            busy.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            busy
        }
        NotHandled::OutOfMemory => {
            refusal(StatusCode::INTERNAL_SERVER_ERROR, "The server failed. Try again later.")
        }
    })
}

fn refusal(status: StatusCode, text: &str) -> Response<Bytes> {
    in_json(status, "M_UNKNOWN", text)
}

fn in_json(status: StatusCode, errcode: &str, text: &str) -> Response<Bytes> {
    let body = format!(r#"{{"errcode":"{errcode}","error":"{text}"}}"#);
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response.headers_mut().insert("access-control-allow-origin", HeaderValue::from_static("*"));
    response
}
