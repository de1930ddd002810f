"""Module: ahandle."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from doubles import DEVICES, bent, delete, get
from matrix_devices import Deletion, Device, Module, Principal, Request, SqliteHost


def test_plain_and_async_methods_in_one_host() -> None:
    async def list_devices(*_: object) -> list[Device]:
        await asyncio.sleep(0)
        return [Device("G")]

    async def main() -> None:
        async with Module.open(bent("list_devices", list_devices)) as module:
            response = await module.ahandle(get())
            assert response is not None
            assert response.json() == {"devices": [{"device_id": "G"}]}
            assert await module.ahandle(Request("GET", "/")) is None

    asyncio.run(main())


def test_handle_refuses_what_is_async(caplog: pytest.LogCaptureFixture) -> None:
    async def list_devices(*_: object) -> list[Device]:
        return []

    with Module.open(bent("list_devices", list_devices)) as module:
        response = module.handle(get())
    assert response is not None
    assert response.status == 500
    assert "list_devices() is asynchronous, and handle() awaits nothing: use" in caplog.text


def test_a_cancelled_task_cancels_what_the_host_awaits() -> None:
    reached = asyncio.Event()
    ended: list[str] = []

    async def list_devices(*_: object) -> list[Device]:
        try:
            reached.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return []

    async def main() -> None:
        async with Module.open(bent("list_devices", list_devices)) as module:
            task = asyncio.create_task(module.ahandle(get()))
            await reached.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert ended == ["cancelled"]

    asyncio.run(main())


def test_a_cancelled_deletion_goes_on() -> None:
    reached = asyncio.Event()
    go_on = asyncio.Event()
    done: list[list[str]] = []

    async def delete_devices(_: Principal, deletion: Deletion) -> None:
        reached.set()
        await go_on.wait()
        done.append(list(deletion.device_ids))

    async def main() -> None:
        module = Module.open(bent("delete_devices", delete_devices))
        task = asyncio.create_task(module.ahandle(delete("D0", "D1")))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done == []
        go_on.set()
        await module.aclose()
        assert done == [["D0", "D1"]]

    asyncio.run(main())


def test_a_coroutine_that_never_ends_is_a_504(caplog: pytest.LogCaptureFixture) -> None:
    async def list_devices(*_: object) -> list[Device]:
        await asyncio.Event().wait()
        return []

    async def main() -> None:
        async with Module.open(bent("list_devices", list_devices), timeout=0.05) as module:
            response = await module.ahandle(get())
            assert response is not None
            assert response.status == 504
            response = await module.ahandle(get("/D0"))
            assert response is not None
            assert response.status == 200

    asyncio.run(main())
    assert "list_devices() has not answered within 0.05 s" in caplog.text


def test_a_deletion_that_takes_too_long_is_a_504_and_goes_on() -> None:
    go_on = asyncio.Event()
    done: list[list[str]] = []

    async def delete_devices(_: Principal, deletion: Deletion) -> None:
        await go_on.wait()
        done.append(list(deletion.device_ids))

    async def main() -> None:
        module = Module.open(bent("delete_devices", delete_devices), timeout=0.05)
        response = await module.ahandle(delete("D0"))
        assert response is not None
        assert response.status == 504
        go_on.set()
        await module.aclose()
        assert done == [["D0"]]

    asyncio.run(main())


def test_a_thousand_requests_at_once_to_the_store(tmp_path: Path) -> None:
    host = SqliteHost(tmp_path / "devices.db", server_name="example.org")
    host.add_user("alice", "secret")
    login = host.login("alice")
    headers = [("Authorization", f"Bearer {login.access_token}")]
    request = Request("PUT", f"{DEVICES}/{login.device_id}", headers, b'{"display_name":"new"}')

    async def main() -> None:
        async with Module.open(host) as module:
            responses = await asyncio.gather(*(module.ahandle(request) for _ in range(1000)))
        assert [response.status for response in responses if response] == [200] * 1000

    asyncio.run(main())
    host.close()


def test_event_loops_on_several_threads(tmp_path: Path) -> None:
    host = SqliteHost(tmp_path / "devices.db", server_name="example.org")
    host.add_user("alice", "secret")
    login = host.login("alice")
    headers = [("Authorization", f"Bearer {login.access_token}")]
    put = Request("PUT", f"{DEVICES}/{login.device_id}", headers, b'{"display_name":"new"}')
    statuses: list[int] = []
    with Module.open(host) as module:

        async def ask() -> None:
            for _ in range(50):
                response = await module.ahandle(put)
                assert response is not None
                statuses.append(response.status)

        threads = [threading.Thread(target=asyncio.run, args=[ask()]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert statuses == [200] * 200
    host.close()
