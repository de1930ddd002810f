"""Rows U1 to U8, U14 to U19: User-Interactive Authentication, and what it answers."""

from __future__ import annotations

from typing import Any

import pytest

from matrix_device_conformance.check import Check, NotJudged
from matrix_device_conformance.client import Response, device_path
from matrix_device_conformance.homeserver import PASSWORD_STAGE, Homeserver, User
from matrix_device_conformance.tests.steps import (
    begun,
    gone,
    guesses_are_free,
    refused,
    session_in,
    still_there,
    target_of,
    waits,
)

CHALLENGE = {"flows", "params", "session"}


def stages_offered(answer: Response) -> list[list[str]]:
    """The stages of each flow, as far as they are well formed."""
    flows = answer.members.get("flows")
    if not isinstance(flows, list):
        return []
    return [
        flow["stages"]
        for flow in flows
        if isinstance(flow, dict) and isinstance(flow.get("stages"), list)
    ]


def expect_flows(check: Check, what: str, answer: Response) -> None:
    """What the specification demands of a 401 that authentication can go on from."""
    flows = answer.members.get("flows")
    well_formed = isinstance(flows, list) and len(stages_offered(answer)) == len(flows)
    check.spec.that(
        f"{what}: flows",
        well_formed and bool(flows),
        "a list of {stages: […]} that is not empty",
        str(answer),
    )
    for name, kind, shown in (
        ("params", dict, "an object"),
        ("session", str, "a string"),
        ("completed", list, "a list"),
    ):
        if name in answer.members:
            value = answer.members[name]
            check.spec.that(
                f"{what}: {name}", isinstance(value, kind), f"{shown}, where it is there", value
            )


@pytest.mark.peer_bug("Synapse before 1.100", "auth: null is 500", got="500 ")
def test_U1_challenge(check: Check, user: User) -> None:
    """No auth, {} or null: 401 with exactly flows, params, session."""
    device = user.device()
    answers = []
    for what, members in (("none", {}), ("{}", {"auth": {}}), ("null", {"auth": None})):
        basis = check.ours if what == "null" else check.spec
        for endpoint, answer in (
            ("DELETE", device.request("DELETE", device_path("A"), json=members)),
            (
                "POST",
                device.request("POST", "/delete_devices", json={"devices": ["A"], **members}),
            ),
        ):
            name = f"{endpoint}, auth {what}"
            if not basis.that(name, answer.status == 401, "401, a challenge", str(answer)):
                continue
            expect_flows(check, name, answer)
            answers.append(answer)
            check.ours.keys(name, answer, CHALLENGE)
    if check.ours.that("challenges", bool(answers), "some to look at", "none"):
        sessions = [session_in(answer) for answer in answers]
        check.ours.equal("sessions that differ", len(set(sessions)), len(sessions))
        flows = stages_offered(answers[0])
        check.ours.that("flows", [PASSWORD_STAGE] in flows, "with the password alone", flows)


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


@pytest.mark.peer_bug(
    "Tuwunel and its family", "the session of a failed first try is not stored", got="^401 "
)
def test_U3_password_at_once(check: Check, user: User) -> None:
    """Credentials without a session are tried at once; the session of a failure can be used."""
    device, first, second = user.device(), target_of(user), target_of(user)
    right = device.delete(first.device_id, user.auth())
    gone(check, "right", device, first)
    check.ok("right", right)
    wrong = device.delete(second.device_id, user.wrong_auth())
    still_there(check, "wrong", device, second)
    waits(check, "wrong", wrong)
    session = session_in(wrong)
    if check.that("wrong: session", session is not None, "a session", str(wrong)):
        answer = device.delete(second.device_id, user.auth(session))
        check.ok("right with the session of the failure", answer)
        gone(check, "right with the session of the failure", device, second)


def test_U3_bulk_at_once(check: Check, user: User) -> None:
    """So with a bulk deletion."""
    device, target = user.device(), target_of(user)
    ids = [target.device_id]
    wrong = device.delete_devices(ids, user.wrong_auth())
    still_there(check, "wrong", device, target)
    waits(check, "wrong", wrong)
    answer = device.delete_devices(ids, user.auth(session_in(wrong)))
    gone(check, "right", device, target)
    check.ok("right", answer)


@pytest.mark.peer_bug("Dendrite", "completed: null", got="^None$|null")
def test_U4_wrong_password(check: Check, user: User) -> None:
    """A wrong password is 401 with errcode, error, flows, params, session, completed."""
    device, target = user.device(), target_of(user)
    session = begun(check, "DELETE", device.delete(target.device_id))
    nobody = user.auth(session)
    nobody["identifier"]["user"] = "nobody-of-this-name"
    answers = [
        ("wrong password", device.delete(target.device_id, user.wrong_auth(session))),
        ("a user that is not there", device.delete(target.device_id, nobody)),
    ]
    still_there(check.spec, "wrong", device, target)
    for what, answer in answers:
        if not waits(check.spec, what, answer):
            continue
        for name in ("errcode", "error"):
            text = answer.members.get(name)
            holds = isinstance(text, str) and text != ""
            check.spec.that(f"{what}: {name}", holds, "a text", str(answer))
        expect_flows(check, what, answer)
        check.ours.equal(f"{what}: session", session_in(answer), session)
        check.ours.equal(f"{what}: errcode", answer.errcode, "M_FORBIDDEN")
        check.ours.equal(f"{what}: completed", answer.members.get("completed"), [])
        check.ours.keys(what, answer, CHALLENGE | {"errcode", "error", "completed"})


@pytest.mark.capability("failure_limit")
@pytest.mark.usefixtures("fresh_accounts")
def test_U4_nul(check: Check, user: User) -> None:
    """A password or identifier with U+0000 is a wrong one, and counts as a failure."""
    device, target = user.device(), target_of(user)
    password, identifier = user.auth(), user.auth()
    password["password"] += "\x00"
    identifier["identifier"]["user"] += "\x00"
    for what, auth in (("password", password), ("identifier", identifier)):
        answer = device.delete(target.device_id, auth)
        still_there(check.spec, f"U+0000 in the {what}", device, target)
        check.ours.error(f"U+0000 in the {what}", answer, 401, "M_FORBIDDEN")
    answers = [device.delete(target.device_id, password) for _ in range(12)]
    limited = [answer for answer in answers if answer.status == 429]
    if not limited and guesses_are_free(user):
        raise NotJudged("wrong passwords bring no 429 here at all, which row U23 is about")
    check.ours.that("again and again", bool(limited), "a 429 in 12 tries", str(answers[-1]))


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


def test_U5_more_stages(check: Check, homeserver: Homeserver, user: User) -> None:
    """A right stage with more to do is 401 with completed, and no errcode."""
    device = user.device()
    challenge = device.delete("A")
    flows = [flow for flow in stages_offered(challenge) if PASSWORD_STAGE in flow]
    flows = [flow for flow in flows if len(flow) > 1 and flow[0] == PASSWORD_STAGE]
    if not flows:
        raise NotJudged("no flow of this homeserver has a stage after the password")
    answer = device.delete("A", user.auth(session_in(challenge)))
    waits(check, "password", answer)
    check.equal("completed", answer.members.get("completed"), [PASSWORD_STAGE])
    check.equal("errcode", answer.errcode, None)


@pytest.mark.peer_bug(
    "Conduit, Continuwuity",
    "a thief deletes the victim's devices with his own password",
    got="^200 ",
)
def test_U6_password_of_another(check: Check, user: User, other_user: User) -> None:
    """Credentials of another user are 403 M_FORBIDDEN, and the stage is not recorded."""
    device, target = user.device(), target_of(user)
    at_once = device.delete(target.device_id, other_user.auth())
    still_there(check, "another's password at once", device, target)
    session = begun(check, "DELETE", device.delete(target.device_id))
    stolen = device.delete(target.device_id, other_user.auth(session))
    still_there(check, "another's password", device, target)
    state = device.delete(target.device_id, {"session": session})
    still_there(check, "the session afterwards", device, target)
    refused(check, "with a session", stolen, 401, 403)
    refused(check, "the session afterwards", state, 400, 401, 403)
    refused(check, "at once", at_once, 401, 403)
    check.error("with a session", stolen, 403, "M_FORBIDDEN")
    check.error("at once", at_once, 403, "M_FORBIDDEN")
    answer = device.delete(target.device_id, user.auth(session))
    check.ok("the owner's password afterwards", answer)


@pytest.mark.peer_bug(
    "Conduit, Continuwuity",
    "a thief deletes the victim's devices with his own password",
    got="^200 ",
)
def test_U6_in_bulk(check: Check, user: User, other_user: User) -> None:
    """So in bulk."""
    device, target = user.device(), target_of(user)
    stolen = device.delete_devices([target.device_id], other_user.auth())
    still_there(check, "another's password", device, target)
    check.error("POST", stolen, 403, "M_FORBIDDEN")


@pytest.mark.capability("failure_limit")
@pytest.mark.usefixtures("fresh_accounts")
def test_U6_counts(check: Check, user: User, other_user: User) -> None:
    """Another's password counts as a failure."""
    device = user.device()
    answers = [device.delete("A", other_user.auth()) for _ in range(8)]
    limited = [answer for answer in answers if answer.status == 429]
    if not limited and guesses_are_free(user):
        raise NotJudged("wrong passwords bring no 429 here at all, which row U23 is about")
    check.that("another's password, 8 times", bool(limited), "a 429", str(answers[-1]))


def test_U6a_no_unproved_flow(check: Check, user: User) -> None:
    """Flows that prove no identity are not offered, and their stages delete nothing."""
    device, target = user.device(), target_of(user)
    unproved = {"m.login.dummy", "m.login.terms", "m.login.recaptcha"}
    challenge = device.delete(target.device_id)
    session = begun(check, "DELETE", challenge)
    answers = [
        device.delete(target.device_id, {"type": "m.login.dummy"}),
        device.delete(target.device_id, {"type": "m.login.dummy", "session": session}),
    ]
    still_there(check, "m.login.dummy", device, target)
    for answer in answers:
        refused(check, "m.login.dummy", answer, 400, 401, 403)
    for stages in stages_offered(challenge):
        proved = bool({str(stage) for stage in stages} - unproved)
        check.that("flow", proved, "a stage that proves an identity", stages)


@pytest.mark.peer_bug("Dendrite", "a session alone is 400", got="^400 ")
def test_U7_session_alone(check: Check, user: User) -> None:
    """The session alone: its state, without an errcode; once complete, it goes ahead."""
    device, target = user.device(), target_of(user)
    session = begun(check, "DELETE", device.delete(target.device_id))
    states = [device.delete(target.device_id, {"session": session}) for _ in range(3)]
    still_there(check, "the session alone", device, target)
    for state in states:
        if not waits(check, "before", state):
            continue
        check.equal("before: session", session_in(state), session)
        check.ours.equal("before: errcode", state.errcode, None)
        check.ours.equal("before: completed", state.members.get("completed"), [])
        check.ours.keys("before", state, CHALLENGE | {"completed"})
    device.delete(target.device_id, user.auth(session))
    answer = device.delete(target.device_id, {"session": session})
    check.ours.ok("once complete", answer, body={})


def test_U8_stored_body(check: Check, user: User) -> None:
    """With auth alone in the body the session's stored body is used."""
    device, first, second = user.device(), target_of(user), target_of(user)
    begin = device.delete_devices([first.device_id, second.device_id])
    session = begun(check, "POST", begin)
    answer = device.request("POST", "/delete_devices", json={"auth": user.auth(session)})
    gone(check, "password", device, first, second)
    check.ok("password", answer)
    again = device.request("POST", "/delete_devices", json={"auth": user.auth(session)})
    check.ours.ok("once complete", again)


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


def test_U15_stage_complete_already(check: Check, user: User) -> None:
    """A stage that is complete is not tried again: the result, also with a wrong password."""
    device = user.device()
    session = begun(check, "DELETE", device.delete("A"))
    check.ok("right", device.delete("A", user.auth(session)))
    for _ in range(6):
        check.ok("wrong", device.delete("A", user.wrong_auth(session)))


@pytest.mark.peer_bug("Synapse", "flows in random order", got="stages")
def test_U16_order_of_flows(check: Check, user: User) -> None:
    """Flows come in the same order on every call."""
    device = user.device()
    orders = [stages_offered(device.delete("A")) for _ in range(9)]
    for order in orders[1:]:
        check.equal("flows", order, orders[0])


@pytest.mark.peer_bug("Synapse", "flows: [] for ever", got='"flows": ?\\[\\]')
@pytest.mark.peer_bug("conduwuit", "a user without a password passes", got="^200 ")
def test_U17_no_flow(check: Check, homeserver: Homeserver) -> None:
    """A user with no way to authenticate: 403 M_FORBIDDEN, not flows: []."""
    device = homeserver.passwordless_device()
    user = device.user
    answers = [
        ("DELETE with a password", device.delete(device.device_id, user.auth(password="guess"))),
        ("DELETE with an empty one", device.delete(device.device_id, user.auth(password=""))),
        ("DELETE", device.delete(device.device_id)),
        ("POST", device.delete_devices([device.device_id])),
    ]
    still_there(check, "without a password", device, device)
    for what, answer in answers:
        check.error(what, answer, 403, "M_FORBIDDEN")
        check.that(f"{what}: flows", answer.members.get("flows") is None, "absent", str(answer))


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
