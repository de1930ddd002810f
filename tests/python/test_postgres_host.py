"""``PostgresHost``: mistakes, what is shown, and one database for several hosts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import Database, Postgres, for_tests
from matrix_devices import (
    ConfigurationError,
    Module,
    PostgresHost,
    Request,
    SqliteHost,
    StoreError,
    StoreHost,
    UnknownToken,
)
from matrix_devices.records import Credentials
from programs import missing

PASSWORD = "hush"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL, if it is installed."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    with for_tests() as found:
        yield found


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    """A new one, empty."""
    with postgres.database() as made:
        yield made


def devices_of(host: StoreHost, token: str) -> list[str]:
    """What GET /devices says."""
    with Module.open(host) as module:
        headers = {"Authorization": f"Bearer {token}"}
        response = module.handle(Request("GET", "/_matrix/client/v3/devices", headers))
    assert response is not None
    assert response.status == 200, response
    return [device["device_id"] for device in response.json()["devices"]]


@pytest.mark.parametrize("url", ["devices.db", "sqlite:devices.db", "mysql://localhost/devices"])
def test_what_is_not_postgresql_says_what_would_be(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SqliteHost") as refusal:
        PostgresHost(url)
    assert "postgresql://user@host/database" in str(refusal.value)


@pytest.mark.parametrize("connections", [-1, 1001, "8", 1.5])
def test_a_number_of_connections_that_is_none(connections: object) -> None:
    with pytest.raises(ConfigurationError, match="0 to 1000"):
        PostgresHost("postgresql://", connections=connections)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:{PASSWORD}@127.0.0.1:1/devices",
        f"host=127.0.0.1 port=1 password={PASSWORD}",
        f"postgresql://user:{PASSWORD}/x@127.0.0.1:1/devices",
        f"host=127.0.0.1 password={PASSWORD} rest",
        f"postgresql://user:{PASSWORD}%zz@127.0.0.1:1/devices",
        f"postgresql://user:x@{PASSWORD}@127.0.0.1:1/devices",
    ],
)
def test_no_error_shows_a_password(url: str) -> None:
    with pytest.raises((StoreError, ConfigurationError)) as refusal:
        PostgresHost(url, server_name="example.org")
    assert PASSWORD not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_hosts_share_a_database(database: Database) -> None:
    with PostgresHost(database.url, server_name="example.org") as one:
        one.add_user("alice", "correct horse")
        login = one.login("alice", device_id="LAPTOP")
        with (
            StoreHost(database.url) as two,
            PostgresHost(database.url, connections=1, prepared_statements=False) as three,
        ):
            for host in (one, two, three):
                assert host.server_name == "example.org"
                assert devices_of(host, login.access_token) == ["LAPTOP"]
            two.logout(login.access_token)
            with pytest.raises(UnknownToken):
                three.identify(Credentials(login.access_token, None, None, "", Request("GET", "/")))
        assert repr(one) == "<PostgresHost example.org>"


def test_one_of_another_server_name_is_refused(database: Database) -> None:
    with pytest.raises(ConfigurationError, match="server_name="):
        PostgresHost(database.url)
    PostgresHost(database.url, server_name="example.org").close()
    with pytest.raises(ConfigurationError, match="correct server_name"):
        PostgresHost(database.url, server_name="example.com")


def test_a_file_may_be_called_as_key_words_are(tmp_path: Path) -> None:
    with SqliteHost(tmp_path / "host=x", server_name="example.org") as host:
        assert host.server_name == "example.org"
    assert (tmp_path / "host=x").exists()
