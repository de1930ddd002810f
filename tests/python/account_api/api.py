"""A client of the account endpoints, without any HTTP between."""

from __future__ import annotations

import json
from copy import copy
from typing import Any

from matrix_devices import Clock, MemoryHost, Namespace, Request, Response, Service, SqliteHost
from matrix_devices.server import AccountApi

FORBIDDEN, LIMITED, UNKNOWN_TOKEN = "M_FORBIDDEN", "M_USER_LIMIT_EXCEEDED", "M_UNKNOWN_TOKEN"
PASSWORD = "correct horse"
CLIENT = "/_matrix/client"
IRC = Service("irc", "as-token", "irc_bot", (Namespace(r"@irc_.*:example\.org"),))
DUMMY = {"type": "m.login.dummy"}
AnyHost = MemoryHost | SqliteHost


def fill(host: AnyHost) -> None:
    """One user and one application service."""
    host.add_user("alice", PASSWORD)
    host.add_service(IRC)


class Api:
    """Sends requests to the endpoints."""

    def __init__(self, host: AnyHost, **options: Any) -> None:
        self.api = AccountApi(host, **options)
        self.address = "192.0.2.1"

    def at(self, address: str) -> Api:
        """The same for a client at another address."""
        other = copy(self)
        other.address = address
        return other

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = b"",
        *,
        token: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        version: str = "/v3",
        too_large: bool = False,
    ) -> Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        if token is not None:
            headers = (*headers, ("Authorization", f"Bearer {token}"))
        target = f"{CLIENT}{version}{path}"
        answer = self.api.handle(Request(method, target, headers, data, self.address, too_large))
        assert answer is not None
        return answer

    def login(self, user: str = "alice", password: str = PASSWORD, **extra: Any) -> Response:
        identifier = {"type": "m.id.user", "user": user}
        body = {"type": "m.login.password", "identifier": identifier, "password": password}
        return self("POST", "/login", {**body, **extra})

    def register(self, username: str, **extra: Any) -> Response:
        body = {"username": username, "password": "secret", "auth": DUMMY, **extra}
        return self("POST", "/register", body)


def expect(answer: Response, status: int, errcode: str | None = None) -> Any:
    """Status and errcode; returns the body."""
    body = answer.json()
    assert (answer.status, body.get("errcode")) == (status, errcode), answer.body
    assert dict(answer.headers)["Access-Control-Allow-Origin"] == "*"
    assert dict(answer.headers)["Content-Type"] == "application/json"
    if errcode is not None:
        assert body["error"]
    return body


class StandingClock(Clock):
    """Goes on only where a test turns it: limits fill up by nothing that a machine takes."""

    def __init__(self) -> None:
        super().__init__()
        self._offset_ms = 1_800_000_000_000

    def now_ms(self) -> int:
        """As it was turned."""
        return self._offset_ms


def quick_host() -> MemoryHost:
    """In memory: a password costs it nothing. Its clock stands."""
    host = MemoryHost("example.org", clock=StandingClock())
    fill(host)
    return host
