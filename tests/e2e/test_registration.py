"""POST /register: of users, guests and application services."""

from __future__ import annotations

from typing import Any

from accounts import expect_error, post
from conftest import Launch
from matrix_device_conformance.homeserver import Device, Homeserver, Service, User
from matrix_device_conformance.server import SERVER_NAME


def test_register(homeserver: Homeserver) -> None:
    """POST /register: a challenge, then an account with a device."""
    body: dict[str, Any] = {"username": "newcomer", "password": "correct horse"}
    first = post(homeserver, "/register", body)
    assert first.status == 401, str(first)
    assert {"stages": ["m.login.dummy"]} in first.json["flows"]
    body["auth"] = {"type": "m.login.dummy", "session": first.json["session"]}
    body["device_id"] = "FIRST"
    body["initial_device_display_name"] = "first device"
    second = post(homeserver, "/register", body)
    assert second.status == 200, str(second)
    assert second.json["user_id"] == f"@newcomer:{SERVER_NAME}"
    user = User(homeserver, second.json["user_id"], "correct horse")
    device = Device(user, "FIRST", second.json["access_token"])
    assert device.get().json["display_name"] == "first device"
    assert user.login().device_ids() >= {"FIRST"}


def test_register_without_login(homeserver: Homeserver) -> None:
    """inhibit_login: an account and no device."""
    body = {
        "username": "quiet",
        "password": "correct horse",
        "inhibit_login": True,
        "auth": {"type": "m.login.dummy"},
    }
    answer = post(homeserver, "/register", body)
    assert answer.status == 200, str(answer)
    assert answer.json["user_id"] == f"@quiet:{SERVER_NAME}"
    assert not {"access_token", "device_id", "refresh_token"} & set(answer.json)
    user = User(homeserver, answer.json["user_id"], "correct horse")
    assert len(user.login().device_ids()) == 1


def test_register_refused(homeserver: Homeserver, service: Service) -> None:
    """Names that are taken, not valid, or a service's own."""
    user = homeserver.new_user()
    for username, errcode in (
        (user.localpart, "M_USER_IN_USE"),
        ("Not Valid", "M_INVALID_USERNAME"),
        ("x" * 300, "M_INVALID_USERNAME"),
        (service.prefix + "a", "M_EXCLUSIVE"),
    ):
        body = {"username": username, "password": "x", "auth": {"type": "m.login.dummy"}}
        expect_error(post(homeserver, "/register", body), 400, errcode)


def test_register_is_closed_by_default(launch: Launch) -> None:
    """Without --open-registration: 403 for users and guests."""
    server = launch()
    homeserver = Homeserver(server.client, server=server)
    body = {"username": "a", "password": "b", "auth": {"type": "m.login.dummy"}}
    expect_error(post(homeserver, "/register", body), 403, "M_FORBIDDEN")
    assert post(homeserver, "/register?kind=guest", {}).status == 403


def test_guest(homeserver: Homeserver) -> None:
    """kind=guest: a guest with a device, who may read and rename only."""
    answer = post(homeserver, "/register?kind=guest", {})
    assert answer.status == 200, str(answer)
    guest = Device(
        User(homeserver, answer.json["user_id"], ""),
        answer.json["device_id"],
        answer.json["access_token"],
    )
    assert guest.request("GET", "/account/whoami").json["is_guest"] is True
    assert guest.get().status == 200
    assert guest.delete(guest.device_id).errcode == "M_GUEST_ACCESS_FORBIDDEN"


def test_service_registers(homeserver: Homeserver, service: Service) -> None:
    """m.login.application_service registers in the namespace, and nowhere else."""
    kind = {"type": "m.login.application_service"}
    inside = {**kind, "username": service.prefix + "new"}
    answer = post(homeserver, "/register", inside, service.as_token)
    assert answer.status == 200, str(answer)
    device = Device(
        User(homeserver, answer.json["user_id"], ""),
        answer.json["device_id"],
        answer.json["access_token"],
    )
    assert device.get().status == 200
    again = post(homeserver, "/register", inside, service.as_token)
    expect_error(again, 400, "M_USER_IN_USE")
    outside = post(homeserver, "/register", {**kind, "username": "mallory"}, service.as_token)
    expect_error(outside, 400, "M_EXCLUSIVE")
    user_token = homeserver.new_user().login().access_token
    for token in (None, "nobody", user_token):
        refused = post(homeserver, "/register", {**inside, "username": "x"}, token)
        assert refused.status in (401, 403), str(refused)
