"""The account endpoints: login."""

from __future__ import annotations

from typing import Any

import pytest

from api import LIMITED, PASSWORD, AnyHost, Api, expect, fill
from asking import Asking
from json_texts import json_texts
from matrix_devices import Forbidden, MatrixError, MemoryHost, Module, NotFound
from matrix_devices.server import AttemptLimits, Bucket


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
