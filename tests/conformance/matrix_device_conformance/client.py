"""An HTTP client that sends exactly what it is told to: raw targets, raw bodies, headers twice."""

from __future__ import annotations

import contextlib
import http.client
import json as jsonlib
import os
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from matrix_device_conformance.verdicts import Exchange

TIME_FACTOR = float(os.environ.get("MXD_TIME_FACTOR", "1"))
SOCKET_TIMEOUT_S = 30 * TIME_FACTOR
RECORDED_BODY = 4096  # bytes of a body that an exchange keeps

Header = tuple[str, str]
Observer = Callable[[Exchange], None]
Patience = Callable[[str, "Response", Callable[[], "Response"]], "Response"]
ABSENT: Any = object()  # of a JSON body: there is none, where None would be `null`


class NotJson:
    """Stands for a body that is not JSON; equal to nothing."""

    def __repr__(self) -> str:
        return "(not JSON)"

    def get(self, _key: str, default: Any = None) -> Any:
        """As of an object without members."""
        return default

    def __contains__(self, _key: object) -> bool:
        return False


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    raw: bytes
    exchange: Exchange | None = field(default=None, compare=False, repr=False)

    @property
    def json(self) -> Any:
        """The parsed body, or NotJson. What is in it is the homeserver's: look before reading."""
        try:
            return jsonlib.loads(self.raw)
        except (ValueError, RecursionError):
            return NotJson()

    @property
    def members(self) -> dict[str, Any]:
        """The body's, where it is an object; of any other body none."""
        body = self.json
        return body if isinstance(body, dict) else {}

    @property
    def errcode(self) -> str | None:
        """The body's `errcode`, where there is one."""
        return self.members.get("errcode")

    @property
    def devices(self) -> list[dict[str, Any]]:
        """Those of a list which have an ID. Whether the answer is such a list, a check says."""
        listed = self.members.get("devices")
        return [
            device
            for device in (listed if isinstance(listed, list) else [])
            if isinstance(device, dict) and isinstance(device.get("device_id"), str)
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.raw[:400].decode(errors='replace')}"


class RawConnection(http.client.HTTPConnection):
    """An HTTPConnection that passes any target and method through as it stands."""

    observe: Observer = staticmethod(lambda _exchange: None)

    def _validate_path(self, url: str) -> None:
        pass

    def _validate_method(self, method: str) -> None:
        pass

    def _encode_request(self, request: str) -> bytes:
        return request.encode("latin-1")

    def exchange(
        self, method: str, target: str, headers: Iterable[Header], body: bytes | None
    ) -> Response:
        """Send one request on this connection and read its answer."""
        headers = list(headers)
        start = time.monotonic()
        try:
            answer = self._answer_to(method, target, headers, body)
        except (OSError, http.client.HTTPException) as error:
            seconds = time.monotonic() - start
            why = no_answer(error, seconds)
            self.observe(recorded(method, target, headers, body, why, seconds))
            raise
        exchange = recorded(method, target, headers, body, answer, time.monotonic() - start)
        self.observe(exchange)
        return replace(answer, exchange=exchange)

    def _answer_to(
        self, method: str, target: str, headers: list[Header], body: bytes | None
    ) -> Response:
        self.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            self.putheader(name, value)
        if body is not None:
            self.putheader("Content-Length", str(len(body)))
        if self.sock is None:
            self.connect()
        # The answer may be here before the body was read: a refusal.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.endheaders(body)
        answer = self.getresponse()
        return Response(answer.status, answer.headers, answer.read())


class RawTlsConnection(http.client.HTTPSConnection, RawConnection):
    """The same over TLS."""


class Client:
    """Sends requests to one base URL, a connection each."""

    def __init__(self, base_url: str, observer: Observer | None = None) -> None:
        parts = urlsplit(base_url)
        self.base_url = base_url.rstrip("/")
        self.host = parts.hostname or ""
        self.port = parts.port
        self.tls = parts.scheme == "https"
        self.prefix = parts.path.rstrip("/")
        self.observer = observer
        self.patience: Patience | None = None  # what to do about an answer before a test sees it
        self.timeout_s = SOCKET_TIMEOUT_S

    def connect(self) -> RawConnection:
        """A connection for several requests."""
        kind = RawTlsConnection if self.tls else RawConnection
        connection = kind(self.host, self.port, timeout=self.timeout_s)
        if self.observer is not None:
            connection.observe = self.observer
        return connection

    def request(
        self,
        method: str,
        target: str,
        *,
        token: str | None = None,
        headers: Sequence[Header] = (),
        json: Any = ABSENT,
        body: bytes | None = None,
        connection: RawConnection | None = None,
        is_patient: bool = True,
    ) -> Response:
        """Send a request. `target` goes out raw; of `json` and `body` one at most."""
        lines = list(headers)
        if token is not None:
            lines.append(("Authorization", f"Bearer {token}"))
        if json is not ABSENT:
            body = jsonlib.dumps(json).encode()
            lines.append(("Content-Type", "application/json"))
        if connection is not None:
            return connection.exchange(method, self.prefix + target, lines, body)

        def send() -> Response:
            with contextlib.closing(self.connect()) as connection:
                return connection.exchange(method, self.prefix + target, lines, body)

        answer = send()
        if is_patient and self.patience is not None:
            return self.patience(f"{method} {target.partition('?')[0]}", answer, send)
        return answer


def no_answer(error: Exception, seconds: float) -> str:
    """What an error of the connection means, in words."""
    if isinstance(error, TimeoutError):
        return f"no answer within {seconds:.0f} s"
    if isinstance(error, ConnectionRefusedError | socket.gaierror):
        return f"nobody listens there: {error}"
    if isinstance(error, ConnectionError):
        return f"the connection was closed without an answer: {error}"
    return f"no HTTP came: {type(error).__name__}: {error}"


def recorded(
    method: str,
    target: str,
    headers: Sequence[Header],
    body: bytes | None,
    answer: Response | str,
    seconds: float,
) -> Exchange:
    """An exchange for the report. `answer`: a text where there is none."""
    if isinstance(answer, Response):
        status, came, text = answer.status, answer.headers.items(), cut_body(answer.raw)
    else:
        status, came, text = None, [], answer
    return Exchange(
        method=method,
        target=cut(target, RECORDED_BODY),
        request_headers=[(name, cut(value, RECORDED_BODY)) for name, value in headers],
        request_body=cut_body(body or b""),
        status=status,
        response_headers=came,
        response_body=text,
        ms=round(seconds * 1000),
    )


def cut(text: str, limit: int) -> str:
    """The text, or its beginning and how long it was."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def cut_body(raw: bytes) -> str:
    """The same for a body, which need not be text."""
    text = raw[:RECORDED_BODY].decode(errors="backslashreplace")
    return text if len(raw) <= RECORDED_BODY else f"{text}… ({len(raw)} bytes)"


def client_path(path: str, version: str = "v3", **query: str) -> str:
    """The target of a Client-Server API path."""
    target = f"/_matrix/client/{version}{path}"
    return f"{target}?{urlencode(query)}" if query else target


def device_path(device_id: str) -> str:
    """The path of a device, its ID percent-encoded."""
    return f"/devices/{quote(device_id, safe='')}"
