"""The account endpoints: registration."""

from __future__ import annotations

from typing import Any

import pytest

from api import DUMMY, FORBIDDEN, IRC, AnyHost, Api, expect, quick_host
from asking import Asking
from matrix_devices import Module
from matrix_devices.server.registration_sessions import MAX_SESSIONS, RegistrationSessions


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
