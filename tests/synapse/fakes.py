"""Servers that Synapse talks to: a CAS for single sign-on, and an authentication service."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

DEVICE_SCOPE = "urn:matrix:client:device:"
API_SCOPE = "urn:matrix:client:api:*"


class _Fake:
    """An HTTP server on a thread of its own."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(b"")

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

            def _answer(self, body: bytes) -> None:
                parts = urlsplit(self.path)
                fake.requests.append(parts.path)
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
                found = fake.answer(parts.path, query, form)
                self.send_response(404 if found is None else 200)
                content = b"" if found is None else found[1].encode()
                self.send_header("Content-Type", "text/plain" if found is None else found[0])
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(
        self, path: str, query: dict[str, str], form: dict[str, str]
    ) -> tuple[str, str] | None:
        """Content type and body, or None for 404."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class FakeCas(_Fake):
    """A CAS. `log_in` is what a user does on its page."""

    def __init__(self) -> None:
        super().__init__()
        self.tickets: dict[str, str] = {}

    def config(self) -> dict[str, Any]:
        """Synapse's `cas_config`."""
        return {"enabled": True, "server_url": self.url}

    def log_in(self, login_url: str, name: str) -> str:
        """The URL that the browser is sent back to when `name` has logged in at `login_url`."""
        parts = urlsplit(login_url)
        assert parts.path == "/login", login_url
        service = parse_qs(parts.query)["service"][0]
        ticket = f"ST-{secrets.token_hex(8)}"
        self.tickets[ticket] = name
        return f"{service}{'&' if '?' in service else '?'}ticket={ticket}"

    def answer(
        self, path: str, query: dict[str, str], form: dict[str, str]
    ) -> tuple[str, str] | None:
        """Validate a ticket, once."""
        if not path.endswith("/proxyValidate"):
            return None
        name = self.tickets.pop(query.get("ticket", ""), None)
        space = 'xmlns:cas="http://www.yale.edu/tp/cas"'
        inner = (
            "<cas:authenticationFailure code='INVALID_TICKET'/>"
            if name is None
            else "<cas:authenticationSuccess>"
            f"<cas:user>{escape(name)}</cas:user></cas:authenticationSuccess>"
        )
        return "text/xml", f"<cas:serviceResponse {space}>{inner}</cas:serviceResponse>"


@dataclass(frozen=True)
class Grant:
    """What a token of the authentication service stands for."""

    username: str
    device_id: str | None
    expires_in: int = 3600


class FakeAuthenticationService(_Fake):
    """A Matrix Authentication Service, as far as Synapse asks it: introspection of tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.secret = secrets.token_hex(16)
        self.grants: dict[str, Grant] = {}

    def config(self) -> dict[str, Any]:
        """What Synapse's configuration needs for it."""
        return {
            "matrix_authentication_service": {
                "enabled": True,
                "endpoint": self.url,
                "secret": self.secret,
            },
            "enable_registration": False,
            "enable_registration_without_verification": False,
            "password_config": {"enabled": False},
        }

    def grant(self, username: str, device_id: str | None) -> str:
        """A new access token."""
        token = f"mat_{secrets.token_hex(16)}"
        self.grants[token] = Grant(username, device_id)
        return token

    def answer(
        self, path: str, query: dict[str, str], form: dict[str, str]
    ) -> tuple[str, str] | None:
        """Introspect a token."""
        if path == "/.well-known/openid-configuration":
            content: dict[str, Any] = {
                "issuer": f"{self.url}/",
                "account_management_uri": f"{self.url}/account",
            }
        elif path == "/oauth2/introspect":
            content = self._introspect(form.get("token", ""))
        else:
            return None
        return "application/json", json.dumps(content)

    def _introspect(self, token: str) -> dict[str, Any]:
        grant = self.grants.get(token)
        if grant is None:
            return {"active": False}
        scopes = [API_SCOPE]
        if grant.device_id is not None:
            scopes.append(DEVICE_SCOPE + grant.device_id)
        return {
            "active": True,
            "scope": " ".join(scopes),
            "username": grant.username,
            "sub": grant.username,
            "expires_in": grant.expires_in,
        }
