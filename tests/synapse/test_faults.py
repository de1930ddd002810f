"""What goes wrong around a request: the database goes away, the client hangs up."""

from __future__ import annotations

import json as jsonlib
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from accounts import Site
from cluster import Database
from conftest import Sites
from matrix_device_conformance.client import TIME_FACTOR, Client, client_path, device_path
from matrix_device_conformance.homeserver import Device
from matrix_device_conformance.server import poll

POOL = 5  # cp_max, of synapse_server.py
PROMPT_S = 5.0 * TIME_FACTOR  # far less than the wait that it is compared with


@contextmanager
def locked_table(database: Database, table: str) -> Iterator[None]:
    """Nobody else gets at this table meanwhile: requests stand still in the database."""
    holder = database.hold(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    try:
        yield
    finally:
        holder.release()


def waiting_for(database: Database, table: str) -> int:
    """How many queries wait for this table."""
    return database.number(
        "SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation"
        f" WHERE relname = '{table}' AND NOT granted"
    )


def expect_waiting(database: Database, table: str) -> None:
    """A request has come as far as this table."""
    poll(lambda: waiting_for(database, table) > 0, 20, f"a query waits for {table}")


def database_of(workers: Site) -> Database:
    """The database under the workers."""
    assert workers.synapse.postgres is not None
    return workers.synapse.postgres


def hang_up_after(client: Client, raw: bytes) -> socket.socket:
    """A connection on which this request has been sent."""
    assert client.port is not None
    connection = socket.create_connection((client.host, client.port), 30)
    connection.sendall(raw)
    return connection


def raw_request(method: str, path: str, token: str, body: bytes) -> bytes:
    """An HTTP request."""
    return (
        f"{method} {client_path(path)} HTTP/1.1\r\nHost: example.org\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


@pytest.mark.parametrize("place", ["main", "worker"])
@pytest.mark.rough
def test_the_database_goes_away(workers: Site, place: str) -> None:
    """In mid-request: 5xx as Synapse gives it, and after a restart the next request works."""
    database = database_of(workers)
    cluster = workers.synapse.cluster
    assert cluster is not None
    user = workers.new_user()
    login, target = user.login(), user.login()
    device = workers.at(getattr(workers, place), login)
    session = device.begin_delete(target.device_id)
    with ThreadPoolExecutor() as pool:
        with locked_table(database, "devices"):
            pending = pool.submit(device.list)
            expect_waiting(database, "devices")
            cluster.stop(signal.SIGQUIT)  # as when the machine of the database goes away
        answer = pending.result()
    assert answer.status >= 500, str(answer)
    assert answer.errcode == "M_UNKNOWN", str(answer)
    down = device.delete(target.device_id, user.auth(session))
    assert down.status >= 500, str(down)
    cluster.start()
    expect_recovered(workers, login)
    assert device.delete(target.device_id, user.auth(session)).status == 200
    poll(lambda: device.device_ids() == {device.device_id}, 10, "the device is gone")


def expect_recovered(workers: Site, device: Device) -> None:
    """Synapse notices that a connection of its pool is dead when it next uses it: each of them
    costs a request, so there are many, at once, on both processes."""
    for place in ("main", "worker"):
        there = workers.at(getattr(workers, place), device)

        def burst(there: Device = there) -> bool:
            with ThreadPoolExecutor(POOL) as pool:
                answers = pool.map(lambda _: there.list().status, range(4 * POOL))
                return all(status == 200 for status in answers)

        poll(burst, 30, f"{place} works again")
        assert burst(), "and goes on working"


@pytest.mark.parametrize("place", ["main", "worker"])
def test_the_reactor_is_not_blocked(workers: Site, place: str) -> None:
    """While requests wait for the database, others are answered."""
    database = database_of(workers)
    user = workers.new_user()
    device = workers.at(getattr(workers, place), user.login())
    with ThreadPoolExecutor() as pool:
        with locked_table(database, "devices"):
            pending = pool.submit(device.list)
            expect_waiting(database, "devices")
            started = time.monotonic()
            for _ in range(10):
                assert getattr(workers, place).client.request("GET", "/health").status == 200
            assert time.monotonic() - started < PROMPT_S
            assert not pending.done()
        assert pending.result().status == 200


@pytest.mark.parametrize("place", ["main", "worker"])
def test_a_client_hangs_up_on_a_deletion(workers: Site, place: str) -> None:
    """The deletion goes through to its end: no token outlives its device."""
    database = database_of(workers)
    user = workers.new_user()
    login, target, second = user.login(), user.login(), user.login()
    device = workers.at(getattr(workers, place), login)
    one = device.begin_delete(target.device_id)
    body = jsonlib.dumps({"auth": user.auth(one)}).encode()
    client = getattr(workers, place).client
    with locked_table(database, "devices"):
        connection = hang_up_after(
            client, raw_request("DELETE", device_path(target.device_id), login.access_token, body)
        )
        expect_waiting(database, "devices")
        connection.close()
        assert client.request("GET", "/health").status == 200
    poll(lambda: target.device_id not in device.device_ids(), 20, "the device is gone")
    poll(lambda: target.list().status == 401, 20, "its token is dead")
    assert device.delete_devices([second.device_id], user.auth()).status == 200


@pytest.mark.parametrize("place", ["main", "worker"])
def test_a_client_hangs_up_on_reading(workers: Site, place: str) -> None:
    """Nobody is answered, and nothing is left behind."""
    database = database_of(workers)
    user = workers.new_user()
    login = user.login()
    device = workers.at(getattr(workers, place), login)
    client = getattr(workers, place).client
    position = getattr(workers, place).position()
    with locked_table(database, "devices"):
        connections = [
            hang_up_after(client, raw_request("GET", "/devices", login.access_token, b""))
            for _ in range(3)
        ]
        expect_waiting(database, "devices")
        for connection in connections:
            connection.close()
        assert client.request("GET", "/health").status == 200
    assert device.list().status == 200
    assert getattr(workers, place).errors(position) == []


@pytest.mark.better
def test_an_answer_does_not_wait_for_the_log(sites: Sites, site: Site) -> None:
    """It has left before Synapse writes down that it answered."""
    device = site.new_user().login()
    sites.log_held.touch()
    with ThreadPoolExecutor() as pool:
        pending = pool.submit(device.list)
        try:
            assert pending.result(PROMPT_S).status == 200
        finally:
            sites.log_held.unlink()


def test_a_client_hangs_up_on_a_large_body(site: Site) -> None:
    """A request of which only a part came."""
    user = site.new_user()
    device = user.login()
    whole = raw_request("POST", "/delete_devices", device.access_token, b"{" + b" " * 100_000)
    for length in (len(whole) // 2, len(whole) - 1):
        hang_up_after(site.client, whole[:length]).close()
    assert device.list().status == 200


def test_many_at_once(site: Site) -> None:
    """Requests that overlap get their own answers."""
    users = [site.new_user() for _ in range(4)]
    devices = [user.login(f"DEVICE{index}") for index, user in enumerate(users)]

    def ask(number: int) -> bool:
        device = devices[number % len(devices)]
        answer = device.get() if number % 2 else device.list()
        got = answer.json if number % 2 else answer.json["devices"][0]
        return answer.status == 200 and got["device_id"] == device.device_id

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(400)))


def test_one_session_at_once(site: Site) -> None:
    """Requests that finish one session at the same moment: nothing is deleted that none asked."""
    user = site.new_user()
    device, kept = user.login(), user.login()
    targets = [user.login().device_id for _ in range(4)]
    session = device.begin_delete_devices(targets)

    def finish(_number: int) -> int:
        return device.delete_devices(targets, user.auth(session)).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(finish, range(8)))
    assert 200 in statuses, statuses
    # 429: passwords that are tried at once are limited, and all of them count until they are right.
    assert all(status in (200, 401, 403, 429) for status in statuses), statuses
    assert device.device_ids() == {device.device_id, kept.device_id}
