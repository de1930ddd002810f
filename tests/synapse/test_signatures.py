"""Cross-signing: with a device go the signatures over its keys (D12)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from accounts import Site
from keys import CrossSigning, DeviceKeys, query
from matrix_device_conformance.homeserver import Device, User
from matrix_device_conformance.server import poll
from test_faults import database_of, expect_waiting, locked_table

PLACES = ["main", "worker"]
TABLE = "e2e_cross_signing_signatures"
COLUMNS = "user_id, key_id, target_user_id, target_device_id, signature"

Delete = Callable[[Device, str], None]


def delete_one(device: Device, target: str) -> None:
    """DELETE."""
    assert device.delete(target, device.user.auth()).status == 200


def delete_many(device: Device, target: str) -> None:
    """A bulk deletion, of others too."""
    answer = device.delete_devices([target, "UNKNOWN"], device.user.auth())
    assert answer.status == 200, str(answer)


@pytest.fixture(params=[delete_one, delete_many], ids=["DELETE", "POST"])
def delete(request: pytest.FixtureRequest) -> Delete:
    """Both ways to delete a device."""
    chosen: Delete = request.param
    return chosen


def has_no_keys(device: Device, device_id: str) -> bool:
    """Whether `/keys/query` does not show the device."""
    return device_id not in query(device)[0]


def verified(device: Device, cross_signing: CrossSigning, device_id: str) -> bool:
    """Whether `/keys/query` shows the device as one that its user has verified."""
    devices, _ = query(device)
    return cross_signing.self_signing.has_signed(device.user.user_id, devices[device_id])


def has_signers(device: Device, device_id: str, keys: set[str]) -> bool:
    """Whether `/keys/query` shows signatures of these keys over a device, right or wrong ones."""
    shown = query(device)[0].get(device_id, {"signatures": {device.user.user_id: {}}})
    return set(shown["signatures"][device.user.user_id]) == keys


def rows_over(site: Site, user: User, device_id: str) -> int:
    """How many signatures over a device are in the database."""
    count = site.synapse.sql(
        f"SELECT count(*) FROM {TABLE} WHERE target_user_id = '{user.user_id}'"
        f" AND target_device_id = '{device_id}'"
    )
    return int(count[0][0])


def everywhere(site: Site, device: Device) -> list[Device]:
    """The device, its requests going to each process in turn."""
    return [site.at(process, device) for process in site.synapse.processes]


@pytest.mark.better
def test_D12_a_later_device_inherits_no_trust(site: Site, delete: Delete) -> None:
    """A device with the ID of one that was verified and deleted is not; it can be again."""
    expect_no_trust_inherited(site, site.new_user().login(), delete)


@pytest.mark.better
@pytest.mark.parametrize("place", PLACES)
def test_D12_a_later_device_inherits_no_trust_anywhere(
    workers: Site, delete: Delete, place: str
) -> None:
    """Nor on the other process, whose cache has seen the old signature."""
    login = workers.new_user().login()
    expect_no_trust_inherited(workers, workers.at(getattr(workers, place), login), delete)


def expect_no_trust_inherited(site: Site, device: Device, delete: Delete) -> None:
    """Verified, deleted by `device`, logged in again with new keys, verified again."""
    user = device.user
    uploader = site.at(site.main, device)
    cross_signing = CrossSigning(uploader)
    old = DeviceKeys(user.login("PHONE"))
    other = DeviceKeys(user.login("TABLET"))
    cross_signing.verify(uploader, old)
    cross_signing.verify(uploader, other)
    for there in everywhere(site, device):
        poll(partial(verified, there, cross_signing, "PHONE"), 10, "the phone is verified")

    delete(device, "PHONE")
    for there in everywhere(site, device):
        poll(partial(has_no_keys, there, "PHONE"), 10, "the phone's keys are gone")
    new = DeviceKeys(site.at(site.main, device).user.login("PHONE"))
    for there in everywhere(site, device):
        poll(partial(has_signers, there, "PHONE", {new.signing.id}), 10, "only its own signature")
        poll(partial(verified, there, cross_signing, "TABLET"), 10, "others keep theirs")
    assert rows_over(site, user, "PHONE") == 0

    cross_signing.verify(uploader, new)
    for there in everywhere(site, device):
        poll(partial(verified, there, cross_signing, "PHONE"), 10, "the new phone is verified")


@pytest.mark.better
def test_D12_what_a_device_signed_goes_with_it(site: Site) -> None:
    """A later device of that ID has not signed the master key, until it does."""
    user = site.new_user()
    device = user.login()
    cross_signing = CrossSigning(device)
    old, other = DeviceKeys(user.login("PHONE")), DeviceKeys(device)
    cross_signing.be_signed_by(old)
    cross_signing.be_signed_by(other)
    assert old.signing.has_signed(user.user_id, query(device)[1])
    delete_one(device, "PHONE")
    new = DeviceKeys(user.login("PHONE"))
    master = query(device)[1]
    assert new.signing.id not in master["signatures"][user.user_id]
    assert other.signing.has_signed(user.user_id, master), "others keep theirs"
    cross_signing.be_signed_by(new)
    assert new.signing.has_signed(user.user_id, query(device)[1])


def test_D12_cross_signing_keys_are_no_devices(site: Site) -> None:
    """Their public parts stand among the devices' IDs: the signatures over them stay."""
    user = site.new_user()
    device = user.login()
    cross_signing, keys = CrossSigning(device), DeviceKeys(device)
    cross_signing.be_signed_by(keys)
    cross_signing.verify(device, keys)
    for key in (cross_signing.master, cross_signing.self_signing):
        delete_one(device, key.public)
        delete_many(device, key.public)
    assert keys.signing.has_signed(user.user_id, query(device)[1])
    assert verified(device, cross_signing, device.device_id)


@pytest.mark.better
def test_D13_a_repeat_takes_the_signatures_that_a_crash_left(site: Site) -> None:
    """The device gone, its signatures not: the same deletion again takes them."""
    user = site.new_user()
    device = user.login()
    cross_signing = CrossSigning(device)
    cross_signing.verify(device, DeviceKeys(user.login("PHONE")))
    for table in ("devices", "e2e_device_keys_json"):
        site.synapse.sql(
            f"DELETE FROM {table} WHERE user_id = '{user.user_id}' AND device_id = 'PHONE'"
        )
    assert rows_over(site, user, "PHONE") == 1
    delete_one(device, "PHONE")
    assert rows_over(site, user, "PHONE") == 0


@pytest.mark.better
@pytest.mark.parametrize("place", PLACES)
def test_D12_tokens_and_signatures_go_before_the_device(workers: Site, place: str) -> None:
    """Whenever the deletion breaks off, no token outlives its device and no later device is
    trusted; and a signature that comes in while the device goes is gone with it as well."""
    database = database_of(workers)
    user = workers.new_user()
    login = user.login()
    device = workers.at(getattr(workers, place), login)
    cross_signing = CrossSigning(login)
    phone = user.login("PHONE")
    cross_signing.verify(login, DeviceKeys(phone))
    session = device.begin_delete("PHONE")
    with ThreadPoolExecutor() as pool:
        with locked_table(database, "e2e_device_keys_json"):
            pending = pool.submit(device.delete, "PHONE", user.auth(session))
            expect_waiting(database, "e2e_device_keys_json")
            assert rows_over(workers, user, "PHONE") == 0
            assert device.get("PHONE").status == 200
            assert workers.at(getattr(workers, place), phone).list().status == 401
            workers.synapse.sql(
                f"INSERT INTO {TABLE} ({COLUMNS})"
                f" VALUES ('{user.user_id}', '{cross_signing.self_signing.id}', '{user.user_id}',"
                " 'PHONE', 'late')"
            )
        assert pending.result().status == 200
    assert rows_over(workers, user, "PHONE") == 0


@pytest.mark.better
def test_D12_many_signed_devices(site: Site) -> None:
    """As many as one request may name."""
    user = site.new_user()
    device = user.login()
    ids = site.synapse.add_devices(user.user_id, "SIGNED", 5000)
    number = "printf('%06d', n)"
    site.synapse.sql(
        f"INSERT INTO {TABLE} ({COLUMNS})"
        " WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers"
        f" WHERE n < 4999) SELECT '{user.user_id}', 'ed25519:x', '{user.user_id}',"
        f" 'SIGNED' || {number}, 'x' FROM numbers"
    )
    assert device.delete_devices(ids, user.auth()).status == 200
    count = site.synapse.sql(f"SELECT count(*) FROM {TABLE} WHERE user_id = '{user.user_id}'")
    assert count == [("0",)]
