"""What is used on an event loop that is not its own, or on none, is explained."""

from __future__ import annotations

import asyncio

import pytest

from doubles import DEVICES, SmallHost, bent, delete, get
from matrix_devices import AsyncMemoryHost, Device, Module, Request, asgi


class LockingHost(SmallHost):
    """A lock that was made on one loop is used on another."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = asyncio.Lock()
        self.reached = asyncio.Event()

    async def list_devices(self, *_: object) -> list[Device]:  # type: ignore[override]
        self.reached.set()
        async with self.lock:
            return []


def test_what_belongs_to_another_loop_is_explained(caplog: pytest.LogCaptureFixture) -> None:
    host = LockingHost()
    app = asgi.app(host)

    async def wait_in_vain() -> None:
        await host.lock.acquire()
        with pytest.raises(TimeoutError):  # so that the lock knows its loop
            await asyncio.wait_for(host.lock.acquire(), 0.01)

    async def ask_elsewhere() -> None:
        response = await app.module.ahandle(get())
        assert response is not None
        assert response.status == 500

    asyncio.run(wait_in_vain())
    asyncio.run(ask_elsewhere())
    assert "list_devices() raised RuntimeError: what it awaits belongs to another" in caplog.text
    assert "make it on the loop that serves the requests" in caplog.text
    app.module.close()


def test_one_application_answers_on_several_loops() -> None:
    host = AsyncMemoryHost()
    host.add_user("alice")
    token = host.login("alice").access_token
    app = asgi.app(host)

    async def main() -> int:
        request = Request("GET", DEVICES, {"Authorization": f"Bearer {token}"})
        response = await app.module.ahandle(request)
        assert response is not None
        return response.status

    assert [asyncio.run(main()) for _ in range(2)] == [200, 200]
    asyncio.run(app.module.aclose())


def test_ahandle_says_that_it_is_of_asyncio() -> None:
    with Module.open(SmallHost()) as module:
        coroutine = module.ahandle(get())
        with pytest.raises(RuntimeError, match="needs a running event loop of asyncio"):
            coroutine.send(None)


def test_aclose_on_another_loop_is_refused_while_a_deletion_goes_on() -> None:
    go_on = asyncio.Event()

    async def delete_devices(*_: object) -> None:
        await go_on.wait()

    module = Module.open(bent("delete_devices", delete_devices))

    async def elsewhere() -> None:
        with pytest.raises(
            RuntimeError, match="deletions go on on another event loop: await aclose"
        ):
            await module.aclose()

    async def main() -> None:
        deleting = asyncio.create_task(module.ahandle(delete("D0")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.to_thread(asyncio.run, elsewhere())
        go_on.set()
        response = await deleting
        assert response is not None
        assert response.status == 200
        await module.aclose()

    asyncio.run(main())


def test_handle_on_a_loop_that_is_to_answer_is_explained(caplog: pytest.LogCaptureFixture) -> None:
    async def devices() -> list[Device]:
        return []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def list_devices(*_: object) -> object:
            return asyncio.run_coroutine_threadsafe(devices(), loop)

        # Long for the second request, to which nothing but a busy machine happens.
        with Module.open(bent("list_devices", list_devices), timeout=1) as module:
            response = module.handle(get())
            assert response is not None
            assert response.status == 504
            assert "handle() blocked the event loop that runs on this thread" in caplog.text
            response = await module.ahandle(get())
            assert response is not None
            assert response.status == 200

    asyncio.run(main())
