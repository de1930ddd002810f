"""Module: opening, handling, driving step by step, closing."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import importlib
import logging
import threading
from pathlib import Path

import pytest

import matrix_devices
from doubles import AUTHORIZED, DEVICES, SmallHost, bent, delete, get
from matrix_devices import (
    ClosedError,
    ConfigurationError,
    Credentials,
    Deletion,
    Device,
    LoadError,
    MatrixError,
    MemoryHost,
    Module,
    NotFound,
    Principal,
    Request,
    SqliteHost,
    UnknownToken,
)
from matrix_devices._libraries import module_path


def test_it_says_what_it_loaded() -> None:
    with Module.open(SmallHost()) as module:
        assert module.version.count(".") == 2
        assert module.abi_minor >= 0
        assert module.library_path == module_path()
        assert module.max_body_bytes == 1 << 20
        assert f"{DEVICES}/{{deviceId}}" in [route.path for route in module.routes]


def test_every_method_is_asked_with_what_the_contract_says() -> None:
    seen: list[Credentials] = []

    def authenticate(credentials: Credentials) -> Principal:
        seen.append(credentials)
        return Principal("@bob:example.org", "B")

    context = object()
    target = f"{DEVICES}?user_id=%40bob%3Aexample.org"
    with Module.open(bent("authenticate", authenticate)) as module:
        request = Request("GET", target, AUTHORIZED, remote_addr="192.0.2.7", context=context)
        response = module.handle(request)
    assert response is not None
    assert response.status == 200
    assert seen[0].access_token == "letmein"
    assert seen[0].user_id == "@bob:example.org"
    assert seen[0].device_id is None
    assert seen[0].remote_addr == "192.0.2.7"
    assert seen[0].request.context is context


def test_the_principal_comes_back_as_the_object_that_it_was() -> None:
    class MyPrincipal(Principal):
        pass

    mine = MyPrincipal("@bob:example.org", "B")
    host = bent("authenticate", lambda _: mine)
    seen: list[object] = []
    type(host).list_devices = lambda self, principal, query: seen.append(principal) or []  # type: ignore[method-assign, func-returns-value]
    with Module.open(host) as module:
        module.handle(get())
    assert seen == [mine]
    assert seen[0] is mine


@pytest.mark.parametrize(
    ("path", "is_ours"),
    [
        (DEVICES, True),
        (f"{DEVICES}/a%2Fb", True),
        ("/_matrix/client/r0/delete_devices", True),
        (f"{DEVICES}/", False),
        (f"{DEVICES}/a/b", False),
        ("/_matrix/client/v3/sync", False),
        (f"HTTPS://x{DEVICES}/a%2Fb", True),  # R13
    ],
)
def test_what_is_not_ours_is_none(path: str, is_ours: bool) -> None:
    with Module.open(SmallHost()) as module:
        for method in ("GET", "PATCH"):  # R7: any method on its paths is the module's
            assert module.match(method, path) == is_ours
            assert module.match(method.encode(), f"{path}?a=b".encode()) == is_ours
            assert (module.handle(Request(method, path)) is not None) == is_ours


def test_headers_may_be_bytes_or_text_that_stands_for_bytes() -> None:
    with Module.open(SmallHost()) as module:
        for header in ((b"authorization", b"Bearer letmein"), ("AUTHORIZATION", "Bearer letmein")):
            response = module.handle(Request("GET", DEVICES, [header]))
            assert response is not None
            assert response.status == 200
        response = module.handle(Request("GET", DEVICES, [("Authorization", "Bearer \xff")]))
        assert response is not None
        assert response.status == 401


@pytest.mark.parametrize("headers", [5, [5], ["ab"], [("a",)], [("a", 5)], [("a", "b", "c")]])
def test_a_malformed_request_is_a_TypeError(headers: object) -> None:
    with (
        Module.open(SmallHost()) as module,
        pytest.raises(TypeError, match=r"^Request: (the value in )?headers"),
    ):
        module.handle(Request("GET", DEVICES, headers))  # type: ignore[arg-type]


def test_an_answer_of_the_hosts_own_is_passed_on() -> None:
    def authenticate(_: Credentials) -> Principal:
        raise MatrixError(
            403, "ORG_EXPIRED", "Renew it.", retry_after_ms=1500, renew_at="https://example.org/"
        )

    with Module.open(bent("authenticate", authenticate)) as module:
        response = module.handle(get())
    assert response is not None
    assert response.status == 403
    assert response.json() == {
        "errcode": "ORG_EXPIRED",
        "error": "Renew it.",
        "renew_at": "https://example.org/",
    }
    assert ("Retry-After", "2") in response.headers


def test_an_expired_token_is_a_soft_logout() -> None:
    def authenticate(_: Credentials) -> Principal:
        raise UnknownToken(soft_logout=True)

    with Module.open(bent("authenticate", authenticate)) as module:
        response = module.handle(get())
    assert response is not None
    assert response.json()["soft_logout"] is True


def test_a_list_may_come_from_a_generator() -> None:
    with Module.open(
        bent("list_devices", lambda *_: (Device(f"E{n}") for n in range(3)))
    ) as module:
        response = module.handle(get())
    assert response is not None
    assert [device["device_id"] for device in response.json()["devices"]] == ["E0", "E1", "E2"]


def test_a_hundred_thousand_devices_are_listed() -> None:
    with Module.open(SmallHost(100_000)) as module:
        response = module.handle(get())
    assert response is not None
    assert len(response.json()["devices"]) == 100_000


def test_a_plain_method_may_answer_through_a_future() -> None:
    """Completed from another thread."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        host = bent("list_devices", lambda *_: pool.submit(lambda: [Device("F")]))
        with Module.open(host) as module:
            response = module.handle(get())
            assert response is not None
            assert response.json() == {"devices": [{"device_id": "F"}]}
            response = asyncio.run(module.ahandle(get()))
            assert response is not None
            assert response.json() == {"devices": [{"device_id": "F"}]}


def test_many_threads_are_answered() -> None:
    host = MemoryHost("example.org")
    host.add_user("alice", "secret")
    token = host.login("alice").access_token
    request = Request("GET", DEVICES, [("Authorization", f"Bearer {token}")])
    statuses: list[int] = []
    with Module.open(host) as module:

        def ask() -> None:
            for _ in range(500):
                response = module.handle(request)
                assert response is not None
                statuses.append(response.status)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert statuses == [200] * 4000


class TestStepByStep:
    """begin, next, answer."""

    def test_a_request_is_driven_by_hand(self) -> None:
        module = Module.open_stepwise()
        host = SmallHost()
        exchange = module.begin(get())
        assert exchange is not None
        asked = []
        while (question := exchange.next()) is not None:
            asked.append(question.method)
            assert exchange.response is None
            question.answer(getattr(host, question.method)(*question.arguments))
        assert asked == ["authenticate", "list_devices"]
        assert exchange.response is not None
        assert exchange.response.status == 200
        module.close()

    def test_what_is_not_ours_is_none(self) -> None:
        with Module.open_stepwise() as module:
            assert module.begin(Request("GET", "/")) is None

    def test_a_question_is_answered_once(self) -> None:
        with Module.open_stepwise() as module:
            exchange = module.begin(get())
            assert exchange is not None
            question = exchange.next()
            assert question is not None
            question.fail(UnknownToken())
            with pytest.raises(RuntimeError, match=r"authenticate: .* answered already"):
                question.answer(Principal("@alice:example.org", "D0"))
            assert exchange.response is not None
            assert exchange.response.status == 401

    def test_the_next_question_is_not_there_before_this_one_is_answered(self) -> None:
        with Module.open_stepwise() as module:
            exchange = module.begin(get())
            assert exchange is not None
            question = exchange.next()
            assert question is not None
            with pytest.raises(RuntimeError, match=r"authenticate: .* not answered yet"):
                exchange.next()
            question.fail(UnknownToken())

    def test_a_dropped_request_is_answered_for_the_module(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        module = Module.open_stepwise()
        exchange = module.begin(get())
        assert exchange is not None
        assert exchange.next() is not None
        del exchange
        gc.collect()
        assert "authenticate(): the question was dropped without an answer" in caplog.text
        module.close(timeout=1)

    def test_another_thread_may_answer(self) -> None:
        with Module.open_stepwise() as module:
            exchange = module.begin(get())
            assert exchange is not None
            question = exchange.next()
            assert question is not None
            assert not exchange.wait(0.01)
            answered = threading.Thread(target=question.fail, args=[UnknownToken()])
            answered.start()
            assert exchange.wait(10)
            answered.join()
            assert exchange.response is not None
            assert exchange.response.status == 401

    def test_a_cancelled_request_is_answered_all_the_same(self) -> None:
        with Module.open_stepwise() as module:
            exchange = module.begin(get())
            assert exchange is not None
            question = exchange.next()
            assert question is not None
            exchange.cancel()
            assert question.cancelled
            question.fail(asyncio.CancelledError())
            assert exchange.next() is None
            assert exchange.response is not None

    def test_optional_questions_are_named(self) -> None:
        with pytest.raises(ConfigurationError, match="list_devices is not one of put_device"):
            Module.open_stepwise(optional=["list_devices"])

    def test_the_clock_is_the_callers(self) -> None:
        now = [1_000_000]
        module = Module.open_stepwise(now_ms=lambda: now[0])
        exchange = module.begin(Request("DELETE", f"{DEVICES}/D1", AUTHORIZED))
        assert exchange is not None
        created = None
        while (question := exchange.next()) is not None:
            if question.method == "authenticate":
                question.answer(Principal("@alice:example.org", "D0"))
            elif question.method == "uia_flows":
                question.answer([matrix_devices.Flow(("m.login.password",))])
            else:
                created = question.arguments[1]
                question.answer(None)
        assert created.expires_ms == 1_000_000 + 3_600_000  # U20
        module.close()


class TestOpening:
    """What cannot be opened says why, in one line."""

    def test_a_library_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(LoadError, match=r"nothing\.so") as raised:
            Module.open(SmallHost(), library=tmp_path / "nothing.so")
        assert "\n" not in str(raised.value)

    def test_a_library_that_is_another(self) -> None:
        with pytest.raises(LoadError, match="matrix_devices_module_v1"):
            Module.open(SmallHost(), library="/lib/x86_64-linux-gnu/libm.so.6")

    def test_a_file_that_is_no_library(self, tmp_path: Path) -> None:
        path = tmp_path / "text.so"
        path.write_text("no library")
        with pytest.raises(LoadError, match=r"text\.so"):
            Module.open(SmallHost(), library=path)

    def test_the_environment_names_a_library(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("MATRIX_DEVICES_LIBRARY", str(tmp_path / "other.so"))
        with pytest.raises(LoadError, match=r"other\.so"):
            Module.open(SmallHost())

    def test_a_second_library_beside_the_first(self, tmp_path: Path) -> None:
        copy = tmp_path / "libmatrix_devices.so"
        copy.write_bytes(Path(module_path()).read_bytes())
        with Module.open(SmallHost()) as first, Module.open(SmallHost(), library=copy) as second:
            assert second.library_path == str(copy)
            for module in (first, second):
                response = module.handle(get())
                assert response is not None
                assert response.status == 200

    @pytest.mark.parametrize(
        ("config", "said"),
        [
            ({"max_body_bites": 1}, "max_body_bites"),
            ({"uia": {"grace_period_ms": 1000}}, "mark_validated"),
            ({"max_body_bytes": object()}, "JSON"),
        ],
    )
    def test_a_wrong_setting(self, config: dict[str, object], said: str) -> None:
        with pytest.raises(ConfigurationError, match=said):
            Module.open(SmallHost(), config)

    def test_a_host_that_is_none(self) -> None:
        with pytest.raises(ConfigurationError, match=r"object.*matrix_devices\.Host"):
            Module.open(object())  # type: ignore[arg-type]

    def test_reloading_the_package_is_harmless(self) -> None:
        with Module.open(SmallHost()) as module:
            importlib.reload(matrix_devices)
            response = module.handle(get())
        assert response is not None
        assert response.status == 200


class TestAsynchronous:
    """ahandle."""

    def test_plain_and_async_methods_in_one_host(self) -> None:
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

    def test_handle_refuses_what_is_async(self, caplog: pytest.LogCaptureFixture) -> None:
        async def list_devices(*_: object) -> list[Device]:
            return []

        with Module.open(bent("list_devices", list_devices)) as module:
            response = module.handle(get())
        assert response is not None
        assert response.status == 500
        assert "list_devices() is asynchronous, and handle() awaits nothing: use" in caplog.text

    def test_a_cancelled_task_cancels_what_the_host_awaits(self) -> None:
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

    def test_a_cancelled_deletion_goes_on(self) -> None:
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

    def test_a_coroutine_that_never_ends_is_a_504(self, caplog: pytest.LogCaptureFixture) -> None:
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

    def test_a_deletion_that_takes_too_long_is_a_504_and_goes_on(self) -> None:
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

    def test_a_thousand_requests_at_once_to_the_store(self, tmp_path: Path) -> None:
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

    def test_event_loops_on_several_threads(self, tmp_path: Path) -> None:
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


class TestClosing:
    """close and aclose."""

    def test_it_waits_for_what_is_in_flight(self) -> None:
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

    def test_a_closed_module_says_so(self) -> None:
        module = Module.open(SmallHost())
        module.close()
        module.close()
        with pytest.raises(ClosedError, match="open one"):
            module.handle(get())
        with pytest.raises(ClosedError, match="open one"):
            module.match("GET", DEVICES)
        assert "closed" in repr(module)

    def test_threads_that_ask_while_it_closes_are_answered_or_told(self) -> None:
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

    def test_a_module_that_is_closing_takes_no_more(self) -> None:
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

    def test_close_on_the_loop_that_has_to_answer_is_refused(self) -> None:
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

    def test_a_closed_store_says_so(self, tmp_path: Path) -> None:
        host = SqliteHost(tmp_path / "devices.db", server_name="example.org")
        host.close()
        with pytest.raises(ClosedError, match="open one"):
            host.add_user("alice", "secret")
        with pytest.raises(ClosedError):
            Module.open(host)


def test_no_secret_is_in_a_repr() -> None:
    request = Request(
        "POST", f"{DEVICES}?access_token=letmein", AUTHORIZED, b'{"auth":{"password":"letmein"}}'
    )
    with Module.open_stepwise() as module:
        exchange = module.begin(get())
        assert exchange is not None
        question = exchange.next()
        assert question is not None
        shown = " ".join(
            map(repr, [request, exchange, question, question.arguments, module, exchange.request])
        )
        question.fail(UnknownToken())
    assert "letmein" not in shown


def test_lines_of_the_module_go_to_logging(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "matrix_devices")
    with Module.open(bent("get_device", lambda *_: Device(""))) as module:
        response = module.handle(get("/D0"))
    assert response is not None
    assert response.status == 500
    assert any("device" in record.message for record in caplog.records)
