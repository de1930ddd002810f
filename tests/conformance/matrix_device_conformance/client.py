"""An HTTP client that sends exactly what it is told to: raw targets, raw bodies, headers twice."""

from __future__ import annotations

import contextlib
import http.client
import json as jsonlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

TIME_FACTOR = float(os.environ.get("MXD_TIME_FACTOR", "1"))
SOCKET_TIMEOUT_S = 30 * TIME_FACTOR

Header = tuple[str, str]
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

    @property
    def json(self) -> Any:
        """The parsed body, or NotJson."""
        try:
            return jsonlib.loads(self.raw)
        except ValueError:
            return NotJson()

    @property
    def errcode(self) -> str | None:
        """The body's `errcode`, where there is one."""
        body = self.json
        return body.get("errcode") if isinstance(body, dict) else None

    def __str__(self) -> str:
        return f"{self.status} {self.raw[:400].decode(errors='replace')}"


class RawConnection(http.client.HTTPConnection):
    """An HTTPConnection that passes any target and method through as it stands."""

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

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self.base_url = base_url.rstrip("/")
        self.host = parts.hostname or ""
        self.port = parts.port
        self.tls = parts.scheme == "https"
        self.prefix = parts.path.rstrip("/")

    def connect(self) -> RawConnection:
        """A connection for several requests."""
        kind = RawTlsConnection if self.tls else RawConnection
        return kind(self.host, self.port, timeout=SOCKET_TIMEOUT_S)

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
        connection = self.connect()
        try:
            return connection.exchange(method, self.prefix + target, lines, body)
        finally:
            connection.close()


def client_path(path: str, version: str = "v3", **query: str) -> str:
    """The target of a Client-Server API path."""
    target = f"/_matrix/client/{version}{path}"
    return f"{target}?{urlencode(query)}" if query else target


def device_path(device_id: str) -> str:
    """The path of a device, its ID percent-encoded."""
    return f"/devices/{quote(device_id, safe='')}"
