"""What many rows do on their way, and look at afterwards. Nothing here raises on an odd answer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any

from matrix_device_conformance.check import Check, NotJudged
from matrix_device_conformance.client import Response, client_path, device_path
from matrix_device_conformance.homeserver import Device, Service, User
from matrix_device_conformance.server import NotWithin, poll

MAKERS = 4


def ids_in(answer: Response) -> set[str]:
    """The IDs in a list."""
    return {entry["device_id"] for entry in answer.devices}


@dataclass(frozen=True)
class Target:
    """A device to delete: a real one, or where logins are scarce only an ID."""

    device_id: str
    made: bool


def target_of(user: User) -> Target:
    """A device of the user that may be deleted."""
    if user.homeserver.scarce:
        return Target(f"NONE{user.homeserver.unique()}", False)
    return Target(user.login().device_id, True)


def still_there(check: Check, what: str, device: Device, *targets: Target | Device) -> bool:
    """Nothing of these has been deleted."""
    wanted = {each.device_id for each in targets if not isinstance(each, Target) or each.made}
    if not wanted:
        return True
    answer = device.list()
    return check.that(
        f"{what}: devices that must still be there",
        wanted <= ids_in(answer),
        f"all of {sorted(wanted)}",
        str(answer),
        answer,
    )


def gone(check: Check, what: str, device: Device, *targets: Target | Device) -> bool:
    """All of these have been deleted."""
    unwanted = {each.device_id for each in targets}
    answer = device.list()
    return check.that(
        f"{what}: devices that must be gone",
        answer.status == 200 and not unwanted & ids_in(answer),
        f"none of {sorted(unwanted)}",
        str(answer),
        answer,
    )


def dead(check: Check, what: str, device: Device) -> bool:
    """The device's access token is nobody's."""
    answer = device.list()
    holds = check.that(what, answer.status == 401, "401: the token is dead", str(answer), answer)
    if holds:
        holds = check.equal(f"{what}: errcode", answer.errcode, "M_UNKNOWN_TOKEN", answer)
        check.that(
            f"{what}: soft_logout",
            answer.members.get("soft_logout") is not True,
            "false or absent: the device is gone",
            str(answer),
            answer,
        )
    return holds


def alive(check: Check, what: str, device: Device) -> bool:
    """The device's access token works."""
    answer = device.list()
    return check.that(what, answer.status == 200, "200: the token works", str(answer), answer)


def begun(check: Check, what: str, answer: Response) -> str | None:
    """A challenge on a row's way: its session, where it has one; its members are U1's business."""
    check.that(what, answer.status == 401, "401, a challenge", str(answer), answer)
    return session_in(answer) if answer.status == 401 else None


def session_in(answer: Response) -> str | None:
    """The session that an answer names."""
    session = answer.members.get("session")
    return session if isinstance(session, str) and session else None


def done(check: Check, what: str, answer: Response) -> bool:
    """An operation went ahead: 200, whatever the body has."""
    return check.that(what, answer.status == 200, "200", str(answer), answer)


def waits(check: Check, what: str, answer: Response) -> bool:
    """An operation has not gone ahead: 401, and authentication may go on."""
    return check.that(
        what, answer.status == 401, "401, authentication goes on", str(answer), answer
    )


def refused(check: Check, what: str, answer: Response, *statuses: int) -> bool:
    """An operation is refused with one of these."""
    expected = " or ".join(str(status) for status in statuses)
    return check.that(what, answer.status in statuses, expected, str(answer), answer)


def created(check: Check, what: str, answer: Response) -> bool:
    """A service's device was created; whether with 201 or 200 is P5's business."""
    return check.that(what, answer.status in (200, 201), "201", str(answer), answer)


def unfinished(check: Check, what: str, answer: Response) -> bool:
    """An operation has not gone ahead with the session alone; how that is said is U7's business."""
    return refused(check, what, answer, 400, 401, 403)


def is_live(device: Device, device_id: str, session: str | None) -> bool:
    """Whether a session is known that a deletion of this device has begun.

    A stage that no flow offers (U14) is answered with the session where it is known, and with a
    fresh one (U9) where it is not: nothing is tried, and no failure is counted. Where that is an
    error, the session alone (U7) tells.
    """
    for more in ({"type": "org.example.no"}, {}):
        answer = device.delete(device_id, {"session": session, **more})
        if answer.status == 401:
            return session is not None and session_in(answer) == session
    raise NotJudged(f"whether a session is known cannot be told from {answer}")


def guesses_are_free(user: User, tries: int = 12) -> bool:
    """Whether any number of wrong passwords may be tried, which is U23's business."""
    device = user.device()
    return all(device.delete("A", user.wrong_auth()).status != 429 for _ in range(tries))


def comes_true(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it does within this time."""
    try:
        poll(condition, seconds, "")
    except NotWithin:
        return False
    return True


def at_once(requests: Sequence[Callable[[], Response]]) -> list[Response]:
    """Send requests at the same moment."""
    barrier = Barrier(len(requests))

    def send(request: Callable[[], Response]) -> Response:
        barrier.wait()
        return request()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


def made_devices(service: Service, user_id: str, ids: Sequence[str], body: Any) -> None:
    """Create many devices of a service's user, over a few connections."""
    assert service.homeserver is not None
    client = service.homeserver.client

    def make(part: Sequence[str]) -> set[int]:
        with contextlib.closing(client.connect()) as connection:
            answers = [
                client.request(
                    "PUT",
                    client_path(device_path(device_id), user_id=user_id),
                    token=service.as_token,
                    json=body,
                    connection=connection,
                )
                for device_id in part
            ]
        return {answer.status for answer in answers}

    with ThreadPoolExecutor(MAKERS) as pool:
        statuses = set().union(*pool.map(make, [ids[each::MAKERS] for each in range(MAKERS)]))
    if statuses - {200, 201}:
        raise NotJudged(f"{len(ids)} devices could not be made: PUT gave {sorted(statuses)}")


def service_ids(service: Service, user_id: str) -> set[str]:
    """The devices of a service's user."""
    return ids_in(service.request("GET", "/devices", user_id=user_id))
