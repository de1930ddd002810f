"""Rows G: the list, and one device."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import device_path
from matrix_device_conformance.homeserver import Configured, Service, User

MEMBERS = {"device_id", "display_name", "last_seen_ip", "last_seen_ts"}


@pytest.mark.peer_bug("Dendrite: devices: null")
def test_G1_empty_list(check: Check, service: Service) -> None:
    """A user without devices has an empty list."""
    answer = service.request("GET", "/devices", user_id=service.new_user())
    check.ok("GET /devices", answer, body={"devices": []})


@pytest.mark.peer_bug("Synapse: null for absent")
@pytest.mark.peer_bug("Dendrite: an unnamed device inherits the previous row's name")
def test_G2_only_what_is_known(check: Check, service: Service) -> None:
    """What is not known is absent: never null, never an empty stand-in."""
    user_id = service.new_user()
    service.put("A", {"display_name": "named"}, user_id=user_id)
    service.put("B", {}, user_id=user_id)
    service.put("C", {"display_name": ""}, user_id=user_id)
    service.put("D", {"display_name": None}, user_id=user_id)
    answer = service.request("GET", "/devices", user_id=user_id)
    expected = [
        {"device_id": "A", "display_name": "named"},
        {"device_id": "B"},
        {"device_id": "C", "display_name": ""},
        {"device_id": "D"},
    ]
    listed = sorted(answer.json["devices"], key=lambda device: device["device_id"])
    check.equal("list", listed, expected)
    for device in expected:
        one = service.request("GET", device_path(device["device_id"]), user_id=user_id)
        check.ok(f"GET {device['device_id']}", one, body=device)


def test_G2_types(check: Check, user: User) -> None:
    """Members are of the specification's types, in the list and alone."""
    device = user.login(name="phone")
    listed = device.list().json["devices"]
    for what, entry in [("list", entry) for entry in listed] + [("one", device.get().json)]:
        check.that(f"{what}: members", set(entry) <= MEMBERS, f"of {sorted(MEMBERS)}", entry)
        for name, value in entry.items():
            kind = int if name == "last_seen_ts" else str
            check.that(f"{what}: {name}", type(value) is kind, kind.__name__, value)
            if name.startswith("last_seen"):
                check.that(f"{what}: {name}", bool(value), "neither empty nor 0", value)
    check.equal("display_name", device.get().json.get("display_name"), "phone")


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
    check.ok("list", answer, body={"devices": [expected]})
    check.ok("one", service.request("GET", "/devices/A", user_id=user_id), body=expected)


def test_G3_order(check: Check, user: User) -> None:
    """The order is the same on every call; in this project's stores by ID, bytewise."""
    ids = ["b", "B", "a", "aa", "Z", "_", "10", "9", "é", "\U0001f600", "\uff5e"]
    for device_id in ids:
        user.login(device_id)
    device = user.login("own")
    orders = [[entry["device_id"] for entry in device.list().json["devices"]] for _ in range(5)]
    for order in orders[1:]:
        check.equal("the next list", order, orders[0])
    if user.homeserver.server is not None:
        check.equal("order", orders[0], sorted(orders[0], key=str.encode))


def test_G4_long_list(check: Check, service: Service) -> None:
    """A long list is whole."""
    user_id = service.new_user()
    ids = [f"LONG{number:05}" for number in range(2000)]
    with ThreadPoolExecutor(8) as pool:
        statuses = set(
            pool.map(
                lambda device_id: (
                    service.put(device_id, {"display_name": "é" * 50}, user_id=user_id).status
                ),
                ids,
            )
        )
    check.equal("creation", statuses, {201})
    check.equal("length of the list", len(service.device_ids(user_id)), len(ids))
    check.equal("the list", service.device_ids(user_id), set(ids))


def test_G5_unknown_device(check: Check, user: User) -> None:
    """An unknown device is 404 M_NOT_FOUND."""
    check.error("GET", user.login().get("UNKNOWN"), 404, "M_NOT_FOUND")


def test_G6_device_of_somebody_else(check: Check, user: User, other_user: User) -> None:
    """A device of somebody else answers as an unknown one."""
    device, theirs = user.login(), other_user.login("THEIRS" + user.homeserver.unique())
    foreign, unknown = device.get(theirs.device_id), device.get("UNKNOWN")
    check.error("GET", foreign, 404, "M_NOT_FOUND")
    text = foreign.json["error"].replace(theirs.device_id, "UNKNOWN")
    check.equal("text", text, unknown.json["error"])
    put = device.put(theirs.device_id, {"display_name": "mine now"})
    check.error("PUT", put, 404, "M_NOT_FOUND")
    check.ok("the other's device", theirs.get())
    check.that(
        "the other's name",
        theirs.get().json.get("display_name") != "mine now",
        "unchanged",
        str(theirs.get()),
    )
