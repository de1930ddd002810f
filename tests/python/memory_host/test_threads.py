"""The hosts in memory: many threads, and the event loop."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from asking import Asking
from matrix_devices import (
    AsyncMemoryHost,
    Device,
    DeviceQuery,
    MemoryHost,
    Module,
    Principal,
    Request,
    Unavailable,
)
from questions import ALICE, PASSWORD


def test_many_threads(host: MemoryHost, module: Module) -> None:
    """Logins, deletions and lists at once: what is left is what it should be."""
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait()
        for turn in range(30):
            mine = host.login("alice", device_id=f"D{number}", refreshable=True)
            alice = Asking(module, mine.access_token)
            assert f"D{number}" in alice.device_ids()
            if turn % 3 == 0:
                host.logout(mine.access_token)
            elif turn % 3 == 1:
                host.refresh(mine.refresh_token or "")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    token = host.login("alice", device_id="LAST").access_token
    assert Asking(module, token).device_ids() == [*(f"D{number}" for number in range(8)), "LAST"]
    state = host._state
    rows = list(state.accounts[ALICE].devices.values())
    assert sum(len(row.access_tokens) for row in rows) == len(state.access_tokens)
    assert sum(len(row.refresh_digests) for row in rows) == len(state.pairs)


def test_the_async_host_suspends() -> None:
    host = AsyncMemoryHost("example.org")
    host.add_user("alice", PASSWORD)
    login = host.login("alice", device_id="LAPTOP")
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    async def main() -> None:
        async with Module.open(host) as module:
            beating = asyncio.create_task(beat())
            request = Request(
                "GET",
                "/_matrix/client/v3/devices",
                (("Authorization", f"Bearer {login.access_token}"),),
            )
            for _ in range(10):
                response = await module.ahandle(request)
                assert response is not None
                assert response.json()["devices"][0]["device_id"] == "LAPTOP"
            most = 0  # a busy machine may have nobody run during one of them
            for _ in range(20):
                host.delay_next("list_devices", 0.05)
                before = beats
                response = await module.ahandle(request)
                assert response is not None
                assert response.status == 200
                most = max(most, beats - before)
                if most > 20:
                    break
            assert most > 20, "nothing else ran during the delay"
            host.fail_next("authenticate", Unavailable())
            response = await module.ahandle(request)
            assert response is not None
            assert response.status == 503
            beating.cancel()

    asyncio.run(main())
    assert beats >= 20, "the host answered without suspending"


def test_a_derived_host_sees_its_principal(host: MemoryHost) -> None:
    """MemoryHost may be derived from; what it hands out is what it gets back."""
    seen: list[Principal] = []

    class Watching(MemoryHost):
        def list_devices(self, principal: Principal, query: DeviceQuery) -> tuple[Device, ...]:
            seen.append(principal)
            return tuple(super().list_devices(principal, query))

    watching = Watching("example.org")
    watching.add_user("alice")
    login = watching.login("alice", device_id="LAPTOP")
    with Module.open(watching) as module:
        assert Asking(module, login.access_token).device_ids() == ["LAPTOP"]
    assert seen == [Principal(ALICE, "LAPTOP")]
