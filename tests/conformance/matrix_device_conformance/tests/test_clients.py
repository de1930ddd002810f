"""What deployed clients send, as they send it."""

from __future__ import annotations

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import client_path, device_path
from matrix_device_conformance.homeserver import PASSWORD_STAGE, Service, User


def test_client_matrix_js_sdk(check: Check, user: User) -> None:
    """matrix-js-sdk: bulk deletion without auth, then with both kinds of identifier."""
    device, target = user.login(), user.login()
    first = device.request("POST", "/delete_devices", json={"devices": [target.device_id]})
    session = check.challenge("first", first)
    auth = {
        "session": session,
        "type": PASSWORD_STAGE,
        "identifier": {"type": "m.id.user", "user": user.user_id},
        "user": user.user_id,
        "password": user.password,
    }
    body = {"devices": [target.device_id], "auth": auth}
    check.ok("second", device.request("POST", "/delete_devices", json=body), body={})


def test_client_matrix_js_sdk_delete(check: Check, user: User) -> None:
    """matrix-js-sdk: DELETE with {}, then with auth."""
    device, target = user.login(), user.login()
    path = device_path(target.device_id)
    session = check.challenge("first", device.request("DELETE", path, body=b"{}"))
    done = device.request("DELETE", path, json={"auth": user.auth(session)})
    check.ok("second", done, body={})


def test_client_ruma(check: Check, user: User) -> None:
    """ruma: session null on the first try; the whole request again after a time-out."""
    device, target = user.login(), user.login()
    auth = {**user.auth(), "session": None}
    wrong = device.delete_devices([target.device_id], {**auth, "password": "wrong"})
    session = check.refusal("wrong password", wrong)
    for attempt in ("first", "repeat"):
        done = device.delete_devices([target.device_id], user.auth(session))
        check.ok(attempt, done, body={})


def test_client_mautrix(check: Check, service: Service) -> None:
    """mautrix: both device parameters on every request; PUT at every start; DELETE with null."""
    assert service.homeserver is not None
    user_id = service.new_user()
    alias = "org.matrix.msc3202.device_id"
    check.ok("first start", service.put("BRIDGE", {"display_name": "b"}, user_id=user_id), 201, {})
    both = {"user_id": user_id, "device_id": "BRIDGE", alias: "BRIDGE"}
    for body in ({"display_name": "b"}, {}):
        check.ok("next start", service.put("BRIDGE", body, **both), 200, {})
    one = service.request("GET", device_path("BRIDGE"), **both)
    check.equal("name", one.json.get("display_name"), "b")
    target = client_path(device_path("BRIDGE"), user_id=user_id)
    deleted = service.homeserver.client.request(
        "DELETE", target, token=service.as_token, body=b"null"
    )
    check.ok("DELETE", deleted, body={})
    check.equal("devices", service.device_ids(user_id), set())


def test_client_sytest(check: Check, user: User) -> None:
    """sytest, Complement: DELETE without a body; credentials without a session."""
    device, first, second = user.login(), user.login(), user.login()
    session = check.challenge("DELETE", device.request("DELETE", device_path(first.device_id)))
    check.ok("with the session", device.delete(first.device_id, user.auth(session)), body={})
    check.ok("without one", device.delete(second.device_id, user.auth()), body={})


@pytest.mark.capability("query_token")
def test_client_matrix_nio(check: Check, user: User) -> None:
    """matrix-nio: r0 and the token in the query; flows, params and session in a 401."""
    device, target = user.login(), user.login()
    client = user.homeserver.client
    query = {"access_token": device.access_token}
    check.ok("list", client.request("GET", client_path("/devices", "r0", **query)))
    bulk = client_path("/delete_devices", "r0", **query)
    first = client.request("POST", bulk, json={"devices": [target.device_id]})
    session = check.challenge("bulk", first)
    auth = {
        "type": PASSWORD_STAGE,
        "user": user.user_id,
        "password": user.password,
        "session": session,
    }
    done = client.request("POST", bulk, json={"devices": [target.device_id], "auth": auth})
    check.ok("bulk with password", done, body={})
