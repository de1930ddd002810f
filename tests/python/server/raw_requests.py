"""A client that speaks HTTP byte by byte."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from matrix_devices import AsyncMemoryHost, MemoryHost, SqliteHost
from matrix_devices.server import Server

PASSWORD = "correct horse"
LIMIT = 2000
CONFIG = {"max_body_bytes": LIMIT}
AnyHost = MemoryHost | AsyncMemoryHost | SqliteHost


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Raw:
    """A socket to the server."""

    def __init__(self, server: Server) -> None:
        parts = urlsplit(server.url)
        assert parts.hostname is not None
        self.socket = socket.create_connection((parts.hostname, parts.port or 0), 30)
        self.reader = self.socket.makefile("rb")

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.reader.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, method: str = "GET") -> Answer:
        """The next answer."""
        status = int(self.reader.readline().split()[1])
        headers = http.client.parse_headers(self.reader)
        length = 0 if method == "HEAD" else int(headers.get("Content-Length", "0"))
        return Answer(status, headers, self.reader.read(length))

    def rest(self) -> bytes:
        """What comes until the server closes."""
        return self.reader.read()


def head(method: str, target: str, token: str, *lines: str, version: str = "1.1") -> bytes:
    """A request up to its body."""
    all_lines = [
        f"{method} {target} HTTP/{version}",
        "Host: localhost",
        f"Authorization: Bearer {token}",
        *lines,
    ]
    return "\r\n".join([*all_lines, "", ""]).encode("latin-1")


def request(method: str, target: str, token: str, body: Any) -> bytes:
    """A request with a JSON body."""
    data = json.dumps(body).encode()
    return head(method, target, token, f"Content-Length: {len(data)}") + data


def poll(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "not within 30 s"
        time.sleep(0.001)
