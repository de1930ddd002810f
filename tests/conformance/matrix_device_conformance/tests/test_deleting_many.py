"""Row D10: many devices in one request. It runs last, since it is work for the homeserver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from matrix_device_conformance.check import Check, NotJudged
from matrix_device_conformance.client import Response
from matrix_device_conformance.homeserver import Service, User
from matrix_device_conformance.tests.steps import (
    begun,
    gone,
    ids_in,
    made_devices,
    service_ids,
    still_there,
)

pytestmark = [pytest.mark.last(1), pytest.mark.time_limit(300)]

UNKNOWN_LIMIT_S = 20  # for 2,000 IDs that nobody has: there is nothing to delete
READERS = 3


@pytest.mark.time_limit(UNKNOWN_LIMIT_S, subject=True)
@pytest.mark.peer_bug("Dendrite", "2,000 unknown IDs take over a minute", got="no answer|^none$")
def test_D10_unknown(check: Check, user: User) -> None:
    """A list of 2,000 IDs that nobody has costs next to nothing."""
    device = user.device()
    ids = [f"UNKNOWN{number:05}" for number in range(2000)]
    auth = user.auth(begun(check, "POST", device.delete_devices(ids)))
    check.ok("POST of 2,000 unknown IDs", device.delete_devices(ids, auth))


@pytest.mark.peer_bug("Synapse", "thousands of devices take minutes", got="no answer")
def test_D10_many(check: Check, user: User) -> None:
    """20,000 IDs go in one request."""
    device, first, last = user.device(), user.login(), user.login()
    ids = [first.device_id, *(f"UNKNOWN{number:05}" for number in range(19_998)), last.device_id]
    session = begun(check, "POST", device.delete_devices(ids))
    answer = device.delete_devices(ids, user.auth(session))
    gone(check, "POST with password", device, first, last)
    still_there(check, "not in the list", device, device)
    check.ok("POST with password", answer, body={})


def lists_meanwhile(read: Callable[[], Response], act: Callable[[], Response]) -> list[Response]:
    """What readers get from shortly before `act` until shortly after; last, what it gave itself."""
    over = Event()

    def read_on() -> list[Response]:
        answers = []
        while not over.is_set():
            answers.append(read())
        return [*answers, read()]

    with ThreadPoolExecutor(READERS) as pool:
        reading = [pool.submit(read_on) for _ in range(READERS)]
        try:
            done = act()
        finally:
            over.set()
        return [answer for each in reading for answer in each.result()] + [done]


def all_or_none(check: Check, answers: Sequence[Response], ids: set[str]) -> None:
    """Every list that was read has all of these devices, or none."""
    partly = [answer for answer in answers if 0 < len(ids & ids_in(answer)) < len(ids)]
    found = len(ids & ids_in(partly[0])) if partly else 0
    check.that(
        "lists that were read meanwhile",
        not partly,
        "all of the devices, or none of them",
        f"{len(partly)} of {len(answers)} with a part, such as {found} of {len(ids)} devices",
    )


@pytest.mark.peer_bug("Synapse", "readers see a bulk deletion half done", got="with a part")
def test_D10_nothing_half_done(check: Check, user: User) -> None:
    """Who reads the list meanwhile sees all devices of the list, or none."""
    device = user.device()
    targets = [user.login() for _ in range(4)]
    # The unknown ones between keep them apart where a homeserver takes the list in pieces.
    ids = []
    for number, target in enumerate(targets):
        ids += [target.device_id, *(f"BETWEEN{number}N{each}" for each in range(800))]
    auth = user.auth(begun(check, "POST", device.delete_devices(ids)))
    *answers, answer = lists_meanwhile(device.list, lambda: device.delete_devices(ids, auth))
    all_or_none(check, answers, {target.device_id for target in targets})
    gone(check, "POST with password", device, *targets)
    check.ok("POST with password", answer, body={})


@pytest.mark.peer_bug("Synapse", "readers see a bulk deletion half done", got="with a part")
def test_D10_thousands(check: Check, service: Service) -> None:
    """So with 2,000 devices that are there, and all of them go at once."""
    user_id = service.new_user()
    ids = [f"MANY{number:05}" for number in range(2000)]
    made_devices(service, user_id, ids, {})
    *answers, answer = lists_meanwhile(
        lambda: service.request("GET", "/devices", user_id=user_id),
        lambda: service.request("POST", "/delete_devices", json={"devices": ids}, user_id=user_id),
    )
    if answer.status in (401, 403, 404):
        raise NotJudged(f"services can't delete in bulk here ({answer}), which row D2 is about")
    all_or_none(check, answers, set(ids))
    check.equal("devices afterwards", service_ids(service, user_id), set())
    check.ok("POST", answer, body={})
