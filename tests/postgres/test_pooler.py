"""PgBouncer between the server and the database, which lends a connection for a transaction."""

from __future__ import annotations

import pytest

from asking import expect_away, expect_back, load_on, names, put
from cluster import Database, Postgres
from conftest import Launch
from pooler import Pooler
from programs import missing

UNPREPARED = {"database_prepared_statements": False}


@pytest.fixture(autouse=True)
def needs_pooler() -> None:
    """Skip where none is installed."""
    reason = missing("pgbouncer")
    if reason:
        pytest.skip(reason)


def test_two_servers_behind_a_pooler(
    launch: Launch, prepare: Launch, postgres: Postgres, database: Database
) -> None:
    """Statements of both come on the same few connections."""
    launch(database.url).stop()  # who makes the accounts
    with Pooler(postgres, size=3) as pooler:
        url = pooler.url(database.name, **database.postgres.parameters)
        first = prepare(url, **UNPREPARED)
        first.server.start()
        second = prepare(url, **UNPREPARED)
        second.server.start()
        with load_on(first, 1):
            for number in range(100):
                assert put(first, "A", f"{number} of the first").status in (200, 201)
                assert names(second)["A"] == f"{number} of the first"
                assert put(second, "A", f"{number} of the second").status == 200
                assert names(first)["A"] == f"{number} of the second"
        for trial in (first, second):
            trial.stop()


def test_a_pooler_that_is_away(
    launch: Launch, prepare: Launch, postgres: Postgres, database: Database
) -> None:
    launch(database.url).stop()
    with Pooler(postgres) as pooler:
        trial = prepare(pooler.url(database.name), **UNPREPARED)
        trial.server.start()
        put(trial, "BEFORE")
        pooler.stop()
        expect_away(trial)
        pooler.start()
        expect_back(trial)
        assert "BEFORE" in names(trial)
        trial.stop()
