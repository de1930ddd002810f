"""Module: begin, next, answer."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

import matrix_devices
from doubles import AUTHORIZED, DEVICES, SmallHost, get
from matrix_devices import ConfigurationError, Module, Principal, Request, UnknownToken


def test_a_request_is_driven_by_hand() -> None:
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


def test_what_is_not_ours_is_none() -> None:
    with Module.open_stepwise() as module:
        assert module.begin(Request("GET", "/")) is None


def test_a_question_is_answered_once() -> None:
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


def test_the_next_question_is_not_there_before_this_one_is_answered() -> None:
    with Module.open_stepwise() as module:
        exchange = module.begin(get())
        assert exchange is not None
        question = exchange.next()
        assert question is not None
        with pytest.raises(RuntimeError, match=r"authenticate: .* not answered yet"):
            exchange.next()
        question.fail(UnknownToken())


def test_a_dropped_request_is_answered_for_the_module(caplog: pytest.LogCaptureFixture) -> None:
    module = Module.open_stepwise()
    exchange = module.begin(get())
    assert exchange is not None
    assert exchange.next() is not None
    del exchange
    gc.collect()
    assert "authenticate(): the question was dropped without an answer" in caplog.text
    module.close(timeout=1)


def test_another_thread_may_answer() -> None:
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


def test_a_cancelled_request_is_answered_all_the_same() -> None:
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


def test_optional_questions_are_named() -> None:
    with pytest.raises(ConfigurationError, match="list_devices is not one of put_device"):
        Module.open_stepwise(optional=["list_devices"])


def test_the_clock_is_the_callers() -> None:
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
