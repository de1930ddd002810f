"""When and from where a device was last seen."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any

import pytest

from conftest import Launch
from matrix_device_conformance.client import device_path
from matrix_device_conformance.homeserver import Device, Homeserver
from matrix_device_conformance.server import Server, poll

MINUTE_MS = 60_000


def last_seen(device: Device) -> dict[str, Any]:
    """The device as it is shown, once it has been seen."""

    def seen() -> dict[str, Any] | None:
        shown = device.get().json
        return shown if shown["last_seen_ts"] is not None else None

    return poll(seen, 20, "last_seen_ts")


def test_written(homeserver: Homeserver) -> None:
    """A request is seen: the peer's address, the time."""
    before_ms = time.time() * 1000
    device = homeserver.new_user().login()
    shown = last_seen(device)
    assert shown["last_seen_ip"] == "127.0.0.1"
    assert before_ms - 1000 <= shown["last_seen_ts"] <= time.time() * 1000 + 1000


def test_at_most_once_a_minute(
    homeserver: Homeserver, server: Server, restart: Callable[[], None]
) -> None:
    """Within a minute it stays; after one it is written again, also over a restart."""
    device = homeserver.new_user().login()
    first = last_seen(device)["last_seen_ts"]
    for _ in range(50):
        assert device.list().status == 200
    server.stop()
    with sqlite3.connect(server.database) as database:
        stored = database.execute("SELECT last_seen_ms FROM devices").fetchall()
        assert stored == [(first,)]
        database.execute("UPDATE devices SET last_seen_ms = last_seen_ms - ?", (MINUTE_MS + 1,))
    database.close()
    restart()
    poll(lambda: last_seen(device)["last_seen_ts"] >= first, 20, "last seen is written again")


def test_failed_requests_are_not_seen(homeserver: Homeserver) -> None:
    """A request whose token fits nobody stamps nobody."""
    user = homeserver.new_user()
    device, target = user.login(), user.login()
    before = device.get(target.device_id).json
    impostor = Device(user, target.device_id, target.access_token + "x")
    assert impostor.list().status == 401
    assert device.get(target.device_id).json == before


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        (["203.0.113.7"], "203.0.113.7"),
        (["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        (["203.0.113.7, 127.0.0.1"], "203.0.113.7"),
        (["2001:db8::7"], "2001:db8::7"),
        (["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
        (["nonsense"], "127.0.0.1"),
        ([""], "127.0.0.1"),
        ([], "127.0.0.1"),
    ],
)
def test_behind_a_trusted_proxy(launch: Launch, forwarded: list[str], expected: str) -> None:
    """--trust-proxy: the last address that is not a trusted proxy's own."""
    server = launch("--open-registration", "--trust-proxy", "127.0.0.1")
    headers = [("X-Forwarded-For", value) for value in forwarded]
    expect_address(Homeserver(server.client, server=server), headers, expected)


def test_without_a_trusted_proxy(homeserver: Homeserver) -> None:
    """Without --trust-proxy what a client says of its address is nothing."""
    expect_address(homeserver, [("X-Forwarded-For", "203.0.113.7")], "127.0.0.1")


def test_another_proxy_is_trusted(launch: Launch) -> None:
    """Only the proxies named are."""
    server = launch("--open-registration", "--trust-proxy", "192.0.2.1")
    homeserver = Homeserver(server.client, server=server)
    expect_address(homeserver, [("X-Forwarded-For", "203.0.113.7")], "127.0.0.1")


def expect_address(homeserver: Homeserver, headers: list[tuple[str, str]], expected: str) -> None:
    """A device that has never been seen is seen from there."""
    user = homeserver.new_user()
    device = homeserver.issue_token(user, "--device", "UNSEEN")

    def address() -> str | None:
        shown = device.request("GET", device_path("UNSEEN"), headers=headers)
        return shown.json.get("last_seen_ip")

    assert poll(address, 20, "last_seen_ip") == expected
