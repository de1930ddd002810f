use std::cell::RefCell;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use matrix_devices_sys::{mxd_header, mxd_response};

use crate::views::{bytes, records};

/// # Safety
/// The record is the module's.
pub(crate) unsafe fn read_response(record: &mxd_response) -> Response<Bytes> {
    // SAFETY: the views are good as long as the record.
    let (body, headers) =
        unsafe { (bytes(record.body), records(record.headers, record.header_count)) };
    let mut response = Response::new(Bytes::copy_from_slice(body));
    let status = u16::try_from(record.http_status).ok();
    *response.status_mut() = (status.and_then(|status| StatusCode::from_u16(status).ok()))
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    // SAFETY: as above.
    *response.headers_mut() = unsafe { read_headers(headers) };
    response
}

/// Headers, and the map that they make.
#[derive(Default)]
struct Read {
    lines: Vec<u8>,
    map: HeaderMap,
}

thread_local! {
    /// Most responses have the same headers as the one before, and to clone a map is faster.
    static LAST: RefCell<Read> = RefCell::default();
}

/// # Safety
/// The views are good while this runs.
unsafe fn read_headers(headers: &[mxd_header]) -> HeaderMap {
    // SAFETY: as above.
    let lines = || headers.iter().map(|each| unsafe { [bytes(each.name), bytes(each.value)] });
    let cloned = LAST.try_with(|last| {
        let mut last = last.borrow_mut();
        if !is_made_of(&last.lines, lines().flatten()) {
            last.lines =
                lines().flatten().flat_map(|part| [part, b"\n"]).flatten().copied().collect();
            last.map = lines().filter_map(parse).collect();
        }
        last.map.clone()
    });
    cloned.unwrap_or_else(|_| lines().filter_map(parse).collect()) // the thread is at its end
}

/// Whether these are the parts, each with the end of a line, which no header has in it.
fn is_made_of<'a>(lines: &[u8], mut parts: impl Iterator<Item = &'a [u8]>) -> bool {
    let rest = parts.try_fold(lines, |rest, part| rest.strip_prefix(part)?.strip_prefix(b"\n"));
    rest.is_some_and(<[u8]>::is_empty)
}

fn parse([name, value]: [&[u8]; 2]) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?))
}
