"""Rows U2, U4a, U14, U18, U19: what comes in `auth`, and what is made of it."""

from __future__ import annotations

from typing import Any

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.homeserver import PASSWORD_STAGE, User
from matrix_device_conformance.tests.steps import (
    begun,
    gone,
    refused,
    session_in,
    still_there,
    target_of,
    waits,
)


def test_U2_null_members(check: Check, user: User) -> None:
    """null for session or type is as if it were absent."""
    device, target = user.device(), target_of(user)
    nulls = device.delete(target.device_id, {"session": None, "type": None})
    session = begun(check, "both null", nulls)
    state = device.delete(target.device_id, {**user.auth(session), "type": None})
    still_there(check, "session and type null", device, target)
    waits(check, "type null with a session", state)
    no_type = device.delete(target.device_id, {**user.auth(), "type": None})
    waits(check, "type null with a password", no_type)
    still_there(check, "type null", device, target)
    answer = device.delete(target.device_id, {**user.auth(), "session": None})
    check.ok("password with session null", answer)
    gone(check, "password with session null", device, target)


@pytest.mark.peer_bug("Synapse", "parses credentials again, and refuses what is null", got="^4")
def test_U2_null_credentials(check: Check, user: User) -> None:
    """So for each optional member of `auth` and of its `identifier`."""
    device = user.device()
    old_style = {"type": PASSWORD_STAGE, "user": user.user_id, "password": user.password}
    identified = user.auth()
    nulls = {"medium": None, "address": None, "country": None, "phone": None}
    others = ("token", "response", "threepid_creds", "initial_device_display_name")
    for what, auth in (
        ("identifier null beside user", {**old_style, "identifier": None}),
        ("user null beside identifier", {**identified, "user": None}),
        ("token, response, threepid_creds", {**identified, **dict.fromkeys(others)}),
        ("in the identifier", {**identified, "identifier": {**identified["identifier"], **nulls}}),
    ):
        check.ok(what, device.delete("A", auth))
    target = target_of(user)
    for what, auth in (
        ("password null", {**identified, "password": None}),
        ("identifier null alone", {**identified, "identifier": None}),
    ):
        answer = device.delete(target.device_id, auth)
        still_there(check, what, device, target)
        check.error(what, answer, 400, "M_BAD_JSON")


BAD_STAGES: dict[str, dict[str, Any]] = {
    "no password": {"password": ...},
    "password null": {"password": None},
    "password a number": {"password": 1},
    "password an object": {"password": {}},
    "no identifier": {"identifier": ...},
    "identifier a string": {"identifier": "alice"},
    "identifier a number": {"identifier": 5},
    "identifier a list": {"identifier": ["alice"]},
    "identifier without type": {"identifier": {"user": "alice"}},
    "identifier without user": {"identifier": {"type": "m.id.user"}},
    "user a number": {"identifier": {"type": "m.id.user", "user": 1}},
    "old-style user a number": {"identifier": ..., "user": 5},
}


@pytest.mark.peer_bug("Synapse", "500 for odd types", got="^500 ")
def test_U4a_bad_stage_data(check: Check, user: User) -> None:
    """Stage data that is missing or of a wrong type is 400."""
    device, target = user.device(), target_of(user)
    session = begun(check, "DELETE", device.delete(target.device_id))
    answers = []
    for what, members in BAD_STAGES.items():
        auth = {**user.auth(session), **members}
        auth = {name: value for name, value in auth.items() if value is not ...}
        answers.append((what, device.delete(target.device_id, auth)))
    still_there(check, "bad stage data", device, target)
    for what, answer in answers:
        # Whoever takes it for a wrong password keeps the specification, which is silent here.
        check.error(what, answer, 400, "M_BAD_JSON")


@pytest.mark.capability("failure_limit")
@pytest.mark.usefixtures("fresh_accounts")
def test_U4a_is_no_failure(check: Check, user: User) -> None:
    """Such stage data counts as no failure."""
    device = user.device()
    auth = user.auth(begun(check, "DELETE", device.delete("A")))
    for _ in range(6):
        device.delete("A", {**auth, "password": 1})
    check.ok("then right", device.delete("A", auth))


def test_U4a_no_type(check: Check, user: User) -> None:
    """Credentials without a type are not tried: a challenge, or the state of the session."""
    device, target = user.device(), target_of(user)
    auth = user.auth()
    del auth["type"]
    first = device.delete(target.device_id, auth)
    session = session_in(first)
    second = device.delete(target.device_id, {**auth, "session": session})
    still_there(check, "no type", device, target)
    waits(check, "without a session", first)
    waits(check, "with a session", second)
    check.equal("without a session: errcode", first.errcode, None)
    check.equal("with a session: errcode", second.errcode, None)


def test_U14_type_not_offered(check: Check, user: User) -> None:
    """A type that no flow offers is 401; nothing is tried."""
    device, target = user.device(), target_of(user)
    session = begun(check, "DELETE", device.delete(target.device_id))
    kinds = ("m.login.dummy", "org.example.unknown", "", "m.login.password ", "a\x00b")
    answers = {
        kind: device.delete(target.device_id, {**user.auth(session), "type": kind})
        for kind in kinds
    }
    still_there(check, "a type that is not offered", device, target)
    for kind, answer in answers.items():
        what = f"type {kind!r}"
        refused(check.spec, what, answer, 400, 401, 403)
        if check.ours.that(what, answer.status == 401, "401 M_FORBIDDEN", str(answer)):
            check.ours.equal(f"{what}: errcode", answer.errcode, "M_FORBIDDEN")
            check.ours.equal(f"{what}: session", session_in(answer), session)
            check.ours.equal(f"{what}: completed", answer.members.get("completed"), [])


@pytest.mark.peer_bug("Synapse", "a session is quoted in an error text", got="quotes")
@pytest.mark.peer_bug("Dendrite", "a session that is no string is taken", got="^200 ")
def test_U18_wrong_types(check: Check, user: User) -> None:
    """auth that is not an object, session or type that is not a string: 400 M_BAD_JSON."""
    device, target = user.device(), target_of(user)
    session = begun(check, "DELETE", device.delete(target.device_id))
    wrong: list[tuple[str, Any]] = [
        ("auth a string", "x"),
        ("auth a number", 1),
        ("auth true", True),
        ("auth false", False),
        ("auth a list", []),
        ("auth a list with a password", [user.auth()]),
        ("session a number", {**user.auth(), "session": 1}),
        ("session 0", {**user.auth(), "session": 0}),
        ("session an object", {**user.auth(), "session": {}}),
        ("session false", {**user.auth(), "session": False}),
        ("session a list", {**user.auth(), "session": [session]}),
        ("type a number", {**user.auth(session), "type": 1}),
        ("type a list", {**user.auth(session), "type": [PASSWORD_STAGE]}),
    ]
    answers = []
    for what, auth in wrong:
        answers.append((f"DELETE, {what}", device.delete(target.device_id, auth)))
        answers.append((f"POST, {what}", device.delete_devices([target.device_id], auth)))
    still_there(check, "auth of a wrong type", device, target)
    for what, answer in answers:
        refused(check.spec, what, answer, 400, 401)
        text = str(answer.members.get("error"))
        quoted = session is not None and session in text
        check.ours.that(
            f"{what}: error", not quoted, "no session in it", f"{what} quotes the session"
        )
        check.ours.error(what, answer, 400, "M_BAD_JSON")


def test_U19_identifiers(check: Check, user: User, other_user: User) -> None:
    """The old-style user works; identifier wins; full IDs and localparts do."""
    device = user.device()
    password = {"type": PASSWORD_STAGE, "password": user.password}
    full = {"type": "m.id.user", "user": user.user_id}
    for basis, what, members in (
        (check.spec, "identifier, full ID", {"identifier": full}),
        (check.spec, "identifier, localpart", {"identifier": {**full, "user": user.localpart}}),
        (check.ours, "user, full ID", {"user": user.user_id}),
        (check.ours, "user, localpart", {"user": user.localpart}),
        (check.ours, "identifier over user", {"identifier": full, "user": other_user.user_id}),
    ):
        basis.ok(what, device.delete("A", {**password, **members}))
    wrong = {
        "identifier": {"type": "m.id.user", "user": other_user.user_id},
        "user": user.user_id,
    }
    answer = device.delete("A", {**password, **wrong})
    refused(check.ours, "user does not win", answer, 400, 401, 403)
