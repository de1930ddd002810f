"""The database of a stopped server: filling it, and looking whether it is whole."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

HANGS_OFF_A_DEVICE = (
    "access_tokens",
    "refresh_tokens",
    "token_pairs",
    "device_keys",
    "one_time_keys",
    "fallback_keys",
    "pushers",
    "to_device_inbox",
)


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The database; changes are committed at the end."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA foreign_keys = ON")
        with database:
            yield database


def add_devices(path: Path, user_id: str, prefix: str, count: int) -> None:
    """Add devices with a token each, and a row of everything that hangs off a device."""
    with opened(path) as database:
        (account,) = database.execute(
            "SELECT account FROM accounts WHERE user_id = ?", (user_id,)
        ).fetchone()
        ids = [f"{prefix}{number:06}" for number in range(count)]
        database.executemany(
            "INSERT INTO devices (account, device_id, display_name) VALUES (?, ?, ?)",
            [(account, device_id, f"name of {device_id}") for device_id in ids],
        )
        mine = "FROM devices WHERE account = ? AND device_id GLOB ?"
        rows = database.execute(f"SELECT device {mine}", (account, f"{prefix}*")).fetchall()
        database.executemany(
            "INSERT INTO access_tokens (digest, device, oauth) VALUES (?, ?, 0)",
            [(hashlib.sha256(f"{prefix}{device}".encode()).digest(), device) for (device,) in rows],
        )
        database.executemany(
            "INSERT INTO one_time_keys (device, algorithm, key_id, key_json)"
            " VALUES (?, 'signed_curve25519', 'A', '{}')",
            rows,
        )
        database.executemany("INSERT INTO device_keys (device, key_json) VALUES (?, '{}')", rows)
        database.executemany(
            "INSERT INTO to_device_inbox (device, message_json) VALUES (?, '{}')", rows
        )


def expect_whole(path: Path) -> None:
    """The file is sound, and nothing outlives its device."""
    with opened(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        for table in HANGS_OFF_A_DEVICE:
            (orphans,) = database.execute(
                f"SELECT count(*) FROM {table} WHERE device NOT IN (SELECT device FROM devices)"
            ).fetchone()
            assert orphans == 0, f"{orphans} rows of {table} outlive their device"
