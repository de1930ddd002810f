"""The hosts in memory: devices."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asking import Asking
from matrix_devices import (
    Deletion,
    DeviceKey,
    DeviceQuery,
    DeviceUpdate,
    MemoryHost,
    Module,
    NotFound,
    UnknownToken,
)
from questions import ALICE, create, credentials, is_live


def test_the_order_is_that_of_the_bytes(host: MemoryHost, module: Module) -> None:
    ids = ["a", "B", "é", "Z", "0", "𐀀", "\uffee", "-"]
    for device_id in ids:
        token = host.login("alice", device_id=device_id).access_token
    assert Asking(module, token).device_ids() == sorted(ids, key=lambda text: text.encode())


def test_listing_makes_nothing_anew(host: MemoryHost) -> None:
    principal = host.authenticate(credentials(host.login("alice").access_token))
    assert host.list_devices(principal, DeviceQuery(ALICE)) is host.list_devices(
        principal, DeviceQuery(ALICE)
    )


def test_last_seen(host: MemoryHost, module: Module) -> None:
    login = host.login("alice", device_id="LAPTOP")
    asking = Asking(module, login.access_token)
    first = asking.device("LAPTOP")
    assert first["last_seen_ip"] == "192.0.2.1"
    asking.address = "192.0.2.2"
    host.clock.advance(30)
    assert asking.device("LAPTOP") == first, "written again within a minute"
    host.clock.advance(31)
    second = asking.device("LAPTOP")
    assert second["last_seen_ip"] == "192.0.2.2"
    assert second["last_seen_ts"] >= first["last_seen_ts"] + 61_000
    asking.address = ""
    host.clock.advance(hours=-5)
    third = asking.device("LAPTOP")
    assert third["last_seen_ip"] == "192.0.2.2"
    assert third["last_seen_ts"] < second["last_seen_ts"]


def test_renaming_changes_the_name_only(host: MemoryHost) -> None:
    login = host.login("alice", device_id="LAPTOP", display_name="old")
    principal = host.authenticate(credentials(login.access_token))
    before = host.get_device(principal, DeviceKey(ALICE, "LAPTOP"))
    host.rename_device(principal, DeviceUpdate(ALICE, "LAPTOP", None))
    assert host.get_device(principal, DeviceKey(ALICE, "LAPTOP")) is before
    host.rename_device(principal, DeviceUpdate(ALICE, "LAPTOP", ""))
    assert host.get_device(principal, DeviceKey(ALICE, "LAPTOP")) == replace(
        before, display_name=""
    )
    with pytest.raises(NotFound):
        host.rename_device(principal, DeviceUpdate(ALICE, "NONE", None))


def test_a_deletion_takes_tokens_and_sessions_along(host: MemoryHost) -> None:
    laptop = host.login("alice", device_id="LAPTOP")
    phone = host.login("alice", device_id="PHONE", refreshable=True)
    of_phone, of_laptop = create(host, device_id="PHONE"), create(host)
    principal = host.authenticate(credentials(laptop.access_token))
    host.delete_devices(principal, Deletion(ALICE, ["PHONE", "UNKNOWN"]))
    with pytest.raises(UnknownToken):
        host.authenticate(credentials(phone.access_token))
    with pytest.raises(UnknownToken):
        host.refresh(phone.refresh_token or "")
    assert not is_live(host, of_phone)
    assert is_live(host, of_laptop)
    host.delete_devices(principal, Deletion("@nobody:example.org", ["LAPTOP"]))
    assert [device.device_id for device in host.list_devices(principal, DeviceQuery(ALICE))] == [
        "LAPTOP"
    ]
