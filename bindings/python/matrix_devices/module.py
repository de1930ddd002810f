"""``Module``: libmatrix_devices.so with a host, ready for requests.

There is one mechanism and three ways to drive it. The module's callbacks only queue a question;
whoever has the request takes it, lets the host answer, and goes on until the response is there:
``handle`` in a loop, ``ahandle`` in a coroutine, and with ``begin`` anybody, step by step.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import inspect
import json
import logging
import os
import re
import time
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import Any

from . import _core, _libraries, _questions
from ._asyncio import LoopWakeup
from .errors import ClosedError, ConfigurationError, LoadError, Refusal
from .host import Host
from .records import Principal, Request, Response, Route
from .sqlite import SqliteHost

__all__ = ["Exchange", "Module", "Question"]

logger = logging.getLogger("matrix_devices")

_INVALID_ARGUMENT = -6
_UNAVAILABLE = -2
_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.ERROR)
_OPTIONAL = ("put_device", "mark_validated", "take_limit")
_SIGNAL_INTERVAL_MS = 50  # how often a blocked wait looks for Ctrl-C


class Question:
    """What the module wants to know of the host, for one request."""

    __slots__ = ("_answered", "_callback", "_op", "arguments", "exchange")

    def __init__(
        self, exchange: Exchange, number: int, op: int, raw: tuple[Any, ...]
    ) -> None:
        """Made by ``Exchange.next``."""
        self._callback = _questions.CALLBACKS[number]
        self.exchange = exchange
        self._op = op
        self._answered = False
        self.arguments: tuple[Any, ...] = self._callback.arguments(exchange, raw)
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

        A result of the wrong type is logged and answered with 500 (row H3). Raises RuntimeError if
        the question was answered before.
        """
        self._claim()
        try:
            status = self._callback.emit(
                self.exchange.library, self._op, self.exchange, result
            )
        except Exception as error:  # a record's field, or the host's own iterator
            self._blame(error)
            status = _questions.INTERNAL
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
                    allowed or "nothing",
                )
                return _questions.INTERNAL
            try:
                _questions.emit_refusal(self.exchange.library, self._op, error)
            except (TypeError, ValueError, OverflowError) as wrong:
                self._blame(wrong)
                return _questions.INTERNAL
            return status
        if isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
            return _questions.CANCELLED
        logger.error("%s() raised %s", self.method, type(error).__name__, exc_info=error)
        return _questions.INTERNAL

    def _blame(self, error: Exception) -> None:
        if isinstance(error, _questions.WrongAnswer):
            logger.error("%s() %s", self.method, error)
        else:
            logger.error("%s() gave a wrong answer: %s", self.method, error, exc_info=error)

    def _complete(self, status: int) -> None:
        exchange = self.exchange
        exchange.moving_on()
        exchange.library.complete(self._op, status)
        exchange.module.pass_on_log()

    def time_out(self, seconds: float) -> None:
        """The host did not answer in time (row H2)."""
        self._claim()
        logger.error(
            "%s() has not answered within %g s; the client gets a 504. See what it waits for, or "
            "open the module with a longer timeout",
            self.method,
            seconds,
        )
        self._complete(_questions.TIMEOUT)

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
        "library",
        "module",
        "principal",
        "request",
    )

    def __init__(self, module: Module, core: _core.Exchange, request: Request) -> None:
        """Made by ``Module.begin``."""
        self.module = module
        self.library = module.library
        self.request = request
        self.principal: Principal | None = None
        """As ``authenticate`` returned it."""
        self.cancelled = False
        self._core = core
        self._open: Question | None = None
        self._response: Response | None = None

    def next(self) -> Question | None:
        """The next question, or None: the response is there, or (``SqliteHost``, an answer on
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
        self.module.cancel(self._core.token())

    def wait(self, timeout: float | None = None) -> bool:
        """Wait, without the GIL, at most ``timeout`` seconds, until there is a question or the
        response. False: there is neither. Raises ClosedError once the module was abandoned."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._core.wait(_milliseconds_to(deadline)):
            self.module.check_usable()
            if deadline is not None and time.monotonic() >= deadline:
                return False
        return True

    def moving_on(self) -> None:
        """Of ``Question``: it is answered."""
        self._open = None
        self.module.read_clock()

    async def ready(self) -> None:
        """As ``wait``, for asyncio."""
        await LoopWakeup.of_running_loop().wait_for(self._core.notify)
        self.module.pass_on_log()

    def __del__(self) -> None:
        """Dropped half way: nobody will answer what the module has asked."""
        if self._response is not None or not self.module.is_usable:
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


class Module:
    """An instance of the plugin with its host. Made by ``open`` or ``open_stepwise``.

    For any thread, and to be closed: ``close``, ``aclose``, or as a context manager. A process
    that forks opens it in the child: what the parent opened is closed there.
    """

    def __init__(
        self,
        host: Host | SqliteHost | None,
        config: Mapping[str, Any] | None,
        library: str | os.PathLike[str] | None,
        timeout: float,
        optional: Iterable[str],
        now_ms: Callable[[], int] | None,
        atomic_delete: bool,
    ) -> None:
        """Use ``open`` or ``open_stepwise``."""
        present = set(optional)
        if not present <= set(_OPTIONAL):
            raise ConfigurationError(
                f"optional: {', '.join(sorted(present - set(_OPTIONAL)))} is not one of "
                f"{', '.join(_OPTIONAL)}"
            )
        self._host = host
        self._timeout = timeout
        self._now_ms = now_ms
        self._running: set[asyncio.Task[Any]] = set()
        self._asynchronous_requests = 0
        self.library = load(library)
        """The loaded plugin."""
        store = host.store if isinstance(host, SqliteHost) else None
        try:
            self._engine = _core.Engine(
                self.library,
                _to_json(config),
                store,
                put_device="put_device" in present,
                mark_validated="mark_validated" in present,
                take_limit="take_limit" in present,
                atomic_delete=atomic_delete,
                clock=now_ms is not None,
            )
        except _core.StatusError as error:
            status, text = error.args
            kind = ConfigurationError if status == _INVALID_ARGUMENT else LoadError
            raise kind(text) from None
        self.max_body_bytes = self._engine.max_body_bytes
        """How many bytes of a body are read; over it stop, and set ``body_too_large``."""
        self.routes = tuple(
            Route(tuple(methods.split(", ")), path) for methods, path in self._engine.routes()
        )
        self._paths = re.compile("|".join(_pattern(route.path) for route in self.routes))
        _open_modules.add(self)

    @classmethod
    def open(
        cls,
        host: Host | SqliteHost,
        config: Mapping[str, Any] | None = None,
        *,
        library: str | os.PathLike[str] | None = None,
        timeout: float = 30.0,
    ) -> Module:
        """Load the plugin and make an instance that asks ``host``.

        ``config`` is the module's (docs/configuration.md). ``library`` is a path; without it the
        environment variable ``MATRIX_DEVICES_LIBRARY`` has it, else it is the package's own.
        ``timeout``, in seconds, is for each awaited answer of the host; after it the client gets
        504 (row H2). Raises LoadError, ConfigurationError.
        """
        if isinstance(host, SqliteHost):
            return cls(host, config, library, timeout, (), None, True)
        if not isinstance(host, Host):
            raise ConfigurationError(
                f"host is a {type(host).__name__}: derive it from matrix_devices.Host"
            )
        kind = type(host)
        present = [name for name in _OPTIONAL if getattr(kind, name) is not getattr(Host, name)]
        now_ms = host.now_ms if kind.now_ms is not Host.now_ms else None
        return cls(host, config, library, timeout, present, now_ms, kind.atomic_delete)

    @classmethod
    def open_stepwise(
        cls,
        config: Mapping[str, Any] | None = None,
        *,
        library: str | os.PathLike[str] | None = None,
        optional: Iterable[str] = (),
        now_ms: Callable[[], int] | None = None,
        atomic_delete: bool = False,
    ) -> Module:
        """An instance without a host: who calls ``begin`` answers.

        ``optional`` names those of ``put_device``, ``mark_validated``, ``take_limit`` that will
        be. Raises as ``open``.
        """
        return cls(None, config, library, 0.0, optional, now_ms, atomic_delete)

    @property
    def version(self) -> str:
        """The plugin's version, "1.0.0"."""
        return self.library.product_version

    @property
    def abi_minor(self) -> int:
        """The minor version of the contract that the plugin was built with."""
        return self.library.abi_minor

    @property
    def capabilities(self) -> int:
        """The plugin's capability bits."""
        return self.library.capabilities

    @property
    def library_path(self) -> str:
        """Where the plugin was loaded from."""
        return self.library.path

    def is_mine(self, raw_path: str) -> bool:
        """Whether the path (raw, without a query) is one of the routes, whatever the method."""
        return self._paths.fullmatch(raw_path) is not None

    # A request.

    def begin(self, request: Request) -> Exchange | None:
        """Start a request; ``None``: not one of the module's routes. Never waits.

        Raises ClosedError, and TypeError or ValueError for a request that is malformed.
        """
        self.read_clock()
        try:
            core = self._engine.begin(
                request.method,
                request.target,
                request.headers,
                request.body,
                request.remote_addr,
                request.body_too_large,
            )
        except _core.StatusError as error:
            if error.args[0] == _UNAVAILABLE:
                raise ClosedError(
                    "the module is closed, or was opened before a fork(): open one"
                ) from None
            raise ValueError(error.args[1]) from None
        if self._engine.has_log():
            self.pass_on_log()
        return None if core is None else Exchange(self, core, request)

    def handle(self, request: Request) -> Response | None:
        """Answer a request; ``None``: not one of the module's routes.

        For plain hosts, which are called on this thread, and for ``SqliteHost``; blocks until the
        answer is there. A method of the host may return a ``concurrent.futures.Future``.
        """
        exchange = self.begin(request)
        if exchange is None:
            return None
        host = self._host
        while True:
            while (question := exchange.next()) is not None:
                later = question.call(host)
                if later is not None:
                    self._wait_for(question, later)
            if (response := exchange.response) is not None:
                return response
            exchange.wait()
            self.pass_on_log()

    async def ahandle(self, request: Request) -> Response | None:
        """As ``handle``, on asyncio: methods of the host may be ``async def``.

        Cancelling the task cancels the request: what the host is awaiting is cancelled, but for
        ``delete_devices``, which goes on in the background.
        """
        exchange = self.begin(request)
        if exchange is None:
            return None
        self._asynchronous_requests += 1
        try:
            return await self._drive(exchange)
        except asyncio.CancelledError:
            exchange.cancel()
            raise
        finally:
            self._asynchronous_requests -= 1

    async def _drive(self, exchange: Exchange) -> Response:
        host = self._host
        while True:
            while (question := exchange.next()) is not None:
                later = question.call(host)
                if later is not None:
                    await self._await(question, later)
            if (response := exchange.response) is not None:
                return response
            await exchange.ready()

    async def _await(
        self, question: Question, later: Awaitable[Any] | concurrent.futures.Future[Any]
    ) -> None:
        """Await what a method of the host returned, and answer with what comes of it."""
        if isinstance(later, concurrent.futures.Future):
            later = asyncio.wrap_future(later)
        elif question.method == "delete_devices":
            await self._await_deletion(question, later)
            return
        timeout = asyncio.timeout(self._timeout)
        try:
            async with timeout:
                result = await later
        except (asyncio.CancelledError, KeyboardInterrupt) as error:
            if not isinstance(error, KeyboardInterrupt) and not _is_being_cancelled():
                question.fail(error)  # the host's own doing
                return
            question.exchange.cancel()
            question.fail(error)
            if question.exchange.response is None:
                self._run_in_background(self._drive(question.exchange))
            raise
        except GeneratorExit:  # the event loop is gone; so will be the exchange
            raise
        except BaseException as error:  # SystemExit too: a host's fault ends one request (H3)
            if timeout.expired():
                question.time_out(self._timeout)
            else:
                question.fail(error)
        else:
            question.answer(result)

    async def _await_deletion(self, question: Question, deletion: Awaitable[Any]) -> None:
        """A deletion is not broken off, neither by a cancel nor by the time-out."""
        task = self._run_in_background(_settle(deletion))
        try:
            await asyncio.wait((task,), timeout=self._timeout)
        except asyncio.CancelledError:
            question.exchange.cancel()
            self._run_in_background(self._finish(question, task))
            raise
        if task.done():
            _answer_with(question, task)
        else:
            question.time_out(self._timeout)

    async def _finish(self, question: Question, deletion: asyncio.Task[_Outcome]) -> None:
        await asyncio.wait((deletion,))
        _answer_with(question, deletion)
        await self._drive(question.exchange)

    def _run_in_background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def _wait_for(
        self, question: Question, later: Awaitable[Any] | concurrent.futures.Future[Any]
    ) -> None:
        if not isinstance(later, concurrent.futures.Future):
            if inspect.iscoroutine(later):
                later.close()
            question.fail(
                TypeError("the method is asynchronous: use ahandle(), or make it a plain one")
            )
            return
        try:
            result = later.result(self._timeout)
        except concurrent.futures.TimeoutError as error:
            if later.done():  # the method's own
                question.fail(error)
            else:
                question.time_out(self._timeout)
        except KeyboardInterrupt as error:
            question.fail(error)
            raise
        except BaseException as error:
            question.fail(error)
        else:
            question.answer(result)

    # Of exchanges and questions.

    def cancel(self, token: int) -> None:
        """Of ``Exchange``."""
        self.read_clock()
        self._engine.cancel(token)

    def read_clock(self) -> None:
        """Tell the engine the host's time, which the module then goes by."""
        if self._now_ms is not None:
            self._engine.set_now(self._now_ms())

    def pass_on_log(self) -> None:
        """Lines of the module and of the store, to the logger ``matrix_devices``."""
        if self._engine.has_log():
            for level, message in self._engine.drain_log():
                logger.log(_LEVELS[min(max(level, 0), len(_LEVELS) - 1)], "%s", message)

    @property
    def is_usable(self) -> bool:
        """Whether it takes requests, or still answers some."""
        return self._engine.is_usable

    def check_usable(self) -> None:
        """Raise ClosedError if not."""
        if not self._engine.is_usable:
            raise ClosedError("the module was closed while a request was waiting for its answer")

    # The end.

    def close(self, timeout: float | None = None) -> None:
        """Take no more requests, wait for those in flight, free the instance. Idempotent.

        Blocks, at most ``timeout`` seconds: then TimeoutError, and close() may be called again.
        On a thread with a running event loop that has requests in flight: RuntimeError, since it
        would wait for itself; there use ``aclose``.
        """
        if (self._asynchronous_requests or self._running) and _has_running_loop():
            raise RuntimeError("requests are in flight on this event loop: await aclose() instead")
        deadline = None if timeout is None else time.monotonic() + timeout
        self._engine.shut_down()
        while not self._engine.close(_milliseconds_to(deadline)):
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"requests are still in flight after {timeout:g} s")
        _open_modules.discard(self)

    async def aclose(self) -> None:
        """As ``close``, waiting on asyncio."""
        self._engine.shut_down()
        while self._running:
            await asyncio.wait(self._running)
        await LoopWakeup.of_running_loop().wait_for(self._engine.notify_closed)
        self.close()

    def leave(self) -> None:
        """The interpreter is at its exit: close, or leave unanswered what is in flight."""
        if self._engine.is_usable:
            self._engine.shut_down()
            if not self._engine.close(0):
                self._engine.abandon()

    def __del__(self) -> None:
        """Nobody can be waiting for an answer of this module."""
        if hasattr(self, "_engine"):
            self.leave()

    def forget(self) -> None:
        """This is a forked child: never touch what the parent has."""
        self._engine.forget()

    def __enter__(self) -> Module:
        """Closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    async def __aenter__(self) -> Module:
        """Closed at the end of the block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        await self.aclose()

    def __repr__(self) -> str:
        """Version and path."""
        state = "" if self.is_usable else " closed"
        return f"<matrix_devices.Module {self.version} {self.library_path}{state}>"


def load(library: str | os.PathLike[str] | None = None) -> _core.Library:
    """Load the plugin as ``Module.open`` does, and shake hands. Raises LoadError."""
    try:
        return _core.Library(_libraries.module_path(library))
    except _core.StatusError as error:
        raise LoadError(error.args[1]) from None


_Outcome = Callable[[Question], None]


async def _settle(deletion: Awaitable[Any]) -> _Outcome:
    """Await it whatever comes; how its question is to be answered."""
    try:
        result = await deletion
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # as in Module._await
        failure = error
        return lambda question: question.fail(failure)
    return lambda question: question.answer(result)


def _answer_with(question: Question, deletion: asyncio.Task[_Outcome]) -> None:
    if deletion.cancelled():
        question.fail(asyncio.CancelledError())
    else:
        deletion.result()(question)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _has_running_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _milliseconds_to(deadline: float | None) -> int:
    """How long to wait at once, so that Ctrl-C is noticed meanwhile."""
    if deadline is None:
        return _SIGNAL_INTERVAL_MS
    return max(0, min(_SIGNAL_INTERVAL_MS, int((deadline - time.monotonic()) * 1000)))


def _to_json(config: Mapping[str, Any] | None) -> bytes:
    try:
        return json.dumps(dict(config or {})).encode()
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"configuration: {error}; give what JSON can hold") from None


def _pattern(path: str) -> str:
    """A route's path as a regular expression: a name in braces is one segment."""
    return "".join(
        "[^/]+" if part.startswith("{") else re.escape(part)
        for part in re.split(r"(\{[^}]*\})", path)
    )


_open_modules: weakref.WeakSet[Module] = weakref.WeakSet()


def _leave_all() -> None:
    for module in list(_open_modules):
        module.leave()


def _forget_all() -> None:
    for module in list(_open_modules):
        module.forget()


atexit.register(_leave_all)
os.register_at_fork(after_in_child=_forget_all)
