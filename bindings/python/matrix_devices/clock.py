"""A clock that tests can turn."""

from __future__ import annotations

import time

from . import _core


class Clock:
    """Wall clock in milliseconds since the epoch: the system's, plus an offset. Any thread."""

    __slots__ = ("_offset_ms",)

    def __init__(self) -> None:
        self._offset_ms = 0

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000 + self._offset_ms

    def set(self, ms: int) -> None:
        """It is ``ms`` now, and goes on from there. ``ms`` since the epoch, 0 or more."""
        if ms < 0:
            raise ValueError("Clock.set: give milliseconds since the epoch, 0 or more")
        self._offset_ms += ms - self.now_ms()

    def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0) -> None:
        """Turn the clock on by the sum of these; negative: back."""
        self._offset_ms += round((seconds + 60 * minutes + 3600 * hours) * 1000)

    def __repr__(self) -> str:
        return f"<Clock {self.now_ms()} ms since the epoch>"


class StoreClock(Clock):
    """The store's clock, which tests can turn."""

    __slots__ = ("_store",)

    def __init__(self, store: _core.Store) -> None:
        super().__init__()
        self._store = store

    def set(self, ms: int) -> None:
        super().set(ms)
        self._store.set_clock_offset(self._offset_ms)

    def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0) -> None:
        super().advance(seconds, minutes=minutes, hours=hours)
        self._store.set_clock_offset(self._offset_ms)
