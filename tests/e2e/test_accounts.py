"""The endpoints that give a client its token and keep it: login to logout, register, whoami."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import Launch
from matrix_device_conformance.client import Response, client_path
from matrix_device_conformance.homeserver import Device, Homeserver, Service, User
from matrix_device_conformance.server import SERVER_NAME, Server, poll

SHORT_LIFETIME_S = 2


def post(homeserver: Homeserver, path: str, body: Any, token: str | None = None) -> Response:
    """POST to a Client-Server API path."""
    return homeserver.client.request("POST", client_path(path), json=body, token=token)


def password_login(user: str, password: str) -> dict[str, Any]:
    """The body of a login."""
    return {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": user},
        "password": password,
    }


def expect_error(answer: Response, status: int, errcode: str) -> None:
    """A standard error."""
    assert (answer.status, answer.errcode) == (status, errcode), str(answer)
    assert answer.json["error"]


def expect_dead(device: Device) -> None:
    """The token is nobody's."""
    answer = device.list()
    expect_error(answer, 401, "M_UNKNOWN_TOKEN")
    assert answer.json["soft_logout"] is False


def test_versions(homeserver: Homeserver) -> None:
    """GET /versions, with and without a token, good or bad."""
    device = homeserver.new_user().login()
    for token in (None, device.access_token, "nobody"):
        answer = homeserver.client.request("GET", "/_matrix/client/versions", token=token)
        assert answer.status == 200
        assert "v1.17" in answer.json["versions"]


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


def limits_file(folder: Path, **limits: int) -> str:
    """Settings that let so many through, of which none comes back while a test lasts."""
    path = folder / "limits.json"
    once = {name: {"burst": burst, "interval_ms": 3_600_000} for name, burst in limits.items()}
    path.write_text(json.dumps({"server": {"limits": once}}))
    return str(path)


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


def test_refresh(homeserver: Homeserver) -> None:
    """POST /refresh: new tokens for the same device; the old pair dies once they are used."""
    user = homeserver.new_user()
    device = user.login(name="phone", refresh=True)
    assert device.refresh_token
    first = post(homeserver, "/refresh", {"refresh_token": device.refresh_token})
    assert first.status == 200, str(first)
    assert first.json["expires_in_ms"] > 0
    again = post(homeserver, "/refresh", {"refresh_token": device.refresh_token})
    assert again.status == 200, f"the answer was lost, the client asks again: {again}"
    new = Device(user, device.device_id, again.json["access_token"])
    assert new.get().json["display_name"] == "phone"
    expect_error(device.list(), 401, "M_UNKNOWN_TOKEN")
    reused = post(homeserver, "/refresh", {"refresh_token": device.refresh_token})
    expect_error(reused, 401, "M_UNKNOWN_TOKEN")
    assert new.device_ids() == {device.device_id}


@pytest.mark.parametrize("body", [{}, {"refresh_token": 1}, {"refresh_token": None}, []])
def test_bad_refresh(homeserver: Homeserver, body: Any) -> None:
    """A refresh without a token is 400."""
    assert post(homeserver, "/refresh", body).status == 400


def test_refresh_with_an_unknown_token(homeserver: Homeserver) -> None:
    """An unknown refresh token, and an access token in its place, are 401."""
    device = homeserver.new_user().login()
    for token in ("nobody", "", device.access_token):
        answer = post(homeserver, "/refresh", {"refresh_token": token})
        expect_error(answer, 401, "M_UNKNOWN_TOKEN")
    used_as_access = Device(device.user, "", device.user.login(refresh=True).refresh_token or "")
    expect_error(used_as_access.list(), 401, "M_UNKNOWN_TOKEN")


def test_access_token_lifetime(launch: Launch) -> None:
    """A refreshable access token expires after --access-token-lifetime: a soft logout."""
    server = launch("--open-registration", "--access-token-lifetime", f"{SHORT_LIFETIME_S}s")
    homeserver = Homeserver(server.client, server=server)
    user = homeserver.new_user()
    lasting = user.login()
    device = user.login(refresh=True)
    login = {**password_login(user.localpart, user.password), "refresh_token": True}
    expires_in_ms = post(homeserver, "/login", login).json["expires_in_ms"]
    assert 0 < expires_in_ms <= 1000 * SHORT_LIFETIME_S
    poll(lambda: device.list().status == 401, 30, "the access token expires")
    expired = device.list()
    expect_error(expired, 401, "M_UNKNOWN_TOKEN")
    assert expired.json["soft_logout"] is True
    assert device.device_id in lasting.device_ids()

    def is_used() -> bool:
        # Until a new token has been used the refresh token is good; each lives as briefly.
        refreshed = post(homeserver, "/refresh", {"refresh_token": device.refresh_token})
        assert refreshed.status == 200, str(refreshed)
        return Device(user, device.device_id, refreshed.json["access_token"]).get().status == 200

    poll(is_used, 30, "a new access token is used before it expires")


def test_logout(homeserver: Homeserver) -> None:
    """POST /logout: the device and its tokens are gone, the others stay."""
    user = homeserver.new_user()
    device, other = user.login(refresh=True), user.login()
    answer = device.request("POST", "/logout", json={})
    assert (answer.status, answer.json) == (200, {})
    expect_dead(device)
    refreshed = post(homeserver, "/refresh", {"refresh_token": device.refresh_token})
    expect_error(refreshed, 401, "M_UNKNOWN_TOKEN")
    assert other.device_ids() == {other.device_id}
    expect_error(device.request("POST", "/logout", json={}), 401, "M_UNKNOWN_TOKEN")


def test_logout_without_a_body(homeserver: Homeserver) -> None:
    """POST /logout without a body."""
    device = homeserver.new_user().login()
    assert device.request("POST", "/logout").status == 200
    expect_dead(device)


def test_logout_all(homeserver: Homeserver) -> None:
    """POST /logout/all: every device of the user, and of nobody else."""
    user, other = homeserver.new_user(), homeserver.new_user().login()
    devices = [user.login() for _ in range(3)]
    answer = devices[0].request("POST", "/logout/all", json={})
    assert (answer.status, answer.json) == (200, {})
    for device in devices:
        expect_dead(device)
    assert len(user.login().device_ids()) == 1
    assert other.list().status == 200


def test_whoami(homeserver: Homeserver, service: Service) -> None:
    """GET /account/whoami: user, device, guest or not; services as themselves and as users."""
    user = homeserver.new_user()
    device = user.login()
    answer = device.request("GET", "/account/whoami")
    assert answer.status == 200
    assert answer.json["user_id"] == user.user_id
    assert answer.json["device_id"] == device.device_id
    assert answer.json.get("is_guest", False) is False
    nobody = homeserver.client.request("GET", client_path("/account/whoami"))
    expect_error(nobody, 401, "M_MISSING_TOKEN")
    assert service.request("GET", "/account/whoami").json["user_id"] == service.sender
    user_id = service.new_user()
    acting = service.request("GET", "/account/whoami", user_id=user_id)
    assert acting.json["user_id"] == user_id
    assert acting.json.get("device_id") is None
    service.put("BRIDGE", {}, user_id=user_id)
    on_device = {"user_id": user_id, "device_id": "BRIDGE"}
    assert service.request("GET", "/account/whoami", **on_device).json["device_id"] == "BRIDGE"
    outside = service.request("GET", "/account/whoami", user_id=user.user_id)
    expect_error(outside, 403, "M_FORBIDDEN")


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


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/_matrix/client/v3/nothing", 404),
        ("GET", "/", 404),
        ("DELETE", "/_matrix/client/v3/login", 405),
        ("GET", "/_matrix/client/v3/register", 405),
        ("POST", "/_matrix/client/versions", 405),
    ],
)
def test_unknown_routes(homeserver: Homeserver, method: str, path: str, status: int) -> None:
    """What is nobody's is 404, a wrong method 405, both M_UNRECOGNIZED."""
    answer = homeserver.client.request(method, path)
    expect_error(answer, status, "M_UNRECOGNIZED")


@pytest.mark.parametrize(
    "path", ["/login", "/register", "/refresh", "/logout", "/logout/all", "/account/whoami"]
)
def test_options(homeserver: Homeserver, path: str) -> None:
    """A browser's preflight is answered everywhere, with CORS headers."""
    answer = homeserver.client.request("OPTIONS", client_path(path))
    assert answer.status in (200, 204)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"].lower()


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (None, {"display_name": None, "last_seen_ip": None, "last_seen_ts": None}),
        ({"server": {}}, {"display_name": None, "last_seen_ip": None, "last_seen_ts": None}),
        ({"unknown_fields": "omit"}, {}),
    ],
)
def test_T13_what_is_not_known_is_null(
    launch: Launch,
    open_options: list[str],
    services: list[Service],
    tmp_path: Path,
    config: dict | None,
    expected: dict,
) -> None:
    """T13: null where nothing is known, unless unknown_fields says otherwise."""
    options = list(open_options)
    if config is not None:
        path = tmp_path / "config.json"
        path.write_text(json.dumps(config))
        options += ["--config", str(path)]
    server = launch(*options)
    service = Homeserver(server.client, server=server, services=services).services["unlimited"]
    user_id = service.new_user()
    service.put("BARE", {}, user_id=user_id)
    answer = service.request("GET", "/devices/BARE", user_id=user_id)
    assert answer.json == {"device_id": "BARE", **expected}
