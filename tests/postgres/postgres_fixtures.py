"""Fixtures of pytest: in a conftest.py, `pytest_plugins = ["postgres_fixtures"]`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import Database, Postgres, for_tests
from matrix_device_conformance.server import server_binary
from programs import missing

LIBRARY = "libmatrix_devices_postgres.so"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL that others may use too: nothing of it is stopped or configured."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    with for_tests() as found:
        yield found


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    """A new database in it, empty."""
    with postgres.database() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgres"])
def each_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """What to give to --database, of each engine that the server is built with; it is empty."""
    if request.param == "sqlite":
        return str(tmp_path / "devices.db")
    binary = server_binary(None)
    if binary is None or not (Path(binary).parent / LIBRARY).exists():
        pytest.skip("the server was built without PostgreSQL: cmake -DMXD_POSTGRES=ON")
    database: Database = request.getfixturevalue("database")
    return database.url
