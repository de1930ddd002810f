"""Tokens that are refreshed: accounts.md, T1 and T2; behaviour.md, A4a."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from matrix_device_conformance.client import Response, client_path
from matrix_device_conformance.homeserver import Device, Homeserver
from matrix_device_conformance.server import Server, poll

TABS = 4


def refresh(homeserver: Homeserver, token: str | None) -> Response:
    """POST /refresh."""
    return homeserver.client.request("POST", client_path("/refresh"), json={"refresh_token": token})


def expect_soft_logout(answer: Response, soft: bool, why: str) -> None:
    """401 M_UNKNOWN_TOKEN; not soft: the client throws its keys away."""
    assert (answer.status, answer.errcode) == (401, "M_UNKNOWN_TOKEN"), str(answer)
    assert answer.json["soft_logout"] is soft, why


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
