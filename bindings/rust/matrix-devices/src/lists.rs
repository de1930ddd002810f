//! Lists that the module passes, read as they are gone through.

use std::time::Duration;

use matrix_devices_sys::*;

use crate::views::text;

/// A bucket, found by name and key.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limit<'a> {
    /// `"uia_failures_device"`; later modules may have more.
    pub name: &'a str,
    /// Whose bucket; at most 1 KiB.
    pub key: &'a str,
    /// Units that may be taken at once, at least 1.
    pub burst: i64,
    /// After which one unit comes back.
    pub interval: Duration,
}

macro_rules! lists {
    ($($(#[$doc:meta])* $list:ident of $record:ident: $item:ty, $read:path;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $list<'a>(&'a [$record]);

        impl<'a> $list<'a> {
            /// # Safety
            /// What the records point to is good for `'a`.
            pub(crate) unsafe fn new(records: &'a [$record]) -> Self {
                Self(records)
            }

            /// From the first to the last.
            pub fn iter(self) -> impl DoubleEndedIterator<Item = $item> + ExactSizeIterator + Clone {
                // SAFETY: these are the module's records, good for 'a.
                self.0.iter().map(|record| unsafe { $read(record) })
            }

            /// How many.
            pub fn len(self) -> usize {
                self.0.len()
            }

            /// Whether there is none.
            pub fn is_empty(self) -> bool {
                self.0.is_empty()
            }
        }

        impl std::fmt::Debug for $list<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_list().entries(self.iter()).finish()
            }
        }
    )*};
}

impl DeviceIds<'_> {
    /// Whether this is one of them.
    pub fn contains(self, device_id: &str) -> bool {
        // SAFETY: these are the module's records, good for as long as this is.
        self.0.binary_search_by(|record| unsafe { text_of(record) }.cmp(device_id)).is_ok()
    }
}

lists! {
    /// The IDs of devices.
    DeviceIds of mxd_view: &'a str, text_of;
    /// Buckets.
    Limits of mxd_limit: Limit<'a>, limit_of;
}

/// # Safety
/// What the record points to is good for as long as the record.
unsafe fn text_of(record: &mxd_view) -> &str {
    // SAFETY: as above.
    unsafe { text(*record) }
}

/// # Safety
/// As [`text_of`].
unsafe fn limit_of(record: &mxd_limit) -> Limit<'_> {
    // SAFETY: as above.
    unsafe {
        Limit {
            name: text(record.name),
            key: text(record.key),
            burst: record.burst,
            interval: Duration::from_millis(record.interval_ms.unsigned_abs()),
        }
    }
}
