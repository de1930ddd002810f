//! From the module's views to Rust's, and back.

use std::slice;
use std::str;

use matrix_devices_sys::mxd_view;

/// # Safety
/// `first` points to so many records that are good for `'a`, or is null where there are none.
pub(crate) unsafe fn records<'a, T>(first: *const T, count: usize) -> &'a [T] {
    if count == 0 {
        return &[];
    }
    // SAFETY: as above.
    unsafe { slice::from_raw_parts(first, count) }
}

/// # Safety
/// The view is good for `'a`.
pub(crate) unsafe fn bytes<'a>(view: mxd_view) -> &'a [u8] {
    // SAFETY: as above.
    unsafe { records(view.data.cast(), view.size) }
}

/// # Safety
/// The view is good for `'a`, and text of the module's: that is UTF-8 (convention 4).
pub(crate) unsafe fn text<'a>(view: mxd_view) -> &'a str {
    // SAFETY: as above.
    unsafe { str::from_utf8_unchecked(bytes(view)) }
}

/// # Safety
/// As [`text`].
pub(crate) unsafe fn text_if<'a>(flag: u32, view: mxd_view) -> Option<&'a str> {
    // SAFETY: as above.
    (flag != 0).then(|| unsafe { text(view) })
}

/// # Safety
/// As [`text`].
pub(crate) unsafe fn text_unless_empty<'a>(view: mxd_view) -> Option<&'a str> {
    // SAFETY: as above.
    unsafe { text_if(u32::from(view.size != 0), view) }
}

/// The text, or an empty view.
pub(crate) fn view_of(text: Option<&str>) -> mxd_view {
    mxd_view::of(text.unwrap_or_default().as_bytes())
}
