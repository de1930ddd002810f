"""Password guesses at POST /login are limited: by address, and by address and user."""

from __future__ import annotations

from ..memory.limits import MemoryLimits
from ..records import Limit

_PER_ADDRESS = (100, 1_000)  # at once, then one every so many milliseconds
_PER_USER = (10, 6_000)


class LoginLimiter:
    """Any thread."""

    def __init__(self) -> None:
        self._limits = MemoryLimits()

    def take(self, address: str, user_id: str, now_ms: int) -> None:
        """Before a password is tried, so that guesses sent at once don't slip through.

        ``errors.LimitExceeded`` says how long to wait.
        """
        self._limits.take(_buckets(address, user_id), 1, now_ms)

    def give_back(self, address: str, user_id: str, now_ms: int) -> None:
        """The password was right: it was no guess."""
        self._limits.take(_buckets(address, user_id), -1, now_ms)


def _buckets(address: str, user_id: str) -> tuple[Limit, Limit]:
    return (
        Limit("login_address", address, *_PER_ADDRESS),
        Limit("login_user", f"{address} {user_id.lower()}", *_PER_USER),
    )
