"""Rows A9 to A14: application services, and whom they act as."""

from __future__ import annotations

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import Response, device_path
from matrix_device_conformance.homeserver import Configured, Service, User
from matrix_device_conformance.tests.steps import comes_true, created, ids_in, refused, service_ids

ALIAS = "org.matrix.msc3202.device_id"


def test_A9_service_as_its_sender(check: Check, service: Service) -> None:
    """An application service without user_id acts as its own sender."""
    assert service.homeserver is not None
    device_id = f"SENDER{service.homeserver.unique()}"
    made = service.put(device_id, {"display_name": "s"})
    plain = service.request("GET", "/devices")
    named = service.request("GET", "/devices", user_id=service.sender)
    check.includes("devices", ids_in(plain), device_id)
    check.equal("devices with user_id of the sender", ids_in(named), ids_in(plain), named)
    created(check, "create", made)
    service.request("DELETE", device_path(device_id), json={})


def test_A10_service_as_its_user(check: Check, service: Service) -> None:
    """With user_id in its namespace it acts as that user."""
    user_id, other = service.new_user(), service.new_user()
    made = service.put("A", {}, user_id=user_id)
    check.equal("devices of the user", service_ids(service, user_id), {"A"})
    check.equal("devices of another", service_ids(service, other), set())
    created(check, "create", made)


def test_A11_service_outside(check: Check, service: Service, user: User) -> None:
    """Outside its namespace, or not registered: 403 M_FORBIDDEN."""
    device = user.device()
    domain = user.user_id.split(":", 1)[1]
    for basis, what, user_id in (
        (check.spec, "somebody's account", user.user_id),
        (check.spec, "not registered", f"@{service.prefix}nobody:{domain}"),
        (check.spec, "a suffix more", f"{service.new_user()}.evil.example"),
        (check.ours, "another server", f"@{service.prefix}a:elsewhere.example"),
        (check.ours, "no user ID", "x"),
        (check.ours, "empty", ""),
    ):
        put = service.put(device.device_id, {"display_name": "theirs"}, user_id=user_id)
        answer = service.request("GET", "/devices", user_id=user_id)
        refused(basis, what, answer, 400, 401, 403)
        refused(basis, f"{what}, PUT", put, 400, 401, 403)
        check.ours.error(what, answer, 403, "M_FORBIDDEN")
        check.ours.error(f"{what}, PUT", put, 403, "M_FORBIDDEN")
    name = device.get().members.get("display_name")
    check.spec.that("name of somebody's device", name != "theirs", "as before", name)


def test_A11_another_services_sender(
    check: Check, service: Service, limited_service: Service
) -> None:
    """So the sender of another service."""
    answer = service.request("GET", "/devices", user_id=limited_service.sender)
    check.error("the other service's sender", answer, 403, "M_FORBIDDEN")


@pytest.mark.peer_bug("Synapse", "no last seen for the device acted as", got="not yet")
def test_A12_service_on_a_device(check: Check, service: Service) -> None:
    """With device_id it acts as that device: last seen is that device's."""
    user_id = service.new_user()
    for device_id in ("ACTED", "OTHER"):
        service.put(device_id, {}, user_id=user_id)
    acted = service.request("GET", "/devices", user_id=user_id, device_id="ACTED")
    check.spec.ok("GET", acted)

    def seen() -> bool:
        answer = service.request("GET", device_path("ACTED"), user_id=user_id)
        return answer.members.get("last_seen_ts") is not None

    # Whether and when it is to be seen the specification leaves open.
    in_time = comes_true(seen, 20)
    check.ours.that("last_seen_ts of the device acted on", in_time, "there within 20 s", "not yet")
    other = service.request("GET", device_path("OTHER"), user_id=user_id)
    last_seen = other.members.get("last_seen_ts")
    check.ours.equal("last_seen_ts of the other device", last_seen, None, other)


@pytest.mark.peer_bug("Tuwunel", "the wrong code", got="^400 ")
def test_A13_service_on_an_unknown_device(check: Check, service: Service) -> None:
    """With a device_id that the user does not have: 400 M_UNKNOWN_DEVICE."""
    user_id, other = service.new_user(), service.new_user()
    service.put("THEIRS", {}, user_id=other)
    for device_id in ("NONE", "THEIRS"):
        answer = service.request("GET", "/devices", user_id=user_id, device_id=device_id)
        check.error(device_id, answer, 400, "M_UNKNOWN_DEVICE")


@pytest.mark.peer_bug(
    "Synapse", "dropped org.matrix.msc3202.device_id under deployed bridges", got="^200 "
)
def test_A14_alias(check: Check, service: Service) -> None:
    """org.matrix.msc3202.device_id is an alias; the stable name wins."""
    user_id = service.new_user()
    service.put("MINE", {}, user_id=user_id)

    def ask(**query: str) -> Response:
        return service.request("GET", "/devices", user_id=user_id, **query)

    check.ok("alias", ask(**{ALIAS: "MINE"}))
    check.error("alias, unknown", ask(**{ALIAS: "NONE"}), 400, "M_UNKNOWN_DEVICE")
    check.ok("both the same", ask(**{ALIAS: "MINE", "device_id": "MINE"}))
    check.ok("stable one known", ask(**{ALIAS: "NONE", "device_id": "MINE"}))
    wrong = ask(**{ALIAS: "MINE", "device_id": "NONE"})
    refused(check, "stable one unknown", wrong, 400)


def test_A14_alias_twice(check: Check, user: User) -> None:
    """Twice, with a broken escape, not UTF-8 or with U+0000 it is 400, as R11 of the others."""
    device = user.device()
    for what, query in (
        ("alias twice", f"{ALIAS}=a&{ALIAS}=a"),
        ("a broken escape", f"{ALIAS}=%zz"),
        ("not UTF-8", f"{ALIAS}=%FF"),
        ("U+0000", f"{ALIAS}=a%00b"),
    ):
        answer = device.request("GET", "/devices", query=query)
        check.error(what, answer, 400, "M_INVALID_PARAM")


def test_A14_alias_turned_off(check: Check, configured: Configured) -> None:
    """Without device_id_alias the parameter is ignored everywhere."""
    service = configured({"device_id_alias": False}).services["unlimited"]
    user_id = service.new_user()
    unknown = service.request("GET", "/devices", user_id=user_id, **{ALIAS: "NONE"})
    check.ok("alias of no device", unknown)
    broken = service.request("GET", "/devices", user_id=user_id, **{ALIAS: "a\x00"})
    check.ok("alias with U+0000", broken)
