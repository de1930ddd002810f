"""The Matrix device endpoints, from libmatrix_devices.so, in Python.

A homeserver derives ``Host``, one method a callback, and hands requests to a ``Module``::

    module = matrix_devices.Module.open(MyHost(), {"max_devices_per_user": 100})
    response = module.handle(matrix_devices.Request("GET", target, headers))

docs/python.md has the whole of it.
"""

from __future__ import annotations

from .accounts import Accounts, Identity, Login, Namespace, Service
from .clock import Clock
from .errors import (
    BadData,
    ClosedError,
    ConfigurationError,
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
    Device,
    DeviceUpdate,
    Flow,
    Limit,
    Principal,
    Request,
    Response,
    Route,
    Session,
    UiaAttempt,
    UiaOperation,
    UiaRecord,
)
from .sqlite import SqliteHost

__all__ = [
    "Accounts",
    "AsyncMemoryHost",
    "BadData",
    "Clock",
    "ClosedError",
    "CompletedStage",
    "ConfigurationError",
    "Credentials",
    "Device",
    "DeviceUpdate",
    "Error",
    "Exchange",
    "Flow",
    "Forbidden",
    "Host",
    "Identity",
    "Limit",
    "LimitExceeded",
    "LoadError",
    "Login",
    "MatrixError",
    "MemoryHost",
    "Module",
    "Namespace",
    "NotFound",
    "Principal",
    "Question",
    "Refusal",
    "Refused",
    "Request",
    "Response",
    "Route",
    "Service",
    "Session",
    "SqliteHost",
    "StoreError",
    "Timeout",
    "UiaAttempt",
    "UiaOperation",
    "UiaRecord",
    "Unavailable",
    "UnknownDevice",
    "UnknownToken",
    "UserLocked",
]
