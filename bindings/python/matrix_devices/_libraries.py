"""Where the shared libraries are."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
from pathlib import Path

from . import _core
from .errors import LoadError

__all__ = ["MODULE_VARIABLE", "load_module", "load_store", "module_path", "store_path"]

MODULE_VARIABLE = "MATRIX_DEVICES_LIBRARY"


def module_path(given: str | os.PathLike[str] | None = None) -> str:
    """The path of libmatrix_devices.so: as given, else of the environment, else the package's."""
    return _path(given, MODULE_VARIABLE, "libmatrix_devices.so")


def store_path(url: str, given: str | os.PathLike[str] | None = None) -> str:
    """Likewise of the store that opens a database: PostgreSQL's, where it is key words of libpq.

    Of ``sqlite:…`` and of a file name the variable is MATRIX_DEVICES_SQLITE_LIBRARY.
    """
    engine = _core.engine_of(url)
    variable = f"MATRIX_DEVICES_{re.sub('[^A-Z0-9]', '_', engine.upper())}_LIBRARY"
    return _path(given, variable, f"libmatrix_devices_{engine}.so")


def _path(given: str | os.PathLike[str] | None, variable: str, name: str) -> str:
    if given is not None:
        path = os.fspath(given)
    else:
        path = os.environ.get(variable) or str(Path(__file__).with_name(name))
    # dlopen() would look for a bare name along the system's search path.
    return path if "/" in path else os.path.join(".", path)


def load_module(library: str | os.PathLike[str] | None = None) -> _core.Library:
    """Load libmatrix_devices.so from ``module_path`` and shake hands. Raises LoadError."""
    try:
        return _core.Library(module_path(library))
    except _core.StatusError as error:
        raise LoadError(error.args[1]) from None


def load_store(url: str, library: str | os.PathLike[str] | None = None) -> _core.StoreLibrary:
    """Load the store's library from ``store_path`` and shake hands. Raises LoadError."""
    if _core.engine_of(url) == "sqlite":
        _load_sqlite()
    try:
        return _core.StoreLibrary(store_path(url, library))
    except _core.StatusError as error:
        reason: str = error.args[1]
        if "libsqlite3" in reason:
            reason += ": install SQLite's library (Debian: libsqlite3-0), or a Python that has it"
        raise LoadError(reason) from None


def _load_sqlite() -> None:
    """Load the SQLite that Python's own module uses, which the store's library then takes too.

    One process must not have a file open with two copies: closing it in one ends the locks of the
    other.
    """
    # A Python may have been built without it.
    with contextlib.suppress(ImportError):
        importlib.import_module("sqlite3")
