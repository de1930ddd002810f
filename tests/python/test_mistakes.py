"""What is used wrongly is refused with a sentence: what came, by its type, and what is right."""

from __future__ import annotations

import asyncio
import dataclasses
import email.message
import inspect
import pickle
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import matrix_devices
from doubles import AUTHORIZED, DEVICES, SmallHost, bent, delete, get
from matrix_devices import (
    AsyncMemoryHost,
    ConfigurationError,
    Device,
    Flow,
    Host,
    KeptSession,
    LimitExceeded,
    MatrixError,
    MemoryHost,
    Module,
    NotFound,
    Principal,
    Refusal,
    Refused,
    Request,
    SqliteHost,
    StoreHost,
    UnknownToken,
    asgi,
    wsgi,
)
from matrix_devices.host import METHODS, OPTIONAL
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


# ---- Hosts ----


def test_a_fault_may_be_planted_by_its_class() -> None:
    host = MemoryHost()
    host.fail_next("authenticate", UnknownToken)
    with Module.open(host) as module:
        response = module.handle(get())
    assert response is not None
    assert response.json()["errcode"] == "M_UNKNOWN_TOKEN"


@pytest.mark.parametrize("missing", [name for name in METHODS if name not in OPTIONAL])
def test_a_missing_method_is_named_with_what_it_is_for(missing: str) -> None:
    methods = {name: getattr(SmallHost, name) for name in METHODS if name not in OPTIONAL}
    del methods[missing]
    kind = type("MyHost", (Host,), methods)
    with pytest.raises(TypeError) as raised:
        kind()
    first, second = str(raised.value).splitlines()
    assert first == "MyHost is no host yet. Add to it:"
    documented = " ".join((inspect.getdoc(getattr(Host, missing)) or "").split())
    parameters, purpose = second.strip().removeprefix(missing).split("  ")
    assert parameters.startswith("(self, ")
    assert len(purpose) > 10
    assert documented.startswith(purpose)


def test_all_missing_methods_are_named_at_once() -> None:
    with pytest.raises(TypeError) as raised:
        Host()  # type: ignore[abstract]
    assert len(str(raised.value).splitlines()) == 1 + len(METHODS) - len(OPTIONAL)


def test_a_host_may_have_a_base_that_is_made_with_arguments() -> None:
    class Row(tuple):  # type: ignore[type-arg]
        def __new__(cls, *cells: object) -> Row:
            return super().__new__(cls, cells)

    assert type("MyHost", (SmallHost, Row), {"__init__": lambda *_: None})(1, 2) == (1, 2)


@pytest.mark.parametrize("name", [*OPTIONAL, "now_ms"])
def test_an_optional_method_has_nothing_to_inherit(name: str) -> None:
    arguments = [None] * (len(inspect.signature(getattr(Host, name)).parameters) - 1)
    with pytest.raises(NotImplementedError, match="write it whole, or leave it out"):
        getattr(SmallHost(), name)(*arguments)


async def late() -> object:
    return None


async def one_by_one() -> Any:
    yield Device("D0")


RESULTS: list[tuple[str, Callable[[], object], Request, str]] = [
    ("get_device", late, get("/D0"), "get_device() returned a coroutine; it must return a Device"),
    ("delete_devices", late, delete("D0"), "returned a coroutine; it must return None: await it f"),
    ("list_devices", one_by_one, get(), "returned an async_generator; it must return an iterable"),
    ("list_devices", one_by_one, get(), "collect it, [device async for device in"),
    ("get_device", NotFound, get("/D0"), "returned a NotFound; it must return a Device: raise the"),
    (
        "get_device",
        lambda: NotFound,
        get("/D0"),
        "returned the class NotFound; it must return a De",
    ),
    (
        "get_device",
        lambda: Device,
        get("/D0"),
        "returned the class Device; it must return a Device",
    ),
]


@pytest.mark.parametrize(("method", "make", "request_", "sentence"), RESULTS)
def test_an_answer_that_is_none_step_by_step(
    method: str,
    make: Callable[[], object],
    request_: Request,
    sentence: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    host = SmallHost()
    with Module.open_stepwise() as module:
        exchange = module.begin(request_)
        assert exchange is not None
        while (question := exchange.next()) is not None:
            if question.method == method:
                question.answer(make())
            else:
                question.answer(getattr(host, question.method)(*question.arguments))
        assert exchange.response is not None
        assert exchange.response.status == 500
    assert sentence in caplog.text


def fields_of(record: object) -> list[tuple[object, str, object]]:
    """The record, each of its fields, and something that is of none of its types."""
    hints = typing.get_type_hints(type(record))
    made: list[tuple[object, str, object]] = []
    for field in dataclasses.fields(record):  # type: ignore[arg-type]
        hint = hints[field.name]
        kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        if set(kinds) <= {str, int, bytes, types.NoneType}:  # what goes to the module as it is
            made += [
                (record, field.name, wrong)
                for wrong in (SECRET.encode(), SECRET, 1.5)
                if type(wrong) not in kinds
            ]
    return made


ASKED = {Principal: "authenticate", Device: "get_device", KeptSession: "uia_load_session"}


@pytest.mark.parametrize(
    ("record", "name", "wrong"),
    [
        *fields_of(Principal("@alice:example.org", "D0", validated_ms=0)),
        *fields_of(Device("D0", "", "", 0)),
        *fields_of(KeptSession(b"{}", 1)),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_each_field_of_a_record_is_named(
    record: Any, name: str, wrong: object, caplog: pytest.LogCaptureFixture
) -> None:
    method = ASKED[type(record)]
    result = dataclasses.replace(record, **{name: wrong})
    session = b'{"devices": ["D0"], "auth": {"session": "s"}}'
    requests = {
        "authenticate": get(),
        "get_device": get("/D0"),
        "uia_load_session": Request(
            "POST", "/_matrix/client/v3/delete_devices", AUTHORIZED, session
        ),
    }
    host = bent(method, lambda *_: result)
    if method == "uia_load_session":
        type(host).authenticate = lambda *_: Principal("@a:b.c", "D0")  # type: ignore[method-assign]
        type(host).uia_flows = lambda *_: [Flow(("m.login.password",))]  # type: ignore[method-assign]
    with Module.open(host) as module:
        response = module.handle(requests[method])
    assert response is not None
    assert response.status == 500
    kind = type(record).__name__
    came = {bytes: "a bytes", str: "a str", float: "a float"}[type(wrong)]
    assert f"{method}() returned a {kind} whose {name} is {came}; it must be " in caplog.text
    assert SECRET not in caplog.text


RAISED = [
    (
        MatrixError("400", "M_X", "text"),
        "raised a MatrixError whose status is a str; it must be in",
    ),  # type: ignore[arg-type]
    (MatrixError(400, None, "text"), "raised a MatrixError whose errcode is None; it must be str"),  # type: ignore[arg-type]
    (MatrixError(400, "M_X", b"text"), "raised a MatrixError whose text is a bytes; it must be st"),  # type: ignore[arg-type]
    (
        MatrixError(400, "M_X", "text", retry_after_ms=0.5),
        "raised a MatrixError whose retry_after_ms",
    ),  # type: ignore[arg-type]
    (
        MatrixError(400, "M_X", "text", thing=object()),
        "raised a MatrixError with members that are no JSON",
    ),
]


@pytest.mark.parametrize(("error", "sentence"), RAISED)
def test_a_refusal_with_a_wrong_field_is_named(
    error: Exception, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    def list_devices(*_: object) -> list[Device]:
        raise error

    with Module.open(bent("list_devices", list_devices)) as module:
        response = module.handle(get())
    assert response is not None
    assert response.status == 500
    assert f"list_devices() {sentence}" in caplog.text


@pytest.mark.parametrize(
    "now", [lambda: None, lambda: -1, lambda: 1.5, lambda: 1 << 60, lambda: 1 / 0]
)
def test_a_clock_that_fails_breaks_no_request(
    now: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    with Module.open(bent("now_ms", now)) as module:
        response = module.handle(get())
    assert response is not None
    assert response.status == 200
    assert "now_ms() " in caplog.text
    assert "he system's clock counts in its place" in caplog.text


# ---- Refusals ----


def refusals() -> list[Refusal]:
    """One of each kind, as it is raised without arguments, and those that take some."""
    kinds = [
        kind
        for name in matrix_devices.__all__
        if isinstance(kind := getattr(matrix_devices, name), type)
        and issubclass(kind, Refusal)
        and kind is not MatrixError
    ]
    return [
        *(kind() for kind in kinds),
        UnknownToken(soft_logout=True),
        LimitExceeded(1500),
        Refused("Try the other password."),
        MatrixError(403, "ORG_EXPIRED", "Renew it.", retry_after_ms=5, token=SECRET),
    ]


@pytest.mark.parametrize("refusal", refusals(), ids=repr)
def test_a_refusal_has_a_text_and_a_repr(refusal: Refusal) -> None:
    text = str(refusal)
    assert text[0].isupper() or text[0].isdigit()
    assert text.endswith(".")
    assert " " in text
    assert repr(refusal).startswith(f"{type(refusal).__name__}(")
    assert SECRET not in text + repr(refusal)
    again = pickle.loads(pickle.dumps(refusal))
    assert (str(again), repr(again), vars(again)) == (text, repr(refusal), vars(refusal))


def test_refusals_say_what_they_carry() -> None:
    assert repr(UnknownToken(soft_logout=True)) == "UnknownToken(soft_logout=True)"
    assert str(UnknownToken(soft_logout=True)) != str(UnknownToken())
    assert repr(LimitExceeded(1500)) == "LimitExceeded(retry_after_ms=1500)"
    assert "1500 ms" in str(LimitExceeded(1500))
    assert str(Refused("Try the other.")) == "Try the other."
    assert Refused().reason is None  # the default text is for the log, not for the client
    error = MatrixError(403, "ORG_EXPIRED", "Renew it.", retry_after_ms=5, renew_at=SECRET)
    assert str(error) == "403 ORG_EXPIRED: Renew it."
    assert (
        repr(error) == "MatrixError(403, 'ORG_EXPIRED', 'Renew it.', retry_after_ms=5, renew_at=…)"
    )


# ---- Event loops ----


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
    assert "Make it on the loop that serves the requests" in caplog.text
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
