"""An HTTP server for tests and demonstrations: the module, the account endpoints, nothing else.

    with Server(MemoryHost()) as server:
        print(server.url)

A thread for each connection; HTTP/1.1 with keep-alive; no TLS. It listens some milliseconds after
it was asked to. For production use an ASGI or WSGI server, or ``matrix-devices-server``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, TypeVar

from .. import _explain
from ..accounts import Accounts
from ..errors import ClosedError, ConfigurationError
from ..host import Host, asynchronous_methods
from ..module import Module
from ..records import Request, Response
from ..store import StoreHost
from .account_api import AccountApi
from .attempt_limits import DEFAULT_LIMITS, AttemptLimits
from .connection import HttpConnection
from .json_answers import busy_response, error_response, preflight_response

ACCEPT_PAUSE_SECONDS = 0.1  # after a failure: no more files, no more memory

Observer = Callable[[Request, Response], None]
_T = TypeVar("_T")
_log = logging.getLogger("matrix_devices.server")


class Server:
    """A running homeserver of nothing but accounts and devices.

    It owns its module, not its host: a ``StoreHost`` is closed by who opened it, after ``stop()``.
    A host with an ``async def`` among its methods is asked on an asyncio loop of the server's own.
    """

    def __init__(
        self,
        host: Host | StoreHost,
        config: Mapping[str, Any] | None = None,
        listen: tuple[str, int] = ("127.0.0.1", 0),
        *,
        library: str | os.PathLike[str] | None = None,
        open_registration: bool = True,
        limits: AttemptLimits | None = DEFAULT_LIMITS,
        observer: Observer | None = None,
    ) -> None:
        """Load the module and bind the address; port 0: any that is free.

        ``config`` is the module's; unless it says otherwise, ``unknown_fields`` is ``"null"`` (T13)
        and ``server_name`` the host's (F1).
        A host that implements ``Accounts`` gets the account endpoints too; ``limits`` are theirs,
        None: there are none. ``observer`` sees every request that was answered, on the thread of
        its connection. Errors: those of ``Module.open``, and OSError where the address can't be
        bound.
        """
        if not (isinstance(listen, tuple) and len(listen) == 2 and isinstance(listen[1], int)):
            raise ConfigurationError(
                f'listen is {_explain.a(listen)}; give an address and a port, ("127.0.0.1", 8008)'
            )
        self.host = host
        self._observer = observer
        defaults = {"unknown_fields": "null"}
        if isinstance(host, Accounts):
            defaults["server_name"] = host.server_name
        config = {**defaults, **(config or {})}
        self._http = _HttpServer(listen, self._answer)
        try:
            self.module = Module.open(host, config, library=library)
        except BaseException:
            self._http.server_close()
            raise
        self._http.max_body_bytes = self.module.max_body_bytes
        self._accounts: AccountApi | None = None
        if isinstance(host, Accounts):
            self._accounts = AccountApi(
                host, open_registration=open_registration, limits=limits, config=config
            )
        self._loop = _LoopThread() if asynchronous_methods(host) else None

    @property
    def url(self) -> str:
        """``http://127.0.0.1:34567``, without a slash at the end."""
        address, port = self._http.server_address[:2]
        return f"http://{_bracketed(str(address))}:{port}"

    def start(self) -> Server:
        """Begin to answer; returns itself. RuntimeError: it was started before."""
        if self._http.is_started:
            raise RuntimeError("this server was started before: make another Server")
        if self._loop is not None:
            self._loop.start()
        self._http.start()
        return self

    def stop(self, timeout: float = 10.0) -> None:
        """Stop listening, let requests in flight be answered, close the module. Idempotent.

        Connections that are still busy after ``timeout`` seconds are cut.
        """
        self._http.stop(timeout)
        if self._loop is None:
            self.module.close(timeout)
        else:
            self._loop.stop(self.module.aclose)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _answer(self, request: Request) -> Response:
        try:
            response = self._respond(request)
        except ClosedError:
            response = busy_response()
        except Exception:
            _log.exception("%s request failed", request.method)
            text = "Something went wrong on the server."
            response = error_response(500, "M_UNKNOWN", text)
        if self._observer is not None:
            self._observer(request, response)
        return response

    def _respond(self, request: Request) -> Response:
        if self._loop is None:
            response = self.module.handle(request)
        else:
            response = self._loop.run(self.module.ahandle(request))
        if response is None and self._accounts is not None:
            response = self._accounts.handle(request)
        if response is not None:
            return response
        # A browser shows a script the 404 below only if it was allowed to ask.
        if request.method == "OPTIONS":
            return preflight_response()
        return error_response(404, "M_UNRECOGNIZED", "There is no such endpoint here.")


class _HttpServer(ThreadingHTTPServer):
    """The listening socket, the thread that accepts, and the open connections."""

    max_body_bytes = 0  # set before it starts
    request_queue_size = 128  # the base's 5 loses connections when a few more come at once

    def __init__(self, listen: tuple[str, int], answer: Callable[[Request], Response]) -> None:
        self.address_family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
        self.answer = answer
        self.stopping = False
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        self._acceptor = threading.Thread(target=self._accept, name="matrix_devices accept")
        self._acceptor.daemon = True
        super().__init__(listen, HttpConnection)

    def server_bind(self) -> None:
        """As the base, without its look at the domain name system."""
        TCPServer.server_bind(self)

    @property
    def is_started(self) -> bool:
        return self._acceptor.ident is not None

    def start(self) -> None:
        self._acceptor.start()

    def stop(self, timeout: float) -> None:
        if self.stopping:
            return
        self.stopping = True
        self.socket.shutdown(socket.SHUT_RDWR)  # ends accept()
        if self.is_started:
            self._acceptor.join()
        self.server_close()
        # What is idle reads the end; what is in flight goes on until it is answered.
        deadline = time.monotonic() + timeout
        self._shut_down(socket.SHUT_RD)
        if not self._join_until(deadline):
            self._shut_down(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection on a thread of its own."""
        thread = threading.Thread(
            target=self._serve, args=(request, client_address), name="matrix_devices connection"
        )
        thread.daemon = True
        with self._lock:
            self._connections[thread] = request
        try:
            thread.start()
        except RuntimeError:  # there are no more threads: this connection is lost, and no other
            with self._lock:
                del self._connections[thread]
            _log.error("a connection was closed: no thread could be started for it")
            self.shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """What a connection's thread did not expect."""
        _log.exception("a connection failed")

    def _accept(self) -> None:
        while not self.stopping:
            try:
                connection, address = self.socket.accept()
            except OSError as error:
                if not self.stopping:
                    _log.error("accept failed: %s", error)
                    time.sleep(ACCEPT_PAUSE_SECONDS)  # until some connections have ended
                continue
            self.process_request(connection, address)

    def _serve(self, connection: socket.socket, address: Any) -> None:
        try:
            self.process_request_thread(connection, address)
        finally:
            with self._lock:
                del self._connections[threading.current_thread()]

    def _shut_down(self, how: int) -> None:
        with self._lock:
            for connection in self._connections.values():
                try:
                    connection.shutdown(how)
                except OSError:
                    continue  # it has ended by itself

    def _join_until(self, deadline: float) -> bool:
        with self._lock:
            threads = list(self._connections)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)


class _LoopThread:
    """An asyncio loop on a thread of its own, for hosts with coroutines."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="matrix_devices loop")
        self._thread.daemon = True

    def start(self) -> None:
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run it there and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def stop(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run this to its end, and then no more. Idempotent."""
        if self._loop.is_closed():
            return
        if self._thread.ident is None:  # was never started
            self._loop.run_until_complete(last())
        else:
            self.run(last())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
