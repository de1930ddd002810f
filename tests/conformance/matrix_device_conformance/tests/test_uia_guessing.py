"""Row U23: what guessing costs."""

from __future__ import annotations

import time

import pytest

from matrix_device_conformance.check import Check, NotJudged
from matrix_device_conformance.homeserver import User
from matrix_device_conformance.pacing import wait_of
from matrix_device_conformance.tests.steps import at_once, begun, still_there, target_of

pytestmark = [pytest.mark.capability("failure_limit"), pytest.mark.last(2)]

FAILURE_BURST = 3
FAILURE_INTERVAL_S = 6
USER_FAILURE_BURST = 4 * FAILURE_BURST
GUESSES = 12  # of any homeserver's limit, whatever it is, one should be over by then


@pytest.mark.peer_bug("Synapse", "guessing is not limited", got="^12 |^200 ")
def test_U23_guessing(check: Check, user: User) -> None:
    """Guesses are limited, whatever the session, also where the last is right."""
    device, target = user.device(), target_of(user)
    session = begun(check, "DELETE", device.delete(target.device_id))
    answers = [
        device.delete(target.device_id, user.wrong_auth(session if number % 2 else None))
        for number in range(GUESSES)
    ]
    limited = [answer for answer in answers if answer.status == 429]
    right = device.delete(target.device_id, user.auth())
    there = still_there(check.ours, "after guessing", device, target) if limited else False
    # The specification says that a homeserver should limit, not that it must.
    if not check.ours.that(
        "wrong passwords, 12 in turn", bool(limited), "a 429", f"12 refusals, such as {answers[-1]}"
    ):
        return
    check.spec.limited("one too many", limited[0])
    check.ours.limited("the right one then", right)
    if there:
        check.ours.limited("in bulk", device.delete_devices(["A"], user.wrong_auth()))
    check.ok("the limited device's list", device.list())


@pytest.mark.usefixtures("fresh_accounts")
def test_U23_burst(check: Check, user: User) -> None:
    """The fourth guess of a device is 429; the owner on another device goes on."""
    device, owner = user.device(), user.login()
    start = time.monotonic()
    answers = [device.delete("A", user.wrong_auth()) for _ in range(FAILURE_BURST + 1)]
    took = time.monotonic() - start
    if took > FAILURE_INTERVAL_S:
        raise NotJudged(f"four guesses took {took:.0f} s: too slow to see the limit")
    statuses = [answer.status for answer in answers]
    check.ours.equal("four guesses", statuses, [401] * FAILURE_BURST + [429])
    check.ours.ok("the owner on another device", owner.delete("A", user.auth()))


@pytest.mark.usefixtures("fresh_accounts")
def test_U23_comes_back(check: Check, user: User) -> None:
    """After Retry-After one more attempt is free."""
    device = user.device()
    answers = []
    while len(answers) < GUESSES and (not answers or answers[-1].status != 429):
        answers.append(device.delete("A", user.wrong_auth()))
    check.ours.must.equal("the last of 12 guesses", answers[-1].status, 429, answers[-1])
    wait_s = wait_of(answers[-1])
    if not check.ours.that("wait", wait_s <= FAILURE_INTERVAL_S, "1 to 6 s", f"{wait_s} s"):
        return
    time.sleep(wait_s)  # as it says
    check.ours.ok("the right password after Retry-After", device.delete("A", user.auth()))


@pytest.mark.usefixtures("fresh_accounts")
def test_U23_per_user(check: Check, user: User) -> None:
    """Guesses of all devices of a user together are limited too, at four times that."""
    devices = [user.login() for _ in range(8)]
    start = time.monotonic()
    tries = FAILURE_BURST * len(devices)
    answers = []
    while len(answers) < tries and (not answers or answers[-1].status != 429):
        device = devices[len(answers) % len(devices)]
        answers.append(device.delete("A", user.wrong_auth()))
    took = time.monotonic() - start
    back = 1 + int(took / (FAILURE_INTERVAL_S / 4))
    limited = answers[-1].status == 429
    if not limited and USER_FAILURE_BURST + back >= tries:
        raise NotJudged(f"{tries} guesses took {took:.0f} s: too slow to see the limit")
    refusals = len(answers) - limited
    most = USER_FAILURE_BURST + back
    if check.ours.that("guesses", limited, f"a 429 in {tries}", f"{refusals} refusals"):
        check.ours.that(
            "guesses before",
            USER_FAILURE_BURST <= refusals <= most,
            f"{USER_FAILURE_BURST} to {most}",
            refusals,
        )


@pytest.mark.usefixtures("fresh_accounts")
def test_U23_at_once(check: Check, user: User) -> None:
    """Guesses sent at once don't slip through."""
    device = user.device()
    start = time.monotonic()
    answers = at_once([lambda: device.delete("A", user.wrong_auth())] * GUESSES)
    most = FAILURE_BURST + int((time.monotonic() - start) / FAILURE_INTERVAL_S)
    tried = [answer for answer in answers if answer.status == 401]
    check.ours.that("guesses tried", 1 <= len(tried) <= most, f"1 to {most}", len(tried))
    for answer in answers:
        if answer.status != 401:
            check.ours.limited("the others", answer)


@pytest.mark.usefixtures("fresh_accounts")
def test_U23_what_is_no_failure(check: Check, user: User) -> None:
    """Successes and rows U9, U10, U11, U14 cost nothing."""
    device, sibling = user.device(), user.login()
    theirs = begun(check, "DELETE", sibling.delete("A"))
    session = begun(check, "DELETE", device.delete("A"))
    for _ in range(FAILURE_BURST + 3):
        for auth in (
            user.wrong_auth("unknown"),
            user.wrong_auth(theirs),
            {**user.wrong_auth(session), "type": "org.example.no"},
        ):
            device.delete("A", auth)
        device.delete("B", user.wrong_auth(session))
        check.ours.ok("success", device.delete("C", user.auth()))
