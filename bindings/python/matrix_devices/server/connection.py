"""One HTTP/1.1 connection of the test server: requests in, answers out.

Header fields are parsed by the standard library; what is ambiguous is refused. Everything goes on
to the module as it came, repeated headers as often as they came; the target in its origin form.
"""

from __future__ import annotations

import io
import re
import socket
import time
from email.utils import formatdate
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage, parse_headers
from socketserver import StreamRequestHandler
from typing import NamedTuple, Protocol, cast

from .. import _core
from ..records import Request, Response
from .framing import BadBody, BrokenOff, content_length, read_chunks, read_exactly
from .json_answers import error_response

HEAD_BYTES = 64 * 1024  # of request line and header together
IDLE_SECONDS = 60.0
LINGER_SECONDS = 3.0
LINGER_BYTES = 16 * 1024 * 1024

_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([^\x00-\x20\x7f]+) HTTP/1\.([01])")
_BAD_BYTES = re.compile(rb"\r(?!\n)|\x00")


class Application(Protocol):
    """What a connection needs of its server."""

    stopping: bool

    @property
    def max_body_bytes(self) -> int:
        """Longer bodies are not read."""

    def answer(self, request: Request) -> Response:
        """Answer a request. Blocks."""


class Head(NamedTuple):
    """A request without its body."""

    method: str
    target: str
    minor: int  # of HTTP/1
    fields: HTTPMessage

    def tokens(self, name: str) -> set[str]:
        """The comma-separated tokens of a header, in lower case."""
        values: list[str] = self.fields.get_all(name, [])
        return {token.strip().lower() for value in values for token in value.split(",")}

    @property
    def keep_alive(self) -> bool:
        """Whether the client wants to go on with the connection."""
        if self.minor == 0 and "transfer-encoding" in self.fields:
            return False  # HTTP/1.0 knows no chunks: what follows may be anything (RFC 9112 6.1)
        tokens = self.tokens("connection")
        return "close" not in tokens and (self.minor == 1 or "keep-alive" in tokens)


class _Refused(Exception):
    def __init__(self, status: int, errcode: str, text: str) -> None:
        super().__init__(text)
        self.response = error_response(status, errcode, text)


class HttpConnection(StreamRequestHandler):
    """Serves one connection until one side ends it. Runs on a thread of its own."""

    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    connection: socket.socket

    def handle(self) -> None:
        """Answer the requests one after the other, also if they came in one go."""
        try:
            while self._serve_one():
                pass
        except (BrokenOff, OSError):
            return  # nobody is there to be told

    @property
    def _application(self) -> Application:
        return cast(Application, self.server)

    def _serve_one(self) -> bool:
        """Answer a request; False: the connection ends."""
        head = None
        try:
            head = self._read_head()
            if head is None:
                return False
            request = self._read_request(head)
        except (_Refused, BadBody) as refused:
            self._write(head, refused.response, closes=True)
            self._linger()
            return False
        response = self._application.answer(request)
        closes = not head.keep_alive or request.body_too_large or self._application.stopping
        self._write(head, response, closes=closes)
        if request.body_too_large:
            self._linger()
        return not closes

    # ---- Reading ----

    def _read_head(self) -> Head | None:
        """The head of the next request; None: the client has ended the connection."""
        line = self._read_line()
        if not line:
            return None
        if len(line) > HEAD_BYTES:
            raise _Refused(414, "M_TOO_LARGE", "The request line is too long.")
        match = _REQUEST_LINE.fullmatch(line.removesuffix(b"\n").removesuffix(b"\r"))
        if match is None or not line.endswith(b"\n"):
            raise _Refused(400, "M_UNKNOWN", "This is no HTTP/1.1 request.")
        fields = self._read_fields(HEAD_BYTES - len(line))
        method, target, minor = match[1], _core.normal_target(match[2]), int(match[3])  # R13
        hosts = len(fields.get_all("host", []))
        if hosts > 1 or hosts < minor:  # O11
            raise _Refused(400, "M_UNKNOWN", "Send the header Host, once.")
        return Head(method.decode("ascii"), target, minor, fields)

    def _read_line(self) -> bytes:
        """The request line. Empty lines before it are passed over (O11)."""
        left = HEAD_BYTES
        while left > 0:
            line = self.rfile.readline(HEAD_BYTES + 1)
            if line not in (b"\r\n", b"\n"):
                return line
            left -= len(line)
        raise _Refused(400, "M_UNKNOWN", "There are only empty lines here, and no request.")

    def _read_fields(self, limit: int) -> HTTPMessage:
        block = b""
        while True:
            line = self.rfile.readline(limit - len(block) + 1)
            block += line
            if not line:
                raise BrokenOff
            if len(block) > limit:
                raise _Refused(431, "M_TOO_LARGE", "The header is too large.")
            if line in (b"\r\n", b"\n"):
                break
        try:
            fields = parse_headers(io.BytesIO(block))
        except HTTPException:
            raise _Refused(431, "M_TOO_LARGE", "These are too many headers.") from None
        folded = any("\n" in value for value in fields.values())
        strange = fields.defects or fields.get_unixfrom() or fields.get_payload()
        if folded or strange or _BAD_BYTES.search(block):
            raise _Refused(400, "M_UNKNOWN", "The header is malformed.")
        return fields

    def _read_request(self, head: Head) -> Request:
        body = self._read_body(head)
        return Request(
            head.method,
            head.target,
            [(name, value.strip(" \t")) for name, value in head.fields.items()],
            body or b"",
            _address(self.client_address[0]),
            body is None,
        )

    def _read_body(self, head: Head) -> bytes | None:
        """None: it is longer than is read."""
        most = self._application.max_body_bytes
        lengths: list[str] = head.fields.get_all("content-length", [])
        length = content_length([value.strip(" \t") for value in lengths])
        codings: list[str] = head.fields.get_all("transfer-encoding", [])
        if not codings:
            if not length:
                return b""
            if length > most:
                return None
            self._let_go_on(head)
            return read_exactly(self.rfile, length)
        if length is not None:
            text = "Send either Content-Length or Transfer-Encoding."
            raise _Refused(400, "M_UNKNOWN", text)
        if [coding.strip(" \t").lower() for coding in codings] != ["chunked"]:
            raise _Refused(501, "M_UNKNOWN", "Of transfer codings only chunked is known.")
        self._let_go_on(head)
        return read_chunks(self.rfile, most)

    def _let_go_on(self, head: Head) -> None:
        """The client may be waiting with its body."""
        if head.minor == 1 and "100-continue" in head.tokens("expect"):
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    # ---- Writing ----

    def _write(self, head: Head | None, response: Response, *, closes: bool) -> None:
        minor = 1 if head is None else head.minor
        lines = [
            f"HTTP/1.{minor} {response.status} {_reason(response.status)}",
            f"Date: {formatdate(usegmt=True)}",
            *(f"{name}: {value}" for name, value in response.headers),
        ]
        if response.status not in (204, 304):
            lines.append(f"Content-Length: {len(response.body)}")
        if closes:
            lines.append("Connection: close")
        elif minor == 0:
            lines.append("Connection: keep-alive")
        message = "\r\n".join([*lines, "", ""]).encode("latin-1")
        if head is None or head.method != "HEAD":
            message += response.body
        self.connection.sendall(message)

    def _linger(self) -> None:
        """Read on for a while, and throw it away.

        Closing a socket with unread input resets the connection, and the client may lose the
        answer.
        """
        self.connection.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + LINGER_SECONDS
        left = LINGER_BYTES
        while left > 0 and (seconds := deadline - time.monotonic()) > 0:
            self.connection.settimeout(seconds)
            data = self.connection.recv(65536)
            if not data:
                return
            left -= len(data)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _address(text: str) -> str:
    """Of a client: IPv4 inside IPv6 as IPv4, and without a scope."""
    mapped = text.removeprefix("::ffff:")
    return (mapped if "." in mapped else text).partition("%")[0]
