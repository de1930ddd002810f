"""What a host does wrong costs one request, and is named in the log."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Callable
from typing import Any

import pytest

from doubles import bent, delete, get
from matrix_devices import (
    AsyncMemoryHost,
    Device,
    MatrixError,
    MemoryHost,
    Module,
    NotFound,
    Principal,
    Refused,
    Request,
    Response,
    Timeout,
    Unavailable,
)


def ask(method: str, replacement: Callable[..., Any], request: Request) -> Response:
    """The answer to the request, the same whether it was handled or awaited; the next is fine."""
    with Module.open(bent(method, replacement)) as module:
        plain = module.handle(request)
        awaited = asyncio.run(module.ahandle(request))
        assert plain is not None
        assert awaited is not None
        assert plain.status == awaited.status
        assert plain.body == awaited.body
        options = module.handle(Request("OPTIONS", request.target))
        assert options is not None
        assert options.status == 204
        return plain


def raise_(error: BaseException) -> Callable[..., Any]:
    def method(*_: object) -> Any:
        raise error

    return method


WRONG = [
    ("authenticate", None, get(), "authenticate() returned None; it must return a Principal"),
    ("authenticate", "@alice:example.org", get(), "authenticate() returned a str"),
    ("list_devices", None, get(), "list_devices() returned None; it must return an iterable of"),
    ("list_devices", "abc", get(), "list_devices() returned a str"),
    ("list_devices", [Device("D0"), "D1"], get(), "list_devices() returned a str among the"),
    ("list_devices", [Device(5)], get(), "a Device whose device_id is an int; it must be str"),  # type: ignore[arg-type]
    (
        "list_devices",
        [Device("D", last_seen_ts_ms=1.5)],
        get(),
        "is a float; it must be int or None",
    ),  # type: ignore[arg-type]
    (
        "list_devices",
        [Device("D", last_seen_ts_ms=1 << 70)],
        get(),
        "last_seen_ts_ms is over 64 bits",
    ),
    ("list_devices", [Device("\udc80")], get(), "half of a surrogate pair"),
    ("get_device", {"device_id": "D0"}, get("/D0"), "get_device() returned a dict; it must return"),
    ("delete_devices", 1, delete("D0"), "delete_devices() returned an int; it must return None"),
    ("authenticate", Principal(5), get(), "a Principal whose user_id is an int; it must be str"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("method", "result", "request_", "said"), WRONG)
def test_a_result_of_the_wrong_type(
    method: str,
    result: object,
    request_: Request,
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    response = ask(method, lambda *_: result, request_)
    assert response.status == 500
    assert response.json()["errcode"] == "M_UNKNOWN"
    assert said in caplog.text


class Unexpected(Exception):
    """Of a host."""


@pytest.mark.parametrize(
    "error",
    [
        Unexpected("disk 1729"),
        SystemExit("disk 1729"),
        RuntimeError("disk 1729"),
        BaseException("disk 1729"),
    ],
)
def test_what_is_raised_unexpectedly_is_a_500_and_logged_with_its_traceback(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    response = ask("list_devices", raise_(error), get())
    assert response.status == 500
    assert "1729" not in response.body.decode()
    assert f"list_devices() raised {type(error).__name__}" in caplog.text
    assert "Traceback" in caplog.text
    assert "raise error" in caplog.text


def test_an_async_method_that_exits_costs_one_request(caplog: pytest.LogCaptureFixture) -> None:
    async def list_devices(*_: object) -> list[Device]:
        await asyncio.sleep(0)
        raise SystemExit(3)

    async def delete_devices(*_: object) -> None:
        await asyncio.sleep(0)
        raise SystemExit(3)

    async def main() -> None:
        for method, replacement, request in (
            ("list_devices", list_devices, get()),
            ("delete_devices", delete_devices, delete("D0")),
        ):
            async with Module.open(bent(method, replacement)) as module:
                response = await module.ahandle(request)
                assert response is not None
                assert response.status == 500
                assert f"{method}() raised SystemExit" in caplog.text

    asyncio.run(main())


def test_an_iterator_that_fails_half_way(caplog: pytest.LogCaptureFixture) -> None:
    def list_devices(*_: object) -> Any:
        yield Device("D0")
        raise Unexpected("half way")

    response = ask("list_devices", list_devices, get())
    assert response.status == 500
    assert "D0" not in response.body.decode()
    assert "half way" in caplog.text


def test_a_refusal_that_is_no_answer_to_this(caplog: pytest.LogCaptureFixture) -> None:
    response = ask("list_devices", raise_(NotFound()), get())
    assert response.status == 500
    assert "list_devices() raised NotFound, which is no answer to it" in caplog.text
    response = ask("get_device", raise_(Refused("x")), get("/D0"))
    assert response.status == 500
    assert "get_device() raised Refused" in caplog.text
    assert "it may raise: NotFound" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        MatrixError(200, "M_X", "no error"),
        MatrixError(400, "", "no code"),
        MatrixError(400, "M_X", "text", thing=object()),
        MatrixError("400", "M_X", "text"),  # type: ignore[arg-type]
    ],
)
def test_a_malformed_answer_of_the_hosts_own(
    error: MatrixError, caplog: pytest.LogCaptureFixture
) -> None:
    assert ask("list_devices", raise_(error), get()).status == 500
    assert caplog.records


STARVED = [
    MemoryError(),
    RuntimeError("can't start new thread"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
]


@pytest.mark.parametrize("error", STARVED, ids=lambda error: type(error).__name__)
def test_H6_want_of_memory_or_threads_is_a_503_and_logged(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    response = ask("list_devices", raise_(error), get())
    assert (response.status, response.json()["errcode"]) == (503, "M_UNKNOWN")
    assert "list_devices() could not be answered for want of memory or threads" in caplog.text


@pytest.mark.parametrize("kind", [MemoryHost, AsyncMemoryHost])
@pytest.mark.parametrize("error", [Unavailable(), *STARVED], ids=lambda error: type(error).__name__)
def test_H6_a_password_that_could_not_be_checked_is_not_wrong_and_no_failure(
    kind: type[MemoryHost | AsyncMemoryHost], error: Exception
) -> None:
    host = kind("example.org")
    host.add_user("alice", "correct horse")
    token = host.login("alice", device_id="LAPTOP").access_token
    headers = [("Authorization", f"Bearer {token}")]
    auth = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": "alice"},
        "password": "correct horse",
    }
    body = json.dumps({"auth": auth}).encode()
    request = Request("DELETE", "/_matrix/client/v3/devices/PHONE", headers, body)
    host.fail_next("uia_check", error, times=20)

    async def main() -> None:
        async with Module.open(host) as module:
            for status in [503] * 20 + [200]:
                response = await module.ahandle(request)
                assert response is not None
                assert response.status == status, response.body

    asyncio.run(main())


def test_what_everybody_may_raise() -> None:
    assert ask("list_devices", raise_(Unavailable()), get()).status == 503
    assert ask("list_devices", raise_(Timeout()), get()).status == 504
    assert ask("get_device", raise_(NotFound()), get("/D0")).status == 404


def test_a_method_that_cancels_itself_is_a_503() -> None:
    async def list_devices(*_: object) -> list[Device]:
        raise asyncio.CancelledError

    async def main() -> None:
        async with Module.open(bent("list_devices", list_devices)) as module:
            response = await module.ahandle(get())
            assert response is not None
            assert response.status == 503

    asyncio.run(main())


def test_ctrl_c_stops_the_program_and_not_only_the_request() -> None:
    with Module.open(bent("list_devices", raise_(KeyboardInterrupt()))) as module:
        with pytest.raises(KeyboardInterrupt):
            module.handle(get())
        response = module.handle(get("/D0"))
        assert response is not None
        assert response.status == 200
