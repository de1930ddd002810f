"""``Host``: a homeserver's side of the module, one method a callback."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, Self, TypeAlias, TypeVar

from . import _explain
from .errors import ConfigurationError
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

__all__ = ["METHODS", "OPTIONAL", "Host", "asynchronous_methods", "check_host"]

OPTIONAL = ("put_device", "mark_validated", "take_limit")
"""The callbacks with an operation that a host may do without."""
METHODS = (
    "authenticate",
    "list_devices",
    "get_device",
    "rename_device",
    "delete_devices",
    "uia_flows",
    "uia_create_session",
    "uia_load_session",
    "uia_replace_session",
    "uia_check",
    *OPTIONAL,
)
"""All with an operation, in the order of ``Host``."""

_IS_OPTIONAL = "an optional method of Host has no body to call: write it whole, or leave it out"
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

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        """As ever; TypeError names the methods that are missing, and says what they are for."""
        missing = [name for name in METHODS if name in cls.__abstractmethods__]
        if missing:
            lines = "".join(f"\n  {name}{_purpose(name)}" for name in missing)
            raise TypeError(f"{cls.__name__} is no host yet. Add to it:{lines}")
        make = super().__new__
        return make(cls) if make is object.__new__ else make(cls, *arguments, **options)

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
        raise NotImplementedError(_IS_OPTIONAL)

    def mark_validated(self, principal: Principal, validation: Validation) -> Answer[None]:
        """The user has just proved who they are: later principals of this device, or token, say so
        in ``validated_ms`` (row U22). Without this method there is no grace period."""
        raise NotImplementedError(_IS_OPTIONAL)

    def take_limit(self, principal: Principal | None, request: LimitRequest) -> Answer[None]:
        """Take or give back a unit of each bucket, all or none.

        Without this method each module counts for itself. Refusal: ``LimitExceeded`` with
        ``retry_after_ms``.
        """
        raise NotImplementedError(_IS_OPTIONAL)

    def now_ms(self) -> int:
        """Wall clock, ms since the epoch; always plain. Without this method the system's."""
        raise NotImplementedError(_IS_OPTIONAL)


def check_host(host: object) -> None:
    """Raise ConfigurationError if this is no host, or has a method that can't be asked."""
    kind = type(host)
    if isinstance(host, type):
        raise ConfigurationError(f"host is {_explain.a(host)}; give an instance, {host.__name__}()")
    if not isinstance(host, Host):
        raise ConfigurationError(
            f"host is {_explain.a(host)}; derive its class from matrix_devices.Host, or give a "
            "StoreHost"
        )
    for name in (*METHODS, "now_ms"):
        default = getattr(Host, name)
        if getattr(kind, name) is default:
            continue
        method = getattr(host, name)
        parameters = list(inspect.signature(default).parameters)[1:]
        where = f"{kind.__name__}.{name}"
        if not callable(method):
            raise ConfigurationError(f"{where} is {_explain.a(method)}; it must be a method")
        try:
            # A decorator may pass on more than it takes: what it takes counts.
            inspect.signature(method, follow_wrapped=False).bind(*parameters)
        except TypeError:
            raise ConfigurationError(
                f"{where} can't be called with ({', '.join(parameters)}): give it those parameters"
            ) from None
        except ValueError:
            continue  # it is not written in Python, and does not say
        if name == "now_ms" and inspect.iscoroutinefunction(method):
            raise ConfigurationError(f"{where} is async def; it must be plain: it is never awaited")


def asynchronous_methods(host: object) -> list[str]:
    """Those that are ``async def``."""
    return [name for name in METHODS if inspect.iscoroutinefunction(getattr(host, name, None))]


def _purpose(name: str) -> str:
    """``(self, credentials): Whose token is this?``, of the method's docstring."""
    method = getattr(Host, name)
    text = " ".join((method.__doc__ or "").split())
    parameters = ", ".join(inspect.signature(method).parameters)
    return f"({parameters})  {text.split('. ')[0].rstrip('.')}" if text else f"({parameters})"
