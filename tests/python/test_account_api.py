"""The account endpoints, on the host in memory and on the store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from matrix_devices import (
    MemoryHost,
    Namespace,
    NotFound,
    Request,
    Response,
    Service,
    SqliteHost,
    Timeout,
    Unavailable,
)
from matrix_devices.server import AccountApi

PASSWORD = "correct horse"
CLIENT = "/_matrix/client"
IRC = Service("irc", "as-token", "irc_bot", (Namespace(r"@irc_.*:example\.org"),))
DUMMY = {"type": "m.login.dummy"}
AnyHost = MemoryHost | SqliteHost


@pytest.fixture(params=["memory", "sqlite"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyHost]:
    """A host with one user and one application service."""
    if request.param == "memory":
        memory = MemoryHost("example.org")
        fill(memory)
        yield memory
    else:
        with SqliteHost(tmp_path / "devices.db", server_name="example.org") as store:
            fill(store)
            yield store


def fill(host: AnyHost) -> None:
    """One user and one application service."""
    host.add_user("alice", PASSWORD)
    host.add_service(IRC)


class Api:
    """Sends requests to the endpoints."""

    def __init__(self, host: AnyHost, **options: Any) -> None:
        self.api = AccountApi(host, **options)

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
        answer = self.api.handle(Request(method, target, headers, data, "192.0.2.1", too_large))
        assert answer is not None
        return answer

    def login(self, user: str = "alice", password: str = PASSWORD, **extra: Any) -> Response:
        identifier = {"type": "m.id.user", "user": user}
        body = {"type": "m.login.password", "identifier": identifier, "password": password}
        return self("POST", "/login", {**body, **extra})

    def register(self, username: str, **extra: Any) -> Response:
        body = {"username": username, "password": "secret", "auth": DUMMY, **extra}
        return self("POST", "/register", body)


@pytest.fixture
def api(host: AnyHost) -> Api:
    """The endpoints on it."""
    return Api(host)


def expect(answer: Response, status: int, errcode: str | None = None) -> Any:
    """Status and errcode; returns the body."""
    body = answer.json()
    assert (answer.status, body.get("errcode")) == (status, errcode), answer.body
    assert dict(answer.headers)["Access-Control-Allow-Origin"] == "*"
    assert dict(answer.headers)["Content-Type"] == "application/json"
    if errcode is not None:
        assert body["error"]
    return body


# ---- Routes ----


def test_what_is_not_its_own(api: Api) -> None:
    for path in ("/", "/_matrix/client/v3/devices", "/_matrix/client/v3/login/", "/versions"):
        assert api.api.handle(Request("GET", path)) is None
    assert api.api.handle(Request("GET", f"{CLIENT}/v1/login")) is None


def test_versions(api: Api) -> None:
    body = expect(api("GET", "/versions", version=""), 200)
    assert {"r0.6.1", "v1.1", "v1.17"} <= set(body["versions"])
    assert api("HEAD", "/versions", version="").status == 200


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/login", "GET, HEAD, POST, OPTIONS"),
        ("GET", "/register", "POST, OPTIONS"),
        ("PUT", "/account/whoami", "GET, HEAD, OPTIONS"),
        ("get", "/login", "GET, HEAD, POST, OPTIONS"),
    ],
)
def test_other_methods(api: Api, method: str, path: str, allow: str) -> None:
    answer = api(method, path)
    expect(answer, 405, "M_UNRECOGNIZED")
    assert dict(answer.headers)["Allow"] == allow


@pytest.mark.parametrize(
    "path", ["/login", "/register", "/refresh", "/logout", "/logout/all", "/account/whoami"]
)
def test_preflight(api: Api, path: str) -> None:
    answer = api("OPTIONS", path)
    assert (answer.status, answer.body) == (204, b"")
    assert "Authorization" in dict(answer.headers)["Access-Control-Allow-Headers"]


# ---- Login ----


def test_login_flows(api: Api) -> None:
    flows = expect(api("GET", "/login"), 200)["flows"]
    assert {"type": "m.login.password"} in flows
    assert {"type": "m.login.application_service"} in flows


def test_login(api: Api, host: AnyHost) -> None:
    body = expect(api.login(), 200)
    assert set(body) == {"user_id", "home_server", "device_id", "access_token"}
    assert (body["user_id"], body["home_server"]) == ("@alice:example.org", "example.org")
    whoami = expect(api("GET", "/account/whoami", token=body["access_token"]), 200)
    assert whoami == {
        "user_id": "@alice:example.org",
        "device_id": body["device_id"],
        "is_guest": False,
    }
    chosen = api.login("@alice:example.org", device_id="MINE", initial_device_display_name="Mine")
    assert expect(chosen, 200)["device_id"] == "MINE"
    old = {"type": "m.login.password", "user": "alice", "password": PASSWORD}
    expect(api("POST", "/login", old, version="/r0"), 200)


def test_login_refused(api: Api, host: AnyHost) -> None:
    wrong, nobody = api.login(password="wrong"), api.login("nobody")
    expect(wrong, 403, "M_FORBIDDEN")
    assert nobody == wrong
    expect(api.login("@alice:elsewhere.org"), 403, "M_FORBIDDEN")
    host.set_locked("alice", True)
    assert expect(api.login(), 401, "M_USER_LOCKED")["soft_logout"] is True


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"type": None}, "M_MISSING_PARAM"),
        ({"type": "m.login.unknown"}, "M_UNKNOWN"),
        ({"type": 1}, "M_BAD_JSON"),
        ({"identifier": None}, "M_MISSING_PARAM"),
        ({"identifier": "alice"}, "M_BAD_JSON"),
        ({"identifier": {"type": "m.id.phone", "user": "a"}}, "M_UNKNOWN"),
        ({"identifier": {"type": "m.id.user"}}, "M_MISSING_PARAM"),
        ({"password": None}, "M_MISSING_PARAM"),
        ({"password": 1}, "M_BAD_JSON"),
        ({"device_id": 1}, "M_BAD_JSON"),
        ({"device_id": "x" * 256}, "M_INVALID_PARAM"),
        ({"device_id": "a\nb"}, "M_INVALID_PARAM"),
        ({"refresh_token": "yes"}, "M_BAD_JSON"),
        ({"initial_device_display_name": "x" * 101}, "M_TOO_LARGE"),
    ],
)
def test_bad_login(api: Api, change: dict[str, Any], errcode: str) -> None:
    expect(api.login(**change), 400, errcode)


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (b"", "M_NOT_JSON"),
        (b"{", "M_NOT_JSON"),
        (b'{"a": NaN}', "M_NOT_JSON"),
        (b'{"a": "\xff"}', "M_NOT_JSON"),
        (b'{"a": 1} x', "M_NOT_JSON"),
        (b"[]", "M_BAD_JSON"),
        (b'"{"', "M_BAD_JSON"),
        (b'{"a": "\\ud800"}', "M_BAD_JSON"),
        (b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", "M_BAD_JSON"),
        (b"[" * 100_000, "M_BAD_JSON"),
    ],
)
def test_bad_bodies(api: Api, body: bytes, errcode: str) -> None:
    for path in ("/login", "/register", "/refresh"):
        expect(api("POST", path, body), 400, errcode)


def test_brackets_in_strings_are_no_depth(api: Api) -> None:
    expect(api("POST", "/login", {"x": "[" * 100 + '"\\' + "{" * 100}), 400, "M_MISSING_PARAM")
    body = b'{"a":' + b"[" * 31 + b"]" * 31 + b"}"
    expect(api("POST", "/login", body), 400, "M_MISSING_PARAM")


def test_a_body_that_was_not_read(api: Api) -> None:
    for path in ("/login", "/register", "/refresh"):
        expect(api("POST", path, too_large=True), 413, "M_TOO_LARGE")


def test_guessing_is_limited() -> None:
    host = MemoryHost("example.org")
    fill(host)
    api = Api(host)
    for _ in range(20):
        expect(api.login(), 200)  # a right password is no guess
    for name in ("alice", "ALICE", "@alice:example.org") * 3:
        expect(api.login(name, "wrong"), 403, "M_FORBIDDEN")
    expect(api.login(password="wrong"), 403, "M_FORBIDDEN")
    answer = api.login()
    wait_ms = expect(answer, 429, "M_LIMIT_EXCEEDED")["retry_after_ms"]
    assert dict(answer.headers)["Retry-After"] == str(-(-wait_ms // 1000))
    expect(api.login("nobody"), 403, "M_FORBIDDEN")
    host.clock.advance(wait_ms / 1000)
    expect(api.login(), 200)


# ---- Registration ----


def test_register(api: Api, host: AnyHost) -> None:
    body: dict[str, Any] = {"username": "bob", "password": "secret", "device_id": "FIRST"}
    challenge = api("POST", "/register", body).json()
    assert challenge["flows"] == [{"stages": ["m.login.dummy"]}]
    assert challenge["params"] == {}
    assert len(challenge["session"]) >= 22
    other = api("POST", "/register", {**body, "auth": {"type": "m.login.recaptcha"}})
    assert expect(other, 401, "M_FORBIDDEN")["completed"] == []
    body["auth"] = {**DUMMY, "session": challenge["session"]}
    made = expect(api("POST", "/register", body), 200)
    assert (made["user_id"], made["device_id"]) == ("@bob:example.org", "FIRST")
    assert host.check_password("bob", "secret") == "@bob:example.org"
    expect(api.login("bob", "secret"), 200)


def test_register_without_login(api: Api, host: AnyHost) -> None:
    answer = api.register("bob", inhibit_login=True)
    assert expect(answer, 200) == {"user_id": "@bob:example.org"}
    assert expect(api.register(""), 200)["user_id"].startswith("@u")
    expect(api.register("carol", inhibit_login="yes"), 400, "M_BAD_JSON")
    expect(api.login("carol", "secret"), 403, "M_FORBIDDEN")


@pytest.mark.parametrize(
    ("username", "extra", "errcode"),
    [
        ("alice", {}, "M_USER_IN_USE"),
        ("Not Valid", {}, "M_INVALID_USERNAME"),
        ("x" * 300, {}, "M_INVALID_USERNAME"),
        ("irc_x", {}, "M_EXCLUSIVE"),
        ("bob", {"password": ""}, "M_WEAK_PASSWORD"),
        ("bob", {"password": None}, "M_MISSING_PARAM"),
        ("bob", {"auth": 1}, "M_BAD_JSON"),
    ],
)
def test_register_refused(api: Api, username: str, extra: dict[str, Any], errcode: str) -> None:
    expect(api.register(username, **extra), 400, errcode)


def test_guests(api: Api) -> None:
    body = {"initial_device_display_name": "G", "device_id": "IGNORED"}
    guest = expect(api("POST", "/register?kind=guest", body), 200)
    assert guest["device_id"] != "IGNORED"
    whoami = expect(api("GET", "/account/whoami", token=guest["access_token"]), 200)
    assert whoami["is_guest"] is True
    expect(api("POST", "/register?kind=admin", {}), 400, "M_INVALID_PARAM")
    expect(api("POST", "/register?kind=guest&kind=user", {}), 400, "M_INVALID_PARAM")


def test_closed_registration(host: AnyHost) -> None:
    api = Api(host, open_registration=False)
    expect(api.register("bob"), 403, "M_FORBIDDEN")
    expect(api("POST", "/register?kind=guest", {}), 403, "M_FORBIDDEN")
    kind = {"type": "m.login.application_service", "username": "irc_x"}
    expect(api("POST", "/register", kind, token=IRC.as_token), 200)


# ---- Application services ----


def test_services_register_and_log_in(api: Api) -> None:
    kind = {"type": "m.login.application_service"}

    def register(username: str | None, token: str | None) -> Response:
        return api("POST", "/register", {**kind, "username": username}, token=token)

    def login(user: str, token: str | None) -> Response:
        body = {**kind, "identifier": {"type": "m.id.user", "user": user}, "device_id": "B"}
        return api("POST", "/login", body, token=token)

    expect(register("irc_x", IRC.as_token), 200)
    expect(register("irc_x", IRC.as_token), 400, "M_USER_IN_USE")
    expect(register("mallory", IRC.as_token), 400, "M_EXCLUSIVE")
    expect(register(None, IRC.as_token), 400, "M_MISSING_PARAM")
    expect(register("irc_y", None), 401, "M_MISSING_TOKEN")
    expect(register("irc_y", "nobody"), 401, "M_UNKNOWN_TOKEN")

    assert expect(login("irc_x", IRC.as_token), 200)["device_id"] == "B"
    expect(login("alice", IRC.as_token), 403, "M_EXCLUSIVE")
    expect(login("irc_unregistered", IRC.as_token), 403, "M_FORBIDDEN")
    expect(login("irc_x", "nobody"), 403, "M_FORBIDDEN")
    expect(login("irc_x", None), 403, "M_FORBIDDEN")


def test_services_ask_who_they_are(api: Api, host: AnyHost) -> None:
    host.add_user("irc_x", service_id="irc")
    host.login("irc_x", device_id="BRIDGE")

    def whoami(query: str = "") -> Response:
        return api("GET", f"/account/whoami{query}", token=IRC.as_token)

    assert expect(whoami(), 200) == {"user_id": "@irc_bot:example.org", "is_guest": False}
    user = "?user_id=%40irc_x%3Aexample.org"
    assert "device_id" not in expect(whoami(user), 200)
    for name in ("device_id", "org.matrix.msc3202.device_id"):
        assert expect(whoami(f"{user}&{name}=BRIDGE"), 200)["device_id"] == "BRIDGE"
    expect(whoami(f"{user}&device_id=NONE"), 400, "M_UNKNOWN_DEVICE")
    expect(whoami("?user_id=@alice:example.org"), 403, "M_FORBIDDEN")
    for query in ("?user_id=%4", "?user_id=a&user_id=a", "?device_id=%zz"):
        expect(whoami(query), 400, "M_INVALID_PARAM")
    expect(api("POST", "/logout", {}, token=IRC.as_token), 403, "M_FORBIDDEN")


# ---- Tokens ----


def test_where_the_token_is_taken_from(api: Api, host: AnyHost) -> None:
    token = host.login("alice").access_token
    bearer = ("Authorization", f"bEaReR  {token}")
    assert api("GET", "/account/whoami", headers=(bearer,)).status == 200
    assert api("GET", f"/account/whoami?access_token={token}").status == 200
    for headers, query in (
        ((), ""),
        ((bearer, bearer), ""),
        ((bearer,), f"?access_token={token}"),
        ((("Authorization", f"Basic {token}"),), ""),
        ((("Authorization", "Bearer "),), ""),
        ((), "?access_token="),
    ):
        answer = api("GET", f"/account/whoami{query}", headers=headers)
        expect(answer, 401, "M_MISSING_TOKEN")
    expect(api("GET", "/account/whoami?access_token=%"), 400, "M_INVALID_PARAM")
    expect(api("GET", "/account/whoami", token="nobody"), 401, "M_UNKNOWN_TOKEN")


def test_refresh(api: Api) -> None:
    first = expect(api.login(refresh_token=True, device_id="PHONE"), 200)
    assert 0 < first["expires_in_ms"] <= 600_000
    second = expect(api("POST", "/refresh", {"refresh_token": first["refresh_token"]}), 200)
    assert set(second) == {"access_token", "refresh_token", "expires_in_ms"}
    whoami = expect(api("GET", "/account/whoami", token=second["access_token"]), 200)
    assert whoami["device_id"] == "PHONE"
    expect(api("POST", "/refresh", {"refresh_token": "nobody"}), 401, "M_UNKNOWN_TOKEN")
    expect(api("POST", "/refresh", {}), 400, "M_MISSING_PARAM")
    expect(api("POST", "/refresh", {"refresh_token": 1}), 400, "M_BAD_JSON")


def test_expired_tokens(api: Api, host: AnyHost) -> None:
    login = expect(api.login(refresh_token=True), 200)
    host.clock.advance(minutes=11)
    answer = api("GET", "/account/whoami", token=login["access_token"])
    assert expect(answer, 401, "M_UNKNOWN_TOKEN")["soft_logout"] is True
    renewed = expect(api("POST", "/refresh", {"refresh_token": login["refresh_token"]}), 200)
    assert api("GET", "/account/whoami", token=renewed["access_token"]).status == 200


def test_logout(api: Api, host: AnyHost) -> None:
    one, two, three = (host.login("alice").access_token for _ in range(3))
    assert expect(api("POST", "/logout", {}, token=one), 200) == {}
    assert expect(api("POST", "/logout", token=one), 401, "M_UNKNOWN_TOKEN")["soft_logout"] is False
    assert api("GET", "/account/whoami", token=two).status == 200
    assert expect(api("POST", "/logout/all", token=two), 200) == {}
    expect(api("GET", "/account/whoami", token=three), 401, "M_UNKNOWN_TOKEN")


# ---- Failures ----


class FailingHost(MemoryHost):
    """Its accounts can't be got at."""

    def __init__(self, failure: Exception) -> None:
        super().__init__("example.org")
        self.failure = failure

    def refresh(self, refresh_token: str) -> Any:
        raise self.failure


@pytest.mark.parametrize(
    ("failure", "status"), [(Unavailable(), 503), (Timeout(), 504)], ids=["busy", "slow"]
)
def test_failures_of_the_store(failure: Exception, status: int) -> None:
    answer = Api(FailingHost(failure))("POST", "/refresh", {"refresh_token": "x"})
    expect(answer, status, "M_UNKNOWN")
    assert ("Retry-After" in dict(answer.headers)) == (status == 503)


def test_what_is_not_expected_is_not_hidden() -> None:
    with pytest.raises(NotFound):
        Api(FailingHost(NotFound()))("POST", "/refresh", {"refresh_token": "x"})
