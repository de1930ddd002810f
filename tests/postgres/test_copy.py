"""`copy`: from SQLite to PostgreSQL and back, with what it refuses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from cluster import Database
from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.server import SERVER_NAME, Server, server_binary

DONE, FAILED, USAGE, REFUSED = 0, 1, 2, 4


def run(*arguments: str, expect: int = DONE) -> subprocess.CompletedProcess[str]:
    """A command that names its own databases."""
    binary = server_binary(None)
    assert binary is not None
    done = subprocess.run(
        [binary, *arguments],
        capture_output=True,
        text=True,
        timeout=60 * TIME_FACTOR,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database with Alice, who has two devices, and Bob."""
    binary = server_binary(None)
    assert binary is not None
    server = Server(binary, tmp_path, database=tmp_path / "devices.db")
    server.command("user", "add", "alice", "--no-password", "--server-name", SERVER_NAME)
    server.command("user", "add", "bob", "--no-password")
    for device in ("PHONE", "LAPTOP"):
        server.command("token", "issue", "alice", "--device", device)
    return tmp_path / "devices.db"


def devices(database: str) -> object:
    """Alice's, with what is told of them."""
    done = run("device", "list", "alice", "--database", database, "--json")
    return json.loads(done.stdout)["devices"]


def test_copies_there_and_back(file: Path, database: Database, tmp_path: Path) -> None:
    """What was in the one is in the other."""
    done = run("copy", "--from", str(file), "--to", database.url)
    assert done.stdout == "copied and compared: 2 accounts, 2 devices, 0 messages\n"
    assert devices(database.url) == devices(str(file))
    assert run("check", "--database", database.url).returncode == DONE
    back = tmp_path / "back.db"
    done = run("copy", "--from", database.url, "--to", str(back), "--json")
    assert json.loads(done.stdout) == {"accounts": 2, "devices": 2, "messages": 0}
    assert devices(str(back)) == devices(str(file))
    assert run("check", "--database", str(back)).returncode == DONE
    assert back.stat().st_mode & 0o777 == 0o600


def test_database_that_is_there_is_left_alone(file: Path, database: Database) -> None:
    """Also where it is the one that is copied."""
    run("copy", "--from", str(file), "--to", database.url)
    run("user", "add", "carol", "--no-password", "--database", database.url)
    for target in (database.url, str(file)):
        done = run("copy", "--from", str(file), "--to", target, expect=REFUSED)
        assert done.stdout == ""
        assert "already" in done.stderr
    assert "carol" in run("user", "list", "--database", database.url).stdout


def test_what_is_not_whole_is_no_database(file: Path, database: Database) -> None:
    """An import that was ended leaves a schema that says so."""
    run("copy", "--from", str(file), "--to", database.url)
    database.sql("DELETE FROM matrix_devices.store")
    for arguments in (
        ("user", "list", "--database", database.url),
        ("copy", "--from", database.url, "--to", str(file.parent / "no.db")),
    ):
        done = run(*arguments, expect=FAILED)
        assert "DROP SCHEMA matrix_devices CASCADE" in done.stderr
    done = run("copy", "--from", str(file), "--to", database.url, expect=REFUSED)
    assert "DROP SCHEMA matrix_devices CASCADE" in done.stderr
    assert not (file.parent / "no.db").exists()
    database.sql("DROP SCHEMA matrix_devices CASCADE")
    run("copy", "--from", str(file), "--to", database.url)


def test_what_is_wrong_is_said(file: Path, tmp_path: Path) -> None:
    """No such file, a password that others can see, half a command line."""
    missing = str(tmp_path / "missing.db")
    done = run("copy", "--from", missing, "--to", str(tmp_path / "a.db"), expect=FAILED)
    assert missing in done.stderr
    assert "no such database" in done.stderr
    secret = "postgresql://alice:the-password@localhost/devices"
    done = run("copy", "--from", str(file), "--to", secret, expect=USAGE)
    assert "the-password" not in done.stderr
    assert "--to-password-file" in done.stderr
    run("copy", "--from", str(file), expect=USAGE)
    assert [path.name for path in tmp_path.glob("a.db*")] == []
