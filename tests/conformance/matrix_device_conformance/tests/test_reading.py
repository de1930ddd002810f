"""Rows G: the list, and one device."""

from __future__ import annotations

from typing import Any

import pytest

from matrix_device_conformance.check import Check, NotJudged
from matrix_device_conformance.client import device_path
from matrix_device_conformance.homeserver import Configured, Service, User
from matrix_device_conformance.tests.steps import ids_in, made_devices

KINDS = {"device_id": str, "display_name": str, "last_seen_ip": str, "last_seen_ts": int}


@pytest.mark.peer_bug("Dendrite", "devices: null", got="null|None")
def test_G1_empty_list(check: Check, service: Service) -> None:
    """A user without devices has an empty list."""
    answer = service.request("GET", "/devices", user_id=service.new_user())
    check.ok("GET /devices", answer, body={"devices": []})


def test_G1_list(check: Check, user: User) -> None:
    """The list is an object with a list of objects."""
    device = user.device()
    answer = device.list()
    check.ok("GET /devices", answer)
    found = answer.members.get("devices")
    check.that("devices", isinstance(found, list), "a list", str(answer), answer)
    entries = found if isinstance(found, list) else []
    check.that(
        "devices: each",
        len(answer.devices) == len(entries),
        "an object with a device_id",
        str(answer),
        answer,
    )
    check.includes("devices", ids_in(answer), device.device_id)


def expect_members(check: Check, what: str, entry: dict[str, Any]) -> None:
    """Members of the specification's types, and nothing where nothing is known."""
    for name, kind in KINDS.items():
        if name in entry:
            value = entry[name]
            check.spec.that(
                f"{what}: {name}", type(value) is kind, f"a {kind.__name__}, or absent", entry
            )
            if name.startswith("last_seen") and value is not None:
                check.ours.that(f"{what}: {name}", bool(value), "neither empty nor 0", entry)
    further = sorted(set(entry) - set(KINDS))
    check.ours.equal(f"{what}: further members", further, [])


@pytest.mark.peer_bug("Synapse", "null for absent", got="None")
@pytest.mark.peer_bug(
    "Dendrite", "an unnamed device inherits another's name", got="'[BC]': 'named'"
)
def test_G2_only_what_is_known(check: Check, service: Service) -> None:
    """What is not known is absent: never null, never an empty stand-in."""
    user_id = service.new_user()
    service.put("A", {"display_name": "named"}, user_id=user_id)
    service.put("B", {}, user_id=user_id)
    service.put("C", {"display_name": None}, user_id=user_id)
    listed = service.request("GET", "/devices", user_id=user_id).devices
    alone = [
        service.request("GET", device_path(device_id), user_id=user_id).members
        for device_id in "ABC"
    ]
    names = {"A": "named", "B": None, "C": None}
    for where, entries in (("list", listed), ("alone", alone)):
        found = {entry.get("device_id"): entry.get("display_name") for entry in entries}
        check.spec.equal(f"{where}: names", found, names)
        for entry in entries:
            expect_members(check, f"{where}, {entry.get('device_id')}", entry)


@pytest.mark.peer_bug("Synapse", "null for absent", got="None")
@pytest.mark.peer_bug("Dendrite", "an unnamed device inherits another's name", got="^named by us")
def test_G2_names(check: Check, user: User) -> None:
    """A device that nobody has named has no other's name."""
    device, unique = user.device(), user.homeserver.unique()
    # In turns, by their IDs as well as by the time of their logins.
    made = [
        user.login(f"{letter}{unique}", name=f"named by us {letter}" if letter in "BD" else None)
        for letter in "ABCDE"
    ]
    named, unnamed = made[1::2], made[::2]
    listed = {entry["device_id"]: entry for entry in device.list().devices}
    for each in named:
        name = listed.get(each.device_id, {}).get("display_name")
        check.spec.that("a named device", str(name).startswith("named by us"), "its name", name)
    for each in unnamed:
        name = listed.get(each.device_id, {}).get("display_name")
        check.spec.that(
            "an unnamed device", not str(name).startswith("named by us"), "no other's name", name
        )
    for each in [*named, *unnamed]:
        expect_members(check, "list", listed.get(each.device_id, {}))
    expect_members(check, "alone", device.get().members)


def test_G2_null_where_configured(check: Check, configured: Configured) -> None:
    """With unknown_fields "null" what is not known is null."""
    service = configured({"unknown_fields": "null"}).services["unlimited"]
    user_id = service.new_user()
    service.put("A", {}, user_id=user_id)
    expected = {
        "device_id": "A",
        "display_name": None,
        "last_seen_ip": None,
        "last_seen_ts": None,
    }
    answer = service.request("GET", "/devices", user_id=user_id)
    check.ours.ok("list", answer, body={"devices": [expected]})
    check.ours.ok("one", service.request("GET", "/devices/A", user_id=user_id), body=expected)


def test_G3_order(check: Check, user: User) -> None:
    """The order is the same on every call; in this project's stores by ID, bytewise."""
    device = user.device()
    for _ in range(4):
        user.login()
    orders = [[entry["device_id"] for entry in device.list().devices] for _ in range(5)]
    for order in orders[1:]:
        check.equal("the next list", order, orders[0])


def test_G3_bytewise(check: Check, service: Service) -> None:
    """In this project's stores it is by ID, byte by byte."""
    if service.homeserver is None or service.homeserver.server is None:
        raise NotJudged("any order that stays the same will do: only this project's stores sort")
    user_id = service.new_user()
    for device_id in ["b", "B", "a", "aa", "Z", "_", "10", "9", "é", "\U0001f600", "\uff5e"]:
        service.put(device_id, {}, user_id=user_id)
    listed = service.request("GET", "/devices", user_id=user_id).devices
    order = [entry["device_id"] for entry in listed]
    check.equal("order", order, sorted(order, key=str.encode))


@pytest.mark.last
def test_G4_long_list(check: Check, service: Service) -> None:
    """A long list is whole."""
    user_id = service.new_user()
    ids = [f"LONG{number:05}" for number in range(2000)]
    body = {"display_name": "é" * 50}
    made_devices(service, user_id, ids, body)
    answer = service.request("GET", "/devices", user_id=user_id)
    check.that(
        "length of the list",
        len(answer.devices) == len(ids),
        "2000",
        f"{answer.status}, {len(answer.devices)} devices",
        answer,
    )
    check.that("the list", ids_in(answer) == set(ids), "those 2,000", "others", answer)


def test_G5_unknown_device(check: Check, user: User) -> None:
    """An unknown device is 404 M_NOT_FOUND."""
    answer = user.device().get("UNKNOWN")
    check.ok("GET", answer, 404)
    check.error("GET", answer, 404, "M_NOT_FOUND")


def test_G6_device_of_somebody_else(check: Check, user: User, other_user: User) -> None:
    """A device of somebody else answers as an unknown one."""
    device, theirs = user.device(), other_user.device()
    before = theirs.get().members.get("display_name")
    foreign, listed = device.get(theirs.device_id), device.list()
    put = device.put(theirs.device_id, {"display_name": "mine now"})
    name = theirs.get().members.get("display_name")
    check.spec.equal("the other's name", name, before)
    check.spec.lacks("the own list", ids_in(listed), theirs.device_id)
    check.spec.ok("GET", foreign, 404)
    check.error("GET", foreign, 404, "M_NOT_FOUND")
    unknown = device.get("UNKNOWN")
    text = str(foreign.members.get("error")).replace(theirs.device_id, "UNKNOWN")
    check.ours.equal("text", text, str(unknown.members.get("error")))
    # PUT of a device that is not there is P4's business: here it must be the same for both.
    nobodys = f"NOBODYS{user.homeserver.unique()}"
    same = device.put(nobodys, {"display_name": "mine now"})
    check.ours.equal("PUT: status", put.status, same.status, put)
