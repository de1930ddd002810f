"""A reverse proxy before the real server, which answers as a bug has it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from matrix_device_conformance.client import Client
from planted.bug import Bug, Request, Upstream

OF_THE_CONNECTION = {"connection", "content-length", "host", "transfer-encoding"}


class Relay(BaseHTTPRequestHandler):
    """One connection of a client."""

    server: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self.relay
        raise AttributeError(name)

    def relay(self) -> None:
        """Pass one request on, whatever its method."""
        length = self.headers.get("Content-Length")
        request = Request(
            self.command,
            self.path,
            tuple(
                pair for pair in self.headers.items() if pair[0].lower() not in OF_THE_CONNECTION
            ),
            None if length is None else self.rfile.read(int(length)),
        )
        response = self.server.bug.answer(request, self.server.upstream)
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            if name.lower() not in OF_THE_CONNECTION:
                self.send_header(name, value)
        if response.status != 204:
            self.send_header("Content-Length", str(len(response.raw)))
        self.end_headers()
        self.wfile.write(response.raw)

    def log_message(self, format: str, *arguments: Any) -> None:
        """The real server's log is enough."""


class Proxy(ThreadingHTTPServer):
    """Listens on a port of its own."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, client: Client, bug: Bug, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Relay)
        self.bug = bug
        self.upstream = Upstream(client)
        self.client = Client(f"http://127.0.0.1:{self.server_port}")
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.thread.join()
        self.server_close()
