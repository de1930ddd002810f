"""Module: handle."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading

import pytest

from doubles import AUTHORIZED, DEVICES, SmallHost, bent, get
from matrix_devices import (
    Credentials,
    Device,
    MatrixError,
    MemoryHost,
    Module,
    Principal,
    Request,
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
