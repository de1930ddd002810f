"""Rows P5 to P8: PUT of an application service, which creates."""

from __future__ import annotations

import time

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import Response, device_path
from matrix_device_conformance.homeserver import Configured, Service
from matrix_device_conformance.tests.steps import created, service_ids

INFO_URI = "https://example.org/limits"
BURST = 20
INTERVAL_S = 2
CREATED = {200, 201}  # which of them is P5's business
MANY = 60  # creations at once, of which any homeserver's limit should refuse one


@pytest.mark.peer_bug("Continuwuity", "200 for 201", got="^200 ")
def test_P5_create(check: Check, service: Service) -> None:
    """An application service's PUT to an unknown device creates it: 201, then 200."""
    user_id = service.new_user()
    made = [
        (what, service.put(device_id, body, user_id=user_id), status)
        for what, device_id, body, status in (
            ("with a name", "NAMED", {"display_name": "n"}, 201),
            ("without", "PLAIN", {}, 201),
            ("with a name, again", "NAMED", {"display_name": "n"}, 200),
            ("without, again", "PLAIN", {}, 200),
        )
    ]
    check.equal("devices", service_ids(service, user_id), {"NAMED", "PLAIN"})
    for what, answer, status in made:
        check.ok(what, answer, status, {})
    check.ok("rename", service.put("PLAIN", {"display_name": "later"}, user_id=user_id), 200)
    one = service.request("GET", device_path("PLAIN"), user_id=user_id)
    check.equal("name", one.members.get("display_name"), "later", one)


@pytest.mark.capability("creation_limit")
@pytest.mark.peer_bug("Synapse", "1,001 creations without a limit", got="^60 ")
def test_P6_creation_limit(check: Check, limited_service: Service) -> None:
    """Creation is limited to a burst of 20, then one every 2 s; a repeat takes nothing."""
    user_id, other_id = limited_service.new_user(), limited_service.new_user()
    start = time.monotonic()
    answers: list[Response] = []
    while len(answers) < MANY and (not answers or answers[-1].status in CREATED):
        answers.append(limited_service.put(f"LIMIT{len(answers)}", {}, user_id=user_id))
    took = time.monotonic() - start
    again = limited_service.put("LIMIT0", {"display_name": "again"}, user_id=user_id)
    # On a slow machine a unit may be back for the first of these.
    others = [limited_service.put(f"OTHER{each}", {}, user_id=other_id) for each in range(3)]
    created = sum(answer.status in CREATED for answer in answers)
    if not check.spec.that(
        "creations at once", created < MANY, f"a 429 in {MANY}", f"{created} created"
    ):
        return
    check.spec.limited("over the limit", answers[-1])
    check.ours.ok("a repeat while limited", again, 200)
    most = BURST + 1 + int(took / INTERVAL_S)
    check.ours.that(
        "created before the 429", BURST <= created <= most, f"{BURST} to {most}", created
    )
    other = next((answer for answer in others if answer.status not in CREATED), others[-1])
    check.ours.limited("another user of the same service", other)


@pytest.mark.capability("creation_limit")
def test_P6_exempt_service(check: Check, service: Service) -> None:
    """A service registered with rate_limited: false is exempt."""
    user_id = service.new_user()
    statuses = [service.put(f"D{each}", {}, user_id=user_id).status for each in range(BURST + 10)]
    check.that("creations", set(statuses) <= CREATED, "201 each", statuses)


@pytest.mark.capability("creation_limit")
@pytest.mark.peer_bug("Synapse", "a service's sender is limited", got="429")
def test_P6_sender(check: Check, limited_service: Service) -> None:
    """So is every service that acts as its own sender."""
    names = [f"SENT{limited_service.homeserver.unique()}" for _ in range(BURST + 10)]
    statuses = [limited_service.put(name, {}).status for name in names]
    check.that("creations", set(statuses) <= CREATED, "201 each", statuses)


@pytest.mark.capability("device_cap")
@pytest.mark.peer_bug("Synapse", "no cap; one bot had 20,000 devices", got="^201 ")
def test_P7_device_cap(check: Check, configured: Configured) -> None:
    """Over max_devices_per_user: 403 M_USER_LIMIT_EXCEEDED; a rename is never refused for it."""
    settings = {"max_devices_per_user": 3, "user_limit_info_uri": INFO_URI}
    service = configured(settings).services["unlimited"]
    user_id = service.new_user()
    for number in range(3):
        created(check, "below the cap", service.put(f"D{number}", {}, user_id=user_id))
    over = service.put("D3", {}, user_id=user_id)
    check.equal("devices", service_ids(service, user_id), {"D0", "D1", "D2"})
    check.error("over the cap", over, 403, "M_USER_LIMIT_EXCEEDED")
    check.equal("info_uri", over.members.get("info_uri"), INFO_URI, over)
    renamed = service.put("D0", {"display_name": "x"}, user_id=user_id)
    check.ok("rename at the cap", renamed, 200)
    check.ok("DELETE", service.request("DELETE", "/devices/D1", json={}, user_id=user_id), 200)
    created(check, "below the cap again", service.put("D3", {}, user_id=user_id))


@pytest.mark.peer_bug(
    "Synapse", "IDs with U+0000 and over 255 bytes are created", got="^201 |created"
)
def test_P8_impossible_id(check: Check, service: Service) -> None:
    """No device is created with an ID over 255 bytes or with control characters."""
    user_id = service.new_user()
    answers = {
        what: service.put(device_id, {}, user_id=user_id)
        for what, device_id in (
            ("256 bytes", "x" * 256),
            ("256 bytes in 128 characters", "é" * 128),
            *((f"U+{code:04X}", f"a{chr(code)}b") for code in [*range(0x20), 0x7F]),
        )
    }
    made = service_ids(service, user_id)
    check.that("devices", not made, "none", f"created: {len(made)}")
    for what, answer in answers.items():
        check.error(what, answer, 400, "M_INVALID_PARAM")
    for what, device_id in (("255 bytes", "x" * 255), ("U+0080", "a\x80b"), ("space", " ")):
        created(check, what, service.put(device_id, {}, user_id=user_id))
