"""``Host``: a homeserver's side of the module, one method a callback."""

from __future__ import annotations

import abc
from collections.abc import Awaitable, Iterable, Sequence
from typing import TypeAlias, TypeVar

from .records import (
    Credentials,
    Deletion,
    Device,
    DeviceKey,
    DeviceQuery,
    DeviceUpdate,
    Flow,
    KeptSession,
    LimitRequest,
    NewSession,
    Principal,
    Replacement,
    SessionKey,
    UiaAttempt,
    UiaOperation,
    Validation,
)

__all__ = ["Host"]

_T = TypeVar("_T")
Answer: TypeAlias = _T | Awaitable[_T]  # each method is plain, or async def


class Host(abc.ABC):
    """What the module asks a homeserver. module.h says what each callback promises, and
    docs/host_guide.md tells the story.

    Every method is plain or ``async def``. A refusal is raised: those named with the method, and
    everywhere ``Unavailable``, ``Timeout`` and ``MatrixError``. Anything else that is raised, and
    any result of the wrong type, is logged (logger ``matrix_devices``) and answered with 500.

    ``principal`` is the object that ``authenticate`` returned for this request; ``None`` while a
    fallback page is served. The record beside it may get further fields in a later version.

    Threads: ``Module.handle`` calls on its caller's thread, so plain hosts that serve several
    threads must lock what they share. ``Module.ahandle`` calls on the event loop's thread, where a
    plain method must not block.
    """

    @abc.abstractmethod
    def authenticate(self, credentials: Credentials) -> Answer[Principal]:
        """Whose token is this? Let guests in, and suspended accounts; record last seen.

        With an as_token act as ``credentials.user_id`` on ``credentials.device_id``, if given.
        Refusals: ``UnknownToken``, ``UserLocked``, ``Forbidden``, ``UnknownDevice``.
        """

    @abc.abstractmethod
    def list_devices(self, principal: Principal, query: DeviceQuery) -> Answer[Iterable[Device]]:
        """All devices of a user, in an order that stays the same; all or a failure (row G4)."""

    @abc.abstractmethod
    def get_device(self, principal: Principal | None, key: DeviceKey) -> Answer[Device]:
        """One device; also asked to see whether it is there. Refusal: ``NotFound``."""

    @abc.abstractmethod
    def rename_device(self, principal: Principal, update: DeviceUpdate) -> Answer[None]:
        """Set the name, and change nothing else (row P12). Refusal: ``NotFound``."""

    @abc.abstractmethod
    def delete_devices(self, principal: Principal, deletion: Deletion) -> Answer[None]:
        """Delete these devices; pass over IDs that are not the user's (row D12).

        Access and refresh tokens first, then the devices with their keys, pushers, queued messages
        and sessions, then one notification for those that existed. Idempotent; durable when it
        returns. Not broken off when the request is cancelled.
        """

    @abc.abstractmethod
    def uia_flows(
        self, principal: Principal | None, operation: UiaOperation
    ) -> Answer[Sequence[Flow]]:
        """The flows that this user could complete, in an order that stays the same (row U16)."""

    @abc.abstractmethod
    def uia_create_session(
        self, principal: Principal | None, session: NewSession
    ) -> Answer[str | None]:
        """Keep a new session, at revision 1, where every process sees it and a restart does not
        lose it. ``None``: its ID is ``session.proposed_id``; or an ID of the host's own.

        In the same transaction, among the user's sessions, remove the expired ones; then, while
        there would be more than ``max_live``, the one created first of those not finished and of
        the same device (or token), then of those not finished, then of all (row U25).
        """

    @abc.abstractmethod
    def uia_load_session(self, principal: Principal | None, key: SessionKey) -> Answer[KeptSession]:
        """The session of this ID, whoever's it is, as last created or replaced by any process.

        Refusal: ``NotFound``; also for one that has expired.
        """

    @abc.abstractmethod
    def uia_replace_session(
        self, principal: Principal | None, replacement: Replacement
    ) -> Answer[None]:
        """If the session stands at ``replacement.revision``: put state, expiry and ``finished`` in
        the place of its own and count the revision up, in one atomic step; durable when it returns.

        Refusals: ``Conflict``: another revision stands there, or the session is gone; ``NotFound``:
        it is gone.
        """

    @abc.abstractmethod
    def uia_check(self, principal: Principal | None, attempt: UiaAttempt) -> Answer[str | None]:
        """The user whom these credentials prove, or ``None`` for a stage that proves nobody.

        Take as long for a user who is not there. Refusals: ``Refused``, ``BadData``.
        """

    # Optional: the module asks only where a derived class has the method.

    def put_device(self, principal: Principal, update: DeviceUpdate) -> Answer[bool]:
        """Create or rename, for an application service: whether it was created (row P5).

        Without this method nobody can create. Refusal: ``LimitExceeded`` (row P7).
        """
        raise NotImplementedError

    def mark_validated(self, principal: Principal, validation: Validation) -> Answer[None]:
        """The user has just proved who they are: later principals of this device, or token, say so
        in ``validated_ms`` (row U22). Without this method there is no grace period."""
        raise NotImplementedError

    def take_limit(self, principal: Principal | None, request: LimitRequest) -> Answer[None]:
        """Take or give back a unit of each bucket, all or none.

        Without this method each module counts for itself. Refusal: ``LimitExceeded`` with
        ``retry_after_ms``.
        """
        raise NotImplementedError

    def now_ms(self) -> int:
        """Wall clock, ms since the epoch; always plain. Without this method the system's."""
        raise NotImplementedError
