"""Stores: opening them by their URL, and what is handed on to them."""

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
    LoadError,
    Login,
    Module,
    NotFound,
    Request,
    SqliteHost,
    StoreHost,
    UnknownToken,
)
from matrix_devices._libraries import module_path, store_path

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


def is_there(host: StoreHost, user_id: str) -> bool:
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


# ---- Opening ----


def test_a_url_or_the_name_of_a_file_opens_the_same_database(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StoreHost(str(path), server_name="example.org") as host:
        user_id = host.add_user("alice")
    with StoreHost(f"sqlite:{path}") as host:
        assert is_there(host, user_id)
    monkeypatch.chdir(path.parent)
    with SqliteHost("a:b", server_name="example.org") as host:
        assert repr(host) == "<SqliteHost example.org>"
    assert (path.parent / "a:b").exists()
    with StoreHost("./a:b") as host:
        assert host.server_name == "example.org"


def test_the_scheme_says_which_library_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert store_path("devices.db") == store_path("sqlite:devices.db")
    monkeypatch.setenv("MATRIX_DEVICES_POSTGRES_LIBRARY", "/nowhere/postgres.so")
    for url in ("postgres://localhost", "postgresql://localhost/devices", "host=/run user=x"):
        with pytest.raises(LoadError, match=r"/nowhere/postgres\.so"):
            StoreHost(url)
    with pytest.raises(LoadError, match=r"libmatrix_devices_mysql\.so"):
        StoreHost("mysql://user:secret@localhost/devices")
    monkeypatch.setenv("MATRIX_DEVICES_SQLITE_LIBRARY", "/nowhere/other.so")
    with pytest.raises(LoadError, match=r"/nowhere/other\.so"):
        SqliteHost("devices.db")


def test_a_library_that_is_no_store(path: Path) -> None:
    with pytest.raises(LoadError, match="matrix_devices_store_v1"):
        SqliteHost(path, library=module_path())


def test_a_url_that_the_library_does_not_know(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="sqlite"):
        StoreHost("mysql://localhost/devices", library=store_path("sqlite:"))


def test_what_is_no_database_or_of_another_server_is_refused(path: Path) -> None:
    SqliteHost(path, server_name="example.org").close()
    with pytest.raises(ConfigurationError, match=r"example\.org"):
        SqliteHost(path, server_name="example.com")
    text = path.with_name("text.db")
    text.write_text("This is not a database, although it is long enough to be one. " * 20)
    with pytest.raises(ConfigurationError, match="not a SQLite database"):
        SqliteHost(text, server_name="example.org")


def test_a_store_answers_one_module_only(path: Path) -> None:
    copy = path.with_name("libmatrix_devices.so")
    copy.write_bytes(Path(module_path()).read_bytes())
    with SqliteHost(path, server_name="example.org") as host:
        for _ in range(2):
            Module.open(host).close()
        with pytest.raises(LoadError) as raised:
            Module.open(host, library=copy)
        assert len(str(raised.value)) > 20, "says nothing"
        Module.open(host).close()
