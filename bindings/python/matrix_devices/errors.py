"""What is raised: by this package where it cannot do what is asked, by hosts to refuse."""

from __future__ import annotations

import errno
from typing import Any, ClassVar

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
    """What a host's method raises where its answer is no. Which may do which: see ``Host``.

    ``text`` is for logs and tracebacks, and reaches no client; each has one by default.
    """

    default_text: ClassVar[str] = "The host says no."

    def __init__(self, text: str | None = None) -> None:
        super().__init__(*(() if text is None else (text,)))

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else self.default_text


class UnknownToken(Refusal):
    """``authenticate``: nobody's token (row A4), or one that was good once (row A5)."""

    default_text = "Nobody has this token. Log in again."

    def __init__(self, text: str | None = None, *, soft_logout: bool = False) -> None:
        super().__init__(text)
        self.soft_logout = soft_logout

    def __str__(self) -> str:
        if self.soft_logout and not self.args:
            return "The token has expired, or a refresh has replaced it. Refresh it, or log in."
        return super().__str__()

    def __repr__(self) -> str:
        return f"UnknownToken(soft_logout={self.soft_logout})"


class UserLocked(Refusal):
    """``authenticate``: the account is locked (row A6)."""

    default_text = "The account is locked. Unlock it first."


class Forbidden(Refusal):
    """``authenticate``: not a user of that application service (row A11)."""

    default_text = (
        "Wrong name or password, or no registered user of the application service. Correct them."
    )


class UnknownDevice(Refusal):
    """``authenticate``: the ``device_id`` asked for is not the user's (row A13)."""

    default_text = "The user has no such device. Correct its ID, or make it first."


class NotFound(Refusal):
    """No such device (rows G5, P4) or session (row U9)."""

    default_text = "There is no such account, device or session. Correct its ID, or make it first."


class Conflict(Refusal):
    """``uia_replace_session``: another revision stands there, or none. It is loaded again."""

    default_text = "The session stands at another revision. Load it again."


class LimitExceeded(Refusal):
    """``put_device``: the user has ``max_devices`` (row P7). ``take_limit``: wait (row L1)."""

    def __init__(self, retry_after_ms: int = 0) -> None:
        super().__init__()
        self.retry_after_ms = retry_after_ms

    def __str__(self) -> str:
        if self.retry_after_ms:
            return f"A limit is reached. Try again in {self.retry_after_ms} ms."
        return "A limit is reached. Delete some devices, or raise max_devices_per_user."

    def __repr__(self) -> str:
        return f"LimitExceeded(retry_after_ms={self.retry_after_ms!r})"


class Refused(Refusal):
    """``uia_check``: the credentials are wrong (row U4). The reason goes to the client."""

    default_text = "The credentials are wrong. Try others."

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(reason or None)
        self.reason = reason


class BadData(Refusal):
    """``uia_check``: a field is missing or of a wrong type (row U4a). The reason likewise."""

    default_text = "A field of the credentials is missing, or of a wrong type. Send what is due."

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(reason or None)
        self.reason = reason


class Unavailable(Refusal):
    """Any method: not now; the client gets 503 (row H1)."""

    default_text = "It can't be done now. Try again later."


class Timeout(Refusal):
    """Any method: it took too long; the client gets 504 (row H2)."""

    default_text = "It took too long. Try again later."


class MatrixError(Refusal):
    """Any method: an answer of the host's own (row A16).

    ``status`` is 400 to 599, from a ``uia_`` method not 401; ``text`` tells a client developer
    what to do next and holds no secret; ``extra`` are further members of the JSON object, of which
    ``repr`` shows the names only.
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
        Exception.__init__(self, status, errcode, text)
        self.status = status
        self.errcode = errcode
        self.text = text
        self.retry_after_ms = retry_after_ms
        self.extra = extra

    def __str__(self) -> str:
        return f"{self.status} {self.errcode}: {self.text}"

    def __repr__(self) -> str:
        wait = "" if self.retry_after_ms is None else f", retry_after_ms={self.retry_after_ms!r}"
        extra = "".join(f", {name}=…" for name in self.extra)
        return f"MatrixError({self.status!r}, {self.errcode!r}, {self.text!r}{wait}{extra})"


def is_starvation(error: BaseException) -> bool:
    """Whether it is want of memory or threads, which passes: the client gets 503 (row H6)."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOMEM, errno.EAGAIN)
    # Python has no better sign of a thread that could not be started.
    no_thread = isinstance(error, RuntimeError) and "can't start new thread" in str(error)
    return no_thread or isinstance(error, MemoryError)
