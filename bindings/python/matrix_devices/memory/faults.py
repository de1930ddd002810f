"""Faults that a test plants in a host: its next calls fail, or take their time."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import NamedTuple

from ..host import METHODS


class Fault(NamedTuple):
    """What happens to one call: first the delay, in seconds, then the error."""

    delay: float = 0.0
    error: BaseException | None = None

    def strike(self) -> None:
        """Raise the error, if it is one."""
        if self.error is not None:
            raise self.error.with_traceback(None)


class Faults:
    """Planted faults, a queue for each method. Any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._planted: dict[str, deque[Fault]] = {}
        self.armed = False  # whether anything is planted: one look for each call of a host

    def plant(self, method: str, fault: Fault, times: int = 1) -> None:
        """The next ``times`` calls of the method, after those planted before, have this fault."""
        if method not in METHODS:
            raise ValueError(f"{method!r} is no method of a host; there are {', '.join(METHODS)}")
        if times < 1 or fault.delay < 0:
            raise ValueError("a fault: times is 1 or more, a delay 0 seconds or more")
        with self._lock:
            self._planted.setdefault(method, deque()).extend([fault] * times)
            self.armed = True

    def take(self, method: str) -> Fault | None:
        """The fault of the call that is just beginning, if it has one."""
        with self._lock:
            planted = self._planted.get(method)
            if planted is None:
                return None
            fault = planted.popleft()
            if not planted:
                del self._planted[method]
                self.armed = bool(self._planted)
            return fault

    def clear(self) -> None:
        """Nothing is planted any more."""
        with self._lock:
            self._planted.clear()
            self.armed = False
