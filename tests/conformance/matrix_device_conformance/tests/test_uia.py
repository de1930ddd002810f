"""Rows U1 to U8, U15 to U17: User-Interactive Authentication, and what it answers."""

from __future__ import annotations

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
