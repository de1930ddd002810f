"""Rows U13, U20 to U22, U24, U25, U27: how long a session lives, and how many there are."""

from __future__ import annotations

import time

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import TIME_FACTOR, Response
from matrix_device_conformance.homeserver import Configured, Homeserver, User
from matrix_device_conformance.server import poll
from matrix_device_conformance.tests.steps import begun, is_live, session_in, target_of, waits

LIVE_SESSIONS = 32
CHALLENGE_BURST = 60
CHALLENGE_INTERVAL_S = 5
LIFETIME_MS = int(3000 * TIME_FACTOR)


def test_U20_lifetime(check: Check, configured: Configured) -> None:
    """A session lives from its creation on, for session_lifetime_ms."""
    user = configured({"uia": {"session_lifetime_ms": LIFETIME_MS}}).new_user()
    device = user.device()
    session = begun(check, "DELETE", device.delete("A"))
    check.that("at first", is_live(device, "A", session), "the session is known", "it is not")
    poll(lambda: not is_live(device, "A", session), 20, "the session expires")
    later = device.delete("A", user.auth(session))
    check.fresh_challenge("later", later, session or "")


@pytest.mark.peer_bug("Dendrite", "sessions are in memory only", got="^4")
def test_U20_restart(check: Check, homeserver: Homeserver, user: User) -> None:
    """It survives a restart."""
    device, target = user.device(), target_of(user)
    session = begun(check, "DELETE", device.delete(target.device_id))
    homeserver.restart()
    answer = device.delete(target.device_id, user.auth(session))
    check.ok("DELETE with password after a restart", answer)


def test_U13_lifetime_once_complete(check: Check, configured: Configured) -> None:
    """A complete session lives for completed_lifetime_ms from completion, not from use."""
    unlimited = {"uia_repeats": {"burst": 1_000_000, "interval_ms": 1}}  # U27
    settings = {"uia": {"completed_lifetime_ms": LIFETIME_MS}, "limits": unlimited}
    user = configured(settings).new_user()
    device = user.device()
    session = begun(check, "DELETE", device.delete("A"))
    check.ok("completion", device.delete("A", user.auth(session)))

    def expired() -> Response | None:
        answer = device.delete("A", user.auth(session))
        return answer if answer.status != 200 else None

    answer = poll(expired, 20, "the complete session expires although it is used")
    check.fresh_challenge("later", answer, session or "")


def test_U21_session_ids(check: Check, user: User) -> None:
    """Session IDs have 128 bits or more, and are compared as data."""
    device = user.device()
    found = [session_in(device.delete("A")) for _ in range(20)]
    sessions = [session for session in found if session is not None]
    check.must.that("sessions", len(sessions) == 20, "one in each challenge", sessions)
    check.equal("different ones", len(set(sessions)), len(sessions))
    shortest = min(map(len, sessions))
    steady = [place for place in range(shortest) if len({each[place] for each in sessions}) == 1]
    # As many letters that vary as 128 bits take, of 64 letters or of 52 as they come.
    check.that("letters that vary", shortest - len(steady) >= 22, "22 or more", sessions[0])
    session = sessions[-1]
    variants = {session + "A", session[:-1], session.swapcase(), f" {session}", session + "\x00"}
    for near in sorted(variants - {session}):
        answer = device.delete("A", {"session": near, "type": "org.example.no"})
        known = session_in(answer) == near or answer.status == 200
        check.that("nearly the same session", not known, "is not known", "it is", answer)


def test_U22_no_grace(check: Check, user: User) -> None:
    """By default each operation is challenged, also right after a success."""
    device, target = user.device(), target_of(user)
    check.ok("first", device.delete("A", user.auth()))
    answers = [device.delete(target.device_id), device.delete_devices([target.device_id])]
    for answer in answers:
        waits(check, "next", answer)


@pytest.mark.capability("grace_period")
def test_U22_grace(check: Check, configured: Configured) -> None:
    """Within grace_period_ms after a success of the same device the challenge is skipped."""
    user = configured({"uia": {"grace_period_ms": 600_000}}).new_user()
    device, sibling = user.device(), user.login()
    waits(check, "before any success", device.delete("A"))
    check.ok("first", device.delete("A", user.auth()))
    waits(check, "another device", sibling.delete("B"))
    check.ok("next", device.delete("B"))
    check.ok("bulk", device.delete_devices(["B"]))


def test_U24_no_unknown_token(check: Check, user: User) -> None:
    """A 401 of User-Interactive Authentication never carries M_UNKNOWN_TOKEN."""
    device = user.device()
    session = begun(check, "DELETE", device.delete("A"))
    for what, auth in (
        ("no auth", None),
        ("session alone", {"session": session}),
        ("wrong password", user.wrong_auth(session)),
        ("unknown session", {"session": "unknown"}),
        ("type not offered", {"session": session, "type": "m.login.dummy"}),
    ):
        answer = device.delete("A", auth)
        check.that(
            f"{what}: errcode",
            answer.errcode not in ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_LOCKED")
            and "soft_logout" not in answer.members,
            "nothing that logs a client out",
            str(answer),
            answer,
        )
    check.ok("the token afterwards", device.list())


@pytest.mark.capability("session_cap")
@pytest.mark.usefixtures("fresh_accounts")
def test_U25_sessions_are_capped(check: Check, user: User) -> None:
    """32 live sessions a user: the oldest of the same device goes first."""
    device, sibling = user.device(), user.login()
    of_sibling = session_in(sibling.delete("A"))
    sessions = [session_in(device.delete("A")) for _ in range(LIVE_SESSIONS - 1)]
    at_cap = is_live(device, "A", sessions[0])
    newest = session_in(device.delete("A"))
    over_cap = is_live(device, "A", sessions[0])
    for what, live, expected in (
        ("the oldest at the cap", at_cap, True),
        ("the oldest over the cap", over_cap, False),
        ("the newest", is_live(device, "A", newest), True),
        ("the other device's", is_live(sibling, "A", of_sibling), True),
    ):
        check.equal(f"{what}: known", live, expected)


@pytest.mark.capability("session_cap")
@pytest.mark.usefixtures("fresh_accounts")
def test_U25_complete_ones_last(check: Check, user: User) -> None:
    """A complete session outlives uncompleted ones."""
    device = user.device()
    session = session_in(device.delete("A"))
    check.ok("completion", device.delete("A", user.auth(session)))
    for _ in range(LIVE_SESSIONS + 5):
        device.delete("A")
    check.ok("the complete session", device.delete("A", user.wrong_auth(session)))


@pytest.mark.capability("challenge_limit")
@pytest.mark.usefixtures("fresh_accounts")
def test_U25_challenges_are_limited(check: Check, user: User) -> None:
    """Challenges have a bucket: a burst of 60, then one every 5 s."""
    device, sibling = user.device(), user.login()
    start = time.monotonic()
    count = 0
    while (answer := device.delete("A")).status == 401:
        count += 1
        most = CHALLENGE_BURST + 1 + int((time.monotonic() - start) / CHALLENGE_INTERVAL_S)
        if not check.that("challenges", count <= most, f"{most} at most", f"{count}, no limit"):
            return
    check.limited("over the limit", answer)
    check.that("challenges", count >= CHALLENGE_BURST, "60 or more", count)
    waits(check, "another device", sibling.delete("A"))


@pytest.mark.limits
def test_U27_repeats(check: Check, configured: Configured) -> None:
    """Repeats of a finished session have a limit, per user and device."""
    limits = {"uia_repeats": {"burst": 2, "interval_ms": 600_000}}
    user = configured({"limits": limits}).new_user()
    device, other = user.device(), user.login()
    sessions = [session_in(own.delete("A")) for own in (device, other)]
    for own, session in zip((device, other), sessions, strict=True):
        check.ok("first", own.delete("A", user.auth(session)))
    for _ in range(2):
        check.ok("repeat", device.delete("A", user.auth(sessions[0])))
    check.limited("one more", device.delete("A", user.auth(sessions[0])))
    check.ok("another device's", other.delete("A", user.auth(sessions[1])))
