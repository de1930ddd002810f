"""`user …` on the database of a running server, and before the first start."""

from __future__ import annotations

import re
import stat
import subprocess
import time
from pathlib import Path

import pytest

from commands import FAILED, NOT_FOUND, REFUSED, USAGE, expect_error, json_of
from conftest import Launch
from matrix_device_conformance.client import client_path
from matrix_device_conformance.homeserver import Homeserver, User
from matrix_device_conformance.server import SERVER_NAME, Server, poll

PASSWORD = "from standard input, with spaces and é"
LOGIN = {
    "type": "m.login.password",
    "identifier": {"type": "m.id.user", "user": "alice"},
    "password": PASSWORD,
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def alice(homeserver: Homeserver, server: Server) -> User:
    """An account that `user add` has made."""
    server.command("user", "add", "alice", stdin=PASSWORD + "\n")
    return User(homeserver, f"@alice:{SERVER_NAME}", PASSWORD)


def test_add(server: Server, alice: User) -> None:
    """user add: the account can log in at once, and delete with that password."""
    device, target = alice.login(), alice.login()
    assert device.user.user_id == f"@alice:{SERVER_NAME}"
    assert device.delete(target.device_id, alice.auth()).status == 200


@pytest.mark.parametrize(
    ("name", "password", "status"),
    [
        ("alice", "other", REFUSED),
        ("Not Valid", "x", USAGE),
        ("bob", "", USAGE),
        ("", "x", USAGE),
        ("x" * 300, "x", USAGE),
    ],
)
def test_add_refused(server: Server, alice: User, name: str, password: str, status: int) -> None:
    """user add: a name that is taken or not valid, no password: refused with a message."""
    expect_error(server, status, "user", "add", name, stdin=password)
    assert alice.login().list().status == 200


def test_add_before_the_first_start(prepare: Launch, tmp_path: Path) -> None:
    """user add --server-name makes the database; the server then starts on it."""
    server = prepare()
    message = expect_error(server, FAILED, "user", "add", "alice", stdin=PASSWORD)
    assert "server name" in message
    assert not Path(server.database).exists()
    added = server.command(
        "user", "add", "alice", "--server-name", SERVER_NAME, stdin=PASSWORD + "\r\n"
    )
    assert added.stdout == f"@alice:{SERVER_NAME}\n"
    assert stat.S_IMODE(Path(server.database).stat().st_mode) == 0o600
    wrong = ("user", "add", "bob", "--server-name", "example.com")
    assert SERVER_NAME in expect_error(server, FAILED, *wrong, stdin=PASSWORD)
    server.start()
    user = User(Homeserver(server.client, server=server), f"@alice:{SERVER_NAME}", PASSWORD)
    assert user.login().list().status == 200


def test_passwords_come_from_where_nobody_sees_them(
    homeserver: Homeserver, server: Server, tmp_path: Path
) -> None:
    """user add: from a file, made, or none at all; of UTF-8 only."""
    file = tmp_path / "password"
    file.write_text("from a file é\nand a second line\n")
    server.command("user", "add", "bob", "--password-file", str(file), stdin="not this one")
    assert User(homeserver, "@bob:", "from a file é").login().list().status == 200
    missing = ("user", "add", "x", "--password-file", str(tmp_path / "none"))
    assert "none" in expect_error(server, FAILED, *missing)

    user_id, made = server.command("user", "add", "carol", "--generate-password").stdout.split()
    assert User(homeserver, user_id, made).login().list().status == 200
    document = json_of(server, "user", "add", "dave", "--generate-password")
    assert set(document) == {"user_id", "password"}
    assert document["password"] != made
    assert User(homeserver, document["user_id"], document["password"]).login()

    server.command("user", "add", "bot", "--no-password")
    assert json_of(server, "user", "show", "bot")["has_password"] is False
    assert homeserver.issue_token(User(homeserver, "@bot:", "")).list().status == 200

    latin = subprocess.run(
        [server.binary, "user", "add", "x", "--database", str(server.database)],
        input="é".encode("latin-1"),
        capture_output=True,
        check=False,
    )
    assert (latin.returncode, b"UTF-8" in latin.stderr) == (USAGE, True)


def test_set_password_signs_out(homeserver: Homeserver, server: Server, alice: User) -> None:
    """user set-password: by itself every device is gone, which wants --yes where nobody is."""
    device = alice.login(refresh=True)
    message = expect_error(server, REFUSED, "user", "set-password", "alice", stdin="new")
    assert "--yes" in message
    assert alice.login().list().status == 200, "the old one is still right"
    changed = json_of(server, "user", "set-password", "alice", "--yes", stdin="new")
    assert (changed["user_id"], changed["devices"]) == (alice.user_id, 0)
    assert "password" not in changed
    dead = device.list()
    assert (dead.errcode, dead.json["soft_logout"]) == ("M_UNKNOWN_TOKEN", False)
    assert homeserver.client.request("POST", client_path("/login"), json=LOGIN).status == 403
    new = User(homeserver, alice.user_id, "new").login()
    assert new.list().status == 200
    assert new.delete(new.device_id, new.user.auth()).status == 200


def test_set_password_keeps_devices(homeserver: Homeserver, server: Server, alice: User) -> None:
    """user set-password --keep-devices: whoever is logged in stays so."""
    device, target = alice.login(), alice.login()
    done = server.command("user", "set-password", "alice", "--keep-devices", stdin="new\n")
    assert done.stdout == alice.user_id + "\n"
    assert device.list().status == 200
    assert device.delete(target.device_id, alice.auth()).status == 401, "the old password"
    assert device.delete(target.device_id, alice.auth(password="new")).status == 200
    made = server.command(
        "user", "set-password", "alice", "--keep-devices", "--generate-password"
    ).stdout.splitlines()
    assert made[0] == alice.user_id
    assert User(homeserver, alice.user_id, made[1]).login().list().status == 200
    nobody = ("user", "set-password", "nobody", "--keep-devices")
    expect_error(server, NOT_FOUND, *nobody, stdin="new")
    empty = ("user", "set-password", "alice", "--keep-devices")
    expect_error(server, USAGE, *empty, stdin="\n")


def test_list(homeserver: Homeserver, server: Server, alice: User) -> None:
    """user list: each account a line, with tabs, for other programs."""
    other = homeserver.new_user()
    alice.login()
    server.command("user", "lock", "alice")
    rows = [line.split("\t") for line in server.command("user", "list").stdout.splitlines()]
    users = {row[0]: row[1:] for row in rows}
    assert [row[0] for row in rows] == sorted(users), "by user ID"
    assert users[alice.user_id][:3] == ["locked", "1", "-"]
    assert TIME.fullmatch(users[alice.user_id][3])
    assert users[other.user_id][:2] == ["-", "0"]


def test_list_as_json(homeserver: Homeserver, server: Server, alice: User) -> None:
    """user list --json: the same, each as `user show --json` has it."""
    other = homeserver.new_user()
    users = {user["user_id"]: user for user in json_of(server, "user", "list")["users"]}
    assert users[alice.user_id] == json_of(server, "user", "show", "alice")
    assert users[other.user_id]["has_password"] is True
    limited = users[homeserver.services["limited"].sender]
    assert (limited["appservice"], limited["has_password"]) == ("limited", False)


def test_list_of_nobody(prepare: Launch) -> None:
    """user list: of a database in which nobody is, nothing, and a document all the same."""
    server = prepare().start()
    server.stop()
    assert server.command("user", "list").stdout == ""
    assert json_of(server, "user", "list") == {"users": []}


def test_show(server: Server, alice: User) -> None:
    """user show: state, password, devices, when it was last seen and made."""
    before_ms = int(time.time() * 1000)
    shown = json_of(server, "user", "show", "@Alice")
    assert 0 <= before_ms - shown.pop("created_ms") < 600_000
    assert shown == {
        "user_id": alice.user_id,
        "guest": False,
        "appservice": None,
        "locked": False,
        "suspended": False,
        "deactivated": False,
        "has_password": True,
        "devices": 0,
        "last_seen_ms": None,
    }
    device = alice.login()
    assert device.list().status == 200
    poll(
        lambda: json_of(server, "user", "show", "alice")["last_seen_ms"] is not None,
        20,
        "it is written when the device was seen",
    )
    seen = json_of(server, "user", "show", "alice")
    assert seen["devices"] == 1
    assert -60_000 < seen["last_seen_ms"] - before_ms < 600_000
    server.command("user", "suspend", "alice")
    text = server.command("user", "show", "alice").stdout
    lines = dict(re.split(r"  +", line, maxsplit=1) for line in text.splitlines())
    assert lines["User"] == alice.user_id
    assert lines["State"] == "suspended"
    assert (lines["Password"], lines["Devices"]) == ("yes", "1")
    assert TIME.fullmatch(lines["Last seen"])
    assert TIME.fullmatch(lines["Created"])
    assert expect_error(server, NOT_FOUND, "user", "show", "nobody") == "there is no account nobody"


@pytest.mark.parametrize("name", ["alice", f"@alice:{SERVER_NAME}"])
def test_lock_and_unlock(server: Server, alice: User, name: str) -> None:
    """user lock, unlock: at once, by localpart or full ID."""
    device = alice.login()
    assert server.command("user", "lock", name).stdout == f"{alice.user_id}: locked\n"
    locked = device.list()
    assert (locked.status, locked.errcode) == (401, "M_USER_LOCKED")
    assert locked.json["soft_logout"] is True
    unlocked = json_of(server, "user", "unlock", name)
    assert (unlocked["user_id"], unlocked["locked"]) == (alice.user_id, False)
    assert device.list().status == 200


def test_suspend_and_unsuspend(server: Server, alice: User) -> None:
    """user suspend, unsuspend: devices go on working."""
    device = alice.login()
    server.command("user", "suspend", "alice")
    assert "suspended" in server.command("user", "list").stdout
    assert device.put(device.device_id, {"display_name": "x"}).status == 200
    server.command("user", "unsuspend", "alice")
    assert "suspended" not in server.command("user", "list").stdout
    assert device.list().status == 200


def test_deactivate(homeserver: Homeserver, server: Server, alice: User) -> None:
    """user deactivate: devices, tokens and password are gone, and stay gone."""
    device = alice.login(refresh=True)
    message = expect_error(server, REFUSED, "user", "deactivate", "alice")
    assert "--yes" in message
    assert device.list().status == 200
    gone = json_of(server, "user", "deactivate", "alice", "--yes")
    assert (gone["deactivated"], gone["has_password"], gone["devices"]) == (True, False, 0)
    dead = device.list()
    assert (dead.status, dead.errcode) == (401, "M_UNKNOWN_TOKEN")
    refreshed = homeserver.client.request(
        "POST", client_path("/refresh"), json={"refresh_token": device.refresh_token}
    )
    assert refreshed.status == 401
    assert homeserver.client.request("POST", client_path("/login"), json=LOGIN).status == 403
    assert "taken" not in expect_error(server, REFUSED, "user", "add", "alice", stdin="again")
    expect_error(server, REFUSED, "user", "set-password", "alice", "--yes", stdin="again")
