"""Many clients on one server, and two servers on one database."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from conftest import Launch
from matrix_device_conformance.client import TIME_FACTOR, client_path
from matrix_device_conformance.homeserver import Device, Homeserver, Service, User
from matrix_device_conformance.server import Server
from store import expect_whole

THREADS = 8
ROUNDS = max(10, int(60 / TIME_FACTOR))


def test_eight_clients(homeserver: Homeserver, server: Server, service: Service) -> None:
    """Eight clients with users of their own don't see each other."""
    user_ids = [service.new_user() for _ in range(THREADS)]
    barrier = Barrier(THREADS)

    def work(number: int) -> None:
        user_id, chance = user_ids[number], random.Random(number)
        names: dict[str, str] = {}
        barrier.wait()
        for turn in range(ROUNDS):
            device_id = f"D{chance.randrange(10)}"
            name = f"{number}:{turn}"
            if chance.random() < 0.6:
                answer = service.put(device_id, {"display_name": name}, user_id=user_id)
                assert answer.status == (200 if device_id in names else 201), str(answer)
                names[device_id] = name
            else:
                ids = sorted({device_id, f"D{chance.randrange(10)}"})
                answer = service.request(
                    "POST", "/delete_devices", json={"devices": ids}, user_id=user_id
                )
                assert answer.status == 200, str(answer)
                for gone in ids:
                    names.pop(gone, None)
            listed = service.request("GET", "/devices", user_id=user_id).json["devices"]
            assert {entry["device_id"]: entry["display_name"] for entry in listed} == names

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    server.stop()
    expect_whole(server.database)


def test_U23_sixteen_right_passwords(homeserver: Homeserver) -> None:
    """Sixteen right passwords at once, of a client that heeds Retry-After: all pass, and soon."""
    user = homeserver.new_user()
    device = user.login()
    barrier = Barrier(16)

    def remove(number: int) -> list[int]:
        waits: list[int] = []
        session = device.begin_delete(f"UNKNOWN{number}")
        barrier.wait()
        while True:
            answer = device.delete(f"UNKNOWN{number}", user.auth(session))
            if answer.status == 200:
                return waits
            assert answer.status == 429, str(answer)
            waits.append(answer.json["retry_after_ms"])
            assert answer.json["error"] == "Too many attempts at once. Try again in 1 second."
            time.sleep(int(answer.headers["Retry-After"]))

    begin = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        waits = [wait for told in pool.map(remove, range(16)) for wait in told]
    took = time.monotonic() - begin
    assert max(waits, default=0) <= 1000, "attempts are in flight: they give their units back"
    # With units that came back by time alone it would be 78 s, of which a busy machine saves none.
    assert took <= 60 * TIME_FACTOR, f"{took:.1f} s, where an idle machine takes 6"


def test_eight_clients_of_one_user(
    homeserver: Homeserver, server: Server, service: Service
) -> None:
    """Eight clients on the same devices: every answer fits some order, nothing is a 5xx."""
    user_id = service.new_user()
    barrier = Barrier(THREADS)

    def work(number: int) -> set[int]:
        chance = random.Random(number)
        barrier.wait()
        statuses = set()
        for _ in range(ROUNDS):
            device_id = f"D{chance.randrange(4)}"
            kind = chance.randrange(3)
            if kind == 0:
                answer = service.put(device_id, {"display_name": "x"}, user_id=user_id)
            elif kind == 1:
                path = f"/devices/{device_id}"
                answer = service.request("DELETE", path, json={}, user_id=user_id)
            else:
                answer = service.request("GET", "/devices", user_id=user_id)
            statuses.add(answer.status)
        return statuses

    with ThreadPoolExecutor(THREADS) as pool:
        statuses = set().union(*pool.map(work, range(THREADS)))
    assert statuses <= {200, 201}
    server.stop()
    expect_whole(server.database)


def test_one_creation_at_once(homeserver: Homeserver, service: Service) -> None:
    """Eight PUTs of one new device at once: one 201, the others 200."""
    user_id = service.new_user()
    for number in range(10):
        barrier = Barrier(THREADS)

        def put(_thread: int, device_id: str = f"D{number}", barrier: Barrier = barrier) -> int:
            barrier.wait()
            return service.put(device_id, {}, user_id=user_id).status

        with ThreadPoolExecutor(THREADS) as pool:
            statuses = sorted(pool.map(put, range(THREADS)))
        assert statuses == [200] * (THREADS - 1) + [201]


def test_delete_against_use(homeserver: Homeserver, service: Service) -> None:
    """A token that is used while its device is deleted is dead once the deletion is answered."""
    user_id = service.new_user()
    for number in range(20):
        body = {
            "type": "m.login.application_service",
            "identifier": {"type": "m.id.user", "user": user_id},
            "device_id": f"D{number}",
        }
        login = homeserver.client.request(
            "POST", client_path("/login"), token=service.as_token, json=body
        )
        user = User(homeserver, user_id, "")
        device = Device(user, f"D{number}", login.json["access_token"])
        with ThreadPoolExecutor(4) as pool:
            uses = [pool.submit(device.list) for _ in range(8)]
            path = f"/devices/D{number}"
            assert service.request("DELETE", path, user_id=user_id).status == 200
            assert device.list().status == 401
            assert {use.result().status for use in uses} <= {200, 401}


# ---- Two servers on one file ----


@pytest.fixture
def second(
    launch: Launch, server: Server, open_options: list[str], homeserver: Homeserver
) -> Homeserver:
    """Another process on the database of `homeserver`."""
    other = launch(*open_options, database=server.database)
    services = [
        Service(one.name, one.rate_limited, as_token=one.as_token)
        for one in homeserver.services.values()
    ]
    return Homeserver(other.client, server=other, services=services)


def on(device: Device, homeserver: Homeserver) -> Device:
    """The same device, asking there."""
    user = User(homeserver, device.user.user_id, device.user.password)
    return Device(user, device.device_id, device.access_token, device.refresh_token)


def test_two_servers_see_the_same(homeserver: Homeserver, second: Homeserver) -> None:
    """What one has answered holds at the other, at once."""
    user = homeserver.new_user()
    device, target = user.login(), user.login()
    there, target_there = on(device, second), on(target, second)
    assert there.device_ids() == {device.device_id, target.device_id}
    assert there.put(target.device_id, {"display_name": "from there"}).status == 200
    assert device.get(target.device_id).json["display_name"] == "from there"
    assert device.delete(target.device_id, user.auth()).status == 200
    assert target_there.list().status == 401
    assert there.device_ids() == {device.device_id}
    assert there.request("POST", "/logout", json={}).status == 200
    assert device.list().status == 401


def test_what_a_server_remembers_ends_with_the_others_answers(
    homeserver: Homeserver, second: Homeserver
) -> None:
    """No token lets in, and nothing is listed, that the other process has deleted or renamed."""
    user = homeserver.new_user()
    device = user.login()
    for turn in range(ROUNDS):
        target = user.login()
        there = on(device, second)
        for _ in range(4):  # until it is remembered
            assert target.list().status == 200
        name = f"name {turn}"
        assert there.put(target.device_id, {"display_name": name}).status == 200
        assert target.get(target.device_id).json["display_name"] == name
        assert name in [entry["display_name"] for entry in target.list().json["devices"]]
        for _ in range(4):
            assert target.list().status == 200
        assert on(target, second).request("POST", "/logout", json={}).status == 200
        assert target.list().status == 401
        assert device.device_ids() == {device.device_id}


def test_session_of_the_other_server(homeserver: Homeserver, second: Homeserver) -> None:
    """U20: a session begun at one is finished at the other, and answers at both."""
    user = homeserver.new_user()
    device, target = user.login(), user.login()
    session = device.begin_delete(target.device_id)
    there = on(device, second)
    assert there.delete(target.device_id, user.wrong_auth(session)).errcode == "M_FORBIDDEN"
    assert there.delete(target.device_id, user.auth(session)).status == 200
    assert device.delete(target.device_id, {"session": session}).status == 200
    assert device.delete("OTHER", {"session": session}).status == 403


def test_two_servers_write_at_once(
    homeserver: Homeserver, server: Server, second: Homeserver
) -> None:
    """Eight clients on two servers, one file: no write is lost, nothing is a 5xx."""
    service = homeserver.services["unlimited"]
    service_there = second.services["unlimited"]
    user_id = service.new_user()
    barrier = Barrier(THREADS)

    def work(number: int) -> None:
        mine = service if number % 2 else service_there
        barrier.wait()
        for turn in range(ROUNDS):
            device_id = f"D{number}-{turn}"
            answer = mine.put(device_id, {}, user_id=user_id)
            assert answer.status == 201, str(answer)
            if turn % 2:
                gone = mine.request("DELETE", f"/devices/{device_id}", user_id=user_id)
                assert gone.status == 200, str(gone)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    expected = {f"D{number}-{turn}" for number in range(THREADS) for turn in range(0, ROUNDS, 2)}
    assert service.device_ids(user_id) == expected
    assert service_there.device_ids(user_id) == expected


def test_two_servers_finish_one_session(homeserver: Homeserver, second: Homeserver) -> None:
    """U26: two processes finishing one session at once both answer 200, for the same deletion."""
    user = homeserver.new_user()
    for _ in range(5):
        device, target = user.login(), user.login()
        auth = user.auth(device.begin_delete(target.device_id))
        barrier = Barrier(2)

        def delete(
            device: Device, target: Device = target, auth: dict = auth, barrier: Barrier = barrier
        ) -> int:
            barrier.wait()
            return device.delete(target.device_id, auth).status

        with ThreadPoolExecutor(2) as pool:
            statuses = list(pool.map(delete, [device, on(device, second)]))
        assert statuses == [200, 200]
        assert target.list().status == 401


def test_one_server_goes(homeserver: Homeserver, server: Server, second: Homeserver) -> None:
    """One of two is killed: the other goes on."""
    user = homeserver.new_user()
    device, target = user.login(), user.login()
    there = on(device, second)
    session = device.begin_delete(target.device_id)
    server.kill()
    assert there.delete(target.device_id, user.auth(session)).status == 200
    assert there.device_ids() == {device.device_id}
    assert there.user.login().list().status == 200
