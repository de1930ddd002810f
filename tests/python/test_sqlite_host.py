"""What SqliteHost hands on to its store: how long it keeps what nobody uses."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from matrix_devices import (
    ConfigurationError,
    Credentials,
    Login,
    NotFound,
    Request,
    SqliteHost,
    UnknownToken,
)

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a database."""
    return tmp_path / "devices.db"


def made_days_ago(days: int, path: Path) -> tuple[str, Login, Login]:
    """A guest, and two logins of alice's, that nobody has used since."""
    with SqliteHost(path, server_name="example.org") as host:
        host.clock.advance(hours=-24 * days)
        guest = host.add_user("", guest=True)
        host.add_user("alice")
        one, two = (host.login("alice", device_id=name, refreshable=True) for name in "AB")
        return guest, one, two


def poll(condition: Callable[[], bool]) -> None:
    """Wait for what is done in the background."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "not within 60 s"
        time.sleep(0.01)


def is_there(host: SqliteHost, user_id: str) -> bool:
    """Whether there is such an account."""
    try:
        host.set_locked(user_id, False)
    except NotFound:
        return False
    return True


def has_device(host: SqliteHost, login: Login) -> bool:
    """Whether the device of an expired token is there (T2)."""
    with pytest.raises(UnknownToken) as refusal:
        host.identify(Credentials(login.access_token, None, None, "", Request("GET", "/")))
    return refusal.value.soft_logout


def refresh_tokens(path: Path) -> int:
    """How many there are; asked in another process: no other SQLite may open the file in this."""
    code = (
        "import sqlite3, sys\n"
        "rows = sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM refresh_tokens')\n"
        "print(*rows.fetchone())\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=True)
    return int(done.stdout)


def test_T6_guests_unused_for_30_days_are_removed(path: Path) -> None:
    guest, login, _ = made_days_ago(31, path)
    with SqliteHost(path) as host:
        poll(lambda: not is_there(host, guest))
        assert is_there(host, "alice")
        assert has_device(host, login)


def test_T11_devices_unused_for_as_long_as_is_said_are_removed(path: Path) -> None:
    guest, login, other = made_days_ago(31, path)
    with SqliteHost(path, guest_lifetime_ms=0, delete_devices_after_ms=30 * DAY_MS) as host:
        poll(lambda: not has_device(host, login) and not has_device(host, other))
        assert is_there(host, guest)
        assert is_there(host, "alice")


def test_T11_refresh_tokens_unused_for_a_year_are_removed(path: Path) -> None:
    _, one, two = made_days_ago(366, path)
    with SqliteHost(path, refresh_token_lifetime_ms=0) as host:
        assert host.refresh(one.refresh_token or "").device_id == "A"
    with SqliteHost(path) as host:
        poll(lambda: refresh_tokens(path) == 2)  # that of `one`, and what it was refreshed to
        with pytest.raises(UnknownToken) as refusal:
            host.refresh(two.refresh_token or "")
        assert refusal.value.soft_logout, "its device is there (T2)"


def test_bad_lifetimes_and_names_are_refused(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="lifetime"):
        SqliteHost(path, server_name="example.org", guest_lifetime_ms=-1)
    with pytest.raises(ConfigurationError, match="server name"):
        SqliteHost(path, server_name="no name")  # T10
