"""A database to which something happens: nothing answered is lost, and a 503 comes in time."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

import pytest

from asking import BACK_S, answered, expect_away, expect_back, health, load_on, names, put
from cluster import Cluster, Database
from conftest import Launch
from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.server import poll
from relay import Relay
from trial import AS_TOKEN, of_user

PATIENCE_S = 0.7  # for which a read waits for a connection


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """One that may be stopped; what it answered is on the disk."""
    with Cluster(durable=True) as made:
        yield made


@pytest.fixture
def own(cluster: Cluster) -> Iterator[Database]:
    """A database in it."""
    with cluster.database() as made:
        yield made
        if cluster.process is None:
            cluster.start()


# ---- Connections ----


def cut_some(database: Database) -> int:
    """End the server's connections, once there are any; how many there were."""
    cut: int = poll(database.cut_connections, BACK_S, "there are connections to cut")
    return cut


def test_connections_that_are_cut_lose_nothing(
    launch: Launch, database: Database, rounds: int
) -> None:
    trial = launch(database.url)
    chance = random.Random(1)
    for number in range(rounds):
        with load_on(trial, number):
            cut = 0
            for _ in range(10):
                time.sleep(chance.uniform(0.02, 0.3))
                cut += cut_some(database)
        assert cut > 10, "there were none to cut"
    assert answered(trial) > 100


def test_reads_are_repeated(launch: Launch, database: Database) -> None:
    """A connection that is cut below a read: the client sees nothing of it, unless another takes
    so long to make that it is told."""
    trial = launch(database.url)
    put(trial, "A")
    answers: list[tuple[int | None, float]] = []
    over = threading.Event()

    def read() -> None:
        connection = trial.connect()
        while not over.is_set():
            began = time.monotonic()
            answer = trial.request(
                "GET", of_user("/devices", "carol"), token=AS_TOKEN, connection=connection
            )
            answers.append((answer.status if answer else None, time.monotonic() - began))
        connection.close()

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(5):
        poll(lambda least=20 * number: len(answers) > least, BACK_S, "they are read")
        time.sleep(0.4)
        cut_some(database)
    poll(lambda: len(answers) > 100, BACK_S, "they are read")
    over.set()
    for reader in readers:
        reader.join()
    assert {status for status, _ in answers} <= {200, 503}
    told_early = [took for status, took in answers if status == 503 and took < PATIENCE_S]
    assert not told_early
    assert sum(status == 200 for status, _ in answers) > 50


def test_a_statement_that_takes_too_long_is_504_and_undone(
    launch: Launch, prepare: Launch, database: Database
) -> None:
    launch(database.url).stop()  # who makes the tables, which may take longer than that
    trial = prepare(database.url_with(options="-cstatement_timeout=300"))
    trial.server.start()
    assert put(trial, "A", "before").status == 201
    holder = database.hold("LOCK TABLE matrix_devices.devices IN EXCLUSIVE MODE")
    assert put(trial, "A", "after").status == 504
    assert names(trial)["A"] == "before", "others can be read"
    holder.release()
    assert names(trial)["A"] == "before"
    assert put(trial, "A", "after").status == 200
    assert names(trial)["A"] == "after"


def test_fewer_connections_than_it_wants_are_enough(launch: Launch) -> None:
    settings = {"max_connections": "8", "superuser_reserved_connections": "3"}
    with Cluster(settings=settings) as small, small.database() as database:
        small.sql("CREATE ROLE plain LOGIN")
        small.sql(f"ALTER DATABASE {database.name} OWNER TO plain")
        trial = launch(database.url_with(user="plain"))
        poll(lambda: put(trial, "A").status in (200, 201), 10, "writes work")
        assert names(trial) == {"A": "name"}
        assert health(trial).status == 200


# ---- The server ----


def test_a_server_that_is_started_again(launch: Launch, cluster: Cluster, own: Database) -> None:
    trial = launch(own.url)
    put(trial, "BEFORE")
    cluster.stop()
    expect_away(trial)
    cluster.start()
    expect_back(trial)
    assert "BEFORE" in names(trial)


def test_crashes_lose_nothing(launch: Launch, cluster: Cluster, own: Database, rounds: int) -> None:
    trial = launch(own.url)
    chance = random.Random(2)
    for number in range(rounds):
        with load_on(trial, number):
            time.sleep(chance.uniform(0.3, 1.5))
            cluster.crash()
            time.sleep(chance.uniform(0, 0.5))
            cluster.start()
            time.sleep(chance.uniform(0, 1))
    assert answered(trial) > 100


def test_one_that_hangs(launch: Launch, cluster: Cluster, own: Database) -> None:
    """It takes connections, and says nothing."""
    trial = launch(own.url)
    put(trial, "BEFORE")
    cluster.pause()
    try:
        expect_away(trial)
    finally:
        cluster.resume()
    expect_back(trial)
    assert "BEFORE" in names(trial)


def test_one_that_hangs_while_a_connection_is_set_up(launch: Launch, database: Database) -> None:
    """What waits for the answer to a login does not see to the others meanwhile."""
    with Relay(database.postgres) as relay:
        trial = launch(relay.url(database.name))
        put(trial, "BEFORE")
        relay.hold_set_ups()
        relay.cut_one()
        assert relay.set_up_is_held.wait(BACK_S * TIME_FACTOR)
        relay.fall_silent()
        expect_away(trial)
        relay.pass_all()
        expect_back(trial)
        assert "BEFORE" in names(trial)
        trial.stop()


def test_hanging_for_a_moment_loses_nothing(
    launch: Launch, cluster: Cluster, own: Database, rounds: int
) -> None:
    trial = launch(own.url)
    chance = random.Random(3)
    for number in range(rounds):
        with load_on(trial, number):
            for _ in range(3):
                time.sleep(chance.uniform(0.1, 0.5))
                cluster.pause()
                time.sleep(chance.uniform(0.1, 2))
                cluster.resume()
    assert answered(trial) > 100
