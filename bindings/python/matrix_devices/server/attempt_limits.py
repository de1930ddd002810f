"""Limits on what is attempted before anybody is authenticated. docs/accounts.md, T5 and T6."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from threading import Lock
from typing import Any

from .. import _explain
from ..errors import ConfigurationError, Forbidden
from ..memory.limits import MemoryLimits
from ..records import Limit

MAX_BURST = 1_000_000
MAX_INTERVAL_MS = 24 * 3600 * 1000
MAX_KNOWN = 10_000  # pairs of network and user; over this many the oldest is forgotten
_IPV6_PREFIX = 64  # bits that one client has for itself


@dataclass(frozen=True, slots=True)
class Bucket:
    """``burst`` units can be taken at once, then one comes back every ``interval_ms``."""

    burst: int
    interval_ms: int

    def __post_init__(self) -> None:
        for name, most in (("burst", MAX_BURST), ("interval_ms", MAX_INTERVAL_MS)):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= most:
                raise ConfigurationError(f"{name} must be an integer from 1 to {most}")


@dataclass(frozen=True, slots=True)
class AttemptLimits:
    """The buckets, at their defaults: those of ``matrix-devices-server`` (docs/operations.md)."""

    login_address_user: Bucket = Bucket(10, 6_000)
    """Wrong passwords of one address for one user."""
    login_user: Bucket = Bucket(30, 2_000)
    """Wrong passwords for one user, from wherever."""
    login_address: Bucket = Bucket(100, 1_000)
    """Wrong passwords of one address, for any user."""
    registration_address: Bucket = Bucket(30, 10_000)
    """Registrations of one address; and, of its own, refreshes with unknown tokens."""

    @classmethod
    def of_settings(cls, settings: Mapping[str, Any]) -> AttemptLimits | None:
        """As in a file of settings, member ``limits``; None: they are off. ConfigurationError."""
        buckets: dict[str, Bucket] = {}
        enabled = True
        names = {field.name for field in fields(cls)}
        for key, value in settings.items():
            if key == "enabled" and isinstance(value, bool):
                enabled = value
            elif key in names and isinstance(value, Mapping):
                try:
                    buckets[key] = Bucket(**value)
                except (ConfigurationError, TypeError) as error:
                    raise ConfigurationError(f"limits.{key}: {error}") from None
            else:
                raise ConfigurationError(
                    f'limits.{key}: there are "enabled", true or false, and buckets such as '
                    f'{{"burst": 10, "interval_ms": 6000}}: {", ".join(sorted(names))}'
                )
        return cls(**buckets) if enabled else None


DEFAULT_LIMITS = AttemptLimits()


class AttemptLimiter:
    """Counts attempts. Any thread. What is over a limit raises ``LimitExceeded``."""

    def __init__(self, limits: AttemptLimits | None, now_ms: Callable[[], int]) -> None:
        """``limits`` None: nothing is limited. ConfigurationError."""
        if limits is not None and not isinstance(limits, AttemptLimits):
            raise ConfigurationError(
                f"limits is {_explain.a(limits)}; give AttemptLimits(…), or None for no limits"
            )
        self._limits = limits
        self._now_ms = now_ms
        self._buckets = MemoryLimits()
        self._lock = Lock()
        self._known: dict[tuple[str, str], None] = {}  # in the order they were made

    @contextmanager
    def guess(self, address: str, user_id: str) -> Iterator[None]:
        """Around the check of a password, which counts if it ends in ``Forbidden``.

        The unit is taken before, so that guesses sent at once don't slip through. Where the user
        has logged in from before, guesses from elsewhere lock nobody out.
        """
        if self._limits is None:
            yield
            return
        address = _network_of(address)
        limits = [
            _limit("login_address_user", f"{address} {user_id}", self._limits.login_address_user),
            _limit("login_address", address, self._limits.login_address),
        ]
        if (address, user_id) not in self._known:
            limits.append(_limit("login_user", user_id, self._limits.login_user))
        self._buckets.take(limits, 1, self._now_ms())
        try:
            yield
        except Forbidden:
            raise
        except BaseException:  # H6: one that was not tried
            self._buckets.take(limits, -1, self._now_ms())
            raise
        self._buckets.take(limits, -1, self._now_ms())
        self._remember(address, user_id)

    def register(self, address: str) -> None:
        """Before a registration."""
        self._take("registration_address", address)

    def refresh_unknown(self, address: str) -> None:
        """After a refresh with an unknown token: nobody else at the address is held up."""
        self._take("refresh_address", address)

    def _take(self, name: str, address: str) -> None:
        if self._limits is not None:
            limit = _limit(name, _network_of(address), self._limits.registration_address)
            self._buckets.take((limit,), 1, self._now_ms())

    def _remember(self, address: str, user_id: str) -> None:
        with self._lock:
            self._known[address, user_id] = None
            if len(self._known) > MAX_KNOWN:
                del self._known[next(iter(self._known))]


def _limit(name: str, key: str, bucket: Bucket) -> Limit:
    return Limit(name, key, bucket.burst, bucket.interval_ms)


def _network_of(address: str) -> str:
    """What counts as one client: an IPv4 address, or the network of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a Unix socket, or not known
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed), _IPV6_PREFIX), strict=False))
