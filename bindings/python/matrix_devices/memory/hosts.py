"""Ready hosts that keep everything in memory: for tests, demonstrations and trying things out.

``MemoryHost`` is plain, ``AsyncMemoryHost`` is the same with coroutines. Both have accounts (see
``Accounts``), a clock that can be turned, and faults that can be planted:

    host = MemoryHost("example.org")
    host.add_user("alice", "correct horse")
    host.clock.advance(hours=1)
    host.fail_next("list_devices", Unavailable())

The rules are those of ``SqliteHost``. Nothing outlives the process, and password hashes are cheap:
do not serve people with it.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from .. import _explain
from ..errors import BadData, Forbidden, LimitExceeded, MatrixError, NotFound, Refused
from ..host import Host
from ..records import (
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
from .accounts import MemoryAccounts
from .faults import Fault, Faults
from .limits import MemoryLimits
from .state import DeviceRow

PASSWORD_STAGE = "m.login.password"
DUMMY_STAGE = "m.login.dummy"

_PASSWORD_FLOWS = (Flow((PASSWORD_STAGE,)),)
_WRONG = "Wrong user name or password."

_Method = TypeVar("_Method", bound=Callable[..., Any])


class _Memory(MemoryAccounts):
    """What both hosts have beside the methods of ``Host``."""

    def __init__(self, server_name: str = "example.org", **options: Any) -> None:
        super().__init__(server_name, **options)
        self._limits = MemoryLimits()
        self._faults = Faults()

    def fail_next(
        self, method: str, error: BaseException | type[BaseException], *, times: int = 1
    ) -> None:
        """Let the next ``times`` calls of a method of ``Host`` raise ``error`` and do nothing.

        ``Unavailable()`` is a 503 for the client, ``MatrixError(...)`` any answer that you like, an
        exception that is no ``Refusal`` a 500. Faults of one method come in the order planted.
        ValueError: there is no such method. TypeError: it is no exception.
        """
        if isinstance(error, type) and issubclass(error, BaseException):
            error = error()  # as `raise` does
        if not isinstance(error, BaseException):
            raise TypeError(
                f"fail_next: error is {_explain.a(error)}; give an exception, such as Unavailable()"
            )
        self._faults.plant(method, Fault(error=error), times)

    def delay_next(self, method: str, seconds: float, *, times: int = 1) -> None:
        """Let the next ``times`` calls of a method take ``seconds`` longer.

        A plain host blocks its thread meanwhile; an async one lets others go on.
        """
        self._faults.plant(method, Fault(delay=seconds), times)

    def clear_faults(self) -> None:
        """Nothing that was planted happens any more."""
        self._faults.clear()

    def now_ms(self) -> int:
        """The time by ``clock``."""
        return self.clock.now_ms()

    def _fault(self, method: str) -> Fault | None:
        return self._faults.take(method) if self._faults.armed else None

    # ---- The caller holds the lock ----

    def _device(self, user_id: str, device_id: str) -> DeviceRow:
        account = self._state.accounts.get(user_id)
        row = None if account is None else account.devices.get(device_id)
        if row is None:
            raise NotFound()
        return row

    @staticmethod
    def _rename(row: DeviceRow, name: str | None) -> None:
        if name is not None and name != row.device.display_name:
            row.show(replace(row.device, display_name=name))


def _suffering(method: _Method) -> _Method:
    """A method of the plain host, after the fault that was planted for it."""

    @functools.wraps(method)
    def call(self: _Memory, *asked: Any) -> Any:
        fault = self._fault(method.__name__)
        if fault is not None:
            time.sleep(fault.delay)
            fault.strike()
        return method(self, *asked)

    return call  # type: ignore[return-value]


def _late(method: Any) -> Any:
    """The same of the async host, which suspends first."""
    answer = method.__wrapped__

    @functools.wraps(answer)
    async def call(self: _Memory, *asked: Any) -> Any:
        await asyncio.sleep(0)
        fault = self._fault(answer.__name__)
        if fault is not None:
            await asyncio.sleep(fault.delay)
            fault.strike()
        return answer(self, *asked)

    return call


class MemoryHost(_Memory, Host):
    """A plain host in memory. Any thread; GET of five devices costs it some 5 µs."""

    @_suffering
    def authenticate(self, credentials: Credentials) -> Principal:
        """See ``Host.authenticate``. Records last seen, at most once a minute a device."""
        with self._state.lock:
            return self._principal(credentials)

    @_suffering
    def list_devices(self, principal: Principal, query: DeviceQuery) -> Sequence[Device]:
        """See ``Host.list_devices``."""
        with self._state.lock:
            account = self._state.accounts.get(query.user_id)
            return () if account is None else account.list()

    @_suffering
    def get_device(self, principal: Principal | None, key: DeviceKey) -> Device:
        """See ``Host.get_device``."""
        with self._state.lock:
            return self._device(key.user_id, key.device_id).device

    @_suffering
    def rename_device(self, principal: Principal, update: DeviceUpdate) -> None:
        """See ``Host.rename_device``."""
        with self._state.lock:
            self._rename(self._device(update.user_id, update.device_id), update.display_name)

    @_suffering
    def put_device(self, principal: Principal, update: DeviceUpdate) -> bool:
        """See ``Host.put_device``."""
        with self._state.lock:
            account = self._state.accounts.get(update.user_id)
            if account is None or account.deactivated:
                raise MatrixError(403, "M_FORBIDDEN", "The user is not registered any more.")
            row = account.devices.get(update.device_id)
            if row is not None:
                self._rename(row, update.display_name)
                return False
            if update.max_devices and len(account.devices) >= update.max_devices:
                raise LimitExceeded()  # P7
            self._state.add_device(account, update.device_id, update.display_name)
            return True

    @_suffering
    def delete_devices(self, principal: Principal, deletion: Deletion) -> None:
        """See ``Host.delete_devices``."""
        with self._state.lock:
            account = self._state.accounts.get(deletion.user_id)
            if account is None:
                return
            for device_id in deletion.device_ids:
                row = account.devices.get(device_id)
                if row is not None:  # D9: others are passed over
                    self._state.drop_device(row)

    @_suffering
    def mark_validated(self, principal: Principal, validation: Validation) -> None:
        """See ``Host.mark_validated``."""
        with self._state.lock:
            if validation.device_id is None:
                return
            # It is the device that has proved it: a refreshed token of it goes on being believed.
            row = self._device(validation.user_id, validation.device_id)
            row.validated_ms = validation.validated_ms
            for token in row.access_tokens:
                token.principal = None

    @_suffering
    def take_limit(self, principal: Principal | None, request: LimitRequest) -> None:
        """See ``Host.take_limit``. Buckets fill up by ``clock``."""
        self._limits.take(request.limits, request.units, self.clock.now_ms())

    # ---- User-Interactive Authentication ----

    @_suffering
    def uia_flows(self, principal: Principal | None, operation: UiaOperation) -> Sequence[Flow]:
        """See ``Host.uia_flows``. The password, for those who have one."""
        with self._state.lock:
            account = self._state.accounts.get(operation.user_id)
            return () if account is None or account.password is None else _PASSWORD_FLOWS

    @_suffering
    def uia_create_session(self, principal: Principal | None, session: NewSession) -> None:
        """See ``Host.uia_create_session``. The ID is the proposed one."""
        with self._state.lock:
            self._state.sessions.create(session, self.clock.now_ms())

    @_suffering
    def uia_load_session(self, principal: Principal | None, key: SessionKey) -> KeptSession:
        """See ``Host.uia_load_session``."""
        with self._state.lock:
            return self._state.sessions.load(key.session_id, self.clock.now_ms())

    @_suffering
    def uia_replace_session(self, principal: Principal | None, replacement: Replacement) -> None:
        """See ``Host.uia_replace_session``."""
        with self._state.lock:
            self._state.sessions.replace(replacement, self.clock.now_ms())

    @_suffering
    def uia_check(self, principal: Principal | None, attempt: UiaAttempt) -> str | None:
        """See ``Host.uia_check``. Knows passwords, and m.login.dummy."""
        if attempt.type == DUMMY_STAGE:
            return None
        if attempt.type != PASSWORD_STAGE:
            raise Refused("This server has no such stage.")
        if attempt.user is None and attempt.address is None:
            raise BadData(
                "auth.identifier.type must be one of m.id.user, m.id.thirdparty, m.id.phone"
            )
        # An address belongs to nobody here, which takes as long to say as that a user is not there.
        try:
            user_id = self.check_password(attempt.user or "", attempt.password or "")
        except Forbidden:
            raise Refused(_WRONG) from None
        with self._state.lock:
            if self._state.accounts[user_id].locked:
                raise Refused(_WRONG)
        return user_id


class AsyncMemoryHost(_Memory, Host):
    """The same for asyncio: every method really suspends before it answers.

    The account functions are plain, and may be called on any thread.
    """

    authenticate = _late(MemoryHost.authenticate)
    list_devices = _late(MemoryHost.list_devices)
    get_device = _late(MemoryHost.get_device)
    rename_device = _late(MemoryHost.rename_device)
    delete_devices = _late(MemoryHost.delete_devices)
    uia_flows = _late(MemoryHost.uia_flows)
    uia_create_session = _late(MemoryHost.uia_create_session)
    uia_load_session = _late(MemoryHost.uia_load_session)
    uia_replace_session = _late(MemoryHost.uia_replace_session)
    uia_check = _late(MemoryHost.uia_check)
    put_device = _late(MemoryHost.put_device)
    mark_validated = _late(MemoryHost.mark_validated)
    take_limit = _late(MemoryHost.take_limit)
