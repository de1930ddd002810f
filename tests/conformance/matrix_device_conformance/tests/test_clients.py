"""What deployed clients send, as they send it."""

from __future__ import annotations

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import client_path, device_path
from matrix_device_conformance.homeserver import PASSWORD_STAGE, Service, User
from matrix_device_conformance.tests.steps import (
    begun,
    created,
    gone,
    service_ids,
    session_in,
    target_of,
)


def test_client_matrix_js_sdk(check: Check, user: User) -> None:
    """matrix-js-sdk: bulk deletion without auth, then with both kinds of identifier."""
    device, target = user.device(), target_of(user)
    first = device.request("POST", "/delete_devices", json={"devices": [target.device_id]})
    auth = {
        "session": begun(check, "first", first),
        "type": PASSWORD_STAGE,
        "identifier": {"type": "m.id.user", "user": user.user_id},
        "user": user.user_id,
        "password": user.password,
    }
    body = {"devices": [target.device_id], "auth": auth}
    answer = device.request("POST", "/delete_devices", json=body)
    gone(check, "second", device, target)
    check.ok("second", answer)


def test_client_matrix_js_sdk_delete(check: Check, user: User) -> None:
    """matrix-js-sdk: DELETE with {}, then with auth."""
    device, target = user.device(), target_of(user)
    path = device_path(target.device_id)
    session = begun(check, "first", device.request("DELETE", path, body=b"{}"))
    answer = device.request("DELETE", path, json={"auth": user.auth(session)})
    gone(check, "second", device, target)
    check.ok("second", answer)


def test_client_ruma(check: Check, user: User) -> None:
    """ruma: session null on the first try; the whole request again after a time-out."""
    device, target = user.device(), target_of(user)
    auth = {**user.wrong_auth(), "session": None}
    wrong = device.delete_devices([target.device_id], auth)
    check.ours.that("wrong password", wrong.status == 401, "401", str(wrong), wrong)
    if "completed" in wrong.members:  # ruma takes it for an error of another kind otherwise
        completed = wrong.members["completed"]
        check.that("completed", isinstance(completed, list), "a list, where it is there", completed)
    for attempt in ("first", "repeat"):
        answer = device.delete_devices([target.device_id], user.auth(session_in(wrong)))
        check.ok(attempt, answer)


def test_client_mautrix(check: Check, service: Service) -> None:
    """mautrix: both device parameters on every request; PUT at every start; DELETE with null."""
    assert service.homeserver is not None
    user_id = service.new_user()
    alias = "org.matrix.msc3202.device_id"
    created(check, "first start", service.put("BRIDGE", {"display_name": "b"}, user_id=user_id))
    both = {"user_id": user_id, "device_id": "BRIDGE", alias: "BRIDGE"}
    for body in ({"display_name": "b"}, {}):
        check.ok("next start", service.put("BRIDGE", body, **both), 200)
    one = service.request("GET", device_path("BRIDGE"), **both)
    check.equal("name", one.members.get("display_name"), "b", one)
    target = client_path(device_path("BRIDGE"), user_id=user_id)
    deleted = service.homeserver.client.request(
        "DELETE", target, token=service.as_token, body=b"null"
    )
    check.ours.equal("devices", service_ids(service, user_id), set())
    check.ours.ok("DELETE", deleted)


def test_client_sytest(check: Check, user: User) -> None:
    """sytest, Complement: DELETE without a body; credentials without a session."""
    device = user.device()
    session = begun(check, "DELETE", device.request("DELETE", device_path("FIRST")))
    check.ok("with the session", device.delete("FIRST", user.auth(session)))
    check.ok("without one", device.delete("SECOND", user.auth()))


@pytest.mark.capability("query_token")
def test_client_matrix_nio(check: Check, user: User) -> None:
    """matrix-nio: r0 and the token in the query; flows, params and session in a 401."""
    device, target = user.device(), target_of(user)
    client = user.homeserver.client
    query = {"access_token": device.access_token}
    check.ours.ok("list", client.request("GET", client_path("/devices", "r0", **query)))
    bulk = client_path("/delete_devices", "r0", **query)
    first = client.request("POST", bulk, json={"devices": [target.device_id]})
    auth = {
        "type": PASSWORD_STAGE,
        "user": user.user_id,
        "password": user.password,
        "session": begun(check.ours, "bulk", first),
    }
    for name in ("flows", "params", "session"):
        check.ours.includes("bulk: members", first.members, name)
    answer = client.request("POST", bulk, json={"devices": [target.device_id], "auth": auth})
    gone(check.ours, "bulk with password", device, target)
    check.ours.ok("bulk with password", answer)
