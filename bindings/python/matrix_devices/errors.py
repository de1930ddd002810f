"""What is raised: by this package where it cannot do what is asked, by hosts to refuse."""

from __future__ import annotations

import errno
from typing import Any

__all__ = [
    "BadData",
    "ClosedError",
    "ConfigurationError",
    "Conflict",
    "Error",
    "Forbidden",
    "LimitExceeded",
    "LoadError",
    "MatrixError",
    "NotFound",
    "Refusal",
    "Refused",
    "StoreError",
    "Timeout",
    "Unavailable",
    "UnknownDevice",
    "UnknownToken",
    "UserLocked",
]


class Error(Exception):
    """Of this package; its text is one line that says what to mend."""


class LoadError(Error):
    """A library could not be loaded, or is not what its path promises."""


class ConfigurationError(Error, ValueError):
    """The module or the store refused a setting, or the host lacks what a setting needs."""


class ClosedError(Error, RuntimeError):
    """The module was closed, or was opened before a fork() that made this process."""


class StoreError(Error):
    """The store refused an account operation; see ``StoreHost``."""


class Refusal(Exception):
    """What a host's method raises where its answer is no. Which may do which: see ``Host``."""


class UnknownToken(Refusal):
    """``authenticate``: nobody's token (row A4), or one that was good once (row A5)."""

    def __init__(self, *, soft_logout: bool = False) -> None:
        super().__init__()
        self.soft_logout = soft_logout


class UserLocked(Refusal):
    """``authenticate``: the account is locked (row A6)."""


class Forbidden(Refusal):
    """``authenticate``: not a user of that application service (row A11)."""


class UnknownDevice(Refusal):
    """``authenticate``: the ``device_id`` asked for is not the user's (row A13)."""


class NotFound(Refusal):
    """No such device (rows G5, P4) or session (row U9)."""


class Conflict(Refusal):
    """``uia_replace_session``: another revision stands there, or none. It is loaded again."""


class LimitExceeded(Refusal):
    """``put_device``: the user has ``max_devices`` (row P7). ``take_limit``: wait (row L1)."""

    def __init__(self, retry_after_ms: int = 0) -> None:
        super().__init__()
        self.retry_after_ms = retry_after_ms


class Refused(Refusal):
    """``uia_check``: the credentials are wrong (row U4). The reason goes to the client."""

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(*([reason] if reason else []))
        self.reason = reason


class BadData(Refusal):
    """``uia_check``: a field is missing or of a wrong type (row U4a). The reason likewise."""

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(*([reason] if reason else []))
        self.reason = reason


class Unavailable(Refusal):
    """Any method: not now; the client gets 503 (row H1)."""


class Timeout(Refusal):
    """Any method: it took too long; the client gets 504 (row H2)."""


class MatrixError(Refusal):
    """Any method: an answer of the host's own (row A16).

    ``status`` is 400 to 599, from a ``uia_`` method not 401; ``text`` tells a client developer
    what to do next and holds no secret; ``extra`` are further members of the JSON object.
    """

    def __init__(
        self,
        status: int,
        errcode: str,
        text: str,
        *,
        retry_after_ms: int | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(status, errcode, text)
        self.status = status
        self.errcode = errcode
        self.text = text
        self.retry_after_ms = retry_after_ms
        self.extra = extra


def is_starvation(error: BaseException) -> bool:
    """Whether it is want of memory or threads, which passes: the client gets 503 (row H6)."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOMEM, errno.EAGAIN)
    # Python has no better sign of a thread that could not be started.
    no_thread = isinstance(error, RuntimeError) and "can't start new thread" in str(error)
    return no_thread or isinstance(error, MemoryError)
