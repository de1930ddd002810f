"""What hosts and the module tell each other: small frozen records, named as in module.h.

Times are milliseconds since the epoch, durations milliseconds. A later version may add fields at
the end of a record, with a default where a host makes it. Fields that hold a secret (tokens,
session IDs, credentials, bodies, states of sessions) are left out of ``repr()``.
"""

from __future__ import annotations

import json as _json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from . import _core, _explain

__all__ = [
    "CompletedStage",
    "Credentials",
    "Deletion",
    "Device",
    "DeviceKey",
    "DeviceQuery",
    "DeviceUpdate",
    "Flow",
    "KeptSession",
    "Limit",
    "LimitRequest",
    "NewSession",
    "Principal",
    "Replacement",
    "Request",
    "Response",
    "Route",
    "SessionKey",
    "UiaAttempt",
    "UiaOperation",
    "Validation",
]

# The module has held its own limits already; these are their largest (docs/configuration.md).
_MAX_DEPTH = 256
_MAX_MEMBERS = 1024

# ---- Requests and responses ----


Header: TypeAlias = tuple[str | bytes, str | bytes]


class HasItems(Protocol):
    """A mapping, or what a server has for headers, such as ``email.message.Message``."""

    def items(self) -> Iterable[Header]:
        """Pairs of name and value."""


@dataclass(frozen=True, slots=True, init=False)
class Request:
    """A request as it came off the wire: nothing decoded, nothing normalised.

    A ``str`` stands for bytes, a character (U+0000 to U+00FF) a byte, as WSGI has it.
    """

    method: str
    target: str = field(repr=False)
    """Path and query, ``/_matrix/client/v3/devices/a%2Fb?x=y``. May hold an access token."""
    headers: Sequence[Header] = field(default=(), repr=False)
    """All of them, as pairs; one that came twice is there twice."""
    body: bytes = field(default=b"", repr=False)
    remote_addr: str = ""
    """Of the client, behind trusted proxies; ends up as last seen. Empty: not known."""
    body_too_large: bool = False
    """The body was longer than ``Module.max_body_bytes``; then ``body`` is empty (row L2)."""
    context: Any = field(default=None, repr=False, compare=False)
    """The caller's own; the host finds it in ``credentials.request.context``."""

    def __init__(
        self,
        method: str,
        target: str,
        headers: Iterable[Header] | HasItems = (),
        body: bytes = b"",
        remote_addr: str = "",
        body_too_large: bool = False,
        context: Any = None,
    ) -> None:
        """``headers``: pairs of name and value, or a mapping. Raises TypeError."""
        put = object.__setattr__  # the record is frozen
        put(self, "method", method)
        put(self, "target", target)
        is_sequence = isinstance(headers, list | tuple)
        put(self, "headers", headers if is_sequence else _explain.header_pairs(headers))
        put(self, "body", body)
        put(self, "remote_addr", remote_addr)
        put(self, "body_too_large", body_too_large)
        put(self, "context", context)


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


# ---- What the host answers ----


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
    """An application service that is exempt from rate limits (row P6)."""
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
class Flow:
    """A flow of User-Interactive Authentication: its stages in order, parameters by stage."""

    stages: tuple[str, ...]
    """1 to 16 types, of at most 255 bytes."""
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What JSON can hold. Where several flows have a stage, those of the first count."""
    proves_nobody: Collection[str] = ()
    """Those of the stages that prove no identity, though the specification does not name them."""


@dataclass(frozen=True, slots=True)
class CompletedStage:
    """A stage that was completed elsewhere than in the module: single sign-on, a link in a mail."""

    type: str
    identity: str | None = None
    """The user whom it proved, if any."""


@dataclass(frozen=True, slots=True)
class KeptSession:
    """A session of User-Interactive Authentication, as it was last created or replaced."""

    state: bytes = field(repr=False)
    """Byte for byte."""
    revision: int
    """1 as created, one more by each replacement."""
    completed: Sequence[CompletedStage] = ()
    """What was completed elsewhere, in that order, for as long as the session lives."""


# ---- What the module asks: one record a method of ``Host`` ----


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whose request is it? Section 2 of docs/behaviour.md."""

    access_token: str = field(repr=False)
    user_id: str | None
    """Whom an application service wants to act as; of no meaning with a user's token."""
    device_id: str | None
    """And on which of that user's devices."""
    remote_addr: str
    """For last seen; empty: not known."""
    request: Request = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class DeviceQuery:
    """Whose devices ``list_devices`` is to list."""

    user_id: str
    """Here and below: the principal's."""


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """Which device ``get_device`` is to look up."""

    user_id: str
    device_id: str
    """Here and below: 1 to 255 bytes of UTF-8."""


@dataclass(frozen=True, slots=True)
class DeviceUpdate:
    """What ``rename_device`` and ``put_device`` are to do."""

    user_id: str
    device_id: str
    display_name: str | None
    """The new name, perhaps empty. ``None``, to ``put_device`` only: leave it as it is."""
    max_devices: int = 0
    """``put_device``: create only below this many; 0: no cap (row P7)."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """What ``delete_devices`` is to delete."""

    user_id: str
    device_ids: Sequence[str]
    """Distinct, in bytewise order; there may be none."""


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
class NewSession:
    """A session of User-Interactive Authentication, to be kept at revision 1."""

    proposed_id: str = field(repr=False)
    """256 random bits, of ``A-Z a-z 0-9 _ -``."""
    user_id: str
    """Who began it,"""
    device_id: str | None
    """with which device,"""
    token_id: str | None
    """or, where there is none, with which token."""
    state: bytes = field(repr=False)
    """1 byte to 256 KiB, the module's own: keep it byte for byte."""
    expires_ms: int
    max_live: int
    """How many sessions the user may have with this one (row U25); 1 or more."""
    # For pages of the host's own; the module does not ask for them again.
    method: str = ""
    endpoint: str = ""
    target: str = ""
    """As it came, without the access token."""
    description: str = ""
    """Of the operation, for a person: "Sign out 3 devices"."""


@dataclass(frozen=True, slots=True)
class SessionKey:
    """Which session ``uia_load_session`` is to load."""

    session_id: str = field(repr=False)
    """From a client: 1 to 255 bytes."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """What ``uia_replace_session`` is to put in the place of revision ``revision``."""

    session_id: str = field(repr=False)
    user_id: str
    """The session's."""
    revision: int
    state: bytes = field(repr=False)
    expires_ms: int
    """From now on."""
    finished: bool
    """Evicted after all that are not (row U25)."""


@dataclass(frozen=True, slots=True)
class UiaAttempt:
    """Credentials to be checked. Do not compare them with who asks: the module does (row U6)."""

    user_id: str
    """Who asks."""
    device_id: str | None
    session_id: str = field(repr=False)
    type: str
    """``m.login.password``; one that ``uia_flows`` offered and that is due."""
    remote_addr: str
    # Of ``m.login.password``, as the client wrote them. None: not given so.
    user: str | None = field(default=None, repr=False)
    """A name as people type it: ``alice``, ``@alice:example.org``."""
    medium: str | None = field(default=None, repr=False)
    """``email`` or ``msisdn``, with ``address``, in place of ``user``."""
    address: str | None = field(default=None, repr=False)
    country: str | None = field(default=None, repr=False)
    """ISO 3166-1 alpha-2: then ``address`` is a number as it is dialled there."""
    password: str | None = field(default=None, repr=False)
    auth_json: bytes = field(default=b"{}", repr=False)
    """The client's ``auth`` object, without members that are null; for other stages."""

    @property
    def auth(self) -> dict[str, Any]:
        """``auth_json``, parsed on each call: ``attempt.auth["response"]`` of a captcha."""
        return _core.read_json_object(
            self.auth_json, max_depth=_MAX_DEPTH, max_members=_MAX_MEMBERS
        )


@dataclass(frozen=True, slots=True)
class Validation:
    """What ``mark_validated`` is to keep, for ``Principal.validated_ms``."""

    user_id: str
    device_id: str | None
    """Keep it with the device,"""
    token_id: str | None
    """or with the token where there is none."""
    validated_ms: int


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket: ``burst`` units at once, one comes back each ``interval_ms``. Both 1 or more."""

    name: str
    key: str
    burst: int
    interval_ms: int


@dataclass(frozen=True, slots=True)
class LimitRequest:
    """Of which buckets ``take_limit`` is to take, all or none."""

    limits: Sequence[Limit]
    """1 to 4."""
    units: int
    """1: take one from each; -1: give one back to each, never over its burst."""
