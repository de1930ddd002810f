"""Rows U1 to U19: User-Interactive Authentication, its answers and what a session is good for."""

from __future__ import annotations

from typing import Any

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import Response, client_path, device_path
from matrix_device_conformance.homeserver import (
    PASSWORD_STAGE,
    Configured,
    Device,
    Homeserver,
    Service,
    User,
)
from matrix_device_conformance.server import poll

UNKNOWN_SESSION = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def expect_there(check: Check, device: Device, device_id: str) -> None:
    """Nothing was deleted."""
    check.ok(f"{device_id} is still there", device.get(device_id))


def expect_gone(check: Check, device: Device, device_id: str) -> None:
    """It was deleted."""
    check.error(f"{device_id} is gone", device.get(device_id), 404, "M_NOT_FOUND")


@pytest.mark.peer_bug("Synapse: auth: null is 500")
def test_U1_challenge(check: Check, user: User) -> None:
    """No auth, {} or null: 401 with exactly flows, params, session."""
    device = user.login()
    sessions = []
    for what, members in (("none", {}), ("{}", {"auth": {}}), ("null", {"auth": None})):
        one = device.request("DELETE", device_path("A"), json=members)
        sessions.append(check.challenge(f"DELETE, auth {what}", one))
        bulk = device.request("POST", "/delete_devices", json={"devices": ["A"], **members})
        sessions.append(check.challenge(f"POST, auth {what}", bulk))
    check.equal("different sessions", len(set(sessions)), len(sessions))
    check.that(
        "flows",
        [PASSWORD_STAGE] in [flow["stages"] for flow in one.json["flows"]],
        "with the password alone",
        one.json["flows"],
    )


def test_U2_null_members(check: Check, user: User) -> None:
    """session: null and type: null are as absent; session: "" is unknown."""
    device, target = user.login(), user.login()
    nulls = device.delete(target.device_id, {"session": None, "type": None})
    session = check.challenge("both null", nulls)
    state = device.delete(target.device_id, {"session": session, "type": None})
    check.state("type null with a session", state, [])
    empty = device.delete(target.device_id, user.auth(""))
    check.fresh_challenge('session ""', empty, "")
    expect_there(check, device, target.device_id)
    done = device.delete(target.device_id, {**user.auth(), "session": None})
    check.ok("password with session null", done, body={})


@pytest.mark.peer_bug("Synapse and others parse credentials again, and refuse what is null")
def test_U2_null_credentials(check: Check, user: User) -> None:
    """So for each optional member of `auth` and of its `identifier`."""
    device = user.login()
    old_style = {"type": PASSWORD_STAGE, "user": user.user_id, "password": user.password}
    identified = user.auth()
    nulls = {"medium": None, "address": None, "country": None, "phone": None}
    for what, auth in (
        ("identifier null beside user", {**old_style, "identifier": None}),
        ("user null beside identifier", {**identified, "user": None}),
        (
            "token, response, threepid_creds",
            {
                **identified,
                **dict.fromkeys(
                    ("token", "response", "threepid_creds", "initial_device_display_name")
                ),
            },
        ),
        ("in the identifier", {**identified, "identifier": {**identified["identifier"], **nulls}}),
    ):
        target = user.login()
        check.ok(what, device.delete(target.device_id, auth), body={})
        expect_gone(check, device, target.device_id)
    target = user.login()
    for what, auth in (
        ("password null", {**identified, "password": None}),
        ("identifier null alone", {**identified, "identifier": None}),
    ):
        refused = device.delete(target.device_id, auth)
        check.error(what, refused, 400, "M_BAD_JSON")
    no_type = device.delete(target.device_id, {**identified, "type": None})
    check.challenge("type null", no_type)
    expect_there(check, device, target.device_id)


@pytest.mark.peer_bug("Tuwunel and its family: the session of a failed first try is not stored")
def test_U3_password_at_once(check: Check, user: User) -> None:
    """Credentials without a session are tried at once."""
    device, first, second = user.login(), user.login(), user.login()
    check.ok("right, DELETE", device.delete(first.device_id, user.auth()), body={})
    expect_gone(check, device, first.device_id)
    wrong = device.delete(second.device_id, user.wrong_auth())
    session = check.refusal("wrong", wrong)
    expect_there(check, device, second.device_id)
    done = device.delete(second.device_id, user.auth(session))
    check.ok("right with the session of the failure", done, body={})
    expect_gone(check, device, second.device_id)


def test_U3_bulk_at_once(check: Check, user: User) -> None:
    """So with a bulk deletion."""
    device, target = user.login(), user.login()
    ids = [target.device_id]
    session = check.refusal("wrong", device.delete_devices(ids, user.wrong_auth()))
    check.ok("right", device.delete_devices(ids, user.auth(session)), body={})
    expect_gone(check, device, target.device_id)


@pytest.mark.peer_bug("Dendrite: completed: null")
def test_U4_wrong_password(check: Check, user: User) -> None:
    """A wrong password is 401 with errcode, error, flows, params, session, completed."""
    device, target = user.login(), user.login()
    session = device.begin_delete(target.device_id)
    answer = device.delete(target.device_id, user.wrong_auth(session))
    check.equal("session", check.refusal("DELETE", answer), session)
    check.equal("completed", answer.members.get("completed"), [], answer)
    nobody = user.auth(session)
    nobody["identifier"]["user"] = "nobody-of-this-name"
    check.refusal("a user that is not there", device.delete(target.device_id, nobody))
    expect_there(check, device, target.device_id)


@pytest.mark.capability("failure_limit")
@pytest.mark.usefixtures("fresh_accounts")
def test_U4_nul(check: Check, user: User) -> None:
    """A password or identifier with U+0000 is a wrong one, and counts as a failure."""
    device, target = user.login(), user.login()
    session = device.begin_delete(target.device_id)
    password = user.auth(session)
    password["password"] += "\x00"
    identifier = user.auth(session)
    identifier["identifier"]["user"] += "\x00"
    for what, auth in (("password", password), ("identifier", identifier)):
        check.refusal(f"U+0000 in the {what}", device.delete(target.device_id, auth))
    expect_there(check, device, target.device_id)

    def limited() -> Response | None:
        answer = device.delete(target.device_id, password)
        return answer if answer.status == 429 else None

    check.limited("again and again", poll(limited, 30, "a 429"))


BAD_STAGES: dict[str, dict[str, Any]] = {
    "no password": {"password": ...},
    "password null": {"password": None},
    "password a number": {"password": 1},
    "password an object": {"password": {}},
    "no identifier": {"identifier": ...},
    "identifier a string": {"identifier": "alice"},
    "identifier without type": {"identifier": {"user": "alice"}},
    "identifier without user": {"identifier": {"type": "m.id.user"}},
    "user a number": {"identifier": {"type": "m.id.user", "user": 1}},
    "old-style user a number": {"identifier": ..., "user": 1},
}


@pytest.mark.parametrize("what", BAD_STAGES)
def test_U4a_bad_stage_data(check: Check, user: User, what: str) -> None:
    """Stage data that is missing or of a wrong type is 400, and no failure."""
    device, target = user.login(), user.login()
    session = device.begin_delete(target.device_id)
    auth = {**user.auth(session), **BAD_STAGES[what]}
    auth = {name: value for name, value in auth.items() if value is not ...}
    for _ in range(6):
        answer = device.delete(target.device_id, auth)
        check.error(what, answer, 400, "M_BAD_JSON")
    check.ok("then right", device.delete(target.device_id, user.auth(session)), body={})


def test_U4a_no_type(check: Check, user: User) -> None:
    """Credentials without a type are not tried: a challenge, or the state of the session."""
    device, target = user.login(), user.login()
    auth = user.auth()
    del auth["type"]
    session = check.challenge("without a session", device.delete(target.device_id, auth))
    auth["session"] = session
    check.state("with a session", device.delete(target.device_id, auth), [])
    expect_there(check, device, target.device_id)


def test_U5_more_stages() -> None:
    """A right stage with more to do is 401 with completed."""
    pytest.skip("needs a flow of several stages: a homeserver with passwords only has none")


@pytest.mark.peer_bug("Continuwuity: a thief deletes the victim's devices with his own password")
def test_U6_password_of_another(check: Check, user: User, other_user: User) -> None:
    """Credentials of another user are 403 M_FORBIDDEN, and the stage is not recorded."""
    other_user.login()
    device, target = user.login(), user.login()
    session = device.begin_delete(target.device_id)
    stolen = device.delete(target.device_id, other_user.auth(session))
    check.error("with a session", stolen, 403, "M_FORBIDDEN")
    state = device.delete(target.device_id, {"session": session})
    check.state("the session afterwards", state, [])
    at_once = device.delete(target.device_id, other_user.auth())
    check.error("at once", at_once, 403, "M_FORBIDDEN")
    expect_there(check, device, target.device_id)
    done = device.delete(target.device_id, user.auth(session))
    check.ok("the owner's password", done, body={})


@pytest.mark.peer_bug("Continuwuity: a thief deletes the victim's devices with his own password")
def test_U6_in_bulk(check: Check, user: User, other_user: User) -> None:
    """So in bulk."""
    other_user.login()
    device, target = user.login(), user.login()
    stolen = device.delete_devices([target.device_id], other_user.auth())
    check.error("POST", stolen, 403, "M_FORBIDDEN")
    expect_there(check, device, target.device_id)


@pytest.mark.capability("failure_limit")
@pytest.mark.usefixtures("fresh_accounts")
def test_U6_counts(check: Check, user: User, other_user: User) -> None:
    """Another's password counts as a failure."""
    other_user.login()
    device = user.login()
    session = device.begin_delete("A")
    for attempt in range(3):
        answer = device.delete("A", other_user.auth(session))
        check.error(f"attempt {attempt + 1}", answer, 403, "M_FORBIDDEN")
    check.limited("attempt 4", device.delete("A", other_user.auth(session)))


def test_U6a_no_unproved_flow(check: Check, user: User) -> None:
    """Flows that prove no identity are not offered, and their stages delete nothing."""
    device, target = user.login(), user.login()
    unproved = {"m.login.dummy", "m.login.terms", "m.login.recaptcha"}
    challenge = device.delete(target.device_id)
    session = check.challenge("DELETE", challenge)
    for flow in challenge.json["flows"]:
        stages = set(flow["stages"])
        check.that("flow", bool(stages - unproved), "a stage that proves an identity", stages)
    for auth in ({"type": "m.login.dummy"}, {"type": "m.login.dummy", "session": session}):
        answer = device.delete(target.device_id, auth)
        check.error("m.login.dummy", answer, 401, "M_FORBIDDEN")
    expect_there(check, device, target.device_id)


@pytest.mark.peer_bug("Dendrite: a session alone is 400")
def test_U7_session_alone(check: Check, user: User) -> None:
    """The session alone: its state, without an errcode; once complete, it goes ahead."""
    device, target = user.login(), user.login()
    session = device.begin_delete(target.device_id)
    for _ in range(3):
        state = device.delete(target.device_id, {"session": session})
        check.equal("session", check.state("before", state, []), session)
    expect_there(check, device, target.device_id)
    device.delete(target.device_id, user.auth(session))
    done = device.delete(target.device_id, {"session": session})
    check.ok("once complete", done, body={})


def test_U8_stored_body(check: Check, user: User) -> None:
    """With auth alone in the body the session's stored body is used."""
    device, first, second = user.login(), user.login(), user.login()
    session = device.begin_delete_devices([first.device_id, second.device_id])
    only_session = {"auth": {"session": session}}
    state = device.request("POST", "/delete_devices", json=only_session)
    check.state("session alone", state, [])
    done = device.request("POST", "/delete_devices", json={"auth": user.auth(session)})
    check.ok("password", done, body={})
    expect_gone(check, device, first.device_id)
    expect_gone(check, device, second.device_id)
    again = device.request("POST", "/delete_devices", json=only_session)
    check.ok("once complete", again, body={})


def test_U9_unknown_session(check: Check, user: User) -> None:
    """An unknown session is 401 with a fresh one; the credentials are not tried."""
    device, target = user.login(), user.login()
    for unknown in (
        UNKNOWN_SESSION,
        "x",
        "é",
        "x" * 256,
        "x" * 5000,
        "a\x00b",
        "%s%n",
        "' OR 1=1 --",
    ):
        answer = device.delete(target.device_id, user.auth(unknown))
        check.fresh_challenge(f"session {unknown[:20]!r}", answer, unknown)
    alone = device.delete(target.device_id, {"session": UNKNOWN_SESSION})
    check.fresh_challenge("session alone", alone, UNKNOWN_SESSION)
    expect_there(check, device, target.device_id)
    bulk = device.delete_devices([target.device_id], user.auth(UNKNOWN_SESSION))
    session = check.fresh_challenge("bulk", bulk, UNKNOWN_SESSION)
    done = device.delete_devices([target.device_id], user.auth(session))
    check.ok("the fresh session", done, body={})


@pytest.mark.peer_bug("Continuwuity: a session works for anybody")
def test_U10_session_of_another(check: Check, user: User, other_user: User) -> None:
    """A session of another user, or of another device, is 403 M_FORBIDDEN."""
    device, sibling, target = user.login(), user.login(), user.login()
    session = device.begin_delete(target.device_id)
    by_sibling = sibling.delete(target.device_id, user.auth(session))
    check.error("by another device", by_sibling, 403, "M_FORBIDDEN")
    stranger = other_user.login()
    for what, auth in (
        ("own password", other_user.auth(session)),
        ("the owner's password", user.auth(session)),
        ("session alone", {"session": session}),
    ):
        by_stranger = stranger.delete(target.device_id, auth)
        check.error(f"by another user, {what}", by_stranger, 403, "M_FORBIDDEN")
    expect_there(check, device, target.device_id)
    check.ok("by its own", device.delete(target.device_id, user.auth(session)), body={})
    for what, answer in (
        ("sibling", sibling.delete(target.device_id, {"session": session})),
        ("stranger", stranger.delete(target.device_id, {"session": session})),
    ):
        check.error(f"the complete session by a {what}", answer, 403, "M_FORBIDDEN")


def test_U10_refreshed_token(check: Check, user: User) -> None:
    """A refreshed token of the same device may finish what the old one began."""
    device, target = user.login(refresh=True), user.login()
    if device.refresh_token is None:
        pytest.skip("the homeserver gives no refresh tokens")
    session = device.begin_delete(target.device_id)
    refreshed = user.homeserver.client.request(
        "POST", client_path("/refresh"), json={"refresh_token": device.refresh_token}
    )
    check.ok("refresh", refreshed)
    new = Device(user, device.device_id, refreshed.json["access_token"])
    check.ok("DELETE", new.delete(target.device_id, user.auth(session)), body={})


@pytest.mark.peer_bug("Tuwunel and its family: bound to neither endpoint nor body")
def test_U11_other_operation(check: Check, user: User) -> None:
    """A session for another endpoint, device ID or body is 403 M_FORBIDDEN."""
    device, first, second = user.login(), user.login(), user.login()
    one, two = first.device_id, second.device_id
    of_delete = device.begin_delete(one)
    of_bulk = device.begin_delete_devices([one])
    for what, answer in (
        ("another device ID", device.delete(two, user.auth(of_delete))),
        ("another endpoint", device.delete_devices([one], user.auth(of_delete))),
        ("another endpoint", device.delete(one, user.auth(of_bulk))),
        ("another list", device.delete_devices([two], user.auth(of_bulk))),
        ("a longer list", device.delete_devices([one, two], user.auth(of_bulk))),
        ("an empty list", device.delete_devices([], user.auth(of_bulk))),
        (
            "another member",
            device.request(
                "POST",
                "/delete_devices",
                json={"devices": [one], "x": 1, "auth": user.auth(of_bulk)},
            ),
        ),
        (
            "a member in DELETE",
            device.request("DELETE", device_path(one), json={"x": 1, "auth": user.auth(of_delete)}),
        ),
    ):
        check.error(what, answer, 403, "M_FORBIDDEN")
    expect_there(check, device, one)
    expect_there(check, device, two)
    check.ok("what it was for", device.delete(one, user.auth(of_delete)), body={})


@pytest.mark.peer_bug("Synapse: a finished authentication is good for other deletions for 48 h")
def test_U11_after_completion(check: Check, user: User) -> None:
    """A complete session is good for nothing else either."""
    device, first, second = user.login(), user.login(), user.login()
    session = device.begin_delete(first.device_id)
    check.ok("DELETE", device.delete(first.device_id, user.auth(session)), body={})
    for what, auth in (("password", user.auth(session)), ("session", {"session": session})):
        other = device.delete(second.device_id, auth)
        check.error(f"another DELETE, {what}", other, 403, "M_FORBIDDEN")
        bulk = device.delete_devices([second.device_id], auth)
        check.error(f"bulk, {what}", bulk, 403, "M_FORBIDDEN")
    expect_there(check, device, second.device_id)


@pytest.mark.peer_bug("Synapse: fails where the query string changed between two requests")
def test_U11_what_is_not_compared(check: Check, user: User) -> None:
    """Key order, white space, the query string, the version, the escaping are not compared."""
    device = user.login()
    first, second = user.login(), user.login("needs escaping")
    body = b'{ "x": {"b": 1, "a": 2},\n "devices": ["%s"] }' % first.device_id.encode()
    begun = device.request("POST", "/delete_devices", body=body, query="a=1")
    session = check.challenge("POST", begun)
    same = {"auth": user.auth(session), "devices": [first.device_id], "x": {"a": 2, "b": 1}}
    done = device.request("POST", "/delete_devices", json=same, version="r0", query="b=2")
    check.ok("another order, query and version", done, body={})
    one = device.request("DELETE", "/devices/needs%20escaping", version="r0")
    session = check.challenge("DELETE", one)
    escaped = "/devices/%6Eeeds%20escaping"
    done = device.request("DELETE", escaped, json={"auth": user.auth(session)}, query="ts=9")
    check.ok("another escaping", done, body={})
    expect_gone(check, device, second.device_id)


@pytest.mark.peer_bug("Synapse: one password authorises any number of different deletions")
def test_U12_lenient(check: Check, configured: Configured) -> None:
    """Lenient binding: the body may change until the flow is complete, never after."""
    user = configured({"uia": {"body_binding": "lenient"}}).new_user()
    device, first, second, third = (user.login() for _ in range(4))
    session = device.begin_delete_devices([first.device_id])
    changed = device.delete_devices([second.device_id], user.auth(session))
    check.ok("another list before", changed, body={})
    expect_gone(check, device, second.device_id)
    expect_there(check, device, first.device_id)
    for auth in (user.auth(session), {"session": session}):
        after = device.delete_devices([third.device_id], auth)
        check.error("another list after", after, 403, "M_FORBIDDEN")
    expect_there(check, device, third.device_id)
    again = device.delete_devices([second.device_id], {"session": session})
    check.ok("the same list after", again, body={})
    endpoint = device.delete(third.device_id, user.auth(device.begin_delete_devices(["A"])))
    check.error("another endpoint", endpoint, 403, "M_FORBIDDEN")


def test_U13_complete_session(check: Check, user: User) -> None:
    """A complete session, the same operation again: 200."""
    device, target = user.login(), user.login()
    session = device.begin_delete(target.device_id)
    check.ok("first", device.delete(target.device_id, user.auth(session)), body={})
    check.ok("session alone", device.delete(target.device_id, {"session": session}), body={})
    check.ok("password again", device.delete(target.device_id, user.auth(session)), body={})


def test_U14_type_not_offered(check: Check, user: User) -> None:
    """A type that no flow offers is 401 M_FORBIDDEN with completed; nothing is tried."""
    device, target = user.login(), user.login()
    session = device.begin_delete(target.device_id)
    for kind in ("m.login.dummy", "org.example.unknown", "", "m.login.password ", "a\x00b"):
        answer = device.delete(target.device_id, {**user.auth(session), "type": kind})
        check.equal(f"type {kind!r}: session", check.refusal(f"type {kind!r}", answer), session)
    expect_there(check, device, target.device_id)


def test_U15_stage_complete_already(check: Check, user: User) -> None:
    """A stage that is complete is not tried again: the result, also with a wrong password."""
    device, target = user.login(), user.login()
    session = device.begin_delete(target.device_id)
    check.ok("right", device.delete(target.device_id, user.auth(session)), body={})
    for _ in range(6):
        again = device.delete(target.device_id, user.wrong_auth(session))
        check.ok("wrong", again, body={})


@pytest.mark.peer_bug("Synapse: flows in random order")
def test_U16_order_of_flows(check: Check, user: User) -> None:
    """Flows come in the same order on every call."""
    device = user.login()
    first = device.delete("A").json["flows"]
    for _ in range(8):
        check.equal("flows", device.delete("A").json["flows"], first)


@pytest.mark.peer_bug("Synapse: flows: [] for ever; conduwuit: a user without a password passes")
def test_U17_no_flow(check: Check, own_homeserver: Homeserver, service: Service) -> None:
    """A user with no way to authenticate: 403 M_FORBIDDEN, not flows: []."""
    user = User(own_homeserver, service.new_user(), "no password is set")
    device = own_homeserver.issue_token(user, "--device", "ONLY")
    for what, answer in (
        ("DELETE", device.delete("ONLY")),
        ("POST", device.delete_devices(["ONLY"])),
        ("DELETE with a password", device.delete("ONLY", user.auth())),
        ("DELETE with an empty one", device.delete("ONLY", user.auth(password=""))),
    ):
        check.error(what, answer, 403, "M_FORBIDDEN")
        check.that(f"{what}: flows", "flows" not in answer.json, "absent", str(answer))
    expect_there(check, device, "ONLY")


def test_U18_wrong_types(check: Check, user: User) -> None:
    """auth that is not an object, session or type that is not a string: 400 M_BAD_JSON."""
    device = user.login()
    session = device.begin_delete("A")
    wrong: list[Any] = [
        "x",
        1,
        True,
        False,
        [],
        [user.auth()],
        {"session": 1},
        {"session": {}},
        {"session": False},
        {"session": [session]},
        {**user.auth(session), "type": 1},
        {**user.auth(session), "type": [PASSWORD_STAGE]},
        {**user.auth(session), "session": 0},
    ]
    for auth in wrong:
        check.error(f"DELETE, auth {str(auth)[:20]}", device.delete("A", auth), 400, "M_BAD_JSON")
        bulk = device.delete_devices(["A"], auth)
        check.error(f"POST, auth {str(auth)[:20]}", bulk, 400, "M_BAD_JSON")


def test_U19_identifiers(check: Check, user: User, other_user: User) -> None:
    """The old-style user works; identifier wins; full IDs and localparts do."""
    other_user.login()
    device = user.login()
    password = {"type": PASSWORD_STAGE, "password": user.password}
    for what, members in (
        ("user, full ID", {"user": user.user_id}),
        ("user, localpart", {"user": user.localpart}),
        ("identifier, full ID", {"identifier": {"type": "m.id.user", "user": user.user_id}}),
        ("identifier, localpart", {"identifier": {"type": "m.id.user", "user": user.localpart}}),
        (
            "identifier over user",
            {
                "identifier": {"type": "m.id.user", "user": user.user_id},
                "user": other_user.user_id,
            },
        ),
    ):
        target = user.login()
        answer = device.delete(target.device_id, {**password, **members})
        check.ok(what, answer, body={})
        expect_gone(check, device, target.device_id)
    wrong = {
        "identifier": {"type": "m.id.user", "user": other_user.user_id},
        "user": user.user_id,
    }
    answer = device.delete("A", {**password, **wrong})
    check.refusal("user does not win", answer)
