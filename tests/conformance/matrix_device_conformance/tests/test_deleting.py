"""Rows D1 to D9, D11, D13: deleting one device, and several."""

from __future__ import annotations

from typing import Any

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import Response, device_path
from matrix_device_conformance.homeserver import Configured, Homeserver, Service, User
from matrix_device_conformance.tests.steps import (
    alive,
    begun,
    dead,
    gone,
    refused,
    service_ids,
    still_there,
    target_of,
)


def test_D1_delete(check: Check, user: User) -> None:
    """A user deletes a device after User-Interactive Authentication."""
    device, target = user.device(), user.login()
    session = begun(check, "DELETE", device.delete(target.device_id))
    still_there(check, "before the password", device, target)
    answer = device.delete(target.device_id, user.auth(session))
    gone(check, "DELETE with password", device, target)
    alive(check, "the device that asks", device)
    check.ok("DELETE with password", answer, body={})
    check.error("GET", device.get(target.device_id), 404, "M_NOT_FOUND")


def test_D1_bulk(check: Check, user: User) -> None:
    """A user deletes several devices after User-Interactive Authentication."""
    device, first, second = user.device(), user.login(), user.login()
    kept = target_of(user)
    ids = [first.device_id, second.device_id]
    session = begun(check, "POST", device.delete_devices(ids))
    still_there(check, "before the password", device, first, second)
    answer = device.delete_devices(ids, user.auth(session))
    gone(check, "POST with password", device, first, second)
    still_there(check, "not in the list", device, device, kept)
    check.ok("POST with password", answer, body={})


@pytest.mark.peer_bug(
    "Synapse", "with delegated authentication services can't bulk-delete", got="404"
)
def test_D2_service(check: Check, service: Service) -> None:
    """An application service deletes without User-Interactive Authentication."""
    user_id = service.new_user()
    for device_id in ("A", "B", "C", "KEPT"):
        service.put(device_id, {}, user_id=user_id)
    one = service.request("DELETE", device_path("A"), json={}, user_id=user_id)
    bulk = service.request("POST", "/delete_devices", json={"devices": ["B", "C"]}, user_id=user_id)
    check.equal("devices", service_ids(service, user_id), {"KEPT"})
    check.ok("DELETE", one, body={})
    check.ok("POST", bulk, body={})
    again = service.request("DELETE", device_path("A"), json={}, user_id=user_id)
    check.ok("DELETE again", again, body={})


@pytest.mark.capability("oauth")
@pytest.mark.peer_bug("Synapse", "a bare 404 that no client explains", got="Unrecognized request")
def test_D3_account_management(check: Check, configured: Configured) -> None:
    """The text points to the account management URL where one is configured."""
    url = "https://account.example.org/manage"
    homeserver = configured({"account_management_url": url})
    oauth = homeserver.oauth_device(homeserver.new_user(), "OAUTHDEVICE")
    answer = oauth.delete("A")
    check.error("DELETE", answer, 404, "M_UNRECOGNIZED")
    text = str(answer.members.get("error"))
    for part in (url, "org.matrix.device_delete"):
        check.ours.that(f"{part} in the text", part in text, "there", text)


@pytest.mark.capability("oauth")
@pytest.mark.peer_bug("Synapse", "the endpoints are off for all", got="404")
def test_D3_oauth_token(check: Check, homeserver: Homeserver, user: User) -> None:
    """An OAuth token can't delete: 404 M_UNRECOGNIZED, before the body is looked at."""
    oauth = homeserver.oauth_device(user, "OAUTHDEVICE")
    legacy, target = user.device(), target_of(user)
    with_password = oauth.delete(target.device_id, user.auth())
    in_bulk = oauth.delete_devices([target.device_id], user.auth())
    still_there(check, "with an OAuth token and the password", legacy, target)
    check.error("DELETE with password", with_password, 404, "M_UNRECOGNIZED")
    check.error("POST with password", in_bulk, 404, "M_UNRECOGNIZED")
    for what, body in (("challenge", b"{}"), ("not JSON", b"{"), ("no body", None)):
        one = oauth.request("DELETE", device_path(target.device_id), body=body)
        check.error(f"DELETE, {what}", one, 404, "M_UNRECOGNIZED")
        bulk = oauth.request("POST", "/delete_devices", body=body)
        check.error(f"POST, {what}", bulk, 404, "M_UNRECOGNIZED")
    check.ok("GET", oauth.list())
    check.ok("PUT", oauth.put("OAUTHDEVICE", {"display_name": "x"}))
    answer = legacy.delete(target.device_id, user.auth())
    check.ours.ok("legacy token on the same server", answer, body={})


def test_D4_unknown_device(check: Check, user: User, other_user: User) -> None:
    """DELETE of a device that the user does not have: after authentication, 200."""
    device, theirs = user.device(), other_user.device()
    for what, device_id in (("unknown", "UNKNOWN"), ("another user's", theirs.device_id)):
        session = begun(check, f"DELETE, {what}", device.delete(device_id))
        answer = device.delete(device_id, user.auth(session))
        alive(check, f"the other user's device after {what}", theirs)
        check.ok(f"DELETE with password, {what}", answer, body={})


def test_D5_no_body(check: Check, user: User) -> None:
    """DELETE with no body, white space or JSON null is as with {}."""
    device = user.device()
    path = device_path("NOBODY")
    for what, body in (("none", None), ("empty", b""), ("space", b" \r\n"), ("null", b"null")):
        session = begun(check, f"DELETE, {what}", device.request("DELETE", path, body=body))
        answer = device.request("DELETE", path, json={"auth": user.auth(session)})
        check.ok(f"its session with password, {what}", answer)


def test_D6_bad_body(check: Check, user: User) -> None:
    """DELETE with a body that is not JSON, or not an object, is 400."""
    device = user.device()
    path = device_path(device.device_id)
    for body, errcode in (
        (b"{", "M_NOT_JSON"),
        (b"nul", "M_NOT_JSON"),
        (b'{"a": "\xff"}', "M_NOT_JSON"),
        (b"[]", "M_BAD_JSON"),
        (b'""', "M_BAD_JSON"),
        (b"0", "M_BAD_JSON"),
        (b"false", "M_BAD_JSON"),
    ):
        answer = device.request("DELETE", path, body=body)
        what = f"DELETE {body!r}"
        # The specification does not say which comes first, the challenge or the look at the body.
        refused(check.spec, what, answer, 400, 401)
        if answer.status == 400:
            check.spec.error(what, answer, 400, "M_NOT_JSON", "M_BAD_JSON")
        check.ours.error(what, answer, 400, errcode)
    twice = device.request("DELETE", path, body=b'{"auth": {}, "auth": {}}')
    check.ours.error("auth twice", twice, 400, "M_BAD_JSON")
    alive(check, "the device", device)


NO_LIST: list[Any] = [None, "A", 1, {}, {"A": "B"}, [1], ["A", None], [["A"]], True]


@pytest.mark.peer_bug("Synapse", "500", got="500 ")
@pytest.mark.peer_bug("Dendrite", "deletes every device", got="^200 ")
def test_D7_no_devices(check: Check, user: User) -> None:
    """Bulk deletion without a list of strings is 400, and deletes nothing."""
    device, kept = user.device(), target_of(user)

    def post(**members: Any) -> Response:
        return device.request("POST", "/delete_devices", json=members)

    # What matters most: with the right password nothing may go.
    with_password = [
        (f"devices: {each!r}", post(devices=each, auth=user.auth())) for each in NO_LIST
    ]
    with_password.append(("no devices", post(auth=user.auth())))
    still_there(check, "no list, right password", device, device, kept)
    alive(check, "the device", device)
    for what, answer in with_password:
        refused(check, f"{what}, password", answer, 400)
        check.ours.error(f"{what}, password", answer, 400, "M_BAD_JSON")
    for what, body in (("no body", None), ("empty", b"")):
        answer = device.request("POST", "/delete_devices", body=body)
        refused(check, what, answer, 400)
        check.ours.error(what, answer, 400, "M_NOT_JSON")
    without = [(f"devices: {each!r}", post(devices=each)) for each in NO_LIST]
    without += [
        ("{}", post()),
        ("auth {}", post(auth={})),
        ("an unknown session", post(auth={"session": "unknown"})),
        ("an unknown session with password", post(auth=user.auth("unknown"))),
    ]
    for what, answer in without:
        # The specification does not say which comes first, the challenge or the look at the body.
        refused(check, what, answer, 400, 401)
        check.ours.error(f"{what}, before any challenge", answer, 400, "M_BAD_JSON")


@pytest.mark.peer_bug("Dendrite", "deletes every device", got="^200 ")
def test_D8_empty_list(check: Check, user: User) -> None:
    """An empty list: after authentication 200, and nothing is deleted."""
    device, kept = user.device(), target_of(user)
    answer = device.delete_devices([])
    session = begun(check.ours, "POST", answer)
    answer = device.delete_devices([], user.auth(session))
    if still_there(check.spec, "an empty list", device, device, kept):
        alive(check.spec, "the device that asks", device)
    check.ours.ok("POST with password", answer, body={})


def test_D9_odd_lists(check: Check, user: User, other_user: User) -> None:
    """Duplicates collapse; unknown and other users' IDs are passed over; one 200."""
    device, target, theirs = user.device(), user.login(), other_user.device()
    ids = [target.device_id, "UNKNOWN", target.device_id, theirs.device_id, "%2F", "' OR 1=1 --"]
    session = begun(check, "POST", device.delete_devices(ids))
    answer = device.delete_devices(ids, user.auth(session))
    alive(check, "the other user's device", theirs)
    gone(check, "the own device that is listed", device, target)
    still_there(check, "not in the list", device, device)
    check.ok("POST with password", answer, body={})


def test_D9_impossible_ids(check: Check, user: User) -> None:
    """So are IDs that no device can have."""
    device = user.device()
    for what, device_id in (("empty", ""), ("300 bytes", "x" * 300), ("U+0000", "a\x00b")):
        session = begun(check.ours, f"POST, {what}", device.delete_devices([device_id]))
        answer = device.delete_devices([device_id], user.auth(session))
        alive(check, f"the device that asks, {what}", device)
        check.ours.ok(f"POST with password, {what}", answer, body={})


def test_D11_own_device(check: Check, user: User) -> None:
    """The device whose token this is may go: 200, and the token is dead."""
    device = user.login()
    answer = device.delete(device.device_id, user.auth())
    dead(check, "GET afterwards", device)
    check.ok("DELETE", answer, body={})


def test_D11_in_bulk(check: Check, user: User) -> None:
    """So in bulk, with another."""
    device, other = user.login(), user.login()
    answer = device.delete_devices([other.device_id, device.device_id], user.auth())
    dead(check, "GET afterwards", device)
    dead(check, "GET of the other", other)
    check.ok("POST", answer, body={})


def test_D13_again(check: Check, user: User) -> None:
    """The same request again is 200 while its token is there."""
    device, target = user.device(), target_of(user)
    session = begun(check, "DELETE", device.delete(target.device_id))
    for attempt in ("first", "second", "third"):
        answer = device.delete(target.device_id, user.auth(session))
        check.ok(f"DELETE, {attempt}", answer)


def test_D13_own_device_again(check: Check, user: User) -> None:
    """Once its own device is gone, the request again is 401: the token was the device's."""
    device, other = user.login(), target_of(user)
    ids = [device.device_id, other.device_id]
    auth = user.auth(begun(check, "POST", device.delete_devices(ids)))
    check.ok("POST with the own device", device.delete_devices(ids, auth))
    again = device.delete_devices(ids, auth)
    refused(check, "POST again", again, 401)
    check.equal("POST again: errcode", again.errcode, "M_UNKNOWN_TOKEN")


def test_D13_service_again(check: Check, service: Service) -> None:
    """A service's deletion again is 200, but on a device that is gone it can't act."""
    user_id = service.new_user()
    for device_id in ("A", "B"):
        service.put(device_id, {}, user_id=user_id)
    for attempt in ("first", "second"):
        answer = service.request("DELETE", device_path("A"), json={}, user_id=user_id)
        check.ok(f"DELETE, {attempt}", answer)
    query = {"user_id": user_id, "device_id": "B"}
    check.ours.ok("B by itself", service.request("DELETE", device_path("B"), json={}, **query))
    again = service.request("DELETE", device_path("B"), json={}, **query)
    refused(check.ours, "B by itself again", again, 400)
