"""A small homeserver whose limits, accounts and faults a test sets: no row is kept by it."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PASSWORD_FLOWS = [{"type": "m.login.password"}]
Answer = tuple[int, Any]


@dataclass
class Limit:
    """So many at once, then one in `wait_s` seconds, which here never pass."""

    at_once: int = 1_000_000
    wait_s: int = 0
    taken: int = 0
    refused: int = 0

    def take(self) -> Answer | None:
        """A refusal, or None."""
        if self.taken >= self.at_once:
            self.refused += 1
            wait_ms = self.wait_s * 1000
            return 429, {"errcode": "M_LIMIT_EXCEEDED", "error": "x", "retry_after_ms": wait_ms}
        self.taken += 1
        return None


@dataclass
class Settings:
    """What kind of homeserver."""

    accounts: dict[str, str] = field(default_factory=dict)
    registration: Answer | None = None  # how it is refused
    logins: Limit = field(default_factory=Limit)
    registrations: Limit = field(default_factory=Limit)
    flows: Any = field(default_factory=lambda: PASSWORD_FLOWS)
    versions: Answer = (200, {"versions": ["v1.17"]})
    software: Answer = (200, {"server": {"name": "Fake", "version": "0.1"}})
    tokens: dict[str, str] = field(default_factory=dict)  # user IDs


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: FakeHomeserver
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """GET."""
        self._answer({})

    def do_POST(self) -> None:
        """POST."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._answer(json.loads(body or b"{}"))

    def _answer(self, body: dict[str, Any]) -> None:
        path = self.path.partition("?")[0].removeprefix("/_matrix/client/v3")
        token = (self.headers.get("Authorization") or "").partition(" ")[2]
        status, answer = self.server.answer(self.command, path, token, body)
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing."""


class FakeHomeserver(ThreadingHTTPServer):
    """Listens on a port of its own."""

    daemon_threads = True

    def __init__(self, settings: Settings) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.settings = settings
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[str] = []
        self._numbers = itertools.count(1)

    def answer(self, method: str, path: str, token: str, body: dict[str, Any]) -> Answer:
        """An answer's status and body."""
        self.asked.append(f"{method} {path}")
        settings = self.settings
        if path == "/_matrix/client/versions":
            return settings.versions
        if path == "/_matrix/federation/v1/version":
            return settings.software
        if (method, path) == ("GET", "/login"):
            return 200, {"flows": settings.flows}
        if path == "/login":
            return settings.logins.take() or self._log_in(body)
        if path == "/register":
            return settings.registration or settings.registrations.take() or self._register(body)
        if token not in settings.tokens:
            return 401, {"errcode": "M_UNKNOWN_TOKEN", "error": "x"}
        return 200, {"devices": [], "user_id": settings.tokens[token]}

    def _log_in(self, body: dict[str, Any]) -> Answer:
        name = body["identifier"]["user"]
        if self.settings.accounts.get(name) != body["password"]:
            return 403, {"errcode": "M_FORBIDDEN", "error": "Invalid username or password"}
        return 200, self._device(name)

    def _register(self, body: dict[str, Any]) -> Answer:
        self.settings.accounts[body["username"]] = body["password"]
        user_id = f"@{body['username']}:fake"
        return 200, {"user_id": user_id} if body["inhibit_login"] else self._device(
            body["username"]
        )

    def _device(self, name: str) -> dict[str, Any]:
        number = next(self._numbers)
        self.settings.tokens[f"token-of-device-{number}"] = f"@{name}:fake"
        return {
            "user_id": f"@{name}:fake",
            "device_id": f"D{number}",
            "access_token": f"token-of-device-{number}",
        }


@contextmanager
def running(settings: Settings | None = None) -> Iterator[FakeHomeserver]:
    """One that serves."""
    fake = FakeHomeserver(settings or Settings())
    thread = threading.Thread(target=fake.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.shutdown()
        thread.join()
        fake.server_close()
