"""``Module``: libmatrix_devices.so with a host, ready for requests.

There is one mechanism and three ways to drive it. The module's callbacks only queue a question;
whoever has the request takes it, lets the host answer, and goes on until the response is there:
``handle`` in a loop, ``ahandle`` in a coroutine, and with ``begin`` anybody, step by step.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any

from ._asyncio import LoopWakeup
from ._driver import AsyncioDriver
from ._engine import Engine
from .errors import ConfigurationError
from .exchange import Exchange, Question
from .host import OPTIONAL, Host, check_host
from .records import Request, Response, Route
from .store import StoreHost

__all__ = ["Module"]


class Module:
    """An instance of the module with its host. Made by ``open`` or ``open_stepwise``.

    For any thread, and to be closed: ``close``, ``aclose``, or as a context manager. A process
    that forks opens it in the child: what the parent opened is closed there.
    """

    def __init__(self, engine: Engine, host: Host | StoreHost | None, timeout: float) -> None:
        """Use ``open`` or ``open_stepwise``."""
        self._engine = engine
        self._host = host
        self._timeout = timeout
        self._asyncio = AsyncioDriver(host, timeout)
        self.max_body_bytes = engine.core.max_body_bytes
        """How many bytes of a body are read; over it stop, and set ``body_too_large``."""
        self.routes = tuple(
            Route(tuple(methods.split(", ")), path) for methods, path in engine.core.routes()
        )

    @classmethod
    def open(
        cls,
        host: Host | StoreHost,
        config: Mapping[str, Any] | None = None,
        *,
        library: str | os.PathLike[str] | None = None,
        timeout: float = 30.0,
    ) -> Module:
        """Load the module and make an instance that asks ``host``.

        ``config`` is the module's (docs/configuration.md). ``library`` is a path; without it the
        environment variable ``MATRIX_DEVICES_LIBRARY`` has it, else it is the package's own.
        ``timeout``, in seconds, is for each awaited answer of the host; after it the client gets
        504 (row H2). Raises LoadError, ConfigurationError.
        """
        if not isinstance(timeout, int | float) or timeout <= 0:
            raise ConfigurationError(f"timeout: give seconds, more than 0, not {timeout!r}")
        if isinstance(host, StoreHost):
            return cls(Engine(library, config, host.store, (), None), host, timeout)
        check_host(host)
        kind = type(host)
        present = [name for name in OPTIONAL if getattr(kind, name) is not getattr(Host, name)]
        now_ms = host.now_ms if kind.now_ms is not Host.now_ms else None
        engine = Engine(library, config, None, present, now_ms)
        return cls(engine, host, timeout)

    @classmethod
    def open_stepwise(
        cls,
        config: Mapping[str, Any] | None = None,
        *,
        library: str | os.PathLike[str] | None = None,
        optional: Iterable[str] = (),
        now_ms: Callable[[], int] | None = None,
    ) -> Module:
        """An instance without a host: who calls ``begin`` answers.

        ``optional`` names those of ``put_device``, ``mark_validated``, ``take_limit`` that will
        be. Raises as ``open``.
        """
        return cls(Engine(library, config, None, optional, now_ms), None, 0.0)

    @property
    def version(self) -> str:
        """The module's version, "1.0.0"."""
        return self._engine.library.product_version

    @property
    def abi_minor(self) -> int:
        """The minor version of the contract that the module was built with."""
        return self._engine.library.abi_minor

    @property
    def capabilities(self) -> int:
        """The module's capability bits."""
        return self._engine.library.capabilities

    @property
    def library_path(self) -> str:
        """Where the module was loaded from."""
        return self._engine.library.path

    @property
    def is_usable(self) -> bool:
        """Whether it takes requests, or still answers some."""
        return self._engine.is_usable

    def match(self, method: str | bytes, target: str | bytes) -> bool:
        """Whether ``begin`` would take a request with this method and target, both as they came.

        For a host without a router: what is not the module's it answers itself, and reads the body
        itself. Asks nothing of the host. Raises ClosedError.
        """
        return self._engine.match(method, target)

    def begin(self, request: Request) -> Exchange | None:
        """Start a request; ``None``: not one of the module's routes. Never waits.

        Raises ClosedError, and TypeError or ValueError for a request that is malformed.
        """
        begun = self._engine.begin(request)
        return None if begun is None else Exchange(self._engine, begun, request)

    def handle(self, request: Request) -> Response | None:
        """Answer a request; ``None``: not one of the module's routes.

        For plain hosts, which are called on this thread, and for ``StoreHost``; blocks until the
        answer is there. A method of the host may return a ``concurrent.futures.Future``. Raises
        as ``begin``.
        """
        exchange = self.begin(request)
        if exchange is None:
            return None
        while True:
            while (question := exchange.next()) is not None:
                later = question.call(self._host)
                if later is not None:
                    self._wait_for(question, later)
            if (response := exchange.response) is not None:
                return response
            exchange.wait()

    def _wait_for(
        self, question: Question, later: Awaitable[Any] | concurrent.futures.Future[Any]
    ) -> None:
        if not isinstance(later, concurrent.futures.Future):
            if inspect.iscoroutine(later):
                later.close()
            question.reject(
                "is asynchronous, and handle() awaits nothing: use ahandle() or asgi.app(), or "
                "make the method a plain one"
            )
            return
        try:
            result = later.result(self._timeout)
        except KeyboardInterrupt as error:
            question.fail(error)
            raise
        except BaseException as error:  # SystemExit too: a host's fault ends one request (H3)
            if isinstance(error, TimeoutError) and not later.done():
                question.time_out(self._timeout, has_blocked_loop=_has_running_loop())
            else:
                question.fail(error)
        else:
            question.answer(result)

    async def ahandle(self, request: Request) -> Response | None:
        """As ``handle``, on asyncio: methods of the host may be ``async def``.

        Cancelling the task cancels the request: what the host is awaiting is cancelled, but for
        ``delete_devices``, which goes on in the background. Raises as ``begin``, and RuntimeError
        where no loop of asyncio runs.
        """
        if not _has_running_loop():
            raise RuntimeError(
                "ahandle() needs a running event loop of asyncio. Under another (Trio, Twisted) go "
                "step by step: begin(), docs/python.md"
            )
        exchange = self.begin(request)
        return None if exchange is None else await self._asyncio.drive(exchange)

    def close(self, timeout: float | None = None) -> None:
        """Take no more requests, wait for those in flight, free the instance. Idempotent.

        Blocks, at most ``timeout`` seconds: then TimeoutError, and close() may be called again.
        On a thread with a running event loop that has requests in flight: RuntimeError, since it
        would wait for itself; there use ``aclose``.
        """
        if self._asyncio.is_busy and _has_running_loop():
            raise RuntimeError("requests are in flight on this event loop: await aclose() instead")
        self._engine.close(timeout)

    async def aclose(self) -> None:
        """As ``close``, waiting on asyncio. Raises RuntimeError where it would wait for another
        event loop's deletions: call it on the loop that serves the requests."""
        self._asyncio.check_loop()
        self._engine.core.shut_down()
        await self._asyncio.settle()
        await LoopWakeup.of_running_loop().wait_for(self._engine.core.notify_closed)
        self._engine.close(None)

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


def _has_running_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
