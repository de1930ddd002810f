"""Commands at a terminal: passwords that are not shown, and questions."""

from __future__ import annotations

import signal

import pytest

from commands import REFUSED, at_terminal, json_of
from matrix_device_conformance.homeserver import Homeserver, User
from matrix_device_conformance.server import SERVER_NAME, Server

SECRET = "typed and not shown é"


@pytest.fixture
def alice(homeserver: Homeserver, server: Server) -> User:
    """An account with a password."""
    server.command("user", "add", "alice", stdin="old")
    return User(homeserver, f"@alice:{SERVER_NAME}", "old")


def test_a_password_is_asked_for_twice(homeserver: Homeserver, server: Server) -> None:
    """user add: it is typed twice, and never shown."""
    with at_terminal(server, "user", "add", "bob") as terminal:
        terminal.wait_for("New password: ")
        terminal.type(SECRET)
        terminal.wait_for("The same again: ")
        terminal.type(SECRET)
        assert terminal.end() == 0
    assert f"@bob:{SERVER_NAME}" in terminal.seen
    assert SECRET not in terminal.seen
    assert User(homeserver, "@bob:", SECRET).login().list().status == 200


def test_two_passwords_that_differ(server: Server) -> None:
    """user add: nothing is made of them."""
    with at_terminal(server, "user", "add", "bob") as terminal:
        terminal.wait_for("New password: ")
        terminal.type(SECRET)
        terminal.wait_for("The same again: ")
        terminal.type("something else")
        assert terminal.end() == REFUSED
    assert "not the same" in terminal.seen
    server.command("user", "show", "bob", expect=3)


def test_a_signal_leaves_the_terminal_as_it_was(server: Server) -> None:
    """Ctrl-C while a password is typed: the process ends by it, and typing is shown again."""
    with at_terminal(server, "user", "add", "bob") as terminal:
        terminal.wait_for("New password: ")
        assert not terminal.shows_typing()
        terminal.press("C")
        terminal.wait_for("\n")
        assert terminal.end() == -signal.SIGINT
    server.command("user", "show", "bob", expect=3)


@pytest.mark.parametrize("answer", ["", "n", "no", "yes please", "Y es"])
def test_what_can_not_be_undone_is_asked(server: Server, alice: User, answer: str) -> None:
    """user deactivate, device delete: only a yes is a yes."""
    device = alice.login("PHONE")
    for command, question in [
        (
            ("user", "deactivate", "alice"),
            f"Deactivate {alice.user_id} for good, with its 1 device",
        ),
        (("device", "delete", "alice", "PHONE"), f"Delete PHONE of {alice.user_id}"),
        (("device", "delete", "alice", "--all"), f"Delete 1 device of {alice.user_id}"),
        (("user", "set-password", "alice"), f"Sign {alice.user_id} out"),
    ]:
        with at_terminal(server, *command) as terminal:
            terminal.wait_for("[y/N] ")
            assert question in terminal.seen
            terminal.type(answer)
            assert terminal.end() == REFUSED
        assert "nothing was changed" in terminal.seen
    assert device.list().status == 200


def test_a_yes_is_enough(server: Server, alice: User) -> None:
    """device delete, and user set-password with what it asks after that."""
    device = alice.login("PHONE")
    with at_terminal(server, "device", "delete", "alice", "PHONE") as terminal:
        terminal.wait_for("[y/N] ")
        terminal.type("y")
        assert terminal.end() == 0
    assert device.list().errcode == "M_UNKNOWN_TOKEN"
    with at_terminal(server, "user", "set-password", "alice") as terminal:
        terminal.wait_for("[y/N] ")
        terminal.type("yes")
        terminal.wait_for("New password: ")
        terminal.type(SECRET)
        terminal.wait_for("The same again: ")
        terminal.type(SECRET)
        assert terminal.end() == 0
    assert User(alice.homeserver, alice.user_id, SECRET).login().list().status == 200
    with at_terminal(server, "user", "deactivate", "alice", "--yes") as terminal:
        assert terminal.end() == 0
    assert "[y/N]" not in terminal.seen


def test_a_token_is_not_shown(server: Server, alice: User) -> None:
    """token revoke: it is asked for like a password."""
    device = alice.login("PHONE")
    with at_terminal(server, "token", "revoke") as terminal:
        terminal.wait_for("Token: ")
        terminal.type(device.access_token)
        assert terminal.end() == 0
    assert device.access_token not in terminal.seen
    assert device.list().json["soft_logout"] is True


def test_a_backup_shows_how_far_it_is(server: Server) -> None:
    """backup: in per cent, on standard error."""
    target = str(server.folder / "backup.db")
    with at_terminal(server, "backup", target) as terminal:
        assert terminal.end() == 0
    assert "backup: 100 %" in terminal.seen
    assert json_of(server, "check")["findings"]
