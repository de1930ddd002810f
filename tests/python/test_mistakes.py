"""What is used wrongly is refused with a sentence: what came, by its type, and what is right."""

from __future__ import annotations

import dataclasses
import email.message
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import matrix_devices
from doubles import AUTHORIZED, DEVICES, SmallHost, bent
from matrix_devices import (
    AsyncMemoryHost,
    ConfigurationError,
    Host,
    MemoryHost,
    Module,
    NotFound,
    Request,
    SqliteHost,
    StoreHost,
    asgi,
    wsgi,
)
from matrix_devices.server import AccountApi, Server

SECRET = "s3cr3t"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty one to work in."""
    monkeypatch.chdir(tmp_path)


# ---- What is passed to the package ----

MISTAKES: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: Request("GET", DEVICES, SECRET), TypeError, "Request: headers is a str; give a map"),  # type: ignore[arg-type]
    (lambda: Request("GET", DEVICES, SECRET.encode()), TypeError, "headers is a bytes; give"),  # type: ignore[arg-type]
    (lambda: Request("GET", DEVICES, bytearray(b"a")), TypeError, "headers is a bytearray; give"),  # type: ignore[arg-type]
    (lambda: Request("GET", DEVICES, None), TypeError, "Request: headers is None; give a mapping"),  # type: ignore[arg-type]
    (lambda: ask([SECRET]), TypeError, "Request: headers[0] is a str, no pair of name and value"),
    (lambda: ask([("A", "b"), ("A",)]), TypeError, "Request: headers[1] is a tuple, no pair of"),
    (lambda: ask({"A": [SECRET]}), TypeError, "the value in headers[0] is a list; it must be str"),
    (lambda: ask({5: "a"}), TypeError, "the name in headers[0] is an int; it must be str or"),
    (lambda: ask({"A": "\u0416"}), ValueError, "the value in headers[0] has a character over U+00"),
    (
        lambda: ask(target=f"{DEVICES}?\u0416"),
        ValueError,
        "target has a character over U+00FF; pas",
    ),
    (lambda: ask(target=None), TypeError, "Request: target is None; it must be str or bytes"),
    (lambda: ask(method=5), TypeError, "Request: method is an int; it must be str or bytes"),
    (lambda: ask(body={"a": 1}), TypeError, "Request: body is a dict; it must be str or bytes"),
    (lambda: ask(body=None), TypeError, "Request: body is None; it must be str or bytes"),
    (lambda: ask(remote_addr=("::1", 5)), TypeError, "Request: remote_addr is a tuple; it must be"),
    (lambda: Module.open(MemoryHost), ConfigurationError, "the class MemoryHost; give an instance"),  # type: ignore[arg-type]
    (lambda: Module.open(object()), ConfigurationError, "host is an object; derive its class from"),  # type: ignore[arg-type]
    (lambda: Module.open(MemoryHost(), "{}"), ConfigurationError, "config is a str; give a map"),  # type: ignore[arg-type]
    (lambda: Module.open(MemoryHost(), {"a": {1}}), ConfigurationError, "config: Object of type s"),
    (lambda: Module.open(MemoryHost(), timeout=0), ConfigurationError, "timeout: give seconds, mo"),
    (lambda: Module.open_stepwise(optional="put_device"), ConfigurationError, 'list: ["put_dev'),
    (lambda: Module.open_stepwise(optional=["put"]), ConfigurationError, "put is not one of put_d"),
    (lambda: Module.open(bent("now_ms", now_late)), ConfigurationError, "now_ms is async def; it"),
    (lambda: Module.open(bent_kind(authenticate=5)), ConfigurationError, "authenticate is an int;"),
    (
        lambda: Module.open(bent_kind(get_device=lambda self, key: None)),
        ConfigurationError,
        "BentHost.get_device can't be called with (principal, key): give it those parameters",
    ),
    (lambda: asgi.app(MemoryHost(), {}), ConfigurationError, "wrapped is a dict; give an ASGI app"),  # type: ignore[arg-type]
    (lambda: wsgi.app(MemoryHost(), {}), ConfigurationError, "wrapped is a dict; give a WSGI app"),  # type: ignore[arg-type]
    (
        lambda: wsgi.app(AsyncMemoryHost()),
        ConfigurationError,
        "AsyncMemoryHost.authenticate is async def, and WSGI has no event loop: make it plain, or",
    ),
    (lambda: MemoryHost("no name"), ConfigurationError, "'no name' is no server name: give a host"),
    (lambda: MemoryHost(5), ConfigurationError, "server_name is an int; give a str such as"),  # type: ignore[arg-type]
    (
        lambda: SqliteHost("none.db"),
        ConfigurationError,
        "SqliteHost: there is no such database: correct its name, or give a server name to make it:"
        ' server_name="example.org"',
    ),
    (lambda: StoreHost("none.db"), ConfigurationError, "StoreHost: there is no such database: cor"),
    (lambda: SqliteHost("a.db", server_name="a b"), ConfigurationError, "'a b' is no server name"),
    (
        lambda: [SqliteHost("a.db", server_name=name) for name in ("a.org", "b.org")],
        ConfigurationError,
        "belongs to the server a.org, not to b.org; correct server_name, or leave it out",
    ),
    *(
        (
            lambda name=name: SqliteHost("a.db", server_name="a.org", **{name: -1}),  # type: ignore[misc]
            ConfigurationError,
            f"SqliteHost: {name}: give milliseconds, 0 or more",
        )
        for name in (
            *("access_token_ms", "refresh_token_lifetime_ms"),
            *("guest_lifetime_ms", "delete_devices_after_ms"),
        )
    ),
    (
        lambda: AccountApi(SmallHost()),
        ConfigurationError,
        "accounts is a SmallHost without server",
    ),  # type: ignore[arg-type]
    (lambda: AccountApi(MemoryHost(), limits={}), ConfigurationError, "limits is a dict; give Att"),  # type: ignore[arg-type]
    (
        lambda: Server(MemoryHost(), listen="::1"),
        ConfigurationError,
        "listen is a str; give an a",
    ),  # type: ignore[arg-type]
    (lambda: Server(MemoryHost, {}), ConfigurationError, "the class MemoryHost; give an instance,"),  # type: ignore[arg-type]
    (lambda: started().start(), RuntimeError, "was started before: make another Server"),
    (
        lambda: MemoryHost().fail_next("list_devices", "no"),
        TypeError,
        "error is a str; give an e",
    ),  # type: ignore[arg-type]
    (lambda: MemoryHost().fail_next("list", NotFound()), ValueError, "'list' is no method of a h"),
    (
        lambda: MemoryHost().login("nobody"),
        NotFound,
        "There is no such account, device or session.",
    ),
]


def ask(headers: Any = AUTHORIZED, method: Any = "GET", target: Any = DEVICES, **rest: Any) -> None:
    """A request that can't be taken."""
    with Module.open(SmallHost()) as module:
        module.handle(Request(method, target, headers, **rest))


def started() -> Server:
    """A server that has ended."""
    with Server(MemoryHost()) as server:
        return server


async def now_late() -> int:
    """A clock that is late."""
    return 0


def bent_kind(**attributes: object) -> Host:
    """A SmallHost with other attributes."""
    return type("BentHost", (SmallHost,), attributes)()  # type: ignore[no-any-return]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("use", "kind", "sentence"), MISTAKES)
def test_a_mistake_is_named(
    use: Callable[[], object], kind: type[Exception], sentence: str
) -> None:
    with pytest.raises(kind) as raised:
        use()
    assert type(raised.value) is kind
    text = str(raised.value)
    assert sentence in text
    assert SECRET not in text
    # For who writes Python: nothing of the command line, of C++, or of what is private.
    for foreign in ("--", "std::", "pybind", "NoneType", "_core", "latin-1", "object at 0x"):
        assert foreign not in text


def test_nothing_of_a_command_line_is_in_a_message_of_the_package() -> None:
    folder = Path(matrix_devices.__file__).parent
    for path in folder.rglob("*.py"):
        if path.name != "__main__.py":
            assert '"--' not in path.read_text(), path
            assert "--database" not in path.read_text(), path


# ---- Headers ----


class ManyHeaders:
    """As those of http.server and of web frameworks: what is there twice comes twice."""

    def items(self) -> list[tuple[str, str]]:
        return [("Authorization", "Bearer letmein"), ("X", "a"), ("X", "b")]


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer letmein"},
        {b"authorization": b"Bearer letmein"},
        types.MappingProxyType({"AUTHORIZATION": "Bearer letmein"}),
        [("Authorization", "Bearer letmein")],
        (["Authorization", b"Bearer letmein"],),
        iter([("Authorization", "Bearer letmein")]),
        ManyHeaders(),
    ],
    ids=lambda headers: type(headers).__name__,
)
def test_headers_are_a_mapping_or_pairs(headers: Any) -> None:
    request = Request("GET", DEVICES, headers)
    with Module.open(SmallHost()) as module:
        for _ in range(2):  # an iterator is not used up
            response = module.handle(request)
            assert response is not None
            assert response.status == 200
    assert dataclasses.replace(request, method="PUT").headers == request.headers
    assert "letmein" not in repr(request)


def test_a_header_that_is_there_twice_stays() -> None:
    pairs = [("Authorization", "Bearer letmein"), ("X", "a"), ("X", "b")]
    assert list(Request("GET", DEVICES, ManyHeaders()).headers) == pairs  # type: ignore[arg-type]


def test_headers_are_what_a_server_has() -> None:
    message = email.message.Message()
    message["X"] = "a"
    message["X"] = "b"
    assert list(Request("GET", DEVICES, message).headers) == [("X", "a"), ("X", "b")]
