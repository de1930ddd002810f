"""``Host``: a homeserver's side of the module, one method a callback."""

from __future__ import annotations

import abc
from collections.abc import Awaitable, Iterable, Sequence
from typing import ClassVar, TypeAlias, TypeVar

from .records import (
    Credentials,
    Device,
    DeviceUpdate,
    Flow,
    Limit,
    Principal,
    Session,
    UiaAttempt,
    UiaOperation,
    UiaRecord,
)

__all__ = ["Host"]

_T = TypeVar("_T")
Answer: TypeAlias = _T | Awaitable[_T]  # each method is plain, or async def


class Host(abc.ABC):
    """What the module asks a homeserver. docs/host_guide.md has each callback in full.

    Every method is plain or ``async def``. A refusal is raised: those named with the method, and
    everywhere ``Unavailable``, ``Timeout`` and ``MatrixError``. Anything else that is raised, and
    any result of the wrong type, is logged (logger ``matrix_devices``) and answered with 500.

    ``principal`` is the object that ``authenticate`` returned for this request; ``None`` while a
    fallback page is served.

    Threads: ``Module.handle`` calls on its caller's thread, so plain hosts that serve several
    threads must lock what they share. ``Module.ahandle`` calls on the event loop's thread, where a
    plain method must not block.
    """

    atomic_delete: ClassVar[bool] = False
    """``delete_devices`` does all of it in one transaction (row D12)."""

    @abc.abstractmethod
    def authenticate(self, credentials: Credentials) -> Answer[Principal]:
        """Whose token is this? Let guests in, and suspended accounts; record last seen.

        With an as_token act as ``credentials.user_id`` on ``credentials.device_id``, if given.
        Refusals: ``UnknownToken``, ``UserLocked``, ``Forbidden``, ``UnknownDevice``.
        """

    @abc.abstractmethod
    def list_devices(self, principal: Principal, user_id: str) -> Answer[Iterable[Device]]:
        """All devices of a user, in an order that stays the same; all or a failure (row G4)."""

    @abc.abstractmethod
    def get_device(self, principal: Principal, user_id: str, device_id: str) -> Answer[Device]:
        """One device. Refusal: ``NotFound``."""

    @abc.abstractmethod
    def rename_device(self, principal: Principal, update: DeviceUpdate) -> Answer[None]:
        """Set the name, or with ``None`` only see whether the device is there; change nothing
        else (row P12). Refusal: ``NotFound``."""

    @abc.abstractmethod
    def delete_devices(
        self, principal: Principal, user_id: str, device_ids: list[str]
    ) -> Answer[None]:
        """Delete these devices; pass over IDs that are not the user's (row D12).

        Access and refresh tokens first, then the devices with their keys, pushers and queued
        messages, then one notification for those that existed. Idempotent; durable when it
        returns. Not broken off when the request is cancelled.
        """

    @abc.abstractmethod
    def uia_flows(
        self, principal: Principal | None, operation: UiaOperation
    ) -> Answer[Sequence[Flow]]:
        """The flows that this user could complete, in an order that stays the same (row U16)."""

    @abc.abstractmethod
    def uia_create_session(self, principal: Principal, session: Session) -> Answer[str]:
        """Keep a new session; its ID, of at least 128 random bits.

        In the same transaction remove what is expired and, over ``max_live``, the oldest
        unfinished one of the same device, else of the user, finished ones last (row U25).
        """

    @abc.abstractmethod
    def uia_load_session(self, principal: Principal | None, session_id: str) -> Answer[Session]:
        """The session of this ID, whosoever it is. Refusal: ``NotFound``."""

    @abc.abstractmethod
    def uia_check(self, principal: Principal | None, attempt: UiaAttempt) -> Answer[str | None]:
        """The user whom these credentials prove, or ``None`` for a stage that proves nobody.

        Refusals: ``Refused``, ``BadData``.
        """

    @abc.abstractmethod
    def uia_record(self, principal: Principal | None, record: UiaRecord) -> Answer[Session]:
        """Note a stage, perhaps finish, in one transaction; the session as it now stands.

        Refusal: ``NotFound``.
        """

    # Optional: the module asks only where a derived class has the method.

    def put_device(self, principal: Principal, update: DeviceUpdate) -> Answer[bool]:
        """Create or rename, for an application service: whether it was created (row P5).

        Without this method nobody can create. Refusal: ``LimitExceeded`` (row P7).
        """
        raise NotImplementedError

    def mark_validated(self, principal: Principal, now_ms: int) -> Answer[None]:
        """The user has just proved who they are, with this principal's token (row U22)."""
        raise NotImplementedError

    def take_limit(
        self, principal: Principal | None, limits: Sequence[Limit], units: int
    ) -> Answer[None]:
        """Take (+1) or give back (-1) a unit of each of 1 to 4 buckets, all or none.

        Without this method each module counts for itself. Refusal: ``LimitExceeded`` with
        ``retry_after_ms``.
        """
        raise NotImplementedError

    def now_ms(self) -> int:
        """Wall clock, ms since the epoch; always plain. Without this method the system's."""
        raise NotImplementedError
