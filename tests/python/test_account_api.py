"""The account endpoints, on the host in memory and on the store."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any

import pytest

from asking import Asking
from json_texts import json_texts
from matrix_devices import (
    ConfigurationError,
    Credentials,
    Forbidden,
    MatrixError,
    MemoryHost,
    Module,
    Namespace,
    NotFound,
    Request,
    Response,
    Service,
    SqliteHost,
    Timeout,
    Unavailable,
)
from matrix_devices.server import AccountApi, AttemptLimits, Bucket
from matrix_devices.server.registration_sessions import MAX_SESSIONS, RegistrationSessions

FORBIDDEN, LIMITED, UNKNOWN_TOKEN = "M_FORBIDDEN", "M_USER_LIMIT_EXCEEDED", "M_UNKNOWN_TOKEN"
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
        ({"initial_device_display_name": "a\0b"}, "M_INVALID_PARAM"),
        ({"initial_device_display_name": 1}, "M_BAD_JSON"),
    ],
)
def test_bad_login(api: Api, change: dict[str, Any], errcode: str) -> None:
    expect(api.login(**change), 400, errcode)


@pytest.mark.parametrize("endpoint", ["/login", "/register", "/refresh"])
def test_P10_L3_bodies_are_read_as_the_table_says(host: AnyHost, endpoint: str) -> None:
    api = Api(host, limits=None)
    for name, body, result in json_texts():
        answer = api("POST", endpoint, body)
        errcode = answer.json().get("errcode")
        if result == "object":
            assert errcode not in ("M_NOT_JSON", "M_BAD_JSON"), (name, answer.body)
        else:
            assert answer.status == 400, (name, answer.body)
            assert errcode == ("M_NOT_JSON" if result == "not_json" else "M_BAD_JSON"), name


def test_a_body_that_was_not_read(api: Api) -> None:
    for path in ("/login", "/register", "/refresh"):
        expect(api("POST", path, too_large=True), 413, "M_TOO_LARGE")


@pytest.mark.parametrize("name", ["alice", "Alice", "@ALICE:Example.Org", "@alice"])
def test_T3_a_login_takes_names_as_people_type_them(api: Api, name: str) -> None:
    assert expect(api.login(name), 200)["user_id"] == "@alice:example.org"
    expect(api.login(name, "wrong"), 403, "M_FORBIDDEN")


@pytest.mark.parametrize("length", [100, 101, 5000])
def test_T4_a_long_device_name_is_cut(api: Api, host: AnyHost, length: int) -> None:
    made = expect(api.login(initial_device_display_name="\U0001f600" * length), 200)
    with Module.open(host) as module:
        shown = Asking(module, made["access_token"]).device(made["device_id"])
    assert shown["display_name"] == "\U0001f600" * 100


def test_T4_the_limit_on_names_is_the_modules(host: AnyHost) -> None:
    api = Api(host, config={"max_display_name_length": 3})
    made = expect(api.login(initial_device_display_name="abcdef"), 200)
    with Module.open(host) as module:
        shown = Asking(module, made["access_token"]).device(made["device_id"])
    assert shown["display_name"] == "abc"


def test_T12_a_login_over_the_cap_is_refused(host: AnyHost) -> None:
    uri = "https://example.org/limits"
    api = Api(host, config={"max_devices_per_user": 2, "user_limit_info_uri": uri})
    first = expect(api.login(device_id="A"), 200)
    expect(api.login(), 200)
    assert expect(api.login(), 403, "M_USER_LIMIT_EXCEEDED")["info_uri"] == uri
    expect(api.login(device_id="A"), 200)
    assert first["device_id"] == "A"
    without_uri = Api(host, config={"max_devices_per_user": 1})
    assert "info_uri" not in expect(without_uri.login(), 403, LIMITED)


@pytest.mark.parametrize(("name", "word"), [("alice", "a\0"), ("a\0lice", PASSWORD)])
def test_U4_a_nul_is_not_asked_about_and_counts(name: str, word: str) -> None:
    class Asked(MemoryHost):
        def check_password(self, name: str, password: str) -> str:
            raise AssertionError(name)

    host = Asked("example.org")
    fill(host)
    api = Api(host, limits=AttemptLimits(login_address=Bucket(1, 3_600_000)))
    expect(api.login(name, word), 403, "M_FORBIDDEN")
    expect(api.login(), 429, "M_LIMIT_EXCEEDED")


def test_U4_P13_no_host_keeps_a_nul(host: AnyHost) -> None:
    for attempt in (
        lambda: host.add_user("bob", "a\0b"),
        lambda: host.set_password("alice", "a\0b"),
        lambda: host.login("alice", display_name="a\0b"),
    ):
        with pytest.raises(MatrixError, match="M_INVALID_PARAM"):
            attempt()
    for password in (f"{PASSWORD}\0", "\0"):
        with pytest.raises(Forbidden):
            host.check_password("alice", password)
    assert host.resolve_name("bob") == "@bob:example.org"
    with pytest.raises(NotFound):
        host.login("bob")


# ---- Limits ----


def quick_host() -> MemoryHost:
    """In memory: a password costs it nothing."""
    host = MemoryHost("example.org")
    fill(host)
    return host


def test_T5_guessing_is_limited() -> None:
    host = quick_host()
    api = Api(host)
    for _ in range(150):
        expect(api.login(), 200)  # a right password is no guess
    for name in ("alice", "ALICE", "@alice:example.org") * 3:
        expect(api.login(name, "wrong"), 403, "M_FORBIDDEN")
    expect(api.login(password="wrong"), 403, "M_FORBIDDEN")
    answer = api.login()
    wait_ms = expect(answer, 429, "M_LIMIT_EXCEEDED")["retry_after_ms"]
    assert 5_000 < wait_ms <= 6_000
    assert dict(answer.headers)["Retry-After"] == str(-(-wait_ms // 1000))
    expect(api.login("nobody"), 403, "M_FORBIDDEN")
    host.clock.advance(wait_ms / 1000)
    expect(api.login(), 200)


def test_T5_a_user_is_limited_over_all_addresses() -> None:
    host = quick_host()
    api = Api(host)
    for number in range(30):
        expect(api.at(f"192.0.2.{number}").login(password="wrong"), 403, "M_FORBIDDEN")
    wait_ms = expect(api.at("192.0.2.99").login(), 429, "M_LIMIT_EXCEEDED")["retry_after_ms"]
    assert 1_000 < wait_ms <= 2_000
    host.clock.advance(wait_ms / 1000)
    expect(api.at("192.0.2.99").login(), 200)


def test_T5_guesses_from_elsewhere_lock_nobody_out_where_they_are_known() -> None:
    api = Api(quick_host())
    expect(api.login(), 200)
    for number in range(60):
        expected = (403, FORBIDDEN) if number < 30 else (429, "M_LIMIT_EXCEEDED")
        expect(api.at(f"198.51.100.{number}").login(password="wrong"), *expected)
    expect(api.login(), 200)
    for _ in range(10):
        expect(api.login(password="wrong"), 403, FORBIDDEN)
    expect(api.login(), 429, "M_LIMIT_EXCEEDED")


@pytest.mark.parametrize(
    ("addresses", "other"),
    [
        (["192.0.2.1", "::ffff:192.0.2.1"], "192.0.2.2"),
        (["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::"], "2001:db8:0:1::1"),
    ],
)
def test_T5_an_address_is_limited_over_all_users(addresses: list[str], other: str) -> None:
    api = Api(quick_host())
    for number in range(100):
        guess = api.at(addresses[number % len(addresses)]).login(f"user{number}", "wrong")
        expect(guess, 403, "M_FORBIDDEN")
    for address in addresses:
        expect(api.at(address).login("someone", "wrong"), 429, "M_LIMIT_EXCEEDED")
    expect(api.at(other).login("someone", "wrong"), 403, "M_FORBIDDEN")


def test_T6_registration_is_limited_by_address() -> None:
    host = quick_host()
    api = Api(host)
    for number in range(30):
        if number % 2 == 0:
            expect(api("POST", "/register?kind=guest", {}), 200)
        else:
            expect(api.register(f"user{number}"), 200)
    for attempt in (
        lambda: api("POST", "/register?kind=guest", {}),
        lambda: api.register("more"),
        lambda: api("POST", "/register", {"username": "more"}),
    ):
        assert expect(attempt(), 429, "M_LIMIT_EXCEEDED")["retry_after_ms"] > 9_000
    service = {"type": "m.login.application_service", "username": "irc_x"}
    expect(api("POST", "/register", service, token=IRC.as_token), 200)
    expect(api.at("192.0.2.99").register("more"), 200)
    host.clock.advance(10)
    expect(api.register("others"), 200)


def test_T6_refreshes_with_unknown_tokens_are_limited_by_address() -> None:
    host = quick_host()
    api = Api(host)

    def refresh(token: str | None) -> Response:
        return api("POST", "/refresh", {"refresh_token": token})

    old = host.login("alice", refreshable=True)
    new = host.refresh(old.refresh_token or "")
    host.identify(Credentials(new.access_token, None, None, "", Request("GET", "/")))
    for _ in range(30):
        expect(refresh("nobody"), 401, UNKNOWN_TOKEN)
        expect(refresh(old.refresh_token), 401, UNKNOWN_TOKEN)  # which is not unknown
    expect(refresh("nobody"), 429, "M_LIMIT_EXCEEDED")
    expect(refresh(new.refresh_token), 200)
    expect(api.register("bob"), 200)


def test_T6_limits_can_be_turned_off() -> None:
    api = Api(quick_host(), limits=None)
    for number in range(200):
        expect(api("POST", "/register?kind=guest", {}), 200)
        expect(api.login(password="wrong"), 403, "M_FORBIDDEN")
        expect(api("POST", "/refresh", {"refresh_token": str(number)}), 401, UNKNOWN_TOKEN)


def test_T5_limits_are_settings() -> None:
    settings = {"login_user": {"burst": 3, "interval_ms": 1000}, "enabled": True}
    limits = AttemptLimits.of_settings(settings)
    assert limits == AttemptLimits(login_user=Bucket(3, 1000))
    api = Api(quick_host(), limits=limits)
    for _ in range(3):
        expect(api.login(password="wrong"), 403, "M_FORBIDDEN")
    expect(api.login(), 429, "M_LIMIT_EXCEEDED")
    assert AttemptLimits.of_settings({"enabled": False}) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"login": {"burst": 1, "interval_ms": 1}},
        {"login_user": {"burst": 0, "interval_ms": 1}},
        {"login_user": {"burst": 1, "interval_ms": 86_400_001}},
        {"login_user": {"burst": True, "interval_ms": 1}},
        {"login_user": {"burst": 1}},
        {"login_user": 1},
        {"enabled": 1},
    ],
)
def test_bad_limits_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"limits.{next(iter(settings))}"):
        AttemptLimits.of_settings(settings)


@pytest.mark.parametrize(
    "failure",
    [
        Unavailable(),
        MemoryError(),
        RuntimeError("can't start new thread"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_H6_a_password_that_could_not_be_checked_is_no_guess(failure: Exception) -> None:
    class Starved(MemoryHost):
        def check_password(self, name: str, password: str) -> str:
            if failures:
                raise failures.pop()
            return super().check_password(name, password)

    failures: list[Exception] = [failure] * 5
    host = Starved("example.org")
    fill(host)
    api = Api(host, limits=AttemptLimits(login_user=Bucket(1, 3_600_000)))
    for _ in range(5):
        answer = api.login(password="wrong")
        expect(answer, 503, "M_UNKNOWN")
        assert "Retry-After" in dict(answer.headers)
    expect(api.login(), 200)
    expect(api.login(password="wrong"), 403, "M_FORBIDDEN")


# ---- Registration ----


def test_register(api: Api, host: AnyHost) -> None:
    body: dict[str, Any] = {"username": "bob", "password": "secret", "device_id": "FIRST"}
    challenge = expect(api("POST", "/register", body), 401)
    assert challenge["flows"] == [{"stages": ["m.login.dummy"]}]
    assert challenge["params"] == {}
    assert len(challenge["session"]) >= 22
    body["auth"] = {**DUMMY, "session": challenge["session"]}
    made = expect(api("POST", "/register", body), 200)
    assert (made["user_id"], made["device_id"]) == ("@bob:example.org", "FIRST")
    assert host.check_password("bob", "secret") == "@bob:example.org"
    expect(api.login("bob", "secret"), 200)


def test_other_stages_are_not_offered(api: Api) -> None:
    body: dict[str, Any] = {"username": "bob", "password": "secret"}
    for auth in ({"type": "m.login.recaptcha"}, {"type": "m.login.recaptcha", "session": None}):
        other = expect(api("POST", "/register", {**body, "auth": auth}), 401, "M_FORBIDDEN")
        assert other["completed"] == []
    auth = {"session": other["session"]}
    asked = expect(api("POST", "/register", {"auth": auth}), 401)
    assert (asked["session"], asked["completed"]) == (other["session"], [])
    again = api("POST", "/register", {"auth": {**auth, "type": "m.login.recaptcha"}})
    assert expect(again, 401, "M_FORBIDDEN")["session"] == other["session"]
    expect(api("POST", "/register", {"auth": {**auth, **DUMMY}}), 200)


def test_T8_the_first_requests_parameters_are_remembered(api: Api) -> None:
    body = {"username": "bob", "password": "secret", "device_id": "D", "refresh_token": True}
    session = expect(api("POST", "/register", body), 401)["session"]
    expect(api("POST", "/register", {"username": "carol", "password": "other"}), 401)
    made = expect(api("POST", "/register", {"auth": {**DUMMY, "session": session}}), 200)
    assert (made["user_id"], made["device_id"]) == ("@bob:example.org", "D")
    assert "refresh_token" in made
    expect(api.login("bob", "secret"), 200)


def test_T8_T4_a_long_device_name_is_cut_and_remembered(api: Api, host: AnyHost) -> None:
    body = {"username": "bob", "password": "secret", "initial_device_display_name": "x" * 9000}
    session = expect(api("POST", "/register", body), 401)["session"]
    made = expect(api("POST", "/register", {"auth": {**DUMMY, "session": session}}), 200)
    with Module.open(host) as module:
        shown = Asking(module, made["access_token"]).device(made["device_id"])
    assert shown["display_name"] == "x" * 100


def test_T8_what_the_last_request_says_counts_for_more(api: Api) -> None:
    body = {"username": "bob", "password": "secret"}
    session = expect(api("POST", "/register", body), 401)["session"]
    body = {"username": "carol", "password": None, "auth": {**DUMMY, "session": session}}
    assert expect(api("POST", "/register", body), 200)["user_id"] == "@carol:example.org"
    expect(api.login("carol", "secret"), 200)


def test_T8_a_session_registers_one_account(api: Api) -> None:
    body = {"username": "alice", "password": "secret"}
    auth = {**DUMMY, "session": expect(api("POST", "/register", body), 401)["session"]}
    expect(api("POST", "/register", {"auth": auth}), 400, "M_USER_IN_USE")
    expect(api("POST", "/register", {"auth": auth, "username": "bob"}), 200)
    second = expect(api("POST", "/register", {"auth": auth, "username": "carol"}), 401, FORBIDDEN)
    assert second["session"] != auth["session"]
    assert "completed" not in second
    expect(api.login("carol", "secret"), 403, FORBIDDEN)


def test_T8_a_session_that_was_never_given_is_refused(api: Api) -> None:
    body = {"username": "bob", "password": "secret", "auth": {**DUMMY, "session": "made-up"}}
    refused = expect(api("POST", "/register", body), 401, FORBIDDEN)
    assert refused["flows"] == [{"stages": ["m.login.dummy"]}]
    auth = {**DUMMY, "session": refused["session"]}
    assert expect(api("POST", "/register", {"auth": auth}), 200)["user_id"] == "@bob:example.org"


def test_T8_sessions_last_an_hour(api: Api, host: AnyHost) -> None:
    body = {"username": "bob", "password": "secret"}
    session = expect(api("POST", "/register", body), 401)["session"]
    host.clock.advance(minutes=61)
    body = {"auth": {**DUMMY, "session": session}}
    expect(api("POST", "/register", body), 401, FORBIDDEN)


def test_T8_sessions_are_bounded() -> None:
    sessions = RegistrationSessions()
    first, second, *_rest, last = [sessions.begin({}, 1000) for _ in range(MAX_SESSIONS + 1)]
    assert sessions.take(first.session_id, 1000) is None
    assert sessions.take(second.session_id, 1000) == second
    assert sessions.take(second.session_id, 1000) is None
    sessions.give_back(second)
    assert sessions.take(second.session_id, 1000) == second
    assert sessions.take(last.session_id, 1000) == last
    assert last.session_id not in repr(last)
    large = {"username": "bob", "password": "x" * 4096}
    expect(Api(quick_host())("POST", "/register", large), 400, "M_TOO_LARGE")


@pytest.mark.parametrize("wish", [{"device_id": "x" * 256}, {"initial_device_display_name": "\0"}])
def test_a_registration_that_could_not_log_in_adds_nobody(api: Api, wish: dict[str, str]) -> None:
    expect(api.register("bob", **wish), 400, "M_INVALID_PARAM")
    expect(api.register("bob"), 200)


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
        ("bob", {"auth": {**DUMMY, "session": 1}}, "M_BAD_JSON"),
        ("bob", {"password": "a\0b"}, "M_INVALID_PARAM"),
        ("b\0b", {}, "M_INVALID_USERNAME"),
        ("Alice", {}, "M_USER_IN_USE"),
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
    for query in ("access_token=%", "access_token=%ff", "access_token=a&access_token=a"):
        expect(api("GET", f"/account/whoami?{query}"), 400, "M_INVALID_PARAM")  # R11
    expect(api("GET", "/account/whoami", token="nobody"), 401, "M_UNKNOWN_TOKEN")


@pytest.mark.parametrize("token", ["a\0b", "\xff", "x" * 4097, "\xe9" * 3000])
def test_A4_some_tokens_can_be_nobodys(token: str) -> None:
    class Asked(MemoryHost):
        def identify(self, credentials: Credentials) -> Any:
            raise AssertionError(credentials)

    api = Api(Asked("example.org"))
    answer = api("GET", "/account/whoami", headers=(("Authorization", f"Bearer {token}"),))
    assert expect(answer, 401, UNKNOWN_TOKEN)["soft_logout"] is False


def test_A2_A14_settings_of_the_module_hold_here_too(host: AnyHost) -> None:
    host.add_user("irc_x", service_id="irc")
    api = Api(host, config={"allow_query_token": False, "device_id_alias": False})
    token = host.login("alice").access_token
    expect(api("GET", f"/account/whoami?access_token={token}"), 401, "M_MISSING_TOKEN")
    expect(api("GET", "/account/whoami?access_token=%", token=token), 200)
    query = "?user_id=@irc_x:example.org&org.matrix.msc3202.device_id=NONE"
    assert "device_id" not in expect(api("GET", f"/account/whoami{query}", token=IRC.as_token), 200)


def test_R11_parameters_that_are_broken(api: Api) -> None:
    for name in ("user_id", "device_id", "org.matrix.msc3202.device_id"):
        for query in (f"{name}=%0", f"{name}=%ff", f"{name}=a%00", f"{name}=a&{name}=a"):
            answer = api("GET", f"/account/whoami?{query}", token=IRC.as_token)
            expect(answer, 400, "M_INVALID_PARAM")


@pytest.mark.parametrize("scheme", ["http", "HTTPS"])
def test_R13_the_absolute_form_is_the_origin_form(api: Api, scheme: str) -> None:
    answer = api.api.handle(Request("GET", f"{scheme}://x:1/_matrix/client/versions"))
    assert answer is not None
    expect(answer, 200)
    assert api.api.handle(Request("GET", "ftp://x/_matrix/client/versions")) is None


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


def test_T1_T2_refreshes_at_once(api: Api) -> None:
    old = expect(api.login(refresh_token=True), 200)

    def refresh(token: str) -> Response:
        return api("POST", "/refresh", {"refresh_token": token})

    def whoami(token: str) -> Response:
        return api("GET", "/account/whoami", token=token)

    siblings = [expect(refresh(old["refresh_token"]), 200) for _ in range(4)]
    for sibling in siblings:
        expect(whoami(sibling["access_token"]), 200)
    deadline = time.monotonic() + 60
    while whoami(old["access_token"]).status == 200:  # the store notes a first use when it can
        assert time.monotonic() < deadline
        time.sleep(0.001)
    for refused in (whoami(old["access_token"]), refresh(old["refresh_token"])):
        assert expect(refused, 401, UNKNOWN_TOKEN)["soft_logout"] is True
    for sibling in siblings[1:]:
        assert expect(refresh(sibling["refresh_token"]), 401, UNKNOWN_TOKEN)["soft_logout"] is True
    expect(refresh(siblings[0]["refresh_token"]), 200)
    expect(api("POST", "/logout", token=siblings[0]["access_token"]), 200)
    for refused in (whoami(old["access_token"]), refresh(old["refresh_token"])):
        assert expect(refused, 401, UNKNOWN_TOKEN)["soft_logout"] is False


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
