"""A main process and a worker on PostgreSQL and Redis: requests go to either."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from accounts import Site
from conftest import MAX_DEVICES
from fakes import FakeCas
from matrix_device_conformance.homeserver import Device
from matrix_device_conformance.server import poll
from test_sessions import sign_on, single_sign_on_user

PLACES = ["main", "worker"]
FREE = 3  # devices below the cap


@pytest.fixture(params=[("main", "worker"), ("worker", "main")], ids="-then-".join)
def places(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Where an authentication is begun, and where it is finished."""
    chosen: tuple[str, str] = request.param
    return chosen


def at(workers: Site, place: str, device: Device) -> Device:
    """The device, its requests going to that process."""
    return workers.at(getattr(workers, place), device)


def expect_gone(workers: Site, device: Device) -> None:
    """The device's token dies everywhere, as fast as replication goes."""
    for place in PLACES:
        there = at(workers, place, device)
        poll(partial(is_logged_out, there), 10, f"{place}: the token is dead")


def is_logged_out(device: Device) -> bool:
    """The device's token is nobody's."""
    return device.list().status == 401


@pytest.mark.parametrize("place", PLACES)
def test_all_endpoints(workers: Site, place: str) -> None:
    """Each of the five endpoints, on either process."""
    user = workers.new_user()
    login = user.login("HERE", name="laptop")
    device = at(workers, place, login)
    targets = [user.login(f"T{number}") for number in range(3)]
    assert device.get().json["display_name"] == "laptop"
    assert device.put("T0", {"display_name": "renamed"}).status == 200
    assert device.get("T0").json["display_name"] == "renamed"
    assert device.delete("T0", user.auth()).status == 200
    session = device.begin_delete_devices(["T1", "T2"])
    assert device.delete_devices(["T1", "T2"], user.auth(session)).status == 200
    poll(lambda: login.device_ids() == {"HERE"}, 10, "the list on the main process")
    assert device.device_ids() == {"HERE"}
    for target in targets:
        expect_gone(workers, target)


def is_seen(device: Device) -> bool:
    """Whether the server tells when the device was seen last."""
    return device.get().json["last_seen_ts"] is not None


@pytest.mark.parametrize("place", PLACES)
def test_last_seen(workers: Site, place: str) -> None:
    """Where and when a device was seen, on either process: the main one writes it down."""
    login = workers.new_user().login()
    assert at(workers, place, login).list().status == 200
    for where in PLACES:
        reader = at(workers, where, login)
        poll(partial(is_seen, reader), 30, f"{where}: last seen")
        assert reader.list().json["devices"] == [reader.get().json]
        assert reader.get().json["last_seen_ip"] == "127.0.0.1"


def test_across(workers: Site, places: tuple[str, str]) -> None:
    """A session begun on one process is finished on the other."""
    user = workers.new_user()
    device, one, first, second = (user.login() for _ in range(4))
    begins, finishes = (at(workers, place, device) for place in places)

    session = begins.begin_delete(one.device_id)
    answer = finishes.delete(one.device_id, user.auth(session))
    assert (answer.status, answer.json) == (200, {}), str(answer)
    expect_gone(workers, one)

    ids = [first.device_id, second.device_id]
    session = begins.begin_delete_devices(ids)
    pending = finishes.delete_devices(ids, {"session": session})
    assert (pending.status, pending.json["completed"]) == (401, []), str(pending)
    wrong = begins.delete_devices(ids, user.wrong_auth(session))
    assert wrong.status == 401, str(wrong)
    assert finishes.delete_devices(ids, user.auth(session)).status == 200
    assert begins.delete_devices(ids, {"session": session}).status == 200, "the same again"
    for device in (first, second):
        expect_gone(workers, device)


@pytest.mark.better
def test_a_finished_session_is_finished_everywhere(workers: Site, places: tuple[str, str]) -> None:
    """What one process finished authorises nothing else on the other."""
    user = workers.new_user()
    device, first, second = user.login(), user.login(), user.login()
    begins, finishes = (at(workers, place, device) for place in places)
    session = begins.begin_delete_devices([first.device_id])
    assert begins.delete_devices([first.device_id], user.auth(session)).status == 200
    answer = finishes.delete_devices([second.device_id], {"session": session})
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN"), str(answer)
    assert second.device_id in begins.device_ids()


def test_single_sign_on_across(workers: Site, cas: FakeCas, places: tuple[str, str]) -> None:
    """Begun on one process, finished on the other; the fallback page is the main process's."""
    user, name = single_sign_on_user(workers)
    device, target = user.login(), user.login()
    begins, finishes = (at(workers, place, device) for place in places)
    session = begins.begin_delete(target.device_id)
    assert sign_on(workers.main.client, cas, session, name).status == 200
    answer = finishes.delete(target.device_id, {"session": session})
    assert (answer.status, answer.json) == (200, {}), str(answer)
    expect_gone(workers, target)


@pytest.mark.better
def test_flows_are_the_same_everywhere(workers: Site) -> None:
    """Flows have one order on all processes."""
    user, _ = single_sign_on_user(workers)
    device, target = user.login(), user.login()
    expected = [{"stages": ["m.login.password"]}, {"stages": ["m.login.sso"]}]
    for place in PLACES:
        answer = at(workers, place, device).delete(target.device_id)
        assert answer.json["flows"] == expected, place


@pytest.mark.parametrize("place", PLACES)
def test_services(workers: Site, place: str) -> None:
    """An application service creates and deletes on either process."""
    service = workers.services["unlimited"]
    user_id = service.new_user()
    client = getattr(workers, place).client
    query = f"?user_id={user_id}"
    path = f"/_matrix/client/v3/devices/BRIDGE{query}"
    statuses = [
        client.request(method, path, token=service.as_token, json={}).status
        for method in ("PUT", "PUT", "GET", "DELETE", "DELETE", "GET")
    ]
    assert statuses == [201, 200, 200, 200, 200, 404]


@pytest.mark.better
def test_the_cap_holds_everywhere(workers: Site) -> None:
    """Creations at once on both processes do not go over the cap; a rename is no creation (P7)."""
    service = workers.services["unlimited"]
    user_id = service.new_user()
    there = workers.synapse.add_devices(user_id, "THERE", MAX_DEVICES - FREE)

    def create(number: int) -> int:
        process = getattr(workers, PLACES[number % len(PLACES)])
        creator = replace(service, homeserver=workers.seen_from(process))
        answer = creator.put(f"NEW{number}", {}, user_id=user_id)
        if answer.status != 201:
            assert answer.errcode == "M_USER_LIMIT_EXCEEDED", str(answer)
        return answer.status

    with ThreadPoolExecutor(4 * FREE) as pool:
        statuses = list(pool.map(create, range(4 * FREE)))
    assert sorted(statuses) == [201] * FREE + [403] * (3 * FREE)
    assert len(service.device_ids(user_id)) == MAX_DEVICES
    assert service.put(there[0], {"display_name": "renamed"}, user_id=user_id).status == 200


@pytest.mark.module
def test_a_creation_that_never_ends(workers: Site) -> None:
    """A process that died while it created a device: others say so in time, and go on later."""
    service = workers.services["unlimited"]
    user_id = service.new_user()
    lock = f"lock_name = 'matrix_devices_create' AND lock_key = '{user_id}'"
    workers.synapse.sql(
        "INSERT INTO worker_locks (lock_name, lock_key, instance_name, token, last_renewed_ts)"
        f" VALUES ('matrix_devices_create', '{user_id}', 'gone', 'x', {time.time_ns() // 10**6})"
    )
    with ThreadPoolExecutor(FREE) as pool:
        answers = list(pool.map(lambda n: service.put(f"D{n}", {}, user_id=user_id), range(FREE)))
    assert [answer.status for answer in answers] == [504] * FREE, str(answers)
    workers.synapse.sql(f"UPDATE worker_locks SET last_renewed_ts = 0 WHERE {lock}")
    assert service.put("D0", {}, user_id=user_id).status == 201


@pytest.mark.better
def test_nul(workers: Site) -> None:
    """What PostgreSQL cannot store is nobody's device, and no name."""
    user = workers.new_user()
    device = user.login()
    assert device.get("\0").status == 404
    assert device.put("\0", {"display_name": "x"}).status == 404
    assert device.delete("\0", user.auth()).status == 200
    assert device.delete_devices(["\0"], user.auth()).status == 200
    named = device.put(device.device_id, {"display_name": "a\0b"})
    assert (named.status, named.errcode) == (400, "M_INVALID_PARAM"), str(named)
    service = workers.services["unlimited"]
    made = service.put("\0", {}, user_id=service.new_user())
    assert (made.status, made.errcode) == (400, "M_INVALID_PARAM"), str(made)


@pytest.mark.parametrize("place", PLACES)
def test_others_learn_of_a_deletion(workers: Site, place: str) -> None:
    """A deletion on either process shows in a sync on the main process."""
    user = workers.new_user()
    device, target = user.login(), user.login()
    began = device.request("GET", "/sync", query="timeout=0").json["next_batch"]
    assert at(workers, place, device).delete(target.device_id, user.auth()).status == 200

    def learnt() -> bool:
        synced = device.request("GET", "/sync", query=f"timeout=0&since={began}").json
        return user.user_id in synced.get("device_lists", {}).get("changed", [])

    poll(learnt, 10, "the sync says that the user's devices changed")
