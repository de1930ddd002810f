"""A homeserver that quotes every secret it hears, in every writing, wherever it can."""

from __future__ import annotations

import base64
import html
import itertools
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

API = "/_matrix/client/"
Writing = Callable[[str], str]

WRITINGS: dict[str, Writing] = {
    "as it is": str,
    "json": lambda secret: json.dumps(secret)[1:-1],
    "json in json": lambda secret: json.dumps(json.dumps({"password": secret}))[1:-1],
    "percent": lambda secret: quote(secret, safe=""),
    "percent twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "every octet": lambda secret: "".join(f"%{octet:02x}" for octet in secret.encode()),
    "html": html.escape,
    "python": lambda secret: repr(secret)[1:-1],
    "base64": lambda secret: base64.b64encode(f"user:{secret}".encode()).decode(),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "hexadecimal": lambda secret: secret.encode().hex(),
    "cut off": lambda secret: secret[: len(secret) // 2] + "...",
}


class Hostile(ThreadingHTTPServer):
    """Just homeserver enough that tests begin. Used with `with`."""

    daemon_threads = True

    def __init__(self, accounts: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.accounts = accounts
        self.owners: dict[str, str] = {}  # of tokens
        self.devices: dict[str, dict[str, str | None]] = {}
        self.secrets = set(accounts.values())  # those that open something here
        self.numbers = itertools.count()
        self.quoted: dict[str, int] = dict.fromkeys(WRITINGS, 0)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
        self.server_close()

    def secret(self) -> str:
        """A new one."""
        made = f"{token_urlsafe(9)}-'\"&/+{token_urlsafe(9)}"
        self.secrets.add(made)
        return made

    def login(self, user_id: str, device_id: str | None) -> dict[str, Any]:
        """A device of this user."""
        token, device_id = self.secret(), device_id or f"DEVICE{next(self.numbers)}"
        self.owners[token] = user_id
        self.devices.setdefault(user_id, {})[device_id] = None
        return {
            "user_id": user_id,
            "device_id": device_id,
            "access_token": token,
            "refresh_token": self.secret(),
        }


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Hostile
    protocol_version = "HTTP/1.1"

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nobody reads it."""

    def answer(self) -> None:
        """What works is what tests begin with; the rest quotes."""
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            body = None
        body = body if isinstance(body, dict) else {}
        heard = list(self.hear(body))
        path = urlsplit(self.path).path
        user_id = self.server.owners.get(self.token())
        if path.endswith("/versions"):
            self.reply(200, {"versions": ["v1.1", "v1.17"]})
        elif path.endswith("/federation/v1/version"):
            self.reply(200, {"server": {"name": "Hostile", "version": self.quote(heard)}})
        elif path.endswith("/login") and self.command == "POST":
            self.log_in(body, heard)
        elif path.endswith("/account/whoami") and user_id is not None:
            self.reply(200, {"user_id": user_id})
        elif path.endswith("/devices") and self.command == "GET" and user_id is not None:
            listed = [{"device_id": each} for each in self.server.devices[user_id]]
            self.reply(200, {"devices": listed, "note": self.quote(heard)})
        elif user_id is not None and "auth" not in body and self.command in ("DELETE", "POST"):
            flows = [{"stages": ["m.login.password"]}]
            self.reply(401, {"flows": flows, "params": {}, "session": self.server.secret()})
        else:
            self.refuse(heard)

    def token(self) -> str:
        """Of this request."""
        query = parse_qs(urlsplit(self.path).query).get("access_token", [""])[0]
        return self.headers.get("Authorization", "").partition(" ")[2] or query

    def hear(self, body: dict[str, Any]) -> Any:
        """What this request has where secrets are."""
        auth = body.get("auth")
        members = {**body, **(auth if isinstance(auth, dict) else {})}
        said = [self.token(), *(members.get(name) for name in ("password", "session"))]
        for secret in said:
            if isinstance(secret, str) and secret:
                yield secret

    def log_in(self, body: dict[str, Any], heard: list[str]) -> None:
        """For those who have the password."""
        identifier = body.get("identifier")
        name = identifier.get("user") if isinstance(identifier, dict) else None
        localpart = str(name).removeprefix("@").partition(":")[0]
        if self.server.accounts.get(localpart) != body.get("password"):
            self.refuse(heard)
            return
        device_id = body.get("device_id")
        user_id = f"@{localpart}:hostile.example"
        self.reply(
            200, self.server.login(user_id, device_id if isinstance(device_id, str) else None)
        )

    def quote(self, heard: list[str]) -> str:
        """All that was heard, in the writing whose turn it is."""
        names = list(WRITINGS)
        name = names[next(self.server.numbers) % len(names)]
        self.server.quoted[name] += len(heard)
        return f"{name}: " + ", ".join(WRITINGS[name](secret) for secret in heard)

    def refuse(self, heard: list[str]) -> None:
        """In a header, in a text of JSON, in a member whose name says nothing, in HTML, raw."""
        status = (400, 401, 403, 404, 500)[next(self.server.numbers) % 5]
        body: Any = {"errcode": "M_FORBIDDEN", "error": self.quote(heard), unquote("%78"): heard}
        self.reply(status, body, self.quote(heard))

    def reply(self, status: int, body: Any, echo: str = "") -> None:
        """Send it. Every fourth body is no JSON."""
        raw = json.dumps(body).encode()
        if status >= 400 and next(self.server.numbers) % 4 == 0:
            raw = f"<h1>{status}</h1><p>{echo} {self.quote(list(body.get('x', [])))}".encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        if echo:
            self.send_header("X-Echo", echo.encode("latin-1", "replace").decode("latin-1"))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)
