"""Rows D: deleting one device, and many."""

from __future__ import annotations

from typing import Any

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import Response, client_path, device_path
from matrix_device_conformance.homeserver import Configured, Device, Homeserver, Service, User


def expect_dead(check: Check, what: str, device: Device) -> None:
    """The device's access token is nobody's."""
    answer = device.list()
    check.error(what, answer, 401, "M_UNKNOWN_TOKEN")
    check.equal(f"{what}: soft_logout", answer.json.get("soft_logout"), False)


def test_D1_delete(check: Check, user: User) -> None:
    """A user deletes a device after User-Interactive Authentication."""
    device, target = user.login(), user.login()
    session = check.challenge("DELETE", device.delete(target.device_id))
    check.that("before", target.device_id in device.device_ids(), "still there", "gone")
    done = device.delete(target.device_id, user.auth(session))
    check.ok("DELETE with password", done, body={})
    check.error("GET", device.get(target.device_id), 404, "M_NOT_FOUND")
    check.that("list", target.device_id not in device.device_ids(), "without it", "still there")


def test_D1_bulk(check: Check, user: User) -> None:
    """A user deletes several devices after User-Interactive Authentication."""
    device, first, second, kept = (user.login() for _ in range(4))
    ids = [first.device_id, second.device_id]
    session = check.challenge("POST", device.delete_devices(ids))
    check.that("before", set(ids) <= device.device_ids(), "still there", "gone")
    check.ok("POST with password", device.delete_devices(ids, user.auth(session)), body={})
    left = device.device_ids()
    check.that("deleted", not left & set(ids), f"none of {ids}", left)
    check.that("kept", kept.device_id in left, kept.device_id, left)


@pytest.mark.peer_bug("Synapse with delegated authentication: services can't bulk-delete")
def test_D2_service(check: Check, service: Service) -> None:
    """An application service deletes without User-Interactive Authentication."""
    user_id = service.new_user()
    for device_id in ("A", "B", "C", "KEPT"):
        service.put(device_id, {}, user_id=user_id)
    one = service.request("DELETE", device_path("A"), json={}, user_id=user_id)
    check.ok("DELETE", one, body={})
    bulk = service.request("POST", "/delete_devices", json={"devices": ["B", "C"]}, user_id=user_id)
    check.ok("POST", bulk, body={})
    check.equal("devices", service.device_ids(user_id), {"KEPT"})
    again = service.request("DELETE", device_path("A"), user_id=user_id)
    check.ok("DELETE again, without a body", again, body={})


@pytest.mark.capability("oauth")
@pytest.mark.peer_bug("Synapse: a bare 404 that no client explains")
def test_D3_account_management(check: Check, configured: Configured) -> None:
    """The text points to the account management URL where one is configured."""
    url = "https://account.example.org/manage"
    homeserver = configured({"account_management_url": url})
    oauth = homeserver.issue_token(homeserver.new_user(), "--oauth")
    answer = oauth.delete("A")
    check.error("DELETE", answer, 404, "M_UNRECOGNIZED")
    text = answer.json["error"]
    for part in (url, "org.matrix.device_delete"):
        check.that(f"{part} in the text", part in text, "there", text)


@pytest.mark.capability("oauth")
@pytest.mark.peer_bug("Synapse: the endpoints are off for all, with a bare 404")
def test_D3_oauth_token(check: Check, own_homeserver: Homeserver, user: User) -> None:
    """An OAuth token can't delete: 404 M_UNRECOGNIZED, before the body is looked at."""
    legacy, target = user.login(), user.login()
    oauth = own_homeserver.issue_token(user, "--oauth", "--device", "OAUTHDEVICE")
    check.ok("GET", oauth.list())
    check.ok("PUT", oauth.put("OAUTHDEVICE", {"display_name": "x"}), body={})
    for what, body in (("challenge", b"{}"), ("not JSON", b"{"), ("no body", None)):
        one = oauth.request("DELETE", device_path(target.device_id), body=body)
        check.error(f"DELETE, {what}", one, 404, "M_UNRECOGNIZED")
        bulk = oauth.request("POST", "/delete_devices", body=body)
        check.error(f"POST, {what}", bulk, 404, "M_UNRECOGNIZED")
    with_password = oauth.delete(target.device_id, user.auth())
    check.error("DELETE with password", with_password, 404, "M_UNRECOGNIZED")
    done = legacy.delete(target.device_id, user.auth())
    check.ok("legacy token on the same server", done, body={})


def test_D4_unknown_device(check: Check, user: User, other_user: User) -> None:
    """DELETE of a device that the user does not have: after authentication, 200."""
    device, theirs = user.login(), other_user.login()
    for device_id in ("UNKNOWN", theirs.device_id):
        session = check.challenge(f"DELETE {device_id}", device.delete(device_id))
        done = device.delete(device_id, user.auth(session))
        check.ok(f"DELETE {device_id} with password", done, body={})
    check.ok("the other user's device", theirs.get())


def test_D5_no_body(check: Check, user: User) -> None:
    """DELETE with no body, white space or JSON null is as with {}."""
    device = user.login()
    path = device_path(user.login().device_id)
    for what, body in (("none", None), ("empty", b""), ("space", b" \r\n"), ("null", b"null")):
        session = check.challenge(f"DELETE, {what}", device.request("DELETE", path, body=body))
    done = device.request("DELETE", path, json={"auth": user.auth(session)})
    check.ok("the session of a null body with password", done, body={})


def test_D6_bad_body(check: Check, user: User) -> None:
    """DELETE with a body that is not JSON, or not an object, is 400."""
    device = user.login()
    path = device_path(device.device_id)
    for body, errcode in (
        (b"{", "M_NOT_JSON"),
        (b"nul", "M_NOT_JSON"),
        (b'{"a": "\xff"}', "M_NOT_JSON"),
        (b"[]", "M_BAD_JSON"),
        (b'""', "M_BAD_JSON"),
        (b"0", "M_BAD_JSON"),
        (b"false", "M_BAD_JSON"),
        (b'{"auth": {}, "auth": {}}', "M_BAD_JSON"),
    ):
        answer = device.request("DELETE", path, body=body)
        check.error(f"DELETE {body!r}", answer, 400, errcode)


@pytest.mark.peer_bug("Synapse: an empty body is 500; Dendrite: deletes every device")
def test_D7_no_devices(check: Check, user: User) -> None:
    """Bulk deletion without a list of strings is 400, before any challenge."""
    device = user.login()
    user.login()
    before = device.device_ids()

    def post(body: bytes | None) -> Response:
        return device.request("POST", "/delete_devices", body=body)

    check.error("no body", post(None), 400, "M_NOT_JSON")
    check.error("empty", post(b""), 400, "M_NOT_JSON")
    for devices in (None, "A", 1, {}, {"A": "B"}, [1], ["A", None], [["A"]], True):
        answer = device.delete_devices(devices)
        check.error(f"devices: {devices!r}", answer, 400, "M_BAD_JSON")
        with_password = device.delete_devices(devices, user.auth())
        check.error(f"devices: {devices!r}, password", with_password, 400, "M_BAD_JSON")
    bodies: list[dict[str, Any]] = [
        {},
        {"auth": {}},
        {"auth": None},
        {"auth": user.auth()},
        {"auth": {"session": "unknown"}},
        {"auth": user.auth("unknown")},
    ]
    for body in bodies:
        answer = device.request("POST", "/delete_devices", json=body)
        check.error(f"members {sorted(body)}", answer, 400, "M_BAD_JSON")
    check.equal("devices", device.device_ids(), before)


@pytest.mark.peer_bug('Dendrite: {"devices": []} deletes every device')
def test_D8_empty_list(check: Check, user: User) -> None:
    """An empty list: after authentication 200, and nothing is deleted."""
    device = user.login()
    user.login()
    before = device.device_ids()
    session = check.challenge("POST", device.delete_devices([]))
    check.ok("POST with password", device.delete_devices([], user.auth(session)), body={})
    check.equal("devices", device.device_ids(), before)


def test_D9_odd_lists(check: Check, user: User, other_user: User) -> None:
    """Duplicates collapse; unknown and other users' IDs are ignored; one 200."""
    device, target, theirs = user.login(), user.login(), other_user.login()
    ids = [
        target.device_id,
        "UNKNOWN",
        target.device_id,
        theirs.device_id,
        "",
        "x" * 300,
        "a\x00b",
        "%2F",
        "' OR 1=1 --",
    ]
    session = check.challenge("POST", device.delete_devices(ids))
    check.ok("POST with password", device.delete_devices(ids, user.auth(session)), body={})
    left = device.device_ids()
    check.that("deleted", target.device_id not in left, f"without {target.device_id}", left)
    check.that("own", device.device_id in left, f"with {device.device_id}", left)
    check.ok("the other user's device", theirs.get())


@pytest.mark.peer_bug("Synapse: thousands of devices take minutes")
def test_D10_many(check: Check, user: User) -> None:
    """20,000 IDs go in one request."""
    device, first, last = user.login(), user.login(), user.login()
    ids = [first.device_id, *(f"UNKNOWN{number:05}" for number in range(19_998)), last.device_id]
    session = check.challenge("POST", device.delete_devices(ids))
    check.ok("POST with password", device.delete_devices(ids, user.auth(session)), body={})
    left = device.device_ids()
    check.that("deleted", not left & set(ids), "first and last are gone", left)
    check.that("own", device.device_id in left, f"with {device.device_id}", left)


def test_D11_own_device(check: Check, user: User) -> None:
    """The device whose token it is may go: 200, and the token is dead."""
    device = user.login()
    check.ok("DELETE", device.delete(device.device_id, user.auth()), body={})
    expect_dead(check, "GET afterwards", device)
    device, other = user.login(), user.login()
    ids = [other.device_id, device.device_id]
    check.ok("POST", device.delete_devices(ids, user.auth()), body={})
    expect_dead(check, "GET after bulk", device)
    expect_dead(check, "GET of the other", other)


@pytest.mark.peer_bug("Synapse, Dendrite: tokens that outlive the device")
def test_D12_tokens_go(check: Check, user: User) -> None:
    """Access and refresh tokens go with their device, and only those."""
    device = user.login()
    targets = [user.login(refresh=True) for _ in range(3)]
    kept = user.login(refresh=True)
    check.ok("DELETE", device.delete(targets[0].device_id, user.auth()), body={})
    ids = [target.device_id for target in targets[1:]]
    check.ok("POST", device.delete_devices(ids, user.auth()), body={})
    for target in targets:
        expect_dead(check, "access token", target)
        if target.refresh_token is not None:
            refreshed = refresh(user.homeserver, target)
            check.error("refresh token", refreshed, 401, "M_UNKNOWN_TOKEN")
    check.ok("kept device", kept.list())
    if kept.refresh_token is not None:
        check.ok("kept refresh token", refresh(user.homeserver, kept))


def refresh(homeserver: Homeserver, device: Device) -> Response:
    """POST /refresh."""
    body = {"refresh_token": device.refresh_token}
    return homeserver.client.request("POST", client_path("/refresh"), json=body)


def test_D12_id_can_come_back(check: Check, user: User) -> None:
    """A device that is made anew under an old ID has nothing of the old one."""
    device, old = user.login(), user.login("PHOENIX", name="old")
    check.ok("DELETE", device.delete("PHOENIX", user.auth()), body={})
    user.login("PHOENIX")
    expect_dead(check, "the old token", old)
    check.equal("name", device.get("PHOENIX").json.get("display_name"), None)


def test_D13_again(check: Check, user: User) -> None:
    """The same request again is 200 while its token is there."""
    device, target = user.login(), user.login()
    session = device.begin_delete(target.device_id)
    for attempt in ("first", "second", "third"):
        answer = device.delete(target.device_id, user.auth(session))
        check.ok(f"DELETE, {attempt}", answer, body={})
    ids = [device.device_id, user.login().device_id]
    auth = user.auth(device.begin_delete_devices(ids))
    check.ok("POST with the own device", device.delete_devices(ids, auth), body={})
    gone = device.delete_devices(ids, auth)
    check.error("POST again", gone, 401, "M_UNKNOWN_TOKEN")


def test_D13_service_again(check: Check, service: Service) -> None:
    """A service's deletion again is 200, but on a device that is gone it can't act."""
    user_id = service.new_user()
    for device_id in ("A", "B"):
        service.put(device_id, {}, user_id=user_id)
    for attempt in ("first", "second"):
        answer = service.request("DELETE", device_path("A"), json={}, user_id=user_id)
        check.ok(f"DELETE, {attempt}", answer, body={})
    query = {"user_id": user_id, "device_id": "B"}
    check.ok("B by itself", service.request("DELETE", device_path("B"), json={}, **query))
    gone = service.request("DELETE", device_path("B"), json={}, **query)
    check.error("B by itself again", gone, 400, "M_UNKNOWN_DEVICE")
