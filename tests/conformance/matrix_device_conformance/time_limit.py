"""The time that a test may take. It is stopped while the suite waits for a homeserver's limits."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

AGAIN_S = 5  # where the first alarm was lost in waiting for threads


class TimeLimit(TimeoutError):
    """A test's time is over. `is_subject`: the row is about how long that takes."""

    def __init__(self, seconds: float, is_subject: bool) -> None:
        self.seconds = seconds
        self.is_subject = is_subject
        super().__init__(f"not done within {seconds:.0f} s")


@contextlib.contextmanager
def time_limit(seconds: float, *, is_subject: bool = False) -> Iterator[None]:
    """Raise TimeLimit in the main thread when the time is over."""

    def over(_number: int, _frame: FrameType | None) -> None:
        raise TimeLimit(seconds, is_subject)

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """No time passes for the test meanwhile."""
    left, interval = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        yield
    finally:
        if interval:
            signal.setitimer(signal.ITIMER_REAL, left, interval)
