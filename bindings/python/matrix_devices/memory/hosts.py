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
import time
from collections.abc import Sequence
from typing import Any

from ..host import Host
from ..records import (
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
from .answers import MemoryAnswers
from .faults import Fault, Faults


class _FaultyAnswers(MemoryAnswers):
    """The answers, and the faults planted before them."""

    def __init__(self, server_name: str = "example.org", **options: Any) -> None:
        super().__init__(server_name, **options)
        self._faults = Faults()

    def fail_next(self, method: str, error: BaseException, *, times: int = 1) -> None:
        """Let the next ``times`` calls of a method of ``Host`` raise ``error`` and do nothing.

        ``Unavailable()`` is a 503 for the client, ``MatrixError(...)`` any answer that you like, an
        exception that is no ``Refusal`` a 500. Faults of one method come in the order planted.
        ValueError: there is no such method.
        """
        self._faults.plant(method, Fault(error=error), times)

    def delay_next(self, method: str, seconds: float, *, times: int = 1) -> None:
        """Let the next ``times`` calls of a method take ``seconds`` longer.

        A plain host blocks its thread meanwhile; an async one lets others go on.
        """
        self._faults.plant(method, Fault(delay=seconds), times)

    def clear_faults(self) -> None:
        """Nothing that was planted happens any more."""
        self._faults.clear()


class MemoryHost(_FaultyAnswers, Host):
    """A plain host in memory. Any thread; GET of five devices costs it some 5 µs."""

    atomic_delete = True

    def now_ms(self) -> int:
        """The time by ``clock``."""
        return self.clock.now_ms()

    def authenticate(self, credentials: Credentials) -> Principal:
        """See ``Host.authenticate``. Records last seen, at most once a minute a device."""
        self._suffer("authenticate")
        return self._answer_authenticate(credentials)

    def list_devices(self, principal: Principal, user_id: str) -> Sequence[Device]:
        """See ``Host.list_devices``."""
        self._suffer("list_devices")
        return self._answer_list_devices(user_id)

    def get_device(self, principal: Principal, user_id: str, device_id: str) -> Device:
        """See ``Host.get_device``."""
        self._suffer("get_device")
        return self._answer_get_device(user_id, device_id)

    def rename_device(self, principal: Principal, update: DeviceUpdate) -> None:
        """See ``Host.rename_device``."""
        self._suffer("rename_device")
        self._answer_rename_device(update)

    def delete_devices(self, principal: Principal, user_id: str, device_ids: list[str]) -> None:
        """See ``Host.delete_devices``."""
        self._suffer("delete_devices")
        self._answer_delete_devices(user_id, device_ids)

    def uia_flows(self, principal: Principal | None, operation: UiaOperation) -> Sequence[Flow]:
        """See ``Host.uia_flows``. The password, for those who have one."""
        self._suffer("uia_flows")
        return self._answer_uia_flows(operation)

    def uia_create_session(self, principal: Principal | None, session: Session) -> str:
        """See ``Host.uia_create_session``."""
        self._suffer("uia_create_session")
        return self._answer_uia_create_session(session)

    def uia_load_session(self, principal: Principal | None, session_id: str) -> Session:
        """See ``Host.uia_load_session``."""
        self._suffer("uia_load_session")
        return self._answer_uia_load_session(session_id)

    def uia_check(self, principal: Principal | None, attempt: UiaAttempt) -> str | None:
        """See ``Host.uia_check``. Knows passwords, and m.login.dummy."""
        self._suffer("uia_check")
        return self._answer_uia_check(attempt)

    def uia_record(self, principal: Principal | None, record: UiaRecord) -> Session:
        """See ``Host.uia_record``."""
        self._suffer("uia_record")
        return self._answer_uia_record(record)

    def put_device(self, principal: Principal, update: DeviceUpdate) -> bool:
        """See ``Host.put_device``."""
        self._suffer("put_device")
        return self._answer_put_device(update)

    def mark_validated(self, principal: Principal, now_ms: int) -> None:
        """See ``Host.mark_validated``."""
        self._suffer("mark_validated")
        self._answer_mark_validated(principal, now_ms)

    def take_limit(self, principal: Principal | None, limits: Sequence[Limit], units: int) -> None:
        """See ``Host.take_limit``. Buckets fill up by ``clock``."""
        self._suffer("take_limit")
        self._answer_take_limit(limits, units)

    def _suffer(self, method: str) -> None:
        if not self._faults.armed:
            return
        fault = self._faults.take(method)
        if fault is None:
            return
        if fault.delay:
            time.sleep(fault.delay)
        if fault.error is not None:
            raise fault.error.with_traceback(None)


class AsyncMemoryHost(_FaultyAnswers, Host):
    """The same for asyncio: every method really suspends before it answers.

    The account functions are plain, and may be called on any thread.
    """

    atomic_delete = True

    def now_ms(self) -> int:
        """The time by ``clock``."""
        return self.clock.now_ms()

    async def authenticate(self, credentials: Credentials) -> Principal:
        """See ``Host.authenticate``. Records last seen, at most once a minute a device."""
        await self._suffer("authenticate")
        return self._answer_authenticate(credentials)

    async def list_devices(self, principal: Principal, user_id: str) -> Sequence[Device]:
        """See ``Host.list_devices``."""
        await self._suffer("list_devices")
        return self._answer_list_devices(user_id)

    async def get_device(self, principal: Principal, user_id: str, device_id: str) -> Device:
        """See ``Host.get_device``."""
        await self._suffer("get_device")
        return self._answer_get_device(user_id, device_id)

    async def rename_device(self, principal: Principal, update: DeviceUpdate) -> None:
        """See ``Host.rename_device``."""
        await self._suffer("rename_device")
        self._answer_rename_device(update)

    async def delete_devices(
        self, principal: Principal, user_id: str, device_ids: list[str]
    ) -> None:
        """See ``Host.delete_devices``."""
        await self._suffer("delete_devices")
        self._answer_delete_devices(user_id, device_ids)

    async def uia_flows(
        self, principal: Principal | None, operation: UiaOperation
    ) -> Sequence[Flow]:
        """See ``Host.uia_flows``. The password, for those who have one."""
        await self._suffer("uia_flows")
        return self._answer_uia_flows(operation)

    async def uia_create_session(self, principal: Principal | None, session: Session) -> str:
        """See ``Host.uia_create_session``."""
        await self._suffer("uia_create_session")
        return self._answer_uia_create_session(session)

    async def uia_load_session(self, principal: Principal | None, session_id: str) -> Session:
        """See ``Host.uia_load_session``."""
        await self._suffer("uia_load_session")
        return self._answer_uia_load_session(session_id)

    async def uia_check(self, principal: Principal | None, attempt: UiaAttempt) -> str | None:
        """See ``Host.uia_check``. Knows passwords, and m.login.dummy."""
        await self._suffer("uia_check")
        return self._answer_uia_check(attempt)

    async def uia_record(self, principal: Principal | None, record: UiaRecord) -> Session:
        """See ``Host.uia_record``."""
        await self._suffer("uia_record")
        return self._answer_uia_record(record)

    async def put_device(self, principal: Principal, update: DeviceUpdate) -> bool:
        """See ``Host.put_device``."""
        await self._suffer("put_device")
        return self._answer_put_device(update)

    async def mark_validated(self, principal: Principal, now_ms: int) -> None:
        """See ``Host.mark_validated``."""
        await self._suffer("mark_validated")
        self._answer_mark_validated(principal, now_ms)

    async def take_limit(
        self, principal: Principal | None, limits: Sequence[Limit], units: int
    ) -> None:
        """See ``Host.take_limit``. Buckets fill up by ``clock``."""
        await self._suffer("take_limit")
        self._answer_take_limit(limits, units)

    async def _suffer(self, method: str) -> None:
        await asyncio.sleep(0)
        if not self._faults.armed:
            return
        fault = self._faults.take(method)
        if fault is None:
            return
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.error is not None:
            raise fault.error.with_traceback(None)
