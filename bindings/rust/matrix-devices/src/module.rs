use std::ffi::CStr;
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use matrix_devices_sys::*;

use crate::callbacks::{Shared, table};
use crate::{Error, Host, Instance, Spawn};

/// The loaded library. It stays loaded for as long as the process lives.
#[derive(Clone, Copy)]
pub struct Module {
    table: &'static mxd_module,
}

impl Module {
    /// Opens `libmatrix_devices.so`, whose code runs in this process from then on: as with every
    /// library, it must be the one that it says it is.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let failed = |error| Error::Load(path.into(), error);
        // SAFETY: the library's constructors are sound, and the entry is of the type that its name,
        // which holds the major version, stands for.
        let table = unsafe {
            let library = Library::open(Some(path), RTLD_NOW | RTLD_LOCAL).map_err(failed)?;
            let entry = *library.get::<mxd_entry_v1>(MXD_ENTRY_V1.to_bytes()).map_err(failed)?;
            std::mem::forget(library);
            &*entry()
        };
        let is_whole = table.size as usize >= MXD_MODULE_SIZE_1_0;
        if !is_whole || table.caps >> MXD_CAP_MUST_UNDERSTAND_FROM != 0 {
            return Err(Error::Unsupported(path.into()));
        }
        Ok(Self { table })
    }

    /// The module's version, for people.
    pub fn version(&self) -> &'static str {
        // SAFETY: terminated, and good for ever.
        unsafe { CStr::from_ptr(self.table.product_version) }.to_str().unwrap_or_default()
    }

    /// Begins to serve. `config` is a JSON object (`docs/configuration.md`), or empty; `spawner`
    /// is where a deletion goes on whose client hung up.
    pub fn serve<H: Host>(
        &self,
        host: H,
        config: &str,
        spawner: impl Spawn,
    ) -> Result<Instance, Error> {
        let spawner: Arc<dyn Spawn> = Arc::new(spawner);
        let shared = Arc::new(Shared { host, table: self.table, spawner: spawner.clone() });
        let (mut raw, mut text) = (ptr::null_mut(), [0; 512]);
        let host = table::<H>(Arc::as_ptr(&shared) as mxd_cookie);
        // SAFETY: all that is passed is good until the call returns; what the cookie points to is
        // kept by the instance.
        let status = unsafe {
            let config = mxd_view::of(config.as_bytes());
            (self.table.create)(&host, config, &mut raw, text.as_mut_ptr(), text.len())
        };
        if status != MXD_OK {
            // SAFETY: the module has terminated it.
            let text = unsafe { CStr::from_ptr(text.as_ptr()) };
            return Err(Error::Create(text.to_string_lossy().into_owned()));
        }
        Ok(Instance::new(self.table, raw, shared, spawner))
    }
}
