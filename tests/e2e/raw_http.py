"""A socket that speaks HTTP byte by byte."""

from __future__ import annotations

import http.client
import io
import re
import socket
from types import TracebackType

from matrix_device_conformance.client import SOCKET_TIMEOUT_S, Client, Response, client_path

LIST = client_path("/devices")
GET_HEAD = b"GET " + LIST.encode() + b" HTTP/1.1\r\nHost: x\r\n"
PUT_HEAD = b"PUT " + client_path("/devices/A").encode() + b" HTTP/1.1\r\nHost: x\r\n"
STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


class RawSocket:
    """One connection. Every wait is bounded: a hang is a failure."""

    def __init__(self, client: Client) -> None:
        assert client.port is not None
        self.socket = socket.create_connection((client.host, client.port), SOCKET_TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def __enter__(self) -> RawSocket:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.reader.close()
        self.socket.close()

    @property
    def port(self) -> int:
        """Our end's port."""
        return self.socket.getsockname()[1]

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.socket.sendall(data)

    def end_sending(self) -> None:
        """Close our half."""
        self.socket.shutdown(socket.SHUT_WR)

    def response(self, method: str = "GET") -> Response:
        """Read one response; bytes behind it stay for the next."""
        answer = http.client.HTTPResponse(_Source(self.reader), method=method)  # type: ignore[arg-type]
        answer.begin()
        return Response(answer.status, answer.headers, answer.read())

    def rest(self) -> bytes:
        """Everything until the server closes; a reset counts as closing."""
        try:
            return self.reader.read()
        except ConnectionResetError:
            return b""


class _Source:
    """Lets HTTPResponse read from a reader without closing it."""

    def __init__(self, reader: io.BufferedReader) -> None:
        self.reader = reader

    def makefile(self, _mode: str) -> io.BufferedIOBase:
        """What HTTPResponse reads from."""
        return _Unclosed(self.reader)


class _Unclosed(io.BufferedIOBase):
    """Passes reads through, and stays open."""

    def __init__(self, reader: io.BufferedReader) -> None:
        self.reader = reader

    def read(self, size: int | None = -1) -> bytes:
        """Read."""
        return self.reader.read(size)

    def readinto(self, buffer) -> int:
        """Read into a buffer."""
        return self.reader.readinto(buffer)

    def readline(self, size: int | None = -1) -> bytes:
        """Read a line."""
        return self.reader.readline(size)


def request_bytes(
    method: str, target: str, token: str | None = None, body: bytes | None = None, extra: str = ""
) -> bytes:
    """A well-formed request; `extra` is more header lines, each with its CRLF."""
    lines = f"{method} {target} HTTP/1.1\r\nHost: example.org\r\n{extra}"
    if token is not None:
        lines += f"Authorization: Bearer {token}\r\n"
    if body is not None:
        lines += f"Content-Length: {len(body)}\r\n"
    return lines.encode("latin-1") + b"\r\n" + (body or b"")


def unread_bytes(server_port: int, client_port: int) -> int | None:
    """How much of what the client sent the server has not read yet; None: no such connection."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table.readlines()[1:]:
            fields = line.split()
            local, remote = (int(end.split(":")[1], 16) for end in fields[1:3])
            if (local, remote) == (server_port, client_port):
                return int(fields[4].split(":")[1], 16)
    return None


def expect_refusal(connection: RawSocket) -> None:
    """Nothing but errors comes, and then the end."""
    rest = connection.rest()
    assert rest == b"" or STATUS_LINE.match(rest), rest[:500]
    for status in STATUS_LINE.findall(rest):
        assert status[:1] in (b"4", b"5"), rest[:500]
