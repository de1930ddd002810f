"""`sweep`, `backup` and `check` on the database of a running server."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from commands import FAILED, PROBLEMS, REFUSED, USAGE, expect_error, json_of
from conftest import Launch
from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.homeserver import Homeserver, User
from matrix_device_conformance.server import SERVER_NAME, Server, poll
from store import add_devices, expect_whole, opened

DAY_MS = 24 * 3600 * 1000
NOTHING = {"access_tokens": 0, "refresh_tokens": 0, "sessions": 0, "guests": 0, "devices": 0}


def backup_of(server: Server, file: Path) -> Server:
    """The copy, for commands and for a server of its own."""
    folder = file.parent / f"restored-{file.name}"
    folder.mkdir()
    return Server(server.binary, folder, database=file)


# ---- sweep ----


def test_sweep(homeserver: Homeserver, server: Server) -> None:
    """T11: sweep: what has expired is gone when it ends, while the server runs."""
    user = homeserver.new_user()
    device = user.login()
    expired = homeserver.issue_token(user, "--device", "EXPIRED", "--lifetime", "0s")
    device.begin_delete("EXPIRED")
    assert json_of(server, "sweep") == {"removed": NOTHING}, "an hour is not over"
    with opened(Path(server.database)) as database:
        database.execute("UPDATE access_tokens SET expires_ms = 1 WHERE expires_ms IS NOT NULL")
        database.execute("UPDATE uia_sessions SET expires_ms = 1")
    # The server has not come to it yet, or has: what is left is removed here.
    removed = json_of(server, "sweep")["removed"]
    assert removed in ({**NOTHING, "access_tokens": 1, "sessions": 1}, NOTHING)
    with opened(Path(server.database)) as database:
        count = "SELECT (SELECT count(*) FROM uia_sessions), (SELECT count(*) FROM access_tokens)"
        assert database.execute(count).fetchone() == (0, 1)
    assert device.list().status == 200
    assert expired.list().json["soft_logout"] is True
    text = server.command("sweep").stdout
    assert text == ("removed 0 access tokens, 0 refresh tokens, 0 sessions, 0 guests, 0 devices\n")


def test_sweep_by_settings(homeserver: Homeserver, server: Server, tmp_path: Path) -> None:
    """T6, T11: what is unused goes by --config and --delete-devices-after, and else stays."""
    user = homeserver.new_user()
    user.login("OLD", refresh=True)
    user.login("NEW")
    with opened(Path(server.database)) as database:
        database.execute("UPDATE devices SET created_ms = 1 WHERE device_id = 'OLD'")
        yesterday_ms = int(time.time() * 1000) - DAY_MS
        database.execute("UPDATE refresh_tokens SET given_ms = ?", (yesterday_ms,))
        database.execute(
            "INSERT INTO accounts (user_id, guest, created_ms) VALUES (?, 1, ?)",
            (f"@guest:{SERVER_NAME}", yesterday_ms),
        )
    assert json_of(server, "sweep") == {"removed": NOTHING}
    config = tmp_path / "config.json"
    settings = {"refresh_token_lifetime": "1h", "guest_lifetime": "1h"}
    config.write_text(json.dumps({"server": settings}))
    assert json_of(server, "sweep", "--config", str(config))["removed"] == {
        **NOTHING,
        "refresh_tokens": 1,
        "guests": 1,
    }
    assert json_of(server, "sweep", "--delete-devices-after", "365d")["removed"] == {
        **NOTHING,
        "devices": 1,
    }
    listed = json_of(server, "device", "list", user.localpart)["devices"]
    assert [device["device_id"] for device in listed] == ["NEW"]
    config.write_text('{"server": {"guest_lifetime": 5}}')
    assert "guest_lifetime" in expect_error(server, FAILED, "sweep", "--config", str(config))


# ---- backup ----


def test_backup_and_restore(homeserver: Homeserver, server: Server, tmp_path: Path) -> None:
    """backup: of mode 0600, whole, and what a server serves from."""
    user = homeserver.new_user()
    device = user.login("PHONE")
    folder = tmp_path / "backups"
    folder.mkdir()
    file = folder / "devices.db"
    done = server.command("backup", str(file))
    size = file.stat().st_size
    assert done.stdout == f"backup of {size} bytes: {file}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(folder) == ["devices.db"], "nothing is left beside it"
    expect_whole(file)
    device.user.login("AFTER")
    server.command("check", expect=0)
    restored = backup_of(server, file)
    restored.command("check")
    restored.start()
    try:
        again = User(Homeserver(restored.client), user.user_id, user.password)
        assert again.login("PHONE").device_ids() == {"PHONE"}, "as it was then"
    finally:
        restored.stop()


def test_backup_replaces_nothing(server: Server, tmp_path: Path) -> None:
    """backup: a file that is there stays, unless --force is given; the database always does."""
    file = tmp_path / "kept"
    file.write_text("kept")
    message = expect_error(server, REFUSED, "backup", str(file))
    assert "--force" in message
    assert file.read_text() == "kept"
    document = json_of(server, "backup", str(file), "--force")
    assert document == {"file": str(file), "bytes": file.stat().st_size}
    expect_whole(file)
    for target in (server.database, f"{server.database}-wal", tmp_path, tmp_path / "none" / "x"):
        expect_error(server, FAILED, "backup", str(target), "--force")
    assert server.client.request("GET", "/health").status == 200


def test_backup_while_it_is_written(homeserver: Homeserver, server: Server, tmp_path: Path) -> None:
    """backup: whole, and of one moment, while devices come and go."""
    user = homeserver.new_user()
    device = user.login("KEEPER")
    add_devices(Path(server.database), user.user_id, "D", 5000)
    is_over = threading.Event()
    writes = 0

    def write() -> None:
        nonlocal writes
        while not is_over.is_set():
            assert device.put("KEEPER", {"display_name": str(writes)}).status == 200
            user.login("COMES_AND_GOES").request("POST", "/logout", json={})
            writes += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            before = writes
            poll(lambda before=before: writes > before, 20, "the writer writes")
            file = tmp_path / f"{number}.db"
            server.command("backup", str(file))
            expect_whole(file)
    finally:
        is_over.set()
        writer.join()
    with closing(sqlite3.connect(tmp_path / "4.db")) as database:
        (devices,) = database.execute("SELECT count(*) FROM devices").fetchone()
        assert devices in (5001, 5002)


def test_backup_that_is_stopped_leaves_nothing(
    homeserver: Homeserver, server: Server, tmp_path: Path
) -> None:
    """backup: SIGTERM ends it as a signal does, and what was begun of the copy is removed."""
    user = homeserver.new_user()
    with opened(Path(server.database)) as database:
        database.execute("CREATE TABLE ballast (bytes BLOB)")
        database.execute("INSERT INTO ballast VALUES (zeroblob(400000000))")
    folder = tmp_path / "backups"
    folder.mkdir()
    process = subprocess.Popen(
        [server.binary, "backup", str(folder / "x.db"), "--database", str(server.database)]
    )

    def has_begun() -> bool:
        with suppress(FileNotFoundError):  # what was there a moment ago
            return any(file.stat().st_size for file in folder.iterdir())
        return False

    poll(has_begun, 30, "it has begun")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60 * TIME_FACTOR) == -signal.SIGTERM
    assert list(folder.iterdir()) == []
    assert user.login().list().status == 200


# ---- check ----


def test_check(homeserver: Homeserver, server: Server) -> None:
    """check: a whole database is, while a server writes to it and when none does."""
    homeserver.new_user().login(refresh=True)
    rows = [line.split("\t") for line in server.command("check").stdout.splitlines()]
    assert {row[0] for row in rows} == {"ok"}
    subjects = ["version", "server name", "schema", "integrity"]
    subjects += ["foreign keys", "consistency", "files"]
    assert [row[1] for row in rows] == subjects
    server.stop()
    before = sorted(os.listdir(Path(server.database).parent))
    document = json_of(server, "check")
    assert document["database"] == str(server.database)
    assert [finding["subject"] for finding in document["findings"]] == subjects
    assert all(finding["ok"] is True and finding["text"] for finding in document["findings"])
    assert sorted(os.listdir(Path(server.database).parent)) == before
    server.start()


def problems(server: Server) -> list[str]:
    """What check finds, by its exit status."""
    document = json_of(server, "check", expect=PROBLEMS)
    text = server.command("check", expect=PROBLEMS).stdout
    found = [f"{f['subject']}: {f['text']}" for f in document["findings"] if not f["ok"]]
    assert text.count("PROBLEM\t") == len(found)
    return found


def test_check_finds(homeserver: Homeserver, server: Server) -> None:
    """check: what refers to nothing, what is damaged, what others can read, what is newer."""
    homeserver.new_user().login(refresh=True)
    server.stop()
    path = Path(server.database)
    path.chmod(0o640)
    assert problems(server) == ["files: devices.db is open to others (mode 0640): chmod 600 it"]
    path.chmod(0o600)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM token_pairs")
    assert ["foreign keys" in problem for problem in problems(server)] == [True, True]
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA user_version = 99")
    assert "newer version" in problems(server)[0]
    assert "newer version" in expect_error(server, FAILED, "user", "list")
    with path.open("r+b") as file:
        file.seek(4096 * 4)
        file.write(b"x" * 4096 * 6)
    assert any("backup" in problem for problem in problems(server))


@pytest.mark.parametrize("content", [b"", b"no database" * 1000, None])
def test_check_of_no_database(prepare: Launch, content: bytes | None) -> None:
    """check: what is no database of these is a failure, not a finding."""
    server = prepare()
    if content is not None:
        Path(server.database).write_bytes(content)
    assert str(server.database) in expect_error(server, FAILED, "check")
    expect_error(server, USAGE, "check", "extra")
