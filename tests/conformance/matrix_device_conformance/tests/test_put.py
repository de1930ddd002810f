"""Rows P1 to P4, P9 to P13: rename, and the bodies that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import Response, device_path
from matrix_device_conformance.homeserver import Device, Service, User
from matrix_device_conformance.tests.steps import ids_in, refused, service_ids

NOT_JSON = {
    "empty": b"",
    "white space": b" \r\n\t",
    "cut off": b"{",
    "no JSON": b"display_name=x",
    "single quotes": b"{'display_name': 'x'}",
    "more behind it": b"{} {}",
    "a comma too many": b'{"display_name": "x",}',
    "a comment": b"{} // no",
    "NUL": b"\x00",
}
NOT_JSON_STRICTLY = {  # many parsers let these pass
    "NaN": b'{"a": NaN}',
    "not UTF-8": b'{"display_name": "\xff"}',
    "half a sequence": b'{"display_name": "\xc3"}',
    "a surrogate in UTF-8": b'{"display_name": "\xed\xa0\x80"}',
    "overlong": b'{"display_name": "\xc0\xaf"}',
    "a control character": b'{"display_name": "\x01"}',
    "a byte order mark": b'\xef\xbb\xbf{"display_name": "x"}',
}
NO_OBJECT = {
    "array": b"[]",
    "string": b'"x"',
    "number": b"1",
    "null": b"null",
    "true": b"true",
}
BAD_JSON = {
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
}
ODD_NAME = {
    "twice": b'{"display_name": "x", "display_name": "y"}',
    "half a surrogate pair": b'{"display_name": "\\ud800x"}',
}


def put_raw(device: Device, device_id: str, body: bytes) -> Response:
    """PUT a body as it stands."""
    return device.put(device_id, body=body, headers=[("Content-Type", "application/json")])


def name_of(device: Device, device_id: str) -> Any:
    """The display name, or None where it has none."""
    return device.get(device_id).members.get("display_name")


def named(user: User, name: str = "before") -> Device:
    """A device of this name."""
    device = user.device()
    device.put(device.device_id, {"display_name": name})
    return device


def test_P1_rename(check: Check, user: User) -> None:
    """A user renames a device."""
    device = user.device()
    answer = device.put(device.device_id, {"display_name": "x"})
    check.equal("name", name_of(device, device.device_id), "x")
    check.ok("PUT", answer, body={})


def test_P1_rename_another(check: Check, user: User) -> None:
    """So another of their devices."""
    device, second = named(user, "x"), user.login(name="second")
    answer = device.put(second.device_id, {"display_name": "y"})
    check.equal("the other's name", name_of(device, second.device_id), "y")
    check.equal("own name", name_of(device, device.device_id), "x")
    check.ok("PUT", answer, body={})


@pytest.mark.peer_bug(
    "Dendrite, Tuwunel and its family", "a missing name clears it", got="^(None|)$"
)
def test_P2_no_name(check: Check, user: User) -> None:
    """Without display_name, or with null, the name stays."""
    device = user.device()
    for basis, body in (
        (check.spec, {}),
        (check.spec, {"other": "x"}),
        (check.ours, {"display_name": None}),
    ):
        device.put(device.device_id, {"display_name": "before"})
        answer = device.put(device.device_id, body)
        basis.equal(f"name after {body}", name_of(device, device.device_id), "before")
        basis.ok(f"PUT {body}", answer)


def test_P3_empty_name(check: Check, user: User) -> None:
    """An empty name is set, and shown as such."""
    device = named(user)
    answer = device.put(device.device_id, {"display_name": ""})
    listed = {entry["device_id"]: entry for entry in device.list().devices}
    check.equal("GET", name_of(device, device.device_id), "")
    check.equal("list", listed.get(device.device_id, {}).get("display_name"), "")
    check.ok("PUT", answer)


@pytest.mark.peer_bug("Synapse", "200 to {}", got="^200 ")
@pytest.mark.peer_bug("Construct", "any user's PUT creates", got="'UNKNOWN")
def test_P4_unknown_device(check: Check, user: User) -> None:
    """A user's PUT to an unknown device is 404 M_NOT_FOUND, whatever the body."""
    device, unknown = user.device(), f"UNKNOWN{user.homeserver.unique()}"
    bodies = ({"display_name": "x"}, {}, {"display_name": None}, {"display_name": ""})
    answers = [(f"PUT {body}", device.put(unknown, body)) for body in bodies]
    check.lacks("devices", ids_in(device.list()), unknown)
    for what, answer in answers:
        check.ok(what, answer, 404)
        check.ours.error(what, answer, 404, "M_NOT_FOUND")


def test_P4_bad_body(check: Check, user: User) -> None:
    """A body that P9, P10 and P13 refuse is refused first."""
    device = user.device()
    for what, answer, errcode in (
        ("P10", put_raw(device, "UNKNOWN", b"{"), "M_NOT_JSON"),
        ("P9", device.put("UNKNOWN", {"display_name": "x" * 101}), "M_TOO_LARGE"),
        ("P13", device.put("UNKNOWN", {"display_name": "a\x00b"}), "M_INVALID_PARAM"),
    ):
        check.ours.error(what, answer, 400, errcode)


def test_P9_long_name(check: Check, user: User) -> None:
    """A name over 100 code points is 400 M_TOO_LARGE, and nothing changes."""
    device = named(user)
    for what, name in (("101", "x" * 101), ("101 of four bytes", "😀" * 101)):
        answer = device.put(device.device_id, {"display_name": name})
        check.ours.equal(f"name after {what}", name_of(device, device.device_id), "before")
        check.ours.error(what, answer, 400, "M_TOO_LARGE")
    for what, name in (("100", "x" * 100), ("100 of four bytes", "😀" * 100)):
        answer = device.put(device.device_id, {"display_name": name})
        check.ours.equal(f"name after {what}", name_of(device, device.device_id), name)
        check.ours.ok(what, answer)
    huge = device.put(device.device_id, {"display_name": "x" * 100_000})
    refused(check.spec, "a name of 100,000", huge, 200, 400, 413)


def refused_everywhere(
    check: Check, device: Device, what: str, body: bytes, *errcodes: str
) -> None:
    """PUT and POST of this body are 400, and nothing changes."""
    for endpoint, answer in (
        ("PUT", put_raw(device, device.device_id, body)),
        ("POST", device.request("POST", "/delete_devices", body=body)),
    ):
        if endpoint == "POST" and not body:
            continue  # D7
        check.error(f"{endpoint}, {what}", answer, 400, *errcodes)


@pytest.mark.peer_bug("Synapse", "500 for a bulk deletion that is not JSON", got="^500 ")
def test_P10_not_json(check: Check, user: User) -> None:
    """A body that is not JSON is 400 M_NOT_JSON."""
    device = named(user)
    for what, body in NOT_JSON.items():
        refused_everywhere(check.spec, device, what, body, "M_NOT_JSON", "M_BAD_JSON")
        refused_everywhere(check.ours, device, what, body, "M_NOT_JSON")
    for what, body in NOT_JSON_STRICTLY.items():
        refused_everywhere(check.ours, device, what, body, "M_NOT_JSON")
    check.equal("name", name_of(device, device.device_id), "before")


@pytest.mark.peer_bug("Synapse", "500 for half a surrogate", got="^500 ")
def test_P10_bad_json(check: Check, user: User) -> None:
    """JSON that is not such an object is 400 M_BAD_JSON."""
    device = named(user)
    for what, body in NO_OBJECT.items():
        refused_everywhere(check.spec, device, what, body, "M_BAD_JSON", "M_NOT_JSON")
        refused_everywhere(check.ours, device, what, body, "M_BAD_JSON")
    for what, body in BAD_JSON.items():
        refused_everywhere(check.ours, device, what, body, "M_BAD_JSON")
    check.equal("name", name_of(device, device.device_id), "before")


def test_P10_first_fault(check: Check, user: User) -> None:
    """Of several faults the one that is met first while reading."""
    device = named(user)
    for what, body, errcode in (
        ("a key twice, then cut", b'{"a": 1, "a": 2', "M_BAD_JSON"),
        ("half a pair, then not UTF-8", b'{"a": "\\udc00", "b": "\xff"}', "M_BAD_JSON"),
        ("not UTF-8, then a key twice", b'{"a": "\xff", "a": 1}', "M_NOT_JSON"),
        ("too deep, then cut", b'{"a": ' + b"[" * 40, "M_BAD_JSON"),
    ):
        check.ours.error(what, put_raw(device, device.device_id, body), 400, errcode)
    check.ours.equal("name", name_of(device, device.device_id), "before")


@pytest.mark.peer_bug("Synapse", "500 for half a surrogate", got="^500 ")
def test_P10_bad_name(check: Check, user: User) -> None:
    """A name that is not a string is 400 M_BAD_JSON."""
    device = named(user)
    answers = {what: put_raw(device, device.device_id, body) for what, body in BAD_NAME.items()}
    check.equal("name", name_of(device, device.device_id), "before")
    for what, answer in answers.items():
        refused(check.spec, f"PUT, {what}", answer, 400)
        check.ours.error(f"PUT, {what}", answer, 400, "M_BAD_JSON")
    for what, body in ODD_NAME.items():
        check.ours.error(f"PUT, {what}", put_raw(device, device.device_id, body), 400, "M_BAD_JSON")


def test_P10_by_a_service(check: Check, service: Service) -> None:
    """A bad body creates nothing."""
    user_id = service.new_user()
    array = service.put("A", [], user_id=user_id)
    number = service.put("A", {"display_name": 1}, user_id=user_id)
    check.equal("devices", service_ids(service, user_id), set())
    for what, answer in (("PUT []", array), ("PUT with a number", number)):
        refused(check.spec, what, answer, 400)
        check.ours.error(what, answer, 400, "M_BAD_JSON")


def test_P13_nul_in_name(check: Check, user: User) -> None:
    """A name with U+0000 is 400 M_INVALID_PARAM, and nothing changes."""
    device = named(user)
    for name in ("\x00", "a\x00b", "later\x00"):
        answer = device.put(device.device_id, {"display_name": name})
        check.equal(f"name after {name!r}", name_of(device, device.device_id), "before")
        check.error(f"name {name!r}", answer, 400, "M_INVALID_PARAM")


@pytest.mark.peer_bug("Construct", "a client writes any field", got="6\\.6\\.6\\.6|OTHER")
def test_P11_unknown_keys(check: Check, user: User) -> None:
    """Unknown keys are ignored: a client writes its name and nothing else."""
    device = named(user)
    body = {
        "display_name": "after",
        "device_id": "OTHER",
        "user_id": "@other:example.org",
        "last_seen_ip": "6.6.6.6",
        "last_seen_ts": 1,
        "keys": {"a": [1, 2.5, None, True]},
    }
    answer = device.put(device.device_id, body)
    shown = device.get().members
    found = {entry["device_id"]: entry for entry in device.list().devices}
    listed = found.get(device.device_id, {})
    for where, entry in (("alone", shown), ("list", listed)):
        wrong = {
            name: value
            for name, value in body.items()
            if name != "display_name" and entry.get(name) == value
        }
        check.equal(f"{where}: written by the client", wrong, {})
    check.lacks("devices", found, "OTHER")
    check.equal("name", shown.get("display_name"), "after")
    check.ok("PUT", answer)


def last_seen(entry: dict[str, Any]) -> dict[str, Any]:
    """What is not null of it."""
    names = ("last_seen_ip", "last_seen_ts")
    return {name: entry[name] for name in names if entry.get(name) is not None}


@pytest.mark.peer_bug("Tuwunel", "a rename stamps last seen of the renamed device", got="last_seen")
def test_P12_rename_only(check: Check, user: User) -> None:
    """A rename changes the name and nothing else."""
    device, never_used = user.device(), user.login(name="before")
    before = device.get(never_used.device_id).members
    answer = device.put(never_used.device_id, {"display_name": "renamed"})
    after = device.get(never_used.device_id).members
    check.equal("last seen of the renamed device", last_seen(after), last_seen(before))
    check.equal("name of the renamed device", after.get("display_name"), "renamed")
    check.equal("device_id of the renamed device", after.get("device_id"), never_used.device_id)
    check.ok("PUT", answer)


@pytest.mark.peer_bug("Tuwunel", "a rename stamps last seen of the renamed device", got="last_seen")
def test_P12_by_a_service(check: Check, service: Service) -> None:
    """So does that of a service that acts as another device."""
    user_id = service.new_user()
    for device_id in ("A", "B"):
        service.put(device_id, {}, user_id=user_id)
    before = service.request("GET", device_path("B"), user_id=user_id).members
    service.put("B", {"display_name": "b"}, user_id=user_id, device_id="A")
    after = service.request("GET", device_path("B"), user_id=user_id).members
    check.equal("last seen of the renamed device", last_seen(after), last_seen(before))
    check.equal("name of the renamed device", after.get("display_name"), "b")
