"""`device …` and `token …` on the database of a running server."""

from __future__ import annotations

import subprocess
import time

import pytest

from commands import NOT_FOUND, REFUSED, USAGE, expect_error, json_of
from matrix_device_conformance.client import client_path, device_path
from matrix_device_conformance.homeserver import Device, Homeserver, User
from matrix_device_conformance.server import Server, poll


@pytest.fixture
def alice(homeserver: Homeserver) -> User:
    """An account with a password."""
    return homeserver.new_user()


def test_device_list(server: Server, alice: User) -> None:
    """device list: what is known of each, by ID; for other programs with tabs."""
    before_ms = int(time.time() * 1000)
    phone = alice.login("PHONE", name="phone\twith a tab and \x1b[31mred\u202e")
    alice.login("TABLET")
    assert phone.list().status == 200

    def devices() -> dict[str, dict[str, object]]:
        document = json_of(server, "device", "list", alice.localpart)
        assert document["user_id"] == alice.user_id
        return {device["device_id"]: device for device in document["devices"]}

    poll(lambda: devices()["PHONE"]["last_seen_ms"], 20, "it is written when it was seen")
    found = devices()
    assert list(found) == ["PHONE", "TABLET"]
    created_ms = found["TABLET"].pop("created_ms")
    assert isinstance(created_ms, int)
    assert -60_000 < created_ms - before_ms < 600_000
    assert found["TABLET"] == {
        "device_id": "TABLET",
        "display_name": None,
        "signed_in": True,
        "last_seen_ms": None,
        "last_seen_ip": None,
    }
    assert found["PHONE"]["display_name"] == "phone\twith a tab and \x1b[31mred\u202e"
    assert found["PHONE"]["last_seen_ip"] == "127.0.0.1"
    rows = server.command("device", "list", alice.localpart).stdout.splitlines()
    phone_row, tablet_row = (row.split("\t") for row in rows)
    assert phone_row[:2] + phone_row[3:4] == ["PHONE", "yes", "127.0.0.1"]
    assert phone_row[5] == "phone\\x09with a tab and \\x1b[31mred\\u{202e}", "a terminal obeys it"
    assert (tablet_row[0], tablet_row[2], tablet_row[5]) == ("TABLET", "-", "-")
    expect_error(server, NOT_FOUND, "device", "list", "nobody")


def test_device_delete(homeserver: Homeserver, server: Server, alice: User) -> None:
    """D12: device delete: as its user would, and the running server knows at once."""
    phone, tablet = alice.login("PHONE", refresh=True), alice.login("TABLET")
    kept = alice.login("KEPT")
    delete = ("device", "delete", alice.localpart)
    assert "--yes" in expect_error(server, REFUSED, *delete, "PHONE")
    missing = expect_error(server, NOT_FOUND, *delete, "PHONE", "NONE", "--yes")
    assert "NONE" in missing
    assert phone.list().status == 200, "none was deleted"
    done = server.command(*delete, "PHONE", "TABLET", "--yes")
    assert done.stdout == f"deleted 2 devices of {alice.user_id}\n"
    for device in (phone, tablet):
        dead = device.list()
        assert (dead.errcode, dead.json["soft_logout"]) == ("M_UNKNOWN_TOKEN", False)
    refreshed = homeserver.client.request(
        "POST", client_path("/refresh"), json={"refresh_token": phone.refresh_token}
    )
    assert refreshed.status == 401
    assert kept.device_ids() == {"KEPT"}
    expect_error(server, NOT_FOUND, *delete, "PHONE", "--yes")
    expect_error(server, NOT_FOUND, "device", "delete", "nobody", "KEPT", "--yes")


def test_device_delete_ends_what_it_has_begun(server: Server, alice: User) -> None:
    """D12: a deletion that was half way does not go on from a device that is gone."""
    phone, target = alice.login("PHONE"), alice.login("TARGET")
    phone.begin_delete(target.device_id)
    server.command("device", "delete", alice.localpart, "PHONE", "--yes")
    assert phone.delete(target.device_id, alice.auth()).errcode == "M_UNKNOWN_TOKEN"
    assert target.device_ids() == {"TARGET"}


def test_device_delete_all(server: Server, alice: User) -> None:
    """device delete --all: every one, however many."""
    devices = [alice.login() for _ in range(3)]
    delete = ("device", "delete", alice.localpart, "--all", "--yes")
    assert json_of(server, *delete) == {"user_id": alice.user_id, "deleted": 3}
    assert [device.list().errcode for device in devices] == ["M_UNKNOWN_TOKEN"] * 3
    assert json_of(server, *delete) == {"user_id": alice.user_id, "deleted": 0}
    assert json_of(server, "device", "list", alice.localpart)["devices"] == []


def test_device_id_like_an_option(homeserver: Homeserver, server: Server, alice: User) -> None:
    """device delete … -- -ID"""
    homeserver.issue_token(alice, "--device=-X")
    expect_error(server, USAGE, "device", "delete", alice.localpart, "-X", "--yes")
    command = [server.binary, "device", "delete", alice.localpart, "--yes"]
    command += ["--database", str(server.database), "--", "-X"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"deleted 1 device of {alice.user_id}\n"


def expect_soft_logout(homeserver: Homeserver, device: Device) -> None:
    """Neither token is good, and the client keeps its keys."""
    dead = device.list()
    assert (dead.status, dead.errcode) == (401, "M_UNKNOWN_TOKEN")
    assert dead.json["soft_logout"] is True
    if device.refresh_token is None:
        return
    refreshed = homeserver.client.request(
        "POST", client_path("/refresh"), json={"refresh_token": device.refresh_token}
    )
    assert (refreshed.status, refreshed.json["soft_logout"]) == (401, True)


@pytest.mark.parametrize(
    ("refresh", "which"),
    [(False, "access_token"), (True, "access_token"), (True, "refresh_token")],
)
def test_T14_token_revoke(
    homeserver: Homeserver, server: Server, alice: User, refresh: bool, which: str
) -> None:
    """T14: token revoke: a token from standard input; its device stays."""
    phone, other = alice.login("PHONE", name="phone", refresh=refresh), alice.login("OTHER")
    token = getattr(phone, which)
    done = server.command("token", "revoke", stdin=token + "\n")
    assert done.stdout == f"revoked the tokens of 1 device (PHONE) of {alice.user_id}\n"
    expect_soft_logout(homeserver, phone)
    assert other.get("PHONE").json["display_name"] == "phone"
    again = alice.login("PHONE")
    assert again.list().status == 200
    for dead in (token, "nobody's"):
        message = expect_error(server, NOT_FOUND, "token", "revoke", stdin=dead)
        assert dead not in message
    expect_error(server, USAGE, "token", "revoke", stdin="")


def test_T14_token_revoke_by_device(homeserver: Homeserver, server: Server, alice: User) -> None:
    """T14: token revoke NAME DEVICE…, or --all."""
    devices = [alice.login(name, refresh=True) for name in ("A", "B", "C")]
    revoke = ("token", "revoke", alice.localpart)
    expect_error(server, NOT_FOUND, *revoke, "A", "NONE")
    assert devices[0].list().status == 200, "nothing was changed"
    assert json_of(server, *revoke, "A") == {
        "user_id": alice.user_id,
        "device_id": "A",
        "revoked": 1,
    }
    expect_soft_logout(homeserver, devices[0])
    assert json_of(server, *revoke, "--all") == {
        "user_id": alice.user_id,
        "device_id": None,
        "revoked": 2,
    }
    for device in devices:
        expect_soft_logout(homeserver, device)
    listed = json_of(server, "device", "list", alice.localpart)["devices"]
    assert [(device["device_id"], device["signed_in"]) for device in listed] == [
        ("A", False),
        ("B", False),
        ("C", False),
    ]
    expect_error(server, USAGE, *revoke)
    expect_error(server, NOT_FOUND, "token", "revoke", "nobody", "--all")


def test_token_issue(homeserver: Homeserver, server: Server, alice: User) -> None:
    """token issue prints one token and nothing else; it works at once."""
    done = server.command("token", "issue", alice.localpart, "--device", "OPERATOR")
    token = done.stdout.strip()
    assert len(token.split()) == 1
    device = Device(alice, "OPERATOR", token)
    assert device.device_ids() == {"OPERATOR"}
    assert device.delete("OPERATOR", alice.auth()).status == 200


def test_token_issue_as_json(server: Server, alice: User) -> None:
    """token issue --json: whose it is, and for how long."""
    issued = json_of(server, "token", "issue", alice.localpart, "--device", "D")
    token = issued.pop("access_token")
    assert issued == {"user_id": alice.user_id, "device_id": "D", "expires_in_ms": None}
    assert Device(alice, "D", token).device_ids() == {"D"}
    hour = json_of(server, "token", "issue", alice.localpart, "--lifetime", "1h")
    assert hour["expires_in_ms"] == 3_600_000
    server.command("user", "lock", alice.localpart)
    assert "locked" in expect_error(server, REFUSED, "token", "issue", alice.localpart)


def test_token_on_an_existing_device(homeserver: Homeserver, alice: User) -> None:
    """token issue --device of a device that is there: its old tokens die, as with a login."""
    device = alice.login("SAME", name="phone")
    new = homeserver.issue_token(alice, "--device", "SAME")
    assert new.get("SAME").json["display_name"] == "phone"
    assert device.list().errcode == "M_UNKNOWN_TOKEN"


def test_oauth_token(homeserver: Homeserver, alice: User) -> None:
    """token issue --oauth: a token that may not delete."""
    oauth = homeserver.issue_token(alice, "--oauth", "--device", "OAUTH")
    assert oauth.list().status == 200
    answer = oauth.request("DELETE", device_path("OAUTH"))
    assert (answer.status, answer.errcode) == (404, "M_UNRECOGNIZED")


def test_token_lifetime(homeserver: Homeserver, alice: User) -> None:
    """token issue --lifetime: good for so long, then expired."""
    dead = homeserver.issue_token(alice, "--lifetime", "0s").list()
    assert (dead.errcode, dead.json["soft_logout"]) == ("M_UNKNOWN_TOKEN", True)
    assert homeserver.issue_token(alice, "--lifetime", "1h").list().status == 200
    short = homeserver.issue_token(alice, "--lifetime", "2s")
    poll(lambda: short.list().status == 401, 20, "the token expires")
    assert short.list().json["soft_logout"] is True
