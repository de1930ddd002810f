use std::error;
use std::fmt;
use std::path::PathBuf;

/// Why there is no module, or no instance.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The library was not opened, or is not this one.
    Load(PathBuf, libloading::Error),
    /// The module asks for more than this crate has.
    Unsupported(PathBuf),
    /// The module refused the configuration, or what the host offers: its words.
    Create(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(path, error) => {
                write!(f, "{}: {error}; give the path of libmatrix_devices.so", path.display())
            }
            Self::Unsupported(path) => {
                write!(
                    f,
                    "{}: too new for this version of matrix-devices; update it",
                    path.display()
                )
            }
            Self::Create(text) => f.write_str(text),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Load(_, error) => Some(error),
            _ => None,
        }
    }
}

/// Why a request is not answered by the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotHandled {
    /// None of its routes: route it on.
    NotMine,
    /// It is being shut down: answer 503.
    ShuttingDown,
    /// Answer 500.
    OutOfMemory,
}

impl fmt::Display for NotHandled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotMine => "not one of the module's routes; route it on",
            Self::ShuttingDown => "the module is being shut down; answer 503",
            Self::OutOfMemory => "out of memory; answer 500",
        })
    }
}

impl error::Error for NotHandled {}
