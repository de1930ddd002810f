"""Rows P: rename, and create by an application service."""

from __future__ import annotations

import time

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import Response, device_path
from matrix_device_conformance.homeserver import Configured, Device, Service, User

INFO_URI = "https://example.org/limits"
NOT_JSON = {
    "empty": b"",
    "white space": b" \r\n\t",
    "cut off": b"{",
    "no JSON": b"display_name=x",
    "single quotes": b"{'display_name': 'x'}",
    "more behind it": b"{} {}",
    "a comma too many": b'{"display_name": "x",}',
    "NaN": b'{"a": NaN}',
    "a comment": b"{} // no",
    "not UTF-8": b'{"display_name": "\xff"}',
    "half a sequence": b'{"display_name": "\xc3"}',
    "a surrogate in UTF-8": b'{"display_name": "\xed\xa0\x80"}',
    "overlong": b'{"display_name": "\xc0\xaf"}',
    "a control character": b'{"display_name": "\x01"}',
    "a byte order mark": b'\xef\xbb\xbf{"display_name": "x"}',
    "NUL": b"\x00",
}
BAD_JSON = {
    "array": b"[]",
    "string": b'"x"',
    "number": b"1",
    "null": b"null",
    "true": b"true",
    "a key twice": b'{"a": 1, "a": 1}',
    "a key twice, escaped": b'{"a": 1, "\\u0061": 2}',
    "a key twice, deeper": b'{"a": {"b": 1, "b": 2}}',
    "half a surrogate pair": b'{"a": "\\ud800"}',
    "the other half": b'{"a": "\\udc00"}',
    "half a pair in a key": b'{"\\ud83d": 1}',
}
BAD_NAME = {
    "number": b'{"display_name": 1}',
    "boolean": b'{"display_name": false}',
    "array": b'{"display_name": ["x"]}',
    "object": b'{"display_name": {"a": "x"}}',
    "twice": b'{"display_name": "x", "display_name": "y"}',
    "half a surrogate pair": b'{"display_name": "\\ud800x"}',
}


def put_raw(device: Device, device_id: str, body: bytes) -> Response:
    """PUT a body as it stands."""
    return device.put(device_id, body=body, headers=[("Content-Type", "application/json")])


def name_of(device: Device, device_id: str) -> object:
    """The display name, or None where it has none."""
    return device.get(device_id).json.get("display_name")


def test_P1_rename(check: Check, user: User) -> None:
    """A user renames a device."""
    device, second = user.login(name="before"), user.login(name="second")
    check.ok("PUT own", device.put(device.device_id, {"display_name": "x"}), body={})
    check.equal("own name", name_of(device, device.device_id), "x")
    check.ok("PUT other", device.put(second.device_id, {"display_name": "y"}), body={})
    check.equal("the other's name", name_of(device, second.device_id), "y")
    check.equal("own name after", name_of(device, device.device_id), "x")


@pytest.mark.peer_bug("Dendrite, Tuwunel and its family: a missing name clears it")
def test_P2_no_name(check: Check, user: User) -> None:
    """Without display_name, or with null, the name stays."""
    device = user.login(name="before")
    for body in ({}, {"display_name": None}, {"other": "x"}):
        check.ok(f"PUT {body}", device.put(device.device_id, body), body={})
        check.equal(f"name after {body}", name_of(device, device.device_id), "before")


def test_P3_empty_name(check: Check, user: User) -> None:
    """An empty name is set, and shown as such."""
    device = user.login(name="before")
    check.ok("PUT", device.put(device.device_id, {"display_name": ""}), body={})
    check.equal("GET", device.get().json.get("display_name", "absent"), "")
    listed = [
        entry for entry in device.list().json["devices"] if entry["device_id"] == device.device_id
    ]
    check.equal("list", listed[0].get("display_name", "absent"), "")


@pytest.mark.peer_bug("Synapse: 200 to {}")
@pytest.mark.peer_bug("Construct: any user's PUT creates")
def test_P4_unknown_device(check: Check, user: User) -> None:
    """A user's PUT to an unknown device is 404 M_NOT_FOUND, whatever the body."""
    device = user.login()
    before = device.device_ids()
    for body in ({}, {"display_name": "x"}, {"display_name": None}, {"display_name": ""}):
        check.error(f"PUT {body}", device.put("UNKNOWN", body), 404, "M_NOT_FOUND")
    check.equal("devices", device.device_ids(), before)


def test_P4_bad_body(check: Check, user: User) -> None:
    """A body that P9, P10 and P13 refuse is refused first."""
    device = user.login()
    check.error("P10", put_raw(device, "UNKNOWN", b"{"), 400, "M_NOT_JSON")
    too_long = device.put("UNKNOWN", {"display_name": "x" * 101})
    check.error("P9", too_long, 400, "M_TOO_LARGE")
    nul = device.put("UNKNOWN", {"display_name": "a\x00b"})
    check.error("P13", nul, 400, "M_INVALID_PARAM")


@pytest.mark.peer_bug("Continuwuity: 200 for 201")
def test_P5_create(check: Check, service: Service) -> None:
    """An application service's PUT to an unknown device creates it: 201, then 200."""
    user_id = service.new_user()
    for device_id, body in (("NAMED", {"display_name": "n"}), ("PLAIN", {})):
        check.ok(f"{device_id}, first", service.put(device_id, body, user_id=user_id), 201, {})
        check.ok(f"{device_id}, again", service.put(device_id, body, user_id=user_id), 200, {})
    check.equal("devices", service.device_ids(user_id), {"NAMED", "PLAIN"})
    check.ok("rename", service.put("PLAIN", {"display_name": "later"}, user_id=user_id), 200, {})
    one = service.request("GET", device_path("PLAIN"), user_id=user_id)
    check.equal("name", one.json.get("display_name"), "later")


@pytest.mark.capability("creation_limit")
def test_P6_creation_limit(check: Check, limited_service: Service) -> None:
    """Creation is limited to a burst of 20, then one every 2 s; a repeat takes nothing."""
    user_id = limited_service.new_user()
    start = time.monotonic()
    created = 0
    while True:
        answer = limited_service.put(f"LIMIT{created}", {}, user_id=user_id)
        if answer.status != 201:
            break
        created += 1
        allowed = 20 + 1 + int((time.monotonic() - start) / 2)
        check.that("created before a 429", created <= allowed, f"{allowed} at most", created)
        again = limited_service.put("LIMIT0", {}, user_id=user_id)
        check.ok("a repeat", again, 200, {})
    check.limited("over the limit", answer)
    check.that("created before the 429", created >= 20, "20 or more", created)
    check.ok("a repeat while limited", limited_service.put("LIMIT0", {}, user_id=user_id), 200)
    other = limited_service.put("OTHER", {}, user_id=limited_service.new_user())
    check.limited("another user of the same service", other)


@pytest.mark.capability("creation_limit")
def test_P6_exempt_service(check: Check, service: Service) -> None:
    """A service registered with rate_limited: false is exempt."""
    user_id = service.new_user()
    for number in range(30):
        check.ok("creation", service.put(f"D{number}", {}, user_id=user_id), 201, {})


@pytest.mark.capability("device_cap")
@pytest.mark.peer_bug("Synapse: no cap; one bot had 20,000 devices")
def test_P7_device_cap(check: Check, configured: Configured) -> None:
    """Over max_devices_per_user: 403 M_USER_LIMIT_EXCEEDED; a rename is never refused for it."""
    service = configured({"max_devices_per_user": 3, "user_limit_info_uri": INFO_URI}).services[
        "unlimited"
    ]
    user_id = service.new_user()
    for number in range(3):
        check.ok("below the cap", service.put(f"D{number}", {}, user_id=user_id), 201, {})
    over = service.put("D3", {}, user_id=user_id)
    check.error("over the cap", over, 403, "M_USER_LIMIT_EXCEEDED")
    check.equal("info_uri", over.json.get("info_uri"), INFO_URI)
    renamed = service.put("D0", {"display_name": "x"}, user_id=user_id)
    check.ok("rename at the cap", renamed, 200, {})
    check.ok("DELETE", service.request("DELETE", "/devices/D1", json={}, user_id=user_id), 200, {})
    check.ok("below the cap again", service.put("D3", {}, user_id=user_id), 201, {})


def test_P8_impossible_id(check: Check, service: Service) -> None:
    """No device is created with an ID over 255 bytes or with control characters."""
    user_id = service.new_user()
    for what, device_id in (
        ("256 bytes", "x" * 256),
        ("256 bytes in 128 characters", "é" * 128),
        *((f"U+{code:04X}", f"a{chr(code)}b") for code in [*range(0x20), 0x7F]),
    ):
        answer = service.put(device_id, {}, user_id=user_id)
        check.error(what, answer, 400, "M_INVALID_PARAM")
    check.equal("devices", service.device_ids(user_id), set())
    for what, device_id in (("255 bytes", "x" * 255), ("U+0080", "a\x80b"), ("space", " ")):
        check.ok(what, service.put(device_id, {}, user_id=user_id), 201, {})


def test_P9_long_name(check: Check, user: User) -> None:
    """A name over 100 code points is 400 M_TOO_LARGE, and nothing changes."""
    device = user.login(name="before")
    for what, name in (("101", "x" * 101), ("101 of four bytes", "😀" * 101)):
        answer = device.put(device.device_id, {"display_name": name})
        check.error(what, answer, 400, "M_TOO_LARGE")
        check.equal(f"name after {what}", name_of(device, device.device_id), "before")
    for what, name in (("100", "x" * 100), ("100 of four bytes", "😀" * 100)):
        check.ok(what, device.put(device.device_id, {"display_name": name}), body={})
        check.equal(f"name after {what}", name_of(device, device.device_id), name)


@pytest.mark.parametrize("what", NOT_JSON)
def test_P10_not_json(check: Check, user: User, what: str) -> None:
    """A body that is not JSON is 400 M_NOT_JSON."""
    device = user.login(name="before")
    body = NOT_JSON[what]
    check.error(f"PUT, {what}", put_raw(device, device.device_id, body), 400, "M_NOT_JSON")
    bulk = device.request("POST", "/delete_devices", body=body)
    check.error(f"POST, {what}", bulk, 400, "M_NOT_JSON")
    check.equal("name", name_of(device, device.device_id), "before")


@pytest.mark.parametrize("what", BAD_JSON)
def test_P10_bad_json(check: Check, user: User, what: str) -> None:
    """JSON that is not such an object is 400 M_BAD_JSON."""
    device = user.login(name="before")
    body = BAD_JSON[what]
    check.error(f"PUT, {what}", put_raw(device, device.device_id, body), 400, "M_BAD_JSON")
    bulk = device.request("POST", "/delete_devices", body=body)
    check.error(f"POST, {what}", bulk, 400, "M_BAD_JSON")
    check.equal("name", name_of(device, device.device_id), "before")


def test_P10_first_fault(check: Check, user: User) -> None:
    """Of several faults the one that is met first while reading."""
    device = user.login(name="before")
    for what, body, errcode in (
        ("a key twice, then cut", b'{"a": 1, "a": 2', "M_BAD_JSON"),
        ("half a pair, then not UTF-8", b'{"a": "\\udc00", "b": "\xff"}', "M_BAD_JSON"),
        ("not UTF-8, then a key twice", b'{"a": "\xff", "a": 1}', "M_NOT_JSON"),
        ("too deep, then cut", b'{"a": ' + b"[" * 40, "M_BAD_JSON"),
    ):
        check.error(what, put_raw(device, device.device_id, body), 400, errcode)
    check.equal("name", name_of(device, device.device_id), "before")


@pytest.mark.parametrize("what", BAD_NAME)
def test_P10_bad_name(check: Check, user: User, what: str) -> None:
    """A name that is not a string is 400 M_BAD_JSON."""
    device = user.login(name="before")
    answer = put_raw(device, device.device_id, BAD_NAME[what])
    check.error(f"PUT, {what}", answer, 400, "M_BAD_JSON")
    check.equal("name", name_of(device, device.device_id), "before")


def test_P10_by_a_service(check: Check, service: Service) -> None:
    """A bad body creates nothing."""
    user_id = service.new_user()
    check.error("PUT []", service.put("A", [], user_id=user_id), 400, "M_BAD_JSON")
    number = service.put("A", {"display_name": 1}, user_id=user_id)
    check.error("PUT with a number", number, 400, "M_BAD_JSON")
    check.equal("devices", service.device_ids(user_id), set())


def test_P13_nul_in_name(check: Check, user: User) -> None:
    """A name with U+0000 is 400 M_INVALID_PARAM, and nothing changes."""
    device = user.login(name="before")
    for name in ("\x00", "a\x00b", "later\x00"):
        answer = device.put(device.device_id, {"display_name": name})
        check.error(f"name {name!r}", answer, 400, "M_INVALID_PARAM")
    check.equal("name", name_of(device, device.device_id), "before")


@pytest.mark.peer_bug("Construct: a client writes any field")
def test_P11_unknown_keys(check: Check, user: User) -> None:
    """Unknown keys are ignored: a client writes its name and nothing else."""
    device = user.login(name="before")
    second = user.login(name="second")
    before = device.get(second.device_id).json
    body = {
        "display_name": "after",
        "device_id": "OTHER",
        "user_id": "@other:example.org",
        "last_seen_ip": "6.6.6.6",
        "last_seen_ts": 1,
        "keys": {"a": [1, 2.5, None, True]},
    }
    check.ok("PUT", device.put(second.device_id, body), body={})
    check.equal(
        "the device",
        device.get(second.device_id).json,
        {**before, "display_name": "after"},
    )
    check.that("no device OTHER", "OTHER" not in device.device_ids(), "absent", "present")


@pytest.mark.peer_bug("Tuwunel: a rename stamps last seen of the renamed device")
def test_P12_rename_only(check: Check, service: Service, user: User) -> None:
    """A rename changes the name and nothing else."""
    device = user.login("CALLER")
    never_used = user.login("NEVERUSED")
    before = device.get(never_used.device_id).json
    check.ok("PUT", device.put(never_used.device_id, {"display_name": "renamed"}), body={})
    after = device.get(never_used.device_id).json
    check.equal("the renamed device", after, {**before, "display_name": "renamed"})
    user_id = service.new_user()
    for device_id in ("A", "B"):
        service.put(device_id, {}, user_id=user_id)
    service.put("B", {"display_name": "b"}, user_id=user_id, device_id="A")
    one = service.request("GET", device_path("B"), user_id=user_id)
    check.ok("renamed by another device", one, body={"device_id": "B", "display_name": "b"})
