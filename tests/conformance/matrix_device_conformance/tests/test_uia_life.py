"""Rows U20 to U26: how long a session lives, how many, and what guessing costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import Response
from matrix_device_conformance.homeserver import Configured, Homeserver, User, challenge_session
from matrix_device_conformance.server import poll

FAILURE_BURST = 3
FAILURE_INTERVAL_S = 6
USER_FAILURE_BURST = 4 * FAILURE_BURST
LIVE_SESSIONS = 32
CHALLENGE_BURST = 60
CHALLENGE_INTERVAL_S = 5


def test_U20_lifetime(check: Check, configured: Configured) -> None:
    """A session lives from its creation on, for session_lifetime_ms."""
    user = configured({"uia": {"session_lifetime_ms": 3000}}).new_user()
    device = user.login()
    session = device.begin_delete("A")
    check.state("at first", device.delete("A", {"session": session}), [])

    def expired() -> Response | None:
        answer = device.delete("A", {"session": session})
        return answer if answer.errcode is not None else None

    check.fresh_challenge("later", poll(expired, 20, "the session expires"), session)


def test_U13_lifetime_once_complete(check: Check, configured: Configured) -> None:
    """A complete session lives for completed_lifetime_ms from completion, not from use."""
    unlimited = {"uia_repeats": {"burst": 1_000_000, "interval_ms": 1}}  # U27
    homeserver = configured({"uia": {"completed_lifetime_ms": 3000}, "limits": unlimited})
    user = homeserver.new_user()
    device, target = user.login(), user.login()
    session = device.begin_delete(target.device_id)
    check.ok("completion", device.delete(target.device_id, user.auth(session)), body={})

    def expired() -> Response | None:
        answer = device.delete(target.device_id, {"session": session})
        return answer if answer.status != 200 else None

    answer = poll(expired, 20, "the complete session expires although it is used")
    check.fresh_challenge("later", answer, session)


def test_U21_session_ids(check: Check, user: User) -> None:
    """Session IDs have 128 bits or more, and are compared as data."""
    device = user.login()
    sessions = [device.begin_delete("A") for _ in range(20)]
    check.equal("different ones", len(set(sessions)), len(sessions))
    for position in range(min(map(len, sessions))):
        letters = {session[position] for session in sessions}
        check.that(f"character {position}", len(letters) > 1, "varies", letters)
    check.that("length", min(map(len, sessions)) >= 22, "22 characters or more", sessions[0])
    session = sessions[-1]
    variants = {session + "A", session[:-1], session.swapcase(), f" {session}", session + "\x00"}
    for near in variants - {session}:
        check.fresh_challenge("nearly the same", device.delete("A", {"session": near}), near)


def test_U22_no_grace(check: Check, user: User) -> None:
    """By default each operation is challenged, also right after a success."""
    device, target = user.login(), user.login()
    check.ok("first", device.delete(target.device_id, user.auth()), body={})
    check.challenge("next", device.delete(user.login().device_id))


@pytest.mark.capability("grace_period")
def test_U22_grace(check: Check, configured: Configured) -> None:
    """Within grace_period_ms after a success of the same device the challenge is skipped."""
    user = configured({"uia": {"grace_period_ms": 600_000}}).new_user()
    device, sibling = user.login(), user.login()
    check.challenge("before any success", device.delete("A"))
    check.ok("first", device.delete("A", user.auth()), body={})
    check.ok("next", device.delete("B"), body={})
    check.ok("bulk", device.delete_devices(["B"]), body={})
    check.challenge("another device", sibling.delete("B"))


@pytest.mark.capability("failure_limit")
@pytest.mark.peer_bug("Synapse: guessing is not limited")
@pytest.mark.usefixtures("fresh_accounts")
def test_U23_guessing(check: Check, user: User) -> None:
    """After a burst of 3 failures of a device: 429, whatever the session, also if right."""
    device, target = user.login(), user.login()
    owner = user.login()
    start = time.monotonic()
    session = device.begin_delete(target.device_id)
    for attempt in range(FAILURE_BURST):
        auth = user.wrong_auth(session if attempt else None)
        check.refusal(f"guess {attempt + 1}", device.delete(target.device_id, auth))
    fourth = device.delete(target.device_id, user.wrong_auth(session))
    took = time.monotonic() - start
    if took > FAILURE_INTERVAL_S:
        pytest.skip(f"four guesses took {took:.0f} s: too slow to see the limit")
    check.limited("guess 4", fourth)
    check.limited("in a new session", device.delete(target.device_id, user.wrong_auth()))
    check.limited("in bulk", device.delete_devices(["A"], user.wrong_auth()))
    check.limited("the right one", device.delete(target.device_id, user.auth(session)))
    done = owner.delete(target.device_id, user.auth())
    check.ok("the owner on another device", done, body={})
    check.ok("the limited device's list", device.list())


@pytest.mark.capability("failure_limit")
@pytest.mark.usefixtures("fresh_accounts")
def test_U23_comes_back(check: Check, user: User) -> None:
    """After Retry-After one more attempt is free."""
    device, target = user.login(), user.login()
    session = device.begin_delete(target.device_id)

    def limited() -> Response | None:
        answer = device.delete(target.device_id, user.wrong_auth(session))
        return answer if answer.status == 429 else None

    answer = poll(limited, 30, "a 429 to a guess")
    wait_s = int(answer.headers["Retry-After"])
    check.that("Retry-After", 1 <= wait_s <= FAILURE_INTERVAL_S, "1 to 6 s", wait_s)
    begin = time.monotonic()

    def accepted() -> Response | None:
        again = device.delete(target.device_id, user.auth(session))
        return again if again.status == 200 else None

    poll(accepted, wait_s + 10, "the right password is accepted after Retry-After")
    took = time.monotonic() - begin
    check.that("waited", took <= wait_s + 2, f"{wait_s} s or less", f"{took:.1f} s")


@pytest.mark.capability("failure_limit")
@pytest.mark.usefixtures("fresh_accounts")
def test_U23_per_user(check: Check, user: User) -> None:
    """Guesses of all devices of a user together are limited too, at four times that."""
    devices = [user.login() for _ in range(8)]
    start = time.monotonic()
    refused = 0
    limited = None
    for number in range(FAILURE_BURST * len(devices)):
        answer = devices[number % len(devices)].delete("A", user.wrong_auth())
        if answer.status == 429:
            limited = answer
            break
        check.refusal(f"guess {number + 1}", answer)
        refused += 1
    took = time.monotonic() - start
    back = 1 + int(took / (FAILURE_INTERVAL_S / 4))
    if limited is None and USER_FAILURE_BURST + back >= FAILURE_BURST * len(devices):
        pytest.skip(f"{refused} guesses took {took:.0f} s: too slow to see the limit")
    check.that("limited", limited is not None, "a 429 in 24 guesses", f"{refused} refusals")
    if limited is not None:
        check.limited("a device that has guesses left", limited)
    check.that(
        "guesses before",
        USER_FAILURE_BURST <= refused <= USER_FAILURE_BURST + back,
        f"{USER_FAILURE_BURST} to {USER_FAILURE_BURST + back}",
        refused,
    )


@pytest.mark.capability("failure_limit")
@pytest.mark.usefixtures("fresh_accounts")
def test_U23_at_once(check: Check, user: User) -> None:
    """Guesses sent at once don't slip through."""
    device = user.login()
    session = device.begin_delete("A")
    barrier = Barrier(12)
    start = time.monotonic()

    def guess(_number: int) -> Response:
        barrier.wait()
        return device.delete("A", user.wrong_auth(session))

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(guess, range(12)))
    took = time.monotonic() - start
    tried = [answer for answer in answers if answer.status == 401]
    most = FAILURE_BURST + int(took / FAILURE_INTERVAL_S)
    check.that("guesses tried", 1 <= len(tried) <= most, f"{most} at most", len(tried))
    for answer in answers:
        if answer.status != 401:
            check.limited("the others", answer)


@pytest.mark.capability("failure_limit")
@pytest.mark.usefixtures("fresh_accounts")
def test_U23_what_is_no_failure(check: Check, user: User) -> None:
    """Successes and rows U9, U10, U11, U14 cost nothing."""
    device, sibling = user.login(), user.login()
    theirs = sibling.begin_delete("A")
    session = device.begin_delete("A")
    for _ in range(FAILURE_BURST + 3):
        unknown = device.delete("A", user.wrong_auth("unknown"))
        check.fresh_challenge("U9", unknown, "unknown")
        other = device.delete("A", user.wrong_auth(theirs))
        check.error("U10", other, 403, "M_FORBIDDEN")
        body = device.delete("B", user.wrong_auth(session))
        check.error("U11", body, 403, "M_FORBIDDEN")
        kind = device.delete("A", {**user.wrong_auth(session), "type": "org.example.no"})
        check.refusal("U14", kind)
        check.ok("success", device.delete("C", user.auth()), body={})


def test_U24_no_unknown_token(check: Check, user: User) -> None:
    """A 401 of User-Interactive Authentication never carries M_UNKNOWN_TOKEN."""
    device = user.login()
    session = device.begin_delete("A")
    for what, auth in (
        ("no auth", None),
        ("session alone", {"session": session}),
        ("wrong password", user.wrong_auth(session)),
        ("unknown session", {"session": "unknown"}),
        ("type not offered", {"session": session, "type": "m.login.dummy"}),
    ):
        answer = device.delete("A", auth)
        check.equal(f"{what}: status", answer.status, 401)
        check.that(
            f"{what}: errcode",
            answer.errcode in (None, "M_FORBIDDEN") and "soft_logout" not in answer.json,
            "none, or M_FORBIDDEN",
            str(answer),
        )
    check.ok("the token afterwards", device.list())


@pytest.mark.capability("session_cap")
@pytest.mark.usefixtures("fresh_accounts")
def test_U25_sessions_are_capped(check: Check, user: User) -> None:
    """32 live sessions a user: the oldest of the same device goes first."""
    device, sibling = user.login(), user.login()
    of_sibling = sibling.begin_delete("A")
    sessions = [device.begin_delete("A") for _ in range(LIVE_SESSIONS - 1)]
    check.state("the oldest at the cap", device.delete("A", {"session": sessions[0]}), [])
    newest = device.begin_delete("A")
    gone = device.delete("A", {"session": sessions[0]})
    check.fresh_challenge("the oldest over the cap", gone, sessions[0])
    check.state("the newest", device.delete("A", {"session": newest}), [])
    check.state("the other device's", sibling.delete("A", {"session": of_sibling}), [])


@pytest.mark.capability("session_cap")
@pytest.mark.usefixtures("fresh_accounts")
def test_U25_complete_ones_last(check: Check, user: User) -> None:
    """A complete session outlives uncompleted ones."""
    device = user.login()
    session = device.begin_delete("A")
    check.ok("completion", device.delete("A", user.auth(session)), body={})
    for _ in range(LIVE_SESSIONS + 5):
        device.begin_delete("A")
    again = device.delete("A", {"session": session})
    check.ok("the complete session", again, body={})


@pytest.mark.capability("challenge_limit")
@pytest.mark.usefixtures("fresh_accounts")
def test_U25_challenges_are_limited(check: Check, user: User) -> None:
    """Challenges have a bucket: a burst of 60, then one every 5 s."""
    device, sibling = user.login(), user.login()
    start = time.monotonic()
    count = 0
    while True:
        answer = device.delete("A")
        if answer.status != 401:
            break
        challenge_session(answer)
        count += 1
        most = CHALLENGE_BURST + 1 + int((time.monotonic() - start) / CHALLENGE_INTERVAL_S)
        check.that("challenges", count <= most, f"{most} at most", count)
    check.limited("over the limit", answer)
    check.that("challenges", count >= CHALLENGE_BURST, "60 or more", count)
    check.challenge("another device", sibling.delete("A"))


def at_once(requests: Sequence[Callable[[], Response]]) -> list[Response]:
    """Send requests at the same moment."""
    barrier = Barrier(len(requests))

    def send(request: Callable[[], Response]) -> Response:
        barrier.wait()
        return request()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


def test_U26_the_same_at_once(check: Check, user: User) -> None:
    """Two requests finishing one session at once: both as if one came after the other."""
    for _ in range(5):
        device, target = user.login(), user.login()
        auth = user.auth(device.begin_delete(target.device_id))
        answers = at_once([partial(device.delete, target.device_id, auth)] * 2)
        for answer in answers:
            check.ok("DELETE", answer, body={})
        check.error("GET", device.get(target.device_id), 404, "M_NOT_FOUND")


def test_U26_different_at_once(check: Check, configured: Configured) -> None:
    """Two different bodies finishing one session at once: only the winner's is deleted."""
    homeserver: Homeserver = configured({"uia": {"body_binding": "lenient"}})
    user = homeserver.new_user()
    for _ in range(5):
        device, first, second = user.login(), user.login(), user.login()
        auth = user.auth(device.begin_delete_devices([first.device_id]))
        bodies = [[first.device_id], [second.device_id]]
        answers = at_once([partial(device.delete_devices, ids, auth) for ids in bodies])
        statuses = sorted(answer.status for answer in answers)
        check.equal("statuses", statuses, [200, 403])
        left = device.device_ids()
        for ids, answer in zip(bodies, answers, strict=True):
            check.equal(
                f"answered {answer.status}: device there",
                ids[0] in left,
                answer.status == 403,
            )


def test_U27_repeats(check: Check, configured: Configured) -> None:
    """Repeats of a finished session have a limit, per user and device."""
    limits = {"uia_repeats": {"burst": 2, "interval_ms": 600_000}}
    user = configured({"limits": limits}).new_user()
    device, other = user.login(), user.login()
    sessions = [own.begin_delete("A") for own in (device, other)]
    for own, session in zip((device, other), sessions, strict=True):
        check.ok("first", own.delete("A", user.auth(session)), body={})
    for _ in range(2):
        check.ok("repeat", device.delete("A", {"session": sessions[0]}), body={})
    check.limited("one more", device.delete("A", {"session": sessions[0]}))
    check.ok("another device's", other.delete("A", {"session": sessions[1]}), body={})
