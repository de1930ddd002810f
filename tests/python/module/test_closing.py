"""Module: close and aclose."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from doubles import DEVICES, SmallHost, bent, get
from matrix_devices import ClosedError, Device, Module, NotFound, SqliteHost, UnknownToken


def test_it_waits_for_what_is_in_flight() -> None:
    module = Module.open_stepwise()
    exchange = module.begin(get())
    assert exchange is not None
    question = exchange.next()
    assert question is not None
    with pytest.raises(TimeoutError, match="in flight"):
        module.close(timeout=0.01)
    closing = threading.Thread(target=module.close)
    closing.start()
    question.fail(NotFound())
    closing.join(10)
    assert not closing.is_alive()
    assert not module.is_usable


def test_a_closed_module_says_so() -> None:
    module = Module.open(SmallHost())
    module.close()
    module.close()
    with pytest.raises(ClosedError, match="open one"):
        module.handle(get())
    with pytest.raises(ClosedError, match="open one"):
        module.match("GET", DEVICES)
    assert "closed" in repr(module)


def test_threads_that_ask_while_it_closes_are_answered_or_told() -> None:
    host = SmallHost()
    for _ in range(20):
        module = Module.open(host)
        begun = threading.Barrier(5)
        ends: list[str] = []

        def ask(module: Module = module, begun: threading.Barrier = begun) -> None:
            begun.wait()
            try:
                while module.match("GET", DEVICES):
                    response = module.handle(get())
                    assert response is not None
                    assert response.status == 200
            except ClosedError:
                ends.append("told")  # noqa: B023

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        begun.wait()
        module.close()
        for thread in threads:
            thread.join()
        assert ends == ["told"] * 4


def test_a_module_that_is_closing_takes_no_more() -> None:
    module = Module.open_stepwise()
    exchange = module.begin(get())
    assert exchange is not None
    with pytest.raises(TimeoutError):
        module.close(timeout=0)
    with pytest.raises(ClosedError):
        module.begin(get())
    question = exchange.next()
    assert question is not None
    question.fail(UnknownToken())
    module.close()


def test_close_on_the_loop_that_has_to_answer_is_refused() -> None:
    reached = asyncio.Event()
    go_on = asyncio.Event()

    async def list_devices(*_: object) -> list[Device]:
        reached.set()
        await go_on.wait()
        return []

    async def main() -> None:
        module = Module.open(bent("list_devices", list_devices))
        task = asyncio.create_task(module.ahandle(get()))
        await reached.wait()
        with pytest.raises(RuntimeError, match=r"aclose\(\)"):
            module.close()
        closing = asyncio.create_task(module.aclose())
        await asyncio.sleep(0)
        assert not closing.done()
        go_on.set()
        response = await task
        assert response is not None
        assert response.status == 200
        await closing

    asyncio.run(main())


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    host = SqliteHost(tmp_path / "devices.db", server_name="example.org")
    host.close()
    with pytest.raises(ClosedError, match="open one"):
        host.add_user("alice", "secret")
    with pytest.raises(ClosedError):
        Module.open(host)
