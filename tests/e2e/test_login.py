"""POST /login: with a password, by an application service, and to a device that is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from accounts import expect_dead, expect_error, limits_file, password_login, post
from conftest import Launch
from matrix_device_conformance.client import Response, client_path
from matrix_device_conformance.homeserver import Device, Homeserver, Service, User
from matrix_device_conformance.server import SERVER_NAME, Server


def test_login_flows(homeserver: Homeserver) -> None:
    """GET /login offers password and application service."""
    answer = homeserver.client.request("GET", client_path("/login"))
    assert answer.status == 200
    types = {flow["type"] for flow in answer.json["flows"]}
    assert types >= {"m.login.password", "m.login.application_service"}


def test_login(homeserver: Homeserver) -> None:
    """POST /login: a new device with a token that works."""
    user = homeserver.new_user()
    for name in (user.localpart, user.user_id):
        answer = post(homeserver, "/login", password_login(name, user.password))
        assert answer.status == 200, str(answer)
        assert set(answer.json) >= {"user_id", "access_token", "device_id"}
        assert not {"refresh_token", "expires_in_ms"} & set(answer.json)
        assert answer.json["user_id"] == user.user_id
        device = Device(user, answer.json["device_id"], answer.json["access_token"])
        assert device.get().status == 200
    assert len(device.device_ids()) == 2


def test_login_of_old_clients(homeserver: Homeserver) -> None:
    """POST /login under r0, and with the old-style `user`."""
    user = homeserver.new_user()
    body = {"type": "m.login.password", "user": user.localpart, "password": user.password}
    answer = homeserver.client.request("POST", client_path("/login", "r0"), json=body)
    assert answer.status == 200, str(answer)


def test_login_refused(homeserver: Homeserver) -> None:
    """A wrong password and a user that is not there get the same answer."""
    user = homeserver.new_user()
    wrong = post(homeserver, "/login", password_login(user.localpart, "wrong"))
    expect_error(wrong, 403, "M_FORBIDDEN")
    nobody = post(homeserver, "/login", password_login("nobody", user.password))
    expect_error(nobody, 403, "M_FORBIDDEN")
    assert nobody.json == wrong.json
    elsewhere = password_login(f"@{user.localpart}:elsewhere.example", user.password)
    expect_error(post(homeserver, "/login", elsewhere), 403, "M_FORBIDDEN")


BAD_LOGINS: list[Any] = [
    {},
    [],
    {"type": "m.login.unknown"},
    {"type": 1},
    {"type": "m.login.password"},
    {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "a"}},
    {"type": "m.login.password", "password": "x"},
    {"type": "m.login.password", "identifier": "a", "password": "x"},
    {**password_login("a", "x"), "device_id": 1},
    {**password_login("a", "x"), "refresh_token": "yes"},
]


@pytest.mark.parametrize("number", range(len(BAD_LOGINS)))
def test_bad_login(homeserver: Homeserver, number: int) -> None:
    """A login that makes no sense is 400."""
    answer = post(homeserver, "/login", BAD_LOGINS[number])
    assert answer.status == 400, str(answer)
    assert answer.errcode


def test_bad_device_id(homeserver: Homeserver) -> None:
    """A device ID that nothing could own is 400, and nothing is made."""
    user = homeserver.new_user()
    for device_id in ("x" * 256, "a\x00b", "a\nb"):
        body = {**password_login(user.localpart, user.password), "device_id": device_id}
        assert post(homeserver, "/login", body).status == 400
    assert len(user.login().device_ids()) == 1


def test_guessing_is_limited(launch: Launch, tmp_path: Path) -> None:
    """Login: guesses end in a 429 with Retry-After; the password is not tried any more."""
    config = limits_file(tmp_path, login_address_user=3)
    server = launch("--open-registration", "--config", config)
    homeserver = Homeserver(server.client, server=server)
    user = homeserver.new_user()
    device = user.login()
    wrong = password_login(user.localpart, "wrong")
    for _ in range(3):
        expect_error(post(homeserver, "/login", wrong), 403, "M_FORBIDDEN")
    answer = post(homeserver, "/login", wrong)
    expect_error(answer, 429, "M_LIMIT_EXCEEDED")
    assert int(answer.headers["Retry-After"]) >= 1
    right = post(homeserver, "/login", password_login(user.localpart, user.password))
    assert right.status == 429
    assert device.list().status == 200


def test_login_on_an_existing_device(homeserver: Homeserver) -> None:
    """Logging in with an existing device_id kills its old tokens, and keeps its name."""
    user = homeserver.new_user()
    bystander = user.login()
    old = user.login("SAME", name="first", refresh=True)
    new = user.login("SAME", name="second")
    expect_dead(old)
    refreshed = post(homeserver, "/refresh", {"refresh_token": old.refresh_token})
    expect_error(refreshed, 401, "M_UNKNOWN_TOKEN")
    assert new.get().json["display_name"] == "first"
    assert new.device_ids() == {"SAME", bystander.device_id}
    assert bystander.list().status == 200


def test_same_device_id_of_two_users(homeserver: Homeserver) -> None:
    """One device ID, two users: they are two devices."""
    first, second = homeserver.new_user(), homeserver.new_user()
    one, other = first.login("SAME", name="one"), second.login("SAME", name="other")
    assert one.get().json["display_name"] == "one"
    assert one.delete("SAME", first.auth()).status == 200
    assert other.get().json["display_name"] == "other"


def test_service_logs_in(homeserver: Homeserver, service: Service, other: Service) -> None:
    """m.login.application_service logs its own users in."""
    user_id = service.new_user()

    def login(user: str, token: str | None) -> Response:
        identifier = {"type": "m.id.user", "user": user}
        body = {
            "type": "m.login.application_service",
            "identifier": identifier,
            "device_id": "BRIDGE",
        }
        return post(homeserver, "/login", body, token)

    answer = login(user_id, service.as_token)
    assert answer.status == 200, str(answer)
    device = Device(User(homeserver, user_id, ""), "BRIDGE", answer.json["access_token"])
    assert device.device_ids() == {"BRIDGE"}
    human = homeserver.new_user()
    for user, token in (
        (human.user_id, service.as_token),
        (user_id, other.as_token),
        (f"@{service.prefix}nobody:{SERVER_NAME}", service.as_token),
        (user_id, None),
        (user_id, "nobody"),
        (user_id, human.login().access_token),
    ):
        refused = login(user, token)
        assert refused.status in (401, 403), str(refused)
    assert device.list().status == 200


@pytest.fixture
def other(homeserver: Homeserver) -> Service:
    """Another application service."""
    return homeserver.services["limited"]


def test_locked_user(homeserver: Homeserver, server: Server) -> None:
    """A locked user can neither log in nor refresh; logout goes on working."""
    user = homeserver.new_user()
    device = user.login(refresh=True)
    server.command("user", "lock", user.localpart)
    login = post(homeserver, "/login", password_login(user.localpart, user.password))
    assert login.errcode == "M_USER_LOCKED", str(login)
    refreshed = post(homeserver, "/refresh", {"refresh_token": device.refresh_token})
    assert refreshed.errcode == "M_USER_LOCKED", str(refreshed)
    assert device.request("POST", "/logout", json={}).status == 200
    server.command("user", "unlock", user.localpart)
    expect_dead(device)
