"""An instance of the module as the rest of this package uses it: clock, log, life and death."""

from __future__ import annotations

import atexit
import json
import logging
import os
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from . import _contract, _core, _explain, _libraries
from .errors import ClosedError, ConfigurationError, LoadError
from .host import OPTIONAL
from .records import Request

__all__ = ["Engine", "milliseconds_to"]

logger = logging.getLogger("matrix_devices")

_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.ERROR)
_MAX_TIME_MS = 1 << 53
_SIGNAL_INTERVAL_MS = 50  # how often a blocked wait looks for Ctrl-C


def milliseconds_to(deadline: float | None) -> int:
    """How long to wait at once for what is due at ``deadline`` (of time.monotonic)."""
    if deadline is None:
        return _SIGNAL_INTERVAL_MS
    return max(0, min(_SIGNAL_INTERVAL_MS, int((deadline - time.monotonic()) * 1000)))


class Engine:
    """A loaded library, an instance of it, and what the host side has to do around its calls.

    Any thread. It outlives its ``Module`` as long as an ``Exchange`` is under way.
    """

    def __init__(
        self,
        library: str | os.PathLike[str] | None,
        config: Mapping[str, Any] | None,
        store: _core.Store | None,
        optional: Iterable[str],
        now_ms: Callable[[], int] | None,
    ) -> None:
        """Raises LoadError, ConfigurationError."""
        if isinstance(optional, str):
            raise ConfigurationError(f'optional is a str; give a list: ["{optional}"]')
        present = set(optional)
        if not present <= set(OPTIONAL):
            raise ConfigurationError(
                f"optional: {', '.join(sorted(present - set(OPTIONAL)))} is not one of "
                f"{', '.join(OPTIONAL)}"
            )
        self._now_ms = now_ms
        self.library = _libraries.load_module(library)
        try:
            self.core = _core.Engine(
                self.library,
                _to_json(config),
                store,
                put_device="put_device" in present,
                mark_validated="mark_validated" in present,
                take_limit="take_limit" in present,
                clock=now_ms is not None,
            )
        except _core.StatusError as error:
            status, text = error.args
            kind = ConfigurationError if status == _contract.INVALID_ARGUMENT else LoadError
            raise kind(text) from None
        _open_engines.add(self)

    def match(self, method: str | bytes, target: str | bytes) -> bool:
        """As ``Module.match``."""
        status = self.core.match(method, target)
        if status == _contract.UNAVAILABLE:
            raise _closed()
        return status == _contract.OK

    def begin(self, request: Request) -> _core.Exchange | None:
        """As ``Module.begin``."""
        try:
            exchange = self.core.begin(
                self._now(),
                request.method,
                request.target,
                request.headers,
                request.body,
                request.remote_addr,
                request.body_too_large,
            )
        except _core.StatusError as error:
            status, text = error.args
            if status == _contract.UNAVAILABLE:
                raise _closed() from None
            raise ValueError(text) from None
        except (TypeError, UnicodeEncodeError) as error:
            wrong = _explain.wrong_request(request)
            if wrong is None:
                raise
            raise (TypeError if isinstance(error, TypeError) else ValueError)(wrong) from None
        self.pass_on_log()
        return exchange

    def cancel(self, token: int) -> None:
        """Advice to the module that nobody waits for this request."""
        self.core.cancel(self._now(), token)

    def complete(self, op: int, status: int, *, is_long: bool) -> None:
        """Answer an operation, and pass on what the module logs of it."""
        if self.core.complete(self._now(), op, status, is_long):
            self._drain_log()

    def _now(self) -> int | None:
        """The host's time, which the module is told before it goes on."""
        if self._now_ms is None:
            return None
        try:
            now_ms = self._now_ms()
            if not isinstance(now_ms, int) or not 0 <= now_ms <= _MAX_TIME_MS:
                logger.error(
                    "now_ms() returned %s; it must return ms since the epoch, an int from 0 to "
                    "2**53. The system's clock counts in its place",
                    _explain.a(now_ms),
                )
                now_ms = _system_ms()
        except Exception:  # a host's fault breaks no request (H3)
            logger.exception("now_ms() failed: the system's clock counts in its place")
            now_ms = _system_ms()
        return now_ms

    def pass_on_log(self) -> None:
        """Lines of the module and of the store, to logging, after it went on."""
        if self.core.has_log():
            self._drain_log()

    def _drain_log(self) -> None:
        for level, message in self.core.drain_log():
            logger.log(_LEVELS[min(max(level, 0), len(_LEVELS) - 1)], "%s", message)

    @property
    def is_usable(self) -> bool:
        """Whether it takes requests, or still answers some."""
        return self.core.is_usable

    def check_usable(self) -> None:
        """Raise ClosedError if not."""
        if not self.core.is_usable:
            raise ClosedError("the module was closed while a request was waiting for its answer")

    def close(self, timeout: float | None) -> None:
        """As ``Module.close``."""
        deadline = None if timeout is None else time.monotonic() + timeout
        self.core.shut_down()
        while not self.core.close(milliseconds_to(deadline)):
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"requests are still in flight after {timeout:g} s")
        self.pass_on_log()

    def leave(self) -> None:
        """Close, or leave unanswered what is in flight: nobody can be waiting for it."""
        if self.core.is_usable:
            self.core.shut_down()
            if not self.core.close(0):
                self.core.abandon()

    def __del__(self) -> None:
        """Neither a ``Module`` nor an ``Exchange`` is left."""
        if hasattr(self, "core"):
            self.leave()


def _system_ms() -> int:
    return time.time_ns() // 1_000_000


def _closed() -> ClosedError:
    return ClosedError("the module is closed, or was opened before a fork(): open one")


def _to_json(config: Mapping[str, Any] | None) -> bytes:
    if config is not None and not isinstance(config, Mapping):
        raise ConfigurationError(
            f"config is {_explain.a(config)}; give a mapping, such as "
            '{"max_devices_per_user": 100} (docs/configuration.md)'
        )
    try:
        return json.dumps(dict(config or {}), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"config: {error}; give what JSON can hold") from None


_open_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def _leave_all() -> None:
    """The interpreter is at its exit."""
    for engine in list(_open_engines):
        engine.leave()


def _forget_all() -> None:
    """This is a forked child: what the parent has is never touched."""
    for engine in list(_open_engines):
        engine.core.forget()


atexit.register(_leave_all)
os.register_at_fork(after_in_child=_forget_all)
