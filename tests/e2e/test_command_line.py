"""What all commands have in common: help, errors, output, the database."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from commands import FAILED, NOT_FOUND, USAGE, at_terminal, expect_error, json_of
from conftest import Launch
from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.homeserver import Homeserver, User
from matrix_device_conformance.server import SERVER_NAME, Server

COMMANDS = [
    ("user", "add"),
    ("user", "list"),
    ("user", "show"),
    ("user", "set-password"),
    ("user", "lock"),
    ("user", "unlock"),
    ("user", "suspend"),
    ("user", "unsuspend"),
    ("user", "deactivate"),
    ("device", "list"),
    ("device", "delete"),
    ("token", "issue"),
    ("token", "revoke"),
    ("sweep",),
    ("backup",),
    ("check",),
]
# What each needs so that its command line is right.
NEEDS = {
    "user list": (),
    "token revoke": ("alice", "--all"),
    "device delete": ("alice", "--all", "--yes"),
    "user deactivate": ("alice", "--yes"),
    "user set-password": ("alice", "--yes"),
    "sweep": (),
    "check": (),
    "backup": ("backup.db",),
}


def run(server: Server, *arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """A command as it stands, without --database."""
    return subprocess.run(
        [server.binary, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=server.folder,
        **settings,  # type: ignore[call-overload]
    )


def whole(command: tuple[str, ...]) -> tuple[str, ...]:
    """A command line that is right but for the database."""
    return command + NEEDS.get(" ".join(command), ("alice",))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help(prepare: Launch, command: tuple[str, ...]) -> None:
    """--help of each says what it does, its options, examples and exit statuses."""
    done = run(prepare(), *command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    for part in ("--database", "--json", "Examples:\n  matrix-devices-server ", "Exit status:"):
        assert part in done.stdout
    assert f"Usage: matrix-devices-server {' '.join(command)} " in done.stdout
    group = run(prepare(), *command[:-1], "--help").stdout
    assert re.search(rf"^  {command[-1]}  ", group, re.MULTILINE), "its group knows it"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_database_that_is_not_there(prepare: Launch, command: tuple[str, ...]) -> None:
    """Each is refused without a database, and makes none where there is none."""
    server = prepare()
    environment = {name: value for name, value in os.environ.items() if name != "MXD_DATABASE"}
    done = run(server, *whole(command), env=environment)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert "--database" in done.stderr
    message = expect_error(server, FAILED, *whole(command), stdin="password")
    assert str(server.database) in message
    assert list(server.folder.iterdir()) == []
    named = run(server, *whole(command), env={**environment, "MXD_DATABASE": "of-environment.db"})
    assert named.returncode == FAILED
    assert "of-environment.db" in named.stderr


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("user", "lock", "nobody"), NOT_FOUND),
        (("user", "deactivate", "nobody", "--yes"), NOT_FOUND),
        (("user", "show", f"@alice:not-{SERVER_NAME}"), NOT_FOUND),
        (("user", "show", "\x1b[31mred\nalice"), NOT_FOUND),
        (("token", "issue", "nobody"), NOT_FOUND),
        (("user", "explode", "alice"), USAGE),
        (("user", "lock"), USAGE),
        (("user",), USAGE),
        (("user", "lock", "alice", "bob"), USAGE),
        (("user", "add", "bob", "--password", "secret"), USAGE),
        (("token", "issue"), USAGE),
        (("token", "issue", "alice", "--lifetime", "banana"), USAGE),
        (("token", "issue", "alice", "--device", "x" * 256), USAGE),
        (("no-such-command",), USAGE),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else str(value),
)
def test_refused(homeserver: Homeserver, arguments: tuple[str, ...], status: int) -> None:
    """Mistakes end with their status, a message on standard error, and nothing on standard output;
    what a terminal would obey of them is not repeated."""
    server = homeserver.server
    assert server is not None
    server.command("user", "add", "alice", "--no-password")
    message = expect_error(server, status, *arguments)
    assert message.isprintable()


def test_a_command_that_there_is_not(prepare: Launch) -> None:
    """It is named."""
    server = prepare()
    for arguments in [("explode",), ("user", "explode")]:
        message = expect_error(server, USAGE, *arguments)
        assert message == f"there is no command {' '.join(arguments)} (--help says more)"


def test_a_database_of_others(prepare: Launch) -> None:
    """Of another application, of a newer version, or no database: refused, and left as it is."""
    server = prepare()
    path = Path(server.database)
    path.write_bytes(b"no database" * 1000)
    assert "not a SQLite database" in expect_error(server, FAILED, "user", "list")
    path.unlink()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE x (y)")
    assert "another application" in expect_error(server, FAILED, "user", "list")
    assert "nosuch" in run(server, "user", "list", "--database", "nosuch:x").stderr
    path.unlink()
    server.command("user", "add", "alice", "--no-password", "--server-name", SERVER_NAME)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    assert "newer version" in expect_error(server, FAILED, "user", "lock", "alice")
    assert path.read_bytes() == before


def test_a_database_that_can_not_be_written(prepare: Launch) -> None:
    """O3: which file it is, and whose; check reads it all the same where it may."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    server = prepare()
    server.command("user", "add", "alice", "--no-password", "--server-name", SERVER_NAME)
    for path in [server.folder, *server.folder.iterdir()]:
        os.chown(path, 65534, 65534)
    Path(server.database).chmod(0o444)

    def as_daemon() -> None:
        os.setgroups([])
        os.setgid(1)
        os.setuid(1)

    # pytest's directories are for their owner only.
    for folder in [server.folder, *server.folder.parents][:-2]:
        os.chmod(folder, os.stat(folder).st_mode | 0o055)
    database = ("--database", str(server.database))
    done = run(server, "user", "lock", "alice", *database, preexec_fn=as_daemon)
    assert done.returncode == FAILED
    assert "devices.db belongs to nobody (mode 0444)" in done.stderr
    done = run(server, "check", *database, preexec_fn=as_daemon)
    assert done.returncode == 5, done.stderr
    assert "devices.db is open to others (mode 0444)" in done.stdout


def test_output_that_nobody_reads(homeserver: Homeserver) -> None:
    """A pipe that is closed ends a list quietly; a full disk is told."""
    server = homeserver.server
    assert server is not None
    with sqlite3.connect(server.database) as database:
        database.executemany(
            "INSERT INTO accounts (user_id, created_ms) VALUES (?, 1)",
            [(f"@u{number}:{SERVER_NAME}",) for number in range(20_000)],
        )
    command = [server.binary, "user", "list", "--database", str(server.database)]
    for json_option in ([], ["--json"]):
        with subprocess.Popen(
            command + json_option, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.wait(60 * TIME_FACTOR) == -signal.SIGPIPE
            assert process.stderr.read() == b""
        # Where the signal is ignored, as in some containers.
        with subprocess.Popen(
            command + json_option,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            restore_signals=False,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.wait(60 * TIME_FACTOR) == FAILED
            assert b"standard output can't be written" in process.stderr.read()
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                command + json_option, stdout=full, stderr=subprocess.PIPE, check=False
            )
        assert done.returncode == FAILED
        assert b"standard output can't be written" in done.stderr
    assert len(json_of(server, "user", "list")["users"]) == 20_002, "with two services' own"


def test_secrets_stay_where_they_belong(homeserver: Homeserver, server: Server) -> None:
    """No password and no token is in what commands say, but what they were asked for."""
    password, token = "the password of alice", "mxt_a_token_that_leaked"
    outputs = []
    for options in ([], ["--json"]):
        for arguments, stdin in [
            (("user", "add", "alice"), password),
            (("user", "set-password", "alice", "--yes"), password),
            (("user", "show", "alice"), ""),
            (("token", "revoke"), token),
        ]:
            done = server.command(*arguments, *options, stdin=stdin, expect=None)
            outputs.append(done.stdout + done.stderr)
    assert all(outputs)
    for secret in (password, token, "argon2"):
        assert secret not in "".join(outputs) + server.output()


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_lists_at_a_terminal(homeserver: Homeserver, environment: dict[str, str]) -> None:
    """A table with headings, in bold unless NO_COLOR says otherwise; no JSON changes for it."""
    server = homeserver.server
    assert server is not None
    server.command("user", "add", "alice", "--no-password")
    user = User(homeserver, f"@alice:{SERVER_NAME}", "")
    homeserver.issue_token(user, "--device", "LONG_DEVICE_ID")
    homeserver.issue_token(user, "--device", "D")
    with at_terminal(server, "device", "list", "alice", environment=environment) as terminal:
        assert terminal.end() == 0
    assert ("\x1b[1m" in terminal.seen) == (environment == {})
    heading, *rows = re.sub(r"\x1b\[\dm", "", terminal.seen).splitlines()
    assert heading.split("  ")[0] == "DEVICE"
    assert [row.split()[0] for row in rows] == ["D", "LONG_DEVICE_ID"]
    assert {heading.index("SIGNED"), *(row.index("yes") for row in rows)} == {16}
    with at_terminal(server, "user", "list", "--json", environment=environment) as terminal:
        assert terminal.end() == 0
    assert json.loads(terminal.seen)["users"]
