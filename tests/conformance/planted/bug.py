"""What a planted bug sees: requests, the real server, and what its logins have shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from http.client import HTTPMessage
from typing import Any, ClassVar
from urllib.parse import unquote

from matrix_device_conformance.client import Client, Header, Response

LOGINS = ("/login", "/register", "/refresh")
ENDPOINT = re.compile(r"/_matrix/client/[^/]+(/[^?]*)")
COMMON_HEADERS: list[Header] = [
    ("Content-Type", "application/json"),
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS"),
    ("Access-Control-Allow-Headers", "X-Requested-With, Content-Type, Authorization"),
    ("Access-Control-Expose-Headers", "Retry-After"),
    ("Cache-Control", "no-store"),
]


@dataclass(frozen=True)
class Request:
    """A request as it came in. `body` is None where there is none."""

    method: str
    target: str
    headers: tuple[Header, ...]
    body: bytes | None

    @property
    def endpoint(self) -> str:
        """The raw path behind the version, or an empty text."""
        found = ENDPOINT.match(self.target)
        return found[1] if found else ""

    @property
    def query(self) -> str:
        """The raw query."""
        return self.target.partition("?")[2]

    @property
    def device_id(self) -> str | None:
        """Of the path, where it is one device's."""
        if not self.endpoint.startswith("/devices/"):
            return None
        return unquote(self.endpoint.removeprefix("/devices/"))

    @property
    def puts(self) -> bool:
        """PUT of a device."""
        return self.method == "PUT" and self.device_id is not None

    @property
    def reads(self) -> bool:
        """GET of a device or of the list."""
        return self.method == "GET" and self.endpoint.startswith("/devices")

    @property
    def deletes_in_bulk(self) -> bool:
        """POST /delete_devices."""
        return self.method == "POST" and self.endpoint == "/delete_devices"

    @property
    def deletes(self) -> bool:
        """Deletion of one or of many."""
        return self.deletes_in_bulk or (self.method == "DELETE" and self.device_id is not None)

    @property
    def token(self) -> str | None:
        """The access token in the header."""
        for name, value in self.headers:
            if name.lower() == "authorization":
                return value.partition(" ")[2]
        return None

    @property
    def members(self) -> dict[str, Any]:
        """The body's, where it is an object."""
        try:
            body = json.loads(self.body or b"")
        except (ValueError, RecursionError):
            return {}
        return body if isinstance(body, dict) else {}

    @property
    def has_object(self) -> bool:
        """Whether the body is an object."""
        try:
            return isinstance(json.loads(self.body or b""), dict)
        except (ValueError, RecursionError):
            return False

    @property
    def auth(self) -> dict[str, Any]:
        """`auth`, where it is an object."""
        auth = self.members.get("auth")
        return auth if isinstance(auth, dict) else {}

    @property
    def session(self) -> str | None:
        """The session of User-Interactive Authentication that is named."""
        return self.auth.get("session")

    def with_members(self, **members: Any) -> Request:
        """The same with other members in the body."""
        return replace(self, body=json.dumps({**self.members, **members}).encode())


@dataclass(frozen=True)
class Login:
    """Whose a token is, and the password it was got with."""

    user_id: str
    device_id: str
    password: str

    @property
    def auth(self) -> dict[str, Any]:
        """The password stage."""
        return {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self.user_id},
            "password": self.password,
        }


class Upstream:
    """The real server, and the logins that went to it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.logins: dict[str, Login] = {}  # by access token
        self.refreshes: dict[str, str] = {}  # the access token, by its refresh token

    def send(self, request: Request) -> Response:
        """Have the real server answer."""
        response = self.client.request(
            request.method, request.target, headers=request.headers, body=request.body
        )
        if request.endpoint in LOGINS and response.status == 200:
            self._remember(request, response.json)
        return response

    def _remember(self, request: Request, answer: dict[str, Any]) -> None:
        if request.endpoint == "/refresh":
            refreshed = self.refreshes.get(request.members.get("refresh_token", ""))
            login = self.logins.get(refreshed or "")
        elif "password" in request.members and "device_id" in answer:
            login = Login(answer["user_id"], answer["device_id"], request.members["password"])
        else:
            login = None  # a guest, an application service, or an account without a device
        if login is not None:
            token = answer["access_token"]
            self.logins[token] = login
            if "refresh_token" in answer:
                self.refreshes[answer["refresh_token"]] = token

    def login_of(self, request: Request) -> Login | None:
        """Who asks, where they have logged in: no application service has."""
        return self.logins.get(request.token or "")

    def authorise(self, request: Request) -> Response:
        """Have the real server do what it should refuse: with the password of who asks."""
        return self.send(request.with_members(auth=self.logins[request.token or ""].auth))

    def is_own_password(self, request: Request) -> bool:
        """Whether the credentials are right, and those of who asks."""
        login = self.login_of(request)
        return login is not None and request.auth.get("password") == login.password


class Bug:
    """One bug: whose it is, and the rows that are not kept because of it. The plain one has none.

    `rows` are those where the suite reaches everything; `rows_of_accounts` those at a URL with
    accounts and nothing else. Rows in the one and not in the other can't be judged there.
    """

    name: ClassVar[str] = "none"
    peer: ClassVar[str] = ""
    rows: ClassVar[frozenset[str]] = frozenset()
    rows_of_accounts: ClassVar[frozenset[str]] = frozenset()
    got: ClassVar[str] = ""  # a regular expression: what a check that failed says, "what: got"
    got_of_accounts: ClassVar[str] = ""  # the same there, where it differs
    config: ClassVar[dict[str, Any]] = {}  # of the module
    time_factor: ClassVar[float] = 1  # of the suite's time limits
    is_about_rows: ClassVar[bool] = True

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        BUGS[cls.name] = cls

    def answer(self, request: Request, server: Upstream) -> Response:
        """Answer as the peer would."""
        return server.send(request)


def of_rows(names: str) -> frozenset[str]:
    """A set of rows from their numbers."""
    return frozenset(names.split())


BUGS: dict[str, type[Bug]] = {Bug.name: Bug}


def headers_of(pairs: Iterable[Header]) -> HTTPMessage:
    """Headers from pairs."""
    headers = HTTPMessage()
    for name, value in pairs:
        headers[name] = value
    return headers


def reply(status: int, body: Any) -> Response:
    """An answer of the proxy's own."""
    return Response(status, headers_of(COMMON_HEADERS), json.dumps(body).encode())


def error(status: int, errcode: str, text: str = "Planted.") -> Response:
    """An error of the proxy's own."""
    return reply(status, {"errcode": errcode, "error": text})


def with_body(response: Response, body: Any) -> Response:
    """The same answer with another body."""
    return Response(response.status, response.headers, json.dumps(body).encode())


def without_headers(response: Response, *prefixes: str) -> Response:
    """The same answer without the headers that begin so."""
    kept = [pair for pair in response.headers.items() if not pair[0].lower().startswith(prefixes)]
    return Response(response.status, headers_of(kept), response.raw)


def with_members(response: Response, **members: Any) -> Response:
    """The same answer with other members."""
    return with_body(response, {**response.json, **members})


def members_of(response: Response) -> dict[str, Any]:
    """The members of an answer, where it is an object."""
    body = response.json
    return body if isinstance(body, dict) else {}


def begun_session(request: Request, response: Response) -> str | None:
    """The session that this answer is the first to name."""
    if request.deletes and response.status == 401 and "session" in members_of(response):
        session = response.json["session"]
        return session if session != request.session else None
    return None


class Sessions:
    """For a bug that has to know by whose token a session was begun."""

    def __init__(self) -> None:
        self.begun: dict[str, str | None] = {}

    def send(self, request: Request, server: Upstream) -> Response:
        """Have the real server answer, and remember a session that it begins."""
        response = server.send(request)
        session = begun_session(request, response)
        if session is not None:
            self.begun[session] = request.token
        return response

    def is_own(self, request: Request) -> bool:
        """Whether who asks has begun the session."""
        session = request.session
        return isinstance(session, str) and self.begun.get(session, "") == request.token
