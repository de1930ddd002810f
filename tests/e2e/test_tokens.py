"""Tokens: refreshed, ended by a logout, and whose they are: accounts.md, T1, T2; A4a."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from accounts import expect_dead, expect_error, password_login, post
from conftest import Launch
from matrix_device_conformance.client import Response, client_path
from matrix_device_conformance.homeserver import Device, Homeserver, Service
from matrix_device_conformance.server import Server, poll

TABS = 4
SHORT_LIFETIME_S = 2


def refresh(homeserver: Homeserver, token: str | None) -> Response:
    """POST /refresh."""
    return homeserver.client.request("POST", client_path("/refresh"), json={"refresh_token": token})


def expect_soft_logout(answer: Response, soft: bool, why: str) -> None:
    """401 M_UNKNOWN_TOKEN; not soft: the client throws its keys away."""
    assert (answer.status, answer.errcode) == (401, "M_UNKNOWN_TOKEN"), str(answer)
    assert answer.json["soft_logout"] is soft, why


def test_refresh(homeserver: Homeserver) -> None:
    """POST /refresh: new tokens for the same device; the old pair dies once they are used."""
    user = homeserver.new_user()
    device = user.login(name="phone", refresh=True)
    assert device.refresh_token
    first = refresh(homeserver, device.refresh_token)
    assert first.status == 200, str(first)
    assert first.json["expires_in_ms"] > 0
    again = refresh(homeserver, device.refresh_token)
    assert again.status == 200, f"the answer was lost, the client asks again: {again}"
    new = Device(user, device.device_id, again.json["access_token"])
    assert new.get().json["display_name"] == "phone"
    expect_error(device.list(), 401, "M_UNKNOWN_TOKEN")
    reused = refresh(homeserver, device.refresh_token)
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
        answer = refresh(homeserver, token)
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
        refreshed = refresh(homeserver, device.refresh_token)
        assert refreshed.status == 200, str(refreshed)
        return Device(user, device.device_id, refreshed.json["access_token"]).get().status == 200

    poll(is_used, 30, "a new access token is used before it expires")


def test_refreshes_at_once(homeserver: Homeserver) -> None:
    """T1: all answers to refreshes at once are good until one is used, and nobody loses keys."""
    user = homeserver.new_user()
    old = user.login(refresh=True)
    with ThreadPoolExecutor(TABS) as pool:
        answers = list(pool.map(lambda _: refresh(homeserver, old.refresh_token), range(TABS)))
    assert [answer.status for answer in answers] == [200] * TABS
    assert old.list().status == 200, "no new token has been used"
    tabs = [Device(user, old.device_id, answer.json["access_token"]) for answer in answers]
    assert [tab.list().status for tab in tabs] == [200] * TABS
    expect_soft_logout(old.list(), True, "it was replaced")
    expect_soft_logout(refresh(homeserver, old.refresh_token), True, "it was replaced")
    first, *others = (answer.json["refresh_token"] for answer in answers)
    assert refresh(homeserver, first).status == 200, "the first tab was the first to use its token"
    for other in others:
        expect_soft_logout(refresh(homeserver, other), True, "another tab was first")
    assert [tab.list().status for tab in tabs] == [200] * TABS, "they run out by time"


def test_soft_logout_ends_with_the_login(homeserver: Homeserver) -> None:
    """T2, A4a: true for what was replaced; false once the login or its device is gone."""
    user = homeserver.new_user()
    replaced = user.login("SAME", refresh=True)
    answer = refresh(homeserver, replaced.refresh_token)
    new = Device(user, "SAME", answer.json["access_token"], answer.json["refresh_token"])
    assert new.list().status == 200
    for request in (
        lambda: replaced.list(),
        lambda: replaced.request("GET", "/account/whoami"),
        lambda: replaced.request("POST", "/logout", json={}),
        lambda: refresh(homeserver, replaced.refresh_token),
    ):
        expect_soft_logout(request(), True, "its device is there")
    again = user.login("SAME", refresh=True)
    for token in (replaced, new):
        expect_soft_logout(token.list(), False, "a login on the device ID ended it")
        expect_soft_logout(refresh(homeserver, token.refresh_token), False, "and so for refresh")
    answer = refresh(homeserver, again.refresh_token)
    assert (
        Device(user, "SAME", answer.json["access_token"]).request("POST", "/logout", json={}).status
        == 200
    )
    expect_soft_logout(again.list(), False, "its device is gone")
    expect_soft_logout(refresh(homeserver, again.refresh_token), False, "its device is gone")


def test_unused_devices_are_deleted(
    homeserver: Homeserver, server: Server, restart: Callable[[], None]
) -> None:
    """T11: --delete-devices-after; what is younger, or seen since, stays."""
    user = homeserver.new_user()
    devices = [user.login() for _ in range(3)]
    used, *unused = devices
    with sqlite3.connect(server.database, timeout=30) as database:
        database.execute("UPDATE devices SET created_ms = created_ms - 40 * 86400000")
    assert used.list().status == 200
    with contextlib.closing(sqlite3.connect(server.database, timeout=30)) as database:
        seen = "SELECT count(*) FROM devices WHERE last_seen_ms IS NOT NULL"
        poll(lambda: database.execute(seen).fetchone() == (1,), 30, "last seen")
    server.stop()
    server.options += ["--delete-devices-after", "30d"]
    restart()
    poll(lambda: used.device_ids() == {used.device_id}, 30, "the unused devices are deleted")
    for device in unused:
        expect_soft_logout(device.list(), False, "its device is gone")


def test_logout(homeserver: Homeserver) -> None:
    """POST /logout: the device and its tokens are gone, the others stay."""
    user = homeserver.new_user()
    device, other = user.login(refresh=True), user.login()
    answer = device.request("POST", "/logout", json={})
    assert (answer.status, answer.json) == (200, {})
    expect_dead(device)
    refreshed = refresh(homeserver, device.refresh_token)
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
