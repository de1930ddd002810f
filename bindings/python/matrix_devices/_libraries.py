"""Where the shared libraries are."""

from __future__ import annotations

import os
from pathlib import Path

from . import _core
from .errors import LoadError

__all__ = ["MODULE_VARIABLE", "STORE_VARIABLE", "load", "module_path", "store_path"]

MODULE_VARIABLE = "MATRIX_DEVICES_LIBRARY"
STORE_VARIABLE = "MATRIX_DEVICES_SQLITE_LIBRARY"


def module_path(given: str | os.PathLike[str] | None = None) -> str:
    """The path of libmatrix_devices.so: as given, else of the environment, else the package's."""
    return _path(given, MODULE_VARIABLE, "libmatrix_devices.so")


def store_path(given: str | os.PathLike[str] | None = None) -> str:
    """Likewise of libmatrix_devices_sqlite.so."""
    return _path(given, STORE_VARIABLE, "libmatrix_devices_sqlite.so")


def _path(given: str | os.PathLike[str] | None, variable: str, name: str) -> str:
    if given is not None:
        path = os.fspath(given)
    else:
        path = os.environ.get(variable) or str(Path(__file__).with_name(name))
    # dlopen() would look for a bare name along the system's search path.
    return path if "/" in path else os.path.join(".", path)


def load(library: str | os.PathLike[str] | None = None) -> _core.Library:
    """Load libmatrix_devices.so from ``module_path`` and shake hands. Raises LoadError."""
    try:
        return _core.Library(module_path(library))
    except _core.StatusError as error:
        raise LoadError(error.args[1]) from None
