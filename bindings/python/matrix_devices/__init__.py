"""The Matrix device endpoints, from libmatrix_devices.so, in Python.

A homeserver derives ``Host``, one method a callback, and hands requests to a ``Module``:

    module = matrix_devices.Module.open(MyHost(), {"max_devices_per_user": 100})
    response = module.handle(matrix_devices.Request("GET", target, headers))

docs/python.md has the whole of it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ._core import __version__
from .accounts import Accounts, Identity, Login, Namespace, Service
from .clock import Clock
from .databases import PostgresHost, SqliteHost
from .errors import (
    BadData,
    ClosedError,
    ConfigurationError,
    Conflict,
    Error,
    Forbidden,
    LimitExceeded,
    LoadError,
    MatrixError,
    NotFound,
    Refusal,
    Refused,
    StoreError,
    Timeout,
    Unavailable,
    UnknownDevice,
    UnknownToken,
    UserLocked,
)
from .exchange import Exchange, Question
from .host import Host
from .memory import AsyncMemoryHost, MemoryHost
from .module import Module
from .records import (
    CompletedStage,
    Credentials,
    Deletion,
    Device,
    DeviceKey,
    DeviceQuery,
    DeviceUpdate,
    Flow,
    KeptSession,
    Limit,
    LimitRequest,
    NewSession,
    Principal,
    Replacement,
    Request,
    Response,
    Route,
    SessionKey,
    UiaAttempt,
    UiaOperation,
    Validation,
)
from .store import StoreHost

if TYPE_CHECKING:
    from . import asgi, server, wsgi

__all__ = [
    "Accounts",
    "AsyncMemoryHost",
    "BadData",
    "Clock",
    "ClosedError",
    "CompletedStage",
    "ConfigurationError",
    "Conflict",
    "Credentials",
    "Deletion",
    "Device",
    "DeviceKey",
    "DeviceQuery",
    "DeviceUpdate",
    "Error",
    "Exchange",
    "Flow",
    "Forbidden",
    "Host",
    "Identity",
    "KeptSession",
    "Limit",
    "LimitExceeded",
    "LimitRequest",
    "LoadError",
    "Login",
    "MatrixError",
    "MemoryHost",
    "Module",
    "Namespace",
    "NewSession",
    "NotFound",
    "PostgresHost",
    "Principal",
    "Question",
    "Refusal",
    "Refused",
    "Replacement",
    "Request",
    "Response",
    "Route",
    "Service",
    "SessionKey",
    "SqliteHost",
    "StoreError",
    "StoreHost",
    "Timeout",
    "UiaAttempt",
    "UiaOperation",
    "Unavailable",
    "UnknownDevice",
    "UnknownToken",
    "UserLocked",
    "Validation",
    "__version__",
    "asgi",
    "server",
    "wsgi",
]

_ON_DEMAND = ("asgi", "server", "wsgi")  # what not every program needs


def __getattr__(name: str) -> object:
    if name in _ON_DEMAND:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ON_DEMAND})
