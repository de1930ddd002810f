use http::{Extensions, HeaderMap};
use matrix_devices_sys::*;

use crate::views::view_of;

/// A request, as it came: nothing of it decoded.
#[derive(Debug)]
pub struct Request<'a> {
    method: &'a str,
    target: &'a str,
    headers: &'a HeaderMap,
    body: &'a [u8],
    is_body_too_large: bool,
    remote_addr: &'a str,
    pub(crate) extensions: Extensions,
}

impl<'a> Request<'a> {
    /// `target` is path and query.
    pub fn new(method: &'a str, target: &'a str, headers: &'a HeaderMap) -> Self {
        Self {
            method,
            target,
            headers,
            body: &[],
            is_body_too_large: false,
            remote_addr: "",
            extensions: Extensions::new(),
        }
    }

    /// From the head of a request.
    pub fn of(head: &'a http::request::Parts) -> Self {
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        Self::new(head.method.as_str(), target, &head.headers)
    }

    /// The body, of at most [`Instance::max_body_bytes`](crate::Instance::max_body_bytes).
    pub fn body(mut self, body: &'a [u8]) -> Self {
        self.body = body;
        self
    }

    /// There was more of a body than that.
    pub fn body_too_large(mut self) -> Self {
        self.is_body_too_large = true;
        self
    }

    /// The client's address, for last seen.
    pub fn remote_addr(mut self, address: &'a str) -> Self {
        self.remote_addr = address;
        self
    }

    /// What the host's methods find in their [`Context`](crate::Context).
    pub fn extensions(mut self, extensions: Extensions) -> Self {
        self.extensions = extensions;
        self
    }

    /// Calls with the record of this request, which is good until the call returns.
    pub(crate) fn with_record<T>(
        &self,
        cookie: mxd_cookie,
        call: impl FnOnce(&mxd_request) -> T,
    ) -> T {
        let view = |(name, value): (&http::HeaderName, &http::HeaderValue)| mxd_header {
            name: mxd_view::of(name.as_str().as_bytes()),
            value: mxd_view::of(value.as_bytes()),
        };
        let headers: Vec<mxd_header> = self.headers.iter().map(view).collect();
        call(&mxd_request {
            flags: if self.is_body_too_large { MXD_REQUEST_BODY_TOO_LARGE } else { 0 },
            cookie,
            headers: headers.as_ptr(),
            header_count: headers.len(),
            method: view_of(Some(self.method)),
            target: view_of(Some(self.target)),
            body: mxd_view::of(if self.is_body_too_large { &[] } else { self.body }),
            remote_addr: view_of(Some(self.remote_addr)),
            ..Default::default()
        })
    }
}
