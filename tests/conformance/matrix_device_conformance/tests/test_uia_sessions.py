"""Rows U9 to U13, U26: what a session of User-Interactive Authentication is good for."""

from __future__ import annotations

from functools import partial

import pytest

from matrix_device_conformance.check import Check, NotJudged
from matrix_device_conformance.client import client_path, device_path
from matrix_device_conformance.homeserver import Configured, Device, User
from matrix_device_conformance.tests.steps import (
    at_once,
    begun,
    gone,
    ids_in,
    refused,
    session_in,
    still_there,
    target_of,
)

UNKNOWN_SESSION = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
MADE_UP = (UNKNOWN_SESSION, "x", "é", "x" * 256, "x" * 5000, "a\x00b", "%s%n", "' OR 1=1 --")


@pytest.mark.peer_bug("Dendrite", "a made-up session will do", got="^200 ")
def test_U9_unknown_session(check: Check, user: User) -> None:
    """An unknown session is 401 with a fresh one; the credentials are not tried."""
    device, target = user.device(), target_of(user)
    answers = {
        f"session {unknown[:20]!r}": device.delete(target.device_id, user.auth(unknown))
        for unknown in MADE_UP
    }
    answers["the session alone"] = device.delete(target.device_id, {"session": UNKNOWN_SESSION})
    bulk = device.delete_devices([target.device_id], user.auth(UNKNOWN_SESSION))
    answers["bulk"] = bulk
    still_there(check, "an unknown session", device, target)
    for what, answer in answers.items():
        if what == "the session alone":
            refused(check, what, answer, 400, 401, 403)
        elif refused(check, what, answer, 401):
            session = check.fresh_challenge(what, answer, UNKNOWN_SESSION)
            check.that(f"{what}: session", session not in MADE_UP, "a new one", session, answer)
            check.equal(f"{what}: errcode", answer.errcode, "M_FORBIDDEN", answer)
    answer = device.delete_devices([target.device_id], user.auth(session_in(bulk)))
    check.ok("the fresh session", answer)


def test_U9_empty_session(check: Check, user: User) -> None:
    """So is an empty one."""
    device, target = user.device(), target_of(user)
    answer = device.delete(target.device_id, user.auth(""))
    still_there(check, 'session ""', device, target)
    refused(check, 'session ""', answer, 401)


@pytest.mark.peer_bug("Synapse, Dendrite", "another user's session is taken", got="^200 ")
def test_U10_session_of_another_user(check: Check, user: User, other_user: User) -> None:
    """A session of another user is 403 M_FORBIDDEN."""
    device, target, stranger = user.device(), target_of(user), other_user.device()
    session = begun(check, "DELETE", device.delete(target.device_id))
    answers = [
        ("own password", stranger.delete(target.device_id, other_user.auth(session))),
        ("the owner's password", stranger.delete(target.device_id, user.auth(session))),
        ("session alone", stranger.delete(target.device_id, {"session": session})),
    ]
    still_there(check, "by another user", device, target)
    for what, answer in answers:
        if what == "session alone":
            refused(check, f"by another user, {what}", answer, 400, 401, 403)
        else:
            check.error(f"by another user, {what}", answer, 403, "M_FORBIDDEN")
    answer = device.delete(target.device_id, user.auth(session))
    check.ok("by its own", answer)
    finished = stranger.delete(target.device_id, other_user.auth(session))
    check.error("finished, by another user", finished, 403, "M_FORBIDDEN")


@pytest.mark.peer_bug("Continuwuity", "a session works for anybody", got="^200 ")
def test_U10_session_of_another_device(check: Check, user: User) -> None:
    """So is a session of another device."""
    device, sibling, target = user.device(), user.login(), target_of(user)
    session = begun(check, "DELETE", device.delete(target.device_id))
    by_sibling = sibling.delete(target.device_id, user.auth(session))
    still_there(check, "by another device", device, target)
    check.error("by another device", by_sibling, 403, "M_FORBIDDEN")
    check.ok("by its own", device.delete(target.device_id, user.auth(session)))
    finished = sibling.delete(target.device_id, user.auth(session))
    check.error("finished, by another device", finished, 403, "M_FORBIDDEN")


def test_U10_refreshed_token(check: Check, user: User) -> None:
    """A refreshed token of the same device may finish what the old one began."""
    device, target = user.login(refresh=True), target_of(user)
    if device.refresh_token is None:
        raise NotJudged("the homeserver gives no refresh tokens")
    session = begun(check, "DELETE", device.delete(target.device_id))
    refreshed = user.homeserver.client.request(
        "POST", client_path("/refresh"), json={"refresh_token": device.refresh_token}
    )
    token = refreshed.members.get("access_token")
    if not isinstance(token, str):
        raise NotJudged(f"the token could not be refreshed: {refreshed}")
    new = Device(user, device.device_id, token)
    answer = new.delete(target.device_id, user.auth(session))
    gone(check, "DELETE", new, target)
    check.ok("DELETE", answer)


@pytest.mark.peer_bug("Tuwunel and its family", "bound to neither endpoint nor body", got="^200 ")
def test_U11_other_operation(check: Check, user: User) -> None:
    """A session for another endpoint or device ID is 403 M_FORBIDDEN."""
    device, first, second = user.device(), target_of(user), target_of(user)
    one, two = first.device_id, second.device_id
    # One after the other: of users who have finished many, a homeserver may keep one unfinished.
    of_bulk = begun(check, "POST", device.delete_devices([one]))
    answers = [("DELETE for bulk", device.delete(one, user.auth(of_bulk)))]
    of_delete = begun(check, "DELETE", device.delete(one))
    answers += [
        ("another device ID", device.delete(two, user.auth(of_delete))),
        ("bulk for DELETE", device.delete_devices([one], user.auth(of_delete))),
    ]
    still_there(check, "another operation", device, first, second)
    for what, answer in answers:
        refused(check.spec, what, answer, 400, 401, 403)
        check.ours.error(what, answer, 403, "M_FORBIDDEN")
    check.ok("what it was for", device.delete(one, user.auth(of_delete)))


@pytest.mark.peer_bug("Synapse, Tuwunel and its family", "not bound to the body", got="^200 ")
def test_U11_other_body(check: Check, user: User) -> None:
    """A session for another body is 403 M_FORBIDDEN, before the password is right."""
    device, first, second = user.device(), target_of(user), target_of(user)
    one, two = first.device_id, second.device_id
    of_bulk = begun(check, "POST", device.delete_devices([one]))
    more = {"devices": [one], "x": 1, "auth": user.auth(of_bulk)}
    answers = [
        ("another list", device.delete_devices([two], user.auth(of_bulk))),
        ("a longer list", device.delete_devices([one, two], user.auth(of_bulk))),
        ("an empty list", device.delete_devices([], user.auth(of_bulk))),
        ("another member", device.request("POST", "/delete_devices", json=more)),
    ]
    of_delete = begun(check, "DELETE", device.delete(one))
    more = {"x": 1, "auth": user.auth(of_delete)}
    in_delete = device.request("DELETE", device_path(one), json=more)
    answers.append(("a member in DELETE", in_delete))
    still_there(check.ours, "another body", device, first, second)
    for what, answer in answers:
        check.ours.error(what, answer, 403, "M_FORBIDDEN")


@pytest.mark.peer_bug(
    "Synapse", "a finished authentication is good for other deletions for 48 h", got="^200 "
)
def test_U11_after_completion(check: Check, user: User) -> None:
    """A finished session is good for no other deletion, with a wrong password least of all."""
    device, second = user.device(), target_of(user)
    session = begun(check, "DELETE", device.delete("FIRST"))
    check.ok("DELETE", device.delete("FIRST", user.auth(session)))
    expect_useless(check, user, device, second.device_id, session)
    still_there(check.spec, "with a finished session", device, second)


@pytest.mark.peer_bug("Synapse", "a finished bulk session is good for any list", got="^200 ")
def test_U11_after_completion_in_bulk(check: Check, user: User) -> None:
    """So is one of a bulk deletion."""
    device, second = user.device(), target_of(user)
    session = begun(check, "POST", device.delete_devices(["FIRST"]))
    check.ok("POST", device.delete_devices(["FIRST"], user.auth(session)))
    expect_useless(check, user, device, second.device_id, session)
    still_there(check.spec, "with a finished session", device, second)


def expect_useless(
    check: Check, user: User, device: Device, device_id: str, session: str | None
) -> None:
    """Nothing goes ahead with this session that is finished, whatever comes with it."""
    for kind, auth in (
        ("wrong password", user.wrong_auth(session)),
        ("session alone", {"session": session}),
        ("right password", user.auth(session)),
    ):
        for endpoint, answer in (
            ("DELETE", device.delete(device_id, auth)),
            ("POST", device.delete_devices([device_id], auth)),
        ):
            what = f"another {endpoint}, {kind}"
            if kind != "right password":  # which would be enough by itself
                refused(check.spec, what, answer, 400, 401, 403)
            if kind != "session alone":
                check.ours.error(what, answer, 403, "M_FORBIDDEN")


@pytest.mark.peer_bug("Synapse", "fails where the query string changed", got="^403 ")
def test_U11_what_is_not_compared(check: Check, user: User) -> None:
    """Key order, white space, the query string, the version, the escaping are not compared."""
    device = user.device()
    body = b'{ "x": {"b": 1, "a": 2},\n "devices": ["ONE"] }'
    first = device.request("POST", "/delete_devices", body=body, query="a=1")
    session = begun(check.ours, "POST", first)
    same = {"auth": user.auth(session), "devices": ["ONE"], "x": {"a": 2, "b": 1}}
    answer = device.request("POST", "/delete_devices", json=same, version="r0", query="b=2")
    check.ours.ok("another order, query and version", answer)
    first = device.request("DELETE", "/devices/needs%20escaping", version="r0", json={})
    session = begun(check.ours, "DELETE", first)
    escaped = "/devices/%6Eeeds%20escaping"
    answer = device.request("DELETE", escaped, json={"auth": user.auth(session)}, query="ts=9")
    check.ours.ok("another escaping", answer)


@pytest.mark.peer_bug(
    "Synapse", "one password authorises any number of different deletions", got="^200 "
)
def test_U12_lenient(check: Check, configured: Configured) -> None:
    """Lenient binding: the body may change until the flow is complete, never after."""
    user = configured({"uia": {"body_binding": "lenient"}}).new_user()
    device, first, second, third = user.device(), *(user.login() for _ in range(3))
    session = begun(check, "POST", device.delete_devices([first.device_id]))
    changed = device.delete_devices([second.device_id], user.auth(session))
    gone(check, "another list before", device, second)
    still_there(check, "another list before", device, first)
    check.ok("another list before", changed)
    after = [
        device.delete_devices([third.device_id], auth)
        for auth in (user.auth(session), {"session": session})
    ]
    still_there(check, "another list after", device, third)
    for answer in after:
        refused(check, "another list after", answer, 400, 401, 403)
    again = device.delete_devices([second.device_id], user.auth(session))
    check.ok("the same list after", again)
    begin = device.delete_devices(["A"])
    endpoint = device.delete(third.device_id, user.auth(session_in(begin)))
    still_there(check, "another endpoint", device, third)
    check.error("another endpoint", endpoint, 403, "M_FORBIDDEN")


def test_U13_complete_session(check: Check, user: User) -> None:
    """A finished session, the same operation again: 200."""
    device = user.device()
    session = begun(check, "DELETE", device.delete("A"))
    check.ok("first", device.delete("A", user.auth(session)))
    for _ in range(2):
        check.ok("again", device.delete("A", user.auth(session)))


def test_U26_the_same_at_once(check: Check, user: User) -> None:
    """Two requests finishing one session at once: both as if one came after the other."""
    device = user.device()
    for _ in range(5):
        target = target_of(user)
        auth = user.auth(begun(check, "DELETE", device.delete(target.device_id)))
        answers = at_once([partial(device.delete, target.device_id, auth)] * 2)
        gone(check, "both", device, target)
        for answer in answers:
            check.ok("DELETE", answer)


@pytest.mark.peer_bug("Synapse", "one session, two lists at once: both go", got="went$")
def test_U26_different_at_once(check: Check, user: User) -> None:
    """Two different lists with one session at once: only the one that is answered 200 goes."""
    device = user.device()
    for _ in range(3):
        first, second = target_of(user), target_of(user)
        auth = user.auth(begun(check, "POST", device.delete_devices([first.device_id])))
        bodies = [[first.device_id], [second.device_id]]
        answers = at_once([partial(device.delete_devices, ids, auth) for ids in bodies])
        went = [
            target
            for target, answer in zip((first, second), answers, strict=True)
            if answer.status == 200
        ]
        check.that("lists that went", len(went) <= 1, "one at most", f"{len(went)} went")
        left = ids_in(device.list())
        for target, answer in zip((first, second), answers, strict=True):
            if target.made:
                check.equal(
                    f"answered {answer.status}: device there",
                    target.device_id in left,
                    answer.status != 200,
                    answer,
                )
