"""What was answered is on disk: power cuts, a full disk."""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from matrix_device_conformance.client import client_path, device_path
from matrix_device_conformance.homeserver import Device, Homeserver, Service, User
from matrix_device_conformance.server import Server, poll
from store import expect_whole

DEVICES = 1000
THREADS = 8
NO_LIMIT = resource.RLIM_INFINITY


def service_login(service: Service, user_id: str, device_id: str) -> Device:
    """A device with a token, without the cost of a password."""
    assert service.homeserver is not None
    body = {
        "type": "m.login.application_service",
        "identifier": {"type": "m.id.user", "user": user_id},
        "device_id": device_id,
    }
    answer = service.homeserver.client.request(
        "POST", client_path("/login"), token=service.as_token, json=body
    )
    assert answer.status == 200, str(answer)
    return Device(User(service.homeserver, user_id, ""), device_id, answer.json["access_token"])


def make_devices(service: Service, user_id: str, count: int) -> list[Device]:
    """Many devices of one user."""
    ids = [f"D{number:04}" for number in range(count)]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda device_id: service_login(service, user_id, device_id), ids))


def expect_consistent(
    service: Service, user_id: str, devices: list[Device], deleted: set[str]
) -> set[str]:
    """Each answered deletion is there, and a token works just as long as its device."""
    left = service.device_ids(user_id)
    assert not left & deleted, f"answered with 200 and still there: {sorted(left & deleted)[:5]}"
    with ThreadPoolExecutor(THREADS) as pool:
        statuses = list(pool.map(lambda device: device.list().status, devices))
    for device, status in zip(devices, statuses, strict=True):
        assert status == (200 if device.device_id in left else 401), device.device_id
    return left


def test_kill_during_a_thousand_deletions(
    homeserver: Homeserver, server: Server, service: Service, restart: Callable[[], None]
) -> None:
    """kill -9 in the middle: what was answered is done, no token of a deleted device works."""
    user_id = service.new_user()
    devices = make_devices(service, user_id, DEVICES)
    deleted: set[str] = set()

    def delete(device: Device) -> None:
        try:
            answer = service.request("DELETE", device_path(device.device_id), user_id=user_id)
        except OSError:
            return  # the power is off
        assert answer.status == 200, str(answer)
        deleted.add(device.device_id)
        if len(deleted) >= DEVICES // 3:
            server.signal(signal.SIGKILL)  # here, where nothing can come too late

    with ThreadPoolExecutor(THREADS) as pool:
        results = [pool.submit(delete, device) for device in devices]
        for result in results:
            result.result()
    assert server.wait() == -signal.SIGKILL
    assert len(deleted) < DEVICES, "the server was killed too late to see anything"
    expect_whole(server.database)
    restart()
    left = expect_consistent(service, user_id, devices, deleted)
    assert left, "more than was asked for is gone"


def test_kill_during_bulk_deletions(
    homeserver: Homeserver, server: Server, service: Service, restart: Callable[[], None]
) -> None:
    """kill -9 during bulk deletions: each is whole or has not begun."""
    user_id = service.new_user()
    devices = make_devices(service, user_id, 400)
    ids = [device.device_id for device in devices]
    groups = [ids[start : start + 20] for start in range(0, len(ids), 20)]
    deleted: set[str] = set()
    first = threading.Event()

    def delete(group: list[str]) -> None:
        try:
            answer = service.request(
                "POST", "/delete_devices", json={"devices": group}, user_id=user_id
            )
        except OSError:
            return
        assert answer.status == 200, str(answer)
        deleted.update(group)
        first.set()

    with ThreadPoolExecutor(2) as pool:
        results = [pool.submit(delete, group) for group in groups]
        poll(first.is_set, 60, "a first deletion")
        server.kill()
        for result in results:
            result.result()
    expect_whole(server.database)
    restart()
    left = expect_consistent(service, user_id, devices, deleted)
    for group in groups:
        there = left & set(group)
        assert there in (set(), set(group)), f"half deleted: {sorted(there)}"


def test_kill_during_creation_and_login(
    homeserver: Homeserver, server: Server, service: Service, restart: Callable[[], None]
) -> None:
    """kill -9 during logins: each token that was given out works."""
    user_id = service.new_user()
    given: list[Device] = []

    def log_in(number: int) -> None:
        try:
            given.append(service_login(service, user_id, f"D{number:04}"))
        except OSError:
            return

    with ThreadPoolExecutor(THREADS) as pool:
        results = [pool.submit(log_in, number) for number in range(500)]
        poll(lambda: len(given) >= 50, 60, "50 logins")
        server.kill()
        for result in results:
            result.result()
    expect_whole(server.database)
    restart()
    for device in given:
        assert device.get().status == 200, device.device_id


@pytest.fixture
def disk(server: Server, homeserver: Homeserver) -> Callable[[int], None]:
    """Lets no file of the server grow over so many bytes: a full disk."""
    assert server.process is not None
    pid = server.process.pid

    def limit(size: int) -> None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, NO_LIMIT))

    return limit


def test_full_disk(
    homeserver: Homeserver,
    server: Server,
    service: Service,
    disk: Callable[[int], None],
    restart: Callable[[], None],
) -> None:
    """A full disk: writes are 5xx and undone, reads go on; with room again all goes on."""
    user = homeserver.new_user()
    device, target = user.login(name="before"), user.login(name="target")
    session = device.begin_delete(target.device_id)
    bridge_user = service.new_user()
    for device_id in ("A", "B"):
        service.put(device_id, {}, user_id=bridge_user)

    disk(1)
    for what, answer in (
        ("rename", device.put(device.device_id, {"display_name": "after"})),
        ("delete", device.delete(target.device_id, user.auth(session))),
        ("create", service.put("NEW", {}, user_id=bridge_user)),
        (
            "bulk delete",
            service.request(
                "POST", "/delete_devices", json={"devices": ["A", "B"]}, user_id=bridge_user
            ),
        ),
        ("challenge", device.delete(target.device_id)),
    ):
        assert 500 <= answer.status <= 599, f"{what}: {answer}"
        assert answer.errcode == "M_UNKNOWN", f"{what}: {answer}"
        assert str(server.database) not in answer.raw.decode()
    assert device.get().json["display_name"] == "before"
    assert target.get().status == 200
    assert service.device_ids(bridge_user) == {"A", "B"}

    disk(NO_LIMIT)
    assert device.put(device.device_id, {"display_name": "after"}).status == 200
    assert device.delete(target.device_id, user.auth(session)).status == 200
    assert target.list().status == 401
    assert service.put("NEW", {}, user_id=bridge_user).status == 201
    server.stop()
    expect_whole(server.database)
    restart()
    assert device.get().json["display_name"] == "after"
    assert service.device_ids(bridge_user) == {"A", "B", "NEW"}


def test_disk_full_in_the_middle(
    homeserver: Homeserver, server: Server, service: Service, disk: Callable[[int], None]
) -> None:
    """The disk fills up during writes: what was answered 2xx is there, the rest is not."""
    user_id = service.new_user()
    service.put("FIRST", {}, user_id=user_id)
    wal = server.database.with_name(server.database.name + "-wal")
    disk(os.path.getsize(wal) + 64 * 1024)
    created = set()
    failed = set()
    for number in range(3000):
        device_id = f"D{number:04}"
        answer = service.put(device_id, {"display_name": "x" * 100}, user_id=user_id)
        if answer.status == 201:
            created.add(device_id)
        else:
            assert 500 <= answer.status <= 599, str(answer)
            failed.add(device_id)
        if len(failed) == 5:
            break
    assert failed, "the disk never filled up"
    disk(NO_LIMIT)
    assert service.device_ids(user_id) == {"FIRST"} | created
    for device_id in failed:
        assert service.put(device_id, {}, user_id=user_id).status == 201
    server.stop()
    expect_whole(server.database)


def test_disk_full_of_log(
    homeserver: Homeserver, server: Server, service: Service, disk: Callable[[int], None]
) -> None:
    """A log that can't be written holds nobody up."""
    device = homeserver.new_user().login()
    disk(1)
    for _ in range(50):
        assert device.list().status == 200
    disk(NO_LIMIT)
