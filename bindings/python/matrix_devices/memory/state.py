"""What a host in memory keeps: accounts, their devices, and the tokens of those.

Nothing here takes a lock: the caller holds that of the state.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from threading import Lock

from .._core import Expression
from ..accounts import Service
from ..clock import Clock
from ..names import UserNames
from ..records import Device, Principal
from .digests import PasswordHash, digest_of
from .sessions import MemorySessions

SEEN_INTERVAL_MS = 60_000  # last seen is written at most once a minute a device, as by SqliteHost
REPLACED_MS = -1  # in place of the time when an access token expires: by a refresh, before that


@dataclass(eq=False, slots=True)
class AccountRow:
    """An account."""

    user_id: str
    password: PasswordHash | None
    guest: bool
    service_id: str | None  # of the application service that registered it
    locked: bool = False
    suspended: bool = False
    deactivated: bool = False
    devices: dict[str, DeviceRow] = field(default_factory=dict, repr=False)
    listing: tuple[Device, ...] | None = field(default=(), repr=False)  # None: to be made again

    def list(self) -> tuple[Device, ...]:
        """The devices by ID, byte by byte: of UTF-8 that is the order of code points (row G3)."""
        if self.listing is None:
            self.listing = tuple(self.devices[key].device for key in sorted(self.devices))
        return self.listing


@dataclass(eq=False, slots=True)
class DeviceRow:
    """A device. What clients see of it is a record that is replaced, never changed."""

    account: AccountRow = field(repr=False)
    device: Device
    validated_ms: int | None = None
    access_tokens: set[AccessToken] = field(default_factory=set, repr=False)
    refresh_digests: list[bytes] = field(default_factory=list, repr=False)

    def show(self, device: Device) -> None:
        """From now on this is what clients see."""
        self.device = device
        self.account.listing = None


@dataclass(eq=False, slots=True)
class AccessToken:
    """An access token."""

    digest: bytes = field(repr=False)
    row: DeviceRow = field(repr=False)
    pair: Pair | None = field(repr=False)
    oauth: bool
    expires_ms: int | None  # or REPLACED_MS
    principal: Principal | None = None  # kept between requests; None: to be made again


@dataclass(eq=False, slots=True)
class Pair:
    """An access token and a refresh token given out together.

    Until one of them is used the pair that they replace goes on working, and so do the others that
    replace it (T1). A pair is kept as long as its device, also when it is of no use any more: its
    tokens are then told from those that never were (T2).
    """

    row: DeviceRow = field(repr=False)
    oauth: bool
    access: AccessToken | None = field(default=None, repr=False)
    replaces: Pair | None = field(default=None, repr=False)  # None once one of these was used
    successors: list[Pair] = field(default_factory=list, repr=False)  # of which none was used yet
    spent: bool = False  # the refresh token is good no more


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """An application service, its expressions compiled."""

    service: Service
    sender: str  # a full user ID
    namespaces: tuple[tuple[Expression, bool], ...]  # with whether it is exclusive

    def covers(self, user_id: str) -> bool:
        """Whether it may act as this user of the server (T9)."""
        return user_id == self.sender or any(
            users.matches_start_of(user_id) for users, _exclusive in self.namespaces
        )

    def reserves(self, user_id: str) -> bool:
        """Whether nobody else may register this user."""
        return any(
            exclusive and users.matches_start_of(user_id) for users, exclusive in self.namespaces
        )


class MemoryState:
    """All of it, and the lock that guards it."""

    def __init__(self, server_name: str, clock: Clock) -> None:
        self.names = UserNames(server_name)
        self.clock = clock
        self.lock = Lock()
        self.accounts: dict[str, AccountRow] = {}
        self.access_tokens: dict[bytes, AccessToken] = {}
        self.pairs: dict[bytes, Pair] = {}  # by the digest of the refresh token
        self.services: dict[bytes, ServiceRow] = {}  # by the digest of the as_token
        self.sessions = MemorySessions()

    def account_of(self, name: str) -> AccountRow | None:
        """Who is meant by a name as people type it (T3)."""
        for user_id in self.names.user_ids(name):
            account = self.accounts.get(user_id)
            if account is not None:
                return account
        return None

    # ---- Devices ----

    def add_device(self, account: AccountRow, device_id: str, name: str | None) -> DeviceRow:
        """A device that is not there yet."""
        row = DeviceRow(account, Device(device_id, name))
        account.devices[device_id] = row
        account.listing = None
        return row

    def drop_device(self, row: DeviceRow) -> None:
        """Its tokens and sessions first, then the device (row D12)."""
        self.drop_tokens(row)
        del row.account.devices[row.device.device_id]
        row.account.listing = None

    def note_seen(self, row: DeviceRow, address: str, now_ms: int) -> None:
        """Record when and from where it was seen; an empty address is not known."""
        seen = row.device
        written_ms = seen.last_seen_ts_ms
        if written_ms is not None and abs(now_ms - written_ms) < SEEN_INTERVAL_MS:
            return
        ip = address or seen.last_seen_ip
        row.show(Device(seen.device_id, seen.display_name, ip, now_ms))

    # ---- Tokens ----

    def add_tokens(
        self,
        row: DeviceRow,
        *,
        oauth: bool,
        lifetime_ms: int | None,
        refreshable: bool,
        replaces: Pair | None = None,
    ) -> tuple[str, str | None]:
        """Give out an access token and, if refreshable, a refresh token."""
        pair = None
        refresh_token = None
        if refreshable:
            refresh_token = "mxr_" + secrets.token_urlsafe(32)
            pair = Pair(row, oauth, replaces=replaces)
            digest = digest_of(refresh_token)
            self.pairs[digest] = pair
            row.refresh_digests.append(digest)
            if replaces is not None:
                replaces.successors.append(pair)
        access_token = "mxt_" + secrets.token_urlsafe(32)
        expires_ms = None if lifetime_ms is None else self.clock.now_ms() + lifetime_ms
        token = AccessToken(digest_of(access_token), row, pair, oauth, expires_ms)
        self.access_tokens[token.digest] = token
        row.access_tokens.add(token)
        if pair is not None:
            pair.access = token
        return access_token, refresh_token

    def settle(self, pair: Pair) -> None:
        """One of its tokens is used for the first time: what it replaces dies (T1).

        So do the refresh tokens of the others that replace the same; their access tokens run out.
        """
        old = pair.replaces
        if old is None:
            return
        old.spent = True
        if old.access is not None:
            old.access.expires_ms = REPLACED_MS
        for successor in old.successors:
            successor.replaces = None
            successor.spent = successor is not pair
        old.successors.clear()

    def drop_tokens(self, row: DeviceRow) -> None:
        """All tokens of a device die, and what was begun with them."""
        self.sessions.drop(row.account.user_id, row.device.device_id)
        for digest in row.refresh_digests:
            del self.pairs[digest]
        row.refresh_digests.clear()
        for token in row.access_tokens:
            del self.access_tokens[token.digest]
        row.access_tokens.clear()
        row.validated_ms = None

    # ---- Services ----

    def service_of(self, service_id: str | None) -> ServiceRow | None:
        """The service with this ID."""
        for row in self.services.values():
            if row.service.id == service_id:
                return row
        return None

    def reserved(self, user_id: str, service_id: str | None) -> bool:
        """Whether a service other than this one has the user for itself."""
        return any(
            row.reserves(user_id) for row in self.services.values() if row.service.id != service_id
        )
