"""Sends requests on one connection, one after the other, each in one piece: one that comes in two
is read in one call or in two, as it happens."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager


class Client:
    """One connection of one device."""

    def __init__(self, connection: socket.socket, token: str) -> None:
        self._connection = connection
        self._token = token
        self._renamed = 0

    def send(self, request: str, count: int) -> None:
        """So many; each is answered 200 before the next goes out."""
        for _ in range(count):
            self._connection.sendall(self._bytes_of(request))
            answer = self._connection.recv(65536)  # short ones come in one piece
            if not answer.startswith(b"HTTP/1.1 200 "):
                raise SystemExit(f"{request}: expected 200, got {answer[:200]!r}")

    def _bytes_of(self, request: str) -> bytes:
        method, path, body = "GET", "/_matrix/client/v3/devices", ""
        if request == "rename":
            self._renamed += 1  # another name each time: one that is there is not written
            method, path = "PUT", f"{path}/BENCH0"
            body = json.dumps({"display_name": f"Name {self._renamed:06}"})
        return (
            f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


@contextmanager
def connected(port: int, token: str) -> Iterator[Client]:
    """A connection that was accepted: it has been used once."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(connection, token)
        client.send("list", 1)
        yield client
