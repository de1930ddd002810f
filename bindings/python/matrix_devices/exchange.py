"""``Exchange`` and ``Question``: one request, step by step."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import time
from collections.abc import Awaitable
from typing import Any

from . import _contract, _core, _explain, _questions
from ._asyncio import LoopWakeup
from ._engine import Engine, milliseconds_to
from .errors import Refusal, is_starvation
from .records import Principal, Request, Response

__all__ = ["Exchange", "Question"]

logger = logging.getLogger("matrix_devices")

_LONG_BODY = 16 * 1024  # bytes, for which the GIL is released; less take some microseconds


class Question:
    """What the module wants to know of the host, for one request."""

    __slots__ = ("_answered", "_callback", "_op", "arguments", "exchange")

    def __init__(self, exchange: Exchange, number: int, op: int, raw: tuple[Any, ...]) -> None:
        """Made by ``Exchange.next``."""
        self._callback = _questions.CALLBACKS[number]
        self.exchange = exchange
        self._op = op
        self._answered = False
        self.arguments: tuple[Any, ...] = self._callback.arguments(
            exchange.request, exchange.principal, raw
        )
        """Those of the ``Host`` method."""

    @property
    def method(self) -> str:
        """The name of the ``Host`` method."""
        return self._callback.method

    @property
    def cancelled(self) -> bool:
        """Nobody waits for the request any more. Answer all the same, perhaps early."""
        return self.exchange.cancelled

    def answer(self, result: object) -> None:
        """What the method returned. Any thread, once; then the request has moved on.

        A result of the wrong type, also one that is still to be awaited, is logged and answered
        with 500 (row H3). Raises RuntimeError if the question was answered before.
        """
        self._claim()
        try:
            status = self._callback.emit(self.exchange.engine.library, self._op, result)
            if isinstance(result, Principal):
                self.exchange.principal = result
        except Exception as error:  # a record's field, or the host's own iterator
            self._blame(error)
            status = _contract.INTERNAL
        self._complete(status)

    def fail(self, error: BaseException) -> None:
        """What the method raised: a ``Refusal``, or anything else, which is logged (row H3)."""
        self._claim()
        self._complete(self._status_of(error))

    def call(self, host: object) -> Awaitable[Any] | concurrent.futures.Future[Any] | None:
        """Ask the host and answer, unless its method returns what is to be waited for."""
        try:
            result = getattr(host, self._callback.method)(*self.arguments)
        except KeyboardInterrupt as error:
            self.fail(error)
            raise
        except BaseException as error:  # SystemExit too: a host's fault ends one request (H3)
            self.fail(error)
            return None
        if hasattr(result, "__await__") or isinstance(result, concurrent.futures.Future):
            return result  # type: ignore[no-any-return]
        self.answer(result)
        return None

    def _claim(self) -> None:
        if self._answered:
            raise RuntimeError(
                f"{self.method}: this question was answered already; ask the exchange for the next"
            )
        self._answered = True

    def _status_of(self, error: BaseException) -> int:
        if isinstance(error, Refusal):
            status = _questions.status_of_refusal(self._callback, error)
            if status is None:
                allowed = ", ".join(kind.__name__ for kind in self._callback.refusals)
                logger.error(
                    "%s() raised %s, which is no answer to it; beside Unavailable, Timeout and "
                    "MatrixError it may raise: %s",
                    self.method,
                    type(error).__name__,
                    allowed or "nothing else",
                )
                return _contract.INTERNAL
            try:
                _questions.emit_refusal(self.exchange.engine.library, self._op, error)
            except (TypeError, ValueError, OverflowError) as wrong:
                self._blame(wrong)
                return _contract.INTERNAL
            return status
        if isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
            return _contract.CANCELLED
        if is_starvation(error):
            logger.error(
                "%s() could not be answered for want of memory or threads; the client gets a 503",
                self.method,
                exc_info=error,
            )
            return _contract.UNAVAILABLE  # H6
        name = type(error).__name__
        if cause := _explain.cause(error):
            name = f"{name}: {cause}"
        logger.error("%s() raised %s", self.method, name, exc_info=error)
        return _contract.INTERNAL

    def reject(self, reason: str) -> None:
        """Answer with 500 (row H3): what is wrong with the method, for the log."""
        self._claim()
        logger.error("%s() %s", self.method, reason)
        self._complete(_contract.INTERNAL)

    def _blame(self, error: Exception) -> None:
        if isinstance(error, _questions.WrongAnswer):
            logger.error("%s() %s", self.method, error)
        else:
            logger.error("%s() gave a wrong answer: %s", self.method, error, exc_info=error)

    def _complete(self, status: int) -> None:
        exchange = self.exchange
        exchange.moving_on()
        is_long = len(exchange.request.body) > _LONG_BODY
        exchange.engine.complete(self._op, status, is_long=is_long)

    def time_out(self, seconds: float, *, has_blocked_loop: bool = False) -> None:
        """The host did not answer in time (row H2)."""
        self._claim()
        advice = "See what it waits for, or open the module with a longer timeout"
        if has_blocked_loop:
            advice = "handle() blocked the event loop that runs on this thread: use ahandle() there"
        logger.error(
            "%s() has not answered within %g s; the client gets a 504. %s",
            self.method,
            seconds,
            advice,
        )
        self._complete(_contract.TIMEOUT)

    def __repr__(self) -> str:
        """Without the arguments, which may be secret."""
        return f"<Question {self.method}>"


class Exchange:
    """One request on its way: a question after the other, and then the response.

    For one thread at a time; ``Question.answer`` and ``cancel`` for any.
    """

    __slots__ = (
        "__weakref__",
        "_core",
        "_open",
        "_response",
        "cancelled",
        "engine",
        "principal",
        "request",
    )

    def __init__(self, engine: Engine, core: _core.Exchange, request: Request) -> None:
        """Made by ``Module.begin``."""
        self.engine = engine
        self.request = request
        self.principal: Principal | None = None
        """As ``authenticate`` returned it."""
        self.cancelled = False
        self._core = core
        self._open: Question | None = None
        self._response: Response | None = None

    def next(self) -> Question | None:
        """The next question, or None: the response is there, or (``StoreHost``, an answer on
        another thread) will be; never waits. Raises RuntimeError while one is unanswered."""
        if self._open is not None:
            raise RuntimeError(
                f"{self._open.method}: the question is not answered yet; call its answer() or "
                "fail() first, or wait() where another thread does"
            )
        taken = self._core.take()
        if taken is None:
            return None
        self._open = Question(self, *taken)
        return self._open

    @property
    def response(self) -> Response | None:
        """The answer to the request, once it is there."""
        if self._response is None:
            raw = self._core.response()
            if raw is not None:
                self._response = Response(*raw)
        return self._response

    def cancel(self) -> None:
        """Nobody waits for the answer any more: advice to the module. Go on answering."""
        self.cancelled = True
        self.engine.cancel(self._core.token())

    def wait(self, timeout: float | None = None) -> bool:
        """Wait, without the GIL, at most ``timeout`` seconds, until there is a question or the
        response. False: there is neither. Raises ClosedError once the module was abandoned."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._core.wait(milliseconds_to(deadline)):
            self.engine.check_usable()
            if deadline is not None and time.monotonic() >= deadline:
                return False
        self.engine.pass_on_log()
        return True

    def moving_on(self) -> None:
        """Of ``Question``: it is answered."""
        self._open = None

    async def ready(self) -> None:
        """As ``wait``, for asyncio."""
        await LoopWakeup.of_running_loop().wait_for(self._core.notify)
        self.engine.pass_on_log()

    def __del__(self) -> None:
        """Dropped half way: nobody will answer what the module has asked."""
        if self._response is not None or not self.engine.is_usable:
            return
        question = self._open or self.next()
        while question is not None:
            logger.error("%s(): the question was dropped without an answer", question.method)
            question.fail(asyncio.CancelledError())
            question = self.next()

    def __repr__(self) -> str:
        """Without the target, which may hold a token."""
        state = "answered" if self.response else "under way"
        return f"<Exchange {self.request.method} {state}>"
