"""A standby takes the place of the primary."""

from __future__ import annotations

import random
import time

from asking import answered, expect_back, load_on, names, put
from cluster import START_S, Cluster
from conftest import Launch
from matrix_device_conformance.server import poll
from standby import SYNCHRONOUS, Standby, url_of


def test_what_was_answered_is_on_the_standby(launch: Launch, prepare: Launch, rounds: int) -> None:
    """With synchronous_standby_names; the primary dies under load."""
    primary = Cluster(durable=True, settings=SYNCHRONOUS)
    primary.start()
    primary.sql("CREATE DATABASE of_test TEMPLATE template0")
    launch(primary.url("of_test")).stop()  # who makes the accounts
    try:
        for number in range(rounds):
            standby = Standby(primary, settings=SYNCHRONOUS)
            standby.start()
            try:
                fail_over(prepare, primary, standby, number)
            finally:
                primary.remove()
                primary = standby
    finally:
        primary.remove()


def fail_over(prepare: Launch, primary: Cluster, standby: Standby, number: int) -> None:
    standby.follow()
    trial = prepare(url_of(primary, standby, database="of_test"))
    trial.server.start()
    chance = random.Random(number)
    with load_on(trial, number):
        time.sleep(chance.uniform(0.3, 1.5))
        primary.crash()
        time.sleep(chance.uniform(0, 0.3))
        standby.promote()
        time.sleep(chance.uniform(0.5, 1))
    assert answered(trial) > 20
    trial.stop()


def test_a_primary_that_takes_no_writes_any_more_is_left(launch: Launch) -> None:
    """SQLSTATE 25006 on a connection that is good otherwise: the primary is somewhere else now."""
    with (
        Cluster(durable=True, settings=SYNCHRONOUS) as primary,
        Standby(primary, settings=SYNCHRONOUS) as standby,
    ):
        primary.sql("CREATE DATABASE of_test TEMPLATE template0")
        standby.follow()
        trial = launch(url_of(primary, standby, database="of_test"))
        assert put(trial, "BEFORE").status == 201
        standby.promote()
        primary.sql("ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf()")
        # Who is let in knows it as soon as all others have been told, and not before.
        known = "SHOW default_transaction_read_only"
        poll(lambda: primary.sql(known) == [("on",)], START_S, "the primary takes no writes")
        expect_back(trial)
        assert "BEFORE" in names(trial)
        written = "SELECT count(*) FROM matrix_devices.devices WHERE device_id = 'BACK'"
        assert standby.sql(written, "of_test") == [("1",)]
        assert primary.sql(written, "of_test") == [("0",)]
        trial.stop()
