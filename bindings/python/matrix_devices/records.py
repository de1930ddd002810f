"""What hosts and the module tell each other: small frozen records.

Times are milliseconds since the epoch, durations milliseconds. Fields that hold a secret (tokens,
session IDs, credentials, bodies) are left out of ``repr()``.
"""

from __future__ import annotations

import json as _json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "CompletedStage",
    "Credentials",
    "Device",
    "DeviceUpdate",
    "Flow",
    "Limit",
    "Principal",
    "Request",
    "Response",
    "Route",
    "Session",
    "UiaAttempt",
    "UiaOperation",
    "UiaRecord",
]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came off the wire: nothing decoded, nothing normalised.

    A ``str`` stands for bytes, a character (U+0000 to U+00FF) a byte, as WSGI has it.
    """

    method: str
    target: str = field(repr=False)
    """Path and query, ``/_matrix/client/v3/devices/a%2Fb?x=y``. May hold an access token."""
    headers: Sequence[tuple[str | bytes, str | bytes]] = field(default=(), repr=False)
    """All of them; one that came twice is there twice."""
    body: bytes = field(default=b"", repr=False)
    remote_addr: str = ""
    """Of the client, behind trusted proxies; ends up as last seen. Empty: not known."""
    body_too_large: bool = False
    """The body was longer than ``Module.max_body_bytes``; then ``body`` is empty (row L2)."""
    context: Any = field(default=None, repr=False, compare=False)
    """The caller's own; the host finds it in ``credentials.request.context``."""


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a request. ``Content-Length``, ``Date`` and ``Connection`` are the server's."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    """For HEAD what GET would have: send its length, not its bytes."""

    def json(self) -> Any:
        """The parsed body. Raises ValueError where it is none (OPTIONS, a fallback page)."""
        return _json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Route:
    """One of the module's routes: methods, and a path with ``{deviceId}`` or ``{type}`` in it."""

    methods: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whose request is it? Section 2 of docs/behaviour.md."""

    access_token: str = field(repr=False)
    user_id: str | None
    """Whom an application service wants to act as; of no meaning with a user's token."""
    device_id: str | None
    """And on which of that user's devices."""
    remote_addr: str
    request: Request = field(repr=False, compare=False)


@dataclass(frozen=True)
class Principal:
    """Who is asking. A host may derive from it: its later methods get the same object back."""

    user_id: str
    """``@alice:example.org``; with masquerading, the user acted as."""
    device_id: str | None = None
    token_id: str | None = None
    """A name for the token that stays the same (a row's number, a digest), never the token;
    needed where there is no device."""
    service_id: str | None = None
    """Of the application service whose as_token it is."""
    guest: bool = False
    oauth: bool = False
    """The token is of the OAuth 2.0 API (row D3)."""
    unlimited: bool = False
    """Exempt from rate limits."""
    validated_ms: int | None = None
    """When this token's user last proved who they are: ``mark_validated`` (row U22)."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device. ``None``: not known; a display name may be known to be empty."""

    device_id: str
    """1 to 255 bytes of UTF-8."""
    display_name: str | None = None
    last_seen_ip: str | None = None
    last_seen_ts_ms: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceUpdate:
    """What ``rename_device`` and ``put_device`` are to do."""

    user_id: str
    device_id: str
    display_name: str | None
    """The new name, perhaps empty; ``None``: leave it as it is."""
    max_devices: int
    """``put_device``: create only below this many; 0: no cap (row P7)."""


@dataclass(frozen=True, slots=True)
class UiaOperation:
    """What User-Interactive Authentication is for."""

    user_id: str
    device_id: str | None
    """Of the token."""
    method: str
    endpoint: str
    """``/devices/{deviceId}`` or ``/delete_devices``."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow of User-Interactive Authentication: its stages in order, parameters by stage."""

    stages: tuple[str, ...]
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CompletedStage:
    """A stage that is complete, and the user whom it proved, if any."""

    type: str
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A session of User-Interactive Authentication, all of it to be kept."""

    user_id: str
    device_id: str | None
    """Of the token that began it."""
    token_id: str | None
    """Where there is no device: the principal's."""
    method: str
    endpoint: str
    target: str
    """Raw, with the access token's value cut out."""
    path_device_id: str | None
    body: bytes | None = field(repr=False)
    """The JSON body without ``auth``, at most 64 KiB; ``None``: only its digest is kept."""
    body_digest: bytes = field(repr=False)
    created_ms: int
    lifetime_ms: int
    max_live: int = 0
    """``uia_create_session``: how many live sessions the user may then have (row U25)."""
    description: str = ""
    """Of the operation, for a person: "Sign out 3 devices"."""
    finished_ms: int | None = None
    finished_digest: bytes | None = field(default=None, repr=False)
    completed: tuple[CompletedStage, ...] = ()
    """In the order completed."""


@dataclass(frozen=True, slots=True)
class UiaAttempt:
    """Credentials to be checked. Do not compare them with who asks: the module does (row U6)."""

    user_id: str
    device_id: str | None
    session_id: str = field(repr=False)
    type: str
    """``m.login.password``."""
    auth: dict[str, Any] = field(repr=False)
    """The request's ``auth`` object."""
    remote_addr: str


@dataclass(frozen=True, slots=True)
class UiaRecord:
    """A stage to be noted as complete; perhaps the session is finished with it."""

    session_id: str = field(repr=False)
    type: str | None
    """``None``: no stage to be noted."""
    identity: str | None
    finish: bool
    """Finish the session for ``body_digest`` at ``now_ms``, unless it is: the first wins."""
    now_ms: int
    body_digest: bytes = field(repr=False)
    body: bytes | None = field(repr=False)
    """Not ``None``: replaces the one that was kept."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket of ``take_limit``: ``burst`` units at once, one comes back each ``interval_ms``."""

    name: str
    key: str
    burst: int
    interval_ms: int
