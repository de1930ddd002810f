"""How asyncio drives an exchange: the host's methods are awaited, cancelled, and timed."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from .exchange import Exchange, Question
from .records import Response

__all__ = ["AsyncioDriver"]


class AsyncioDriver:
    """Asks one host, on whichever event loop it is called."""

    def __init__(self, host: object, timeout: float) -> None:
        """``timeout``, in seconds, is for each awaited answer of the host."""
        self._host = host
        self._timeout = timeout
        self._driven = 0
        self._background: set[asyncio.Task[Any]] = set()

    @property
    def is_busy(self) -> bool:
        """Whether an event loop has a request in flight."""
        return self._driven > 0 or bool(self._background)

    async def drive(self, exchange: Exchange) -> Response:
        """The response. Cancelling the task cancels the request, but not a deletion."""
        self._driven += 1
        try:
            return await self._drive(exchange)
        except asyncio.CancelledError:
            exchange.cancel()
            raise
        finally:
            self._driven -= 1

    def check_loop(self) -> None:
        """Raise RuntimeError if what goes on in the background does so on another loop."""
        running = asyncio.get_running_loop()
        if any(task.get_loop() is not running for task in self._background):
            raise RuntimeError(
                "deletions go on on another event loop: await aclose() there, on the loop that "
                "serves the requests"
            )

    async def settle(self) -> None:
        """Wait for what goes on in the background."""
        while self._background:
            await asyncio.wait(self._background)

    async def _drive(self, exchange: Exchange) -> Response:
        while True:
            while (question := exchange.next()) is not None:
                later = question.call(self._host)
                if later is not None:
                    await self._answer(question, later)
            if (response := exchange.response) is not None:
                return response
            await exchange.ready()

    async def _answer(
        self, question: Question, later: Awaitable[Any] | concurrent.futures.Future[Any]
    ) -> None:
        """Await what a method of the host returned, and answer with what comes of it."""
        if isinstance(later, concurrent.futures.Future):
            later = asyncio.wrap_future(later)
        if question.method == "delete_devices":
            await self._answer_deletion(question, later)
            return
        timeout = asyncio.timeout(self._timeout)
        try:
            async with timeout:
                result = await later
        except (asyncio.CancelledError, KeyboardInterrupt) as error:
            if isinstance(error, asyncio.CancelledError) and not _is_being_cancelled():
                question.fail(error)  # the host's own doing
                return
            question.exchange.cancel()
            question.fail(error)
            if question.exchange.response is None:
                self._run_in_background(self._drive(question.exchange))
            raise
        except GeneratorExit:  # the event loop is gone, and with it the exchange
            raise
        except BaseException as error:  # SystemExit too: a host's fault ends one request (H3)
            if timeout.expired():
                question.time_out(self._timeout)
            else:
                question.fail(error)
        else:
            question.answer(result)

    async def _answer_deletion(self, question: Question, deletion: Awaitable[Any]) -> None:
        """A deletion is not broken off, neither by a cancel nor by the time-out."""
        task = self._run_in_background(_outcome(deletion))
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
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task


_Outcome = Callable[[Question], None]


async def _outcome(deletion: Awaitable[Any]) -> _Outcome:
    """Await it, whatever comes; how its question is to be answered."""
    try:
        result = await deletion
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # as in AsyncioDriver._answer
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
