"""`user` and `token` on the database of a running server."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix_device_conformance.client import client_path, device_path
from matrix_device_conformance.homeserver import Device, Homeserver, User
from matrix_device_conformance.server import SERVER_NAME, Server, poll

PASSWORD = "from standard input, with spaces and é"


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
    ("name", "password"),
    [("alice", "other"), ("Not Valid", "x"), ("bob", ""), ("", "x"), ("x" * 300, "x")],
)
def test_add_refused(server: Server, alice: User, name: str, password: str) -> None:
    """user add: a name that is taken or not valid, no password: refused with a message."""
    done = server.command("user", "add", name, stdin=password, expect=None)
    assert done.returncode > 0
    assert done.stderr.strip()
    assert alice.login().list().status == 200


def test_list(homeserver: Homeserver, server: Server, alice: User) -> None:
    """user list: each account a line, with its state."""
    homeserver.new_user()
    server.command("user", "lock", "alice")
    lines = server.command("user", "list").stdout.splitlines()
    of_alice = [line for line in lines if f"@alice:{SERVER_NAME}" in line]
    assert len(of_alice) == 1, lines
    assert "locked" in of_alice[0]
    assert len(lines) >= 2


@pytest.mark.parametrize("name", ["alice", f"@alice:{SERVER_NAME}"])
def test_lock_and_unlock(server: Server, alice: User, name: str) -> None:
    """user lock, unlock: at once, by localpart or full ID."""
    device = alice.login()
    server.command("user", "lock", name)
    locked = device.list()
    assert (locked.status, locked.errcode) == (401, "M_USER_LOCKED")
    assert locked.json["soft_logout"] is True
    server.command("user", "unlock", name)
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
    server.command("user", "deactivate", "alice", "--yes")
    dead = device.list()
    assert (dead.status, dead.errcode) == (401, "M_UNKNOWN_TOKEN")
    refreshed = homeserver.client.request(
        "POST", client_path("/refresh"), json={"refresh_token": device.refresh_token}
    )
    assert refreshed.status == 401
    login = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": "alice"},
        "password": PASSWORD,
    }
    assert homeserver.client.request("POST", client_path("/login"), json=login).status == 403
    assert server.command("user", "add", "alice", stdin="again", expect=None).returncode > 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("user", "lock", "nobody"),
        ("user", "deactivate", "nobody", "--yes"),
        ("user", "explode", "alice"),
        ("user", "lock"),
        ("user",),
        ("token", "issue", "nobody"),
        ("token", "issue"),
        ("token", "issue", "alice", "--lifetime", "banana"),
        ("token", "issue", "alice", "--device", "x" * 256),
        ("no-such-command",),
    ],
)
def test_refused(server: Server, alice: User, arguments: tuple[str, ...]) -> None:
    """Nonsense is refused with a message on standard error, and nothing on standard output."""
    done = server.command(*arguments, expect=None)
    assert done.returncode > 0
    assert done.stderr.strip()
    assert not done.stdout.strip()


def test_no_database(server: Server, tmp_path: Path) -> None:
    """A database that is not there is not made."""
    missing = Server(server.binary, tmp_path, database=tmp_path / "missing.db")
    done = missing.command("user", "list", expect=None)
    assert done.returncode > 0
    assert "missing.db" in done.stderr
    assert not missing.database.exists()


def test_token(homeserver: Homeserver, server: Server, alice: User) -> None:
    """token issue prints one token and nothing else; it works at once."""
    done = server.command("token", "issue", "alice", "--device", "OPERATOR")
    token = done.stdout.strip()
    assert len(token.split()) == 1
    device = Device(alice, "OPERATOR", token)
    assert device.device_ids() == {"OPERATOR"}
    assert device.delete("OPERATOR", alice.auth()).status == 200


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
