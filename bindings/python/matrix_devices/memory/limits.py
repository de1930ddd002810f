"""Rate limits in memory: buckets that fill up again by the host's clock."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from ..errors import LimitExceeded
from ..records import Limit

MAX_BUCKETS = 10_000  # over this many, full ones are forgotten


class MemoryLimits:
    """What ``Host.take_limit`` asks for. Any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._full_at_ms: dict[tuple[str, str], int] = {}  # when the bucket has all its units again
        self._elapsed_ms = 0  # what both are counted in: a clock that is set back silences nobody
        self._last_now_ms: int | None = None

    def take(self, limits: Sequence[Limit], units: int, now_ms: int) -> None:
        """Take a unit from each bucket, all or none, or give it back. ``LimitExceeded``."""
        with self._lock:
            if self._last_now_ms is not None:
                self._elapsed_ms += max(0, now_ms - self._last_now_ms)
            self._last_now_ms = now_ms
            after = {}
            wait_ms = 0
            for limit in limits:
                key = (limit.name, limit.key)
                full_at = max(self._full_at_ms.get(key, 0), self._elapsed_ms)
                after[key] = full_at + units * limit.interval_ms
                wait_ms = max(
                    wait_ms, after[key] - self._elapsed_ms - limit.burst * limit.interval_ms
                )
            if units > 0 and wait_ms > 0:
                raise LimitExceeded(retry_after_ms=wait_ms)
            self._full_at_ms.update(after)
            if len(self._full_at_ms) > MAX_BUCKETS:
                self._full_at_ms = {
                    key: ms for key, ms in self._full_at_ms.items() if ms > self._elapsed_ms
                }
