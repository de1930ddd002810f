"""A host that is wrong is told what it lacks, or what it returned, and what is right."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

import pytest

from doubles import AUTHORIZED, SmallHost, bent, delete, get
from matrix_devices import (
    Device,
    Flow,
    Host,
    KeptSession,
    MatrixError,
    MemoryHost,
    Module,
    NotFound,
    Principal,
    Request,
    UnknownToken,
)
from matrix_devices.host import METHODS, OPTIONAL

SECRET = "s3cr3t"


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


def test_a_plain_result_that_was_awaited(caplog: pytest.LogCaptureFixture) -> None:
    """The loop step by step, where somebody took every host for an asynchronous one."""

    async def main() -> None:
        host: Any = SmallHost()
        with Module.open_stepwise() as module:
            exchange = module.begin(get())
            assert exchange is not None
            question = exchange.next()
            assert question is not None
            try:
                question.answer(await getattr(host, question.method)(*question.arguments))
            except TypeError as error:
                question.fail(error)
            assert exchange.response is not None
            assert exchange.response.status == 500

    asyncio.run(main())
    assert (
        "authenticate() raised TypeError: what was awaited is a plain result; await" in caplog.text
    )


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
