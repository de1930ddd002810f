"""Rate limits in memory: buckets that fill up again by the host's clock."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from .errors import LimitExceeded
from .records import Limit

MAX_BUCKETS = 10_000  # over this many, full ones are forgotten


class MemoryLimits:
    """What ``Host.take_limit`` asks for. Any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._full_at_ms: dict[tuple[str, str], int] = {}  # when the bucket has all its units again

    def take(self, limits: Sequence[Limit], units: int, now_ms: int) -> None:
        """Take a unit from each bucket, all or none, or give it back. ``LimitExceeded``."""
        with self._lock:
            after = {}
            wait_ms = 0
            for limit in limits:
                key = (limit.name, limit.key)
                drained_ms = limit.burst * limit.interval_ms
                # Never further away than that: a clock that was set back silences nobody.
                full_at = min(max(self._full_at_ms.get(key, 0), now_ms), now_ms + drained_ms)
                after[key] = full_at + units * limit.interval_ms
                wait_ms = max(wait_ms, after[key] - now_ms - drained_ms)
            if units > 0 and wait_ms > 0:
                raise LimitExceeded(retry_after_ms=wait_ms)
            self._full_at_ms.update(after)
            if len(self._full_at_ms) > MAX_BUCKETS:
                self._full_at_ms = {k: ms for k, ms in self._full_at_ms.items() if ms > now_ms}
