"""Rows A: who is asking."""

from __future__ import annotations

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import Client, Response, client_path, device_path
from matrix_device_conformance.homeserver import Configured, Device, Homeserver, Service, User
from matrix_device_conformance.server import poll


def list_with(client: Client, *authorization: str, query: str = "") -> Response:
    """GET the list with these Authorization headers."""
    target = client_path("/devices") + (f"?{query}" if query else "")
    headers = [("Authorization", value) for value in authorization]
    return client.request("GET", target, headers=headers)


def test_A1_bearer(check: Check, user: User) -> None:
    """Authorization: Bearer, the scheme in any case."""
    token = user.login().access_token
    for scheme in ("Bearer", "bearer", "BEARER", "bEaReR"):
        check.ok(scheme, list_with(user.homeserver.client, f"{scheme} {token}"))


@pytest.mark.capability("query_token")
def test_A2_query_token(check: Check, user: User) -> None:
    """?access_token= is accepted."""
    device = user.login()
    client = user.homeserver.client
    check.ok("GET", list_with(client, query=f"access_token={device.access_token}"))
    target = client_path(device_path(device.device_id), access_token=device.access_token)
    check.ok("PUT", client.request("PUT", target, json={"display_name": "q"}), body={})
    check.challenge("DELETE", client.request("DELETE", target, json={}))


def test_A2_query_token_off(check: Check, configured: Configured) -> None:
    """With allow_query_token off it is ignored everywhere."""
    device = configured({"allow_query_token": False}).new_user().login()
    client, token = device.user.homeserver.client, device.access_token
    alone = list_with(client, query=f"access_token={token}")
    check.error("query alone", alone, 401, "M_MISSING_TOKEN")
    check.ok("beside the header", list_with(client, f"Bearer {token}", query="access_token=x"))
    twice = "access_token=x&access_token=%zz"
    check.ok("twice beside the header", list_with(client, f"Bearer {token}", query=twice))


def test_A3_missing_token(check: Check, user: User) -> None:
    """No token, or none to rely on, is 401 M_MISSING_TOKEN."""
    client, token = user.homeserver.client, user.login().access_token
    for what, answer in (
        ("no token", list_with(client)),
        ("Basic", list_with(client, "Basic dXNlcjpwYXNz")),
        ("scheme alone", list_with(client, "Bearer")),
        ("empty token", list_with(client, "Bearer ")),
        ("token without scheme", list_with(client, token)),
        ("empty header", list_with(client, "")),
        ("two headers", list_with(client, f"Bearer {token}", f"Bearer {token}")),
        ("empty query token", list_with(client, query="access_token=")),
        (
            "header and query",
            list_with(client, f"Bearer {token}", query=f"access_token={token}"),
        ),
    ):
        check.error(what, answer, 401, "M_MISSING_TOKEN")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/devices"),
        ("GET", "/devices/A"),
        ("PUT", "/devices/A"),
        ("DELETE", "/devices/A"),
        ("POST", "/delete_devices"),
    ],
)
def test_A4_unknown_token(check: Check, homeserver: Homeserver, method: str, path: str) -> None:
    """An unknown token is 401 M_UNKNOWN_TOKEN, not a soft logout."""
    for token in ("nobody", "x" * 4000, "x" * 4097, "é", "';DROP/**/TABLE/**/devices;--"):
        authorization = [("Authorization", f"Bearer {token}")]
        answer = homeserver.client.request(
            method, client_path(path), headers=authorization, body=b"{" if method != "GET" else None
        )
        check.error(f"{method} {path}, {token[:20]}", answer, 401, "M_UNKNOWN_TOKEN")
        check.equal("soft_logout", answer.json.get("soft_logout"), False)


def test_A4_tokens_that_nobody_has(check: Check, homeserver: Homeserver) -> None:
    """With U+0000, not UTF-8 in the header, or over 4 KiB: 401 M_UNKNOWN_TOKEN."""
    client, path = homeserver.client, client_path("/devices")
    for what, answer in (
        ("U+0000 in the query", client.request("GET", f"{path}?access_token=a%00b")),
        ("too long in the query", client.request("GET", f"{path}?access_token={'x' * 4097}")),
        (
            "not UTF-8",
            client.request("GET", path, headers=[("Authorization", "Bearer \xff\xfe")]),
        ),
    ):
        check.error(what, answer, 401, "M_UNKNOWN_TOKEN")
        check.equal(f"{what}: soft_logout", answer.json.get("soft_logout"), False)


def test_A5_expired_token(check: Check, own_homeserver: Homeserver, user: User) -> None:
    """An expired token is 401 M_UNKNOWN_TOKEN, a soft logout."""
    expired = own_homeserver.issue_token(user, "--lifetime", "0s")
    answer = expired.list()
    check.error("GET /devices", answer, 401, "M_UNKNOWN_TOKEN")
    check.equal("soft_logout", answer.json.get("soft_logout"), True)


def test_A6_locked(check: Check, own_homeserver: Homeserver, user: User) -> None:
    """A locked account is 401 M_USER_LOCKED, a soft logout; unlocked, all is as before."""
    device = user.login()
    assert own_homeserver.server is not None
    own_homeserver.server.command("user", "lock", user.localpart)
    for what, answer in (
        ("GET", device.list()),
        ("PUT", device.put(device.device_id, {})),
        ("DELETE", device.delete(device.device_id)),
    ):
        check.error(what, answer, 401, "M_USER_LOCKED")
        check.equal(f"{what}: soft_logout", answer.json.get("soft_logout"), True)
    own_homeserver.server.command("user", "unlock", user.localpart)
    check.ok("unlocked", device.list())


def test_A7_suspended(check: Check, own_homeserver: Homeserver, user: User) -> None:
    """A suspended account goes on with all five endpoints."""
    device, second, third = user.login(), user.login(), user.login()
    assert own_homeserver.server is not None
    own_homeserver.server.command("user", "suspend", user.localpart)
    check.ok("list", device.list())
    check.ok("get", device.get())
    check.ok("put", device.put(device.device_id, {"display_name": "x"}), body={})
    check.ok("delete", device.delete(second.device_id, user.auth()), body={})
    check.ok("bulk", device.delete_devices([third.device_id], user.auth()), body={})
    check.equal("devices left", device.device_ids(), {device.device_id})


@pytest.mark.capability("guests")
def test_A8_guest(check: Check, homeserver: Homeserver) -> None:
    """A guest reads and renames, and deletes nothing."""
    made = homeserver.client.request("POST", client_path("/register", kind="guest"), json={})
    if made.status != 200:
        pytest.skip(f"guests can't register here: {made}")
    guest = homeserver.device_of(User(homeserver, made.json["user_id"], "none"), made.json)
    check.ok("list", guest.list())
    check.ok("get", guest.get())
    check.ok("put", guest.put(guest.device_id, {"display_name": "g"}), body={})
    check.error("delete", guest.delete(guest.device_id), 403, "M_GUEST_ACCESS_FORBIDDEN")
    bulk = guest.delete_devices([guest.device_id])
    check.error("bulk", bulk, 403, "M_GUEST_ACCESS_FORBIDDEN")


def test_A9_service_as_its_sender(check: Check, service: Service) -> None:
    """An application service without user_id acts as its own sender."""
    check.ok("create", service.put("SENDER1", {"display_name": "s"}), status=201, body={})
    plain = service.request("GET", "/devices")
    check.ok("list", plain)
    named = service.request("GET", "/devices", user_id=service.sender)
    check.equal("the same with user_id of the sender", named.json, plain.json)
    check.that(
        "devices",
        "SENDER1" in service.device_ids(service.sender),
        "SENDER1 among them",
        plain.json,
    )


def test_A10_service_as_its_user(check: Check, service: Service) -> None:
    """With user_id in its namespace it acts as that user."""
    user_id, other = service.new_user(), service.new_user()
    check.ok("create", service.put("A", {}, user_id=user_id), status=201, body={})
    check.equal("devices of the user", service.device_ids(user_id), {"A"})
    check.equal("devices of another", service.device_ids(other), set())


def test_A11_service_outside(check: Check, service: Service, user: User) -> None:
    """Outside its namespace, or not registered: 403 M_FORBIDDEN."""
    user.login()
    for what, user_id in (
        ("somebody's account", user.user_id),
        ("another server", f"@{service.prefix}a:elsewhere.example"),
        ("not registered", f"@{service.prefix}nobody:{user.user_id.split(':', 1)[1]}"),
        ("the other service's sender", service.sender.replace("unlimited", "limited")),
        ("no user ID", "x"),
        ("empty", ""),
        ("a suffix more", f"{service.new_user()}.evil.example"),
    ):
        answer = service.request("GET", "/devices", user_id=user_id)
        check.error(what, answer, 403, "M_FORBIDDEN")
        put = service.put("A", {}, user_id=user_id)
        check.error(f"{what}, PUT", put, 403, "M_FORBIDDEN")


def test_A12_service_on_a_device(check: Check, service: Service) -> None:
    """With device_id it acts as that device: last seen is that device's."""
    user_id = service.new_user()
    for device_id in ("ACTED", "OTHER"):
        service.put(device_id, {}, user_id=user_id)
    check.ok("GET", service.request("GET", "/devices", user_id=user_id, device_id="ACTED"))

    def seen() -> bool:
        answer = service.request("GET", device_path("ACTED"), user_id=user_id)
        return "last_seen_ts" in answer.json

    poll(seen, 20, "last_seen_ts of the device acted on")
    other = service.request("GET", device_path("OTHER"), user_id=user_id)
    check.equal("the other device", other.json, {"device_id": "OTHER"})


@pytest.mark.peer_bug("Tuwunel: the wrong code")
def test_A13_service_on_an_unknown_device(check: Check, service: Service) -> None:
    """With a device_id that the user does not have: 400 M_UNKNOWN_DEVICE."""
    user_id, other = service.new_user(), service.new_user()
    service.put("THEIRS", {}, user_id=other)
    for device_id in ("NONE", "THEIRS"):
        answer = service.request("GET", "/devices", user_id=user_id, device_id=device_id)
        check.error(device_id, answer, 400, "M_UNKNOWN_DEVICE")


@pytest.mark.peer_bug("Synapse dropped org.matrix.msc3202.device_id under deployed bridges")
def test_A14_alias(check: Check, service: Service) -> None:
    """org.matrix.msc3202.device_id is an alias; the stable name wins."""
    user_id = service.new_user()
    service.put("MINE", {}, user_id=user_id)

    def ask(**query: str) -> Response:
        return service.request("GET", "/devices", user_id=user_id, **query)

    alias = "org.matrix.msc3202.device_id"
    check.ok("alias", ask(**{alias: "MINE"}))
    check.error("alias, unknown", ask(**{alias: "NONE"}), 400, "M_UNKNOWN_DEVICE")
    check.ok("both the same", ask(**{alias: "MINE", "device_id": "MINE"}))
    check.ok("stable one known", ask(**{alias: "NONE", "device_id": "MINE"}))
    wrong = ask(**{alias: "MINE", "device_id": "NONE"})
    check.error("stable one unknown", wrong, 400, "M_UNKNOWN_DEVICE")


def test_A14_alias_turned_off(check: Check, configured: Configured) -> None:
    """Without device_id_alias the parameter is ignored everywhere."""
    service = configured({"device_id_alias": False}).services["unlimited"]
    user_id = service.new_user()
    alias = "org.matrix.msc3202.device_id"
    unknown = service.request("GET", "/devices", user_id=user_id, **{alias: "NONE"})
    check.ok("alias of no device", unknown)
    broken = service.request("GET", "/devices", user_id=user_id, **{alias: "a\x00"})
    check.ok("alias with U+0000", broken)


def test_A15_user_id_with_an_ordinary_token(check: Check, user: User, other_user: User) -> None:
    """user_id and device_id with an ordinary token are ignored."""
    device: Device = user.login()
    theirs = other_user.login()
    for query in (
        f"user_id={other_user.user_id}",
        "user_id=nonsense",
        "device_id=NONE",
        f"user_id={other_user.user_id}&device_id={theirs.device_id}",
        "org.matrix.msc3202.device_id=NONE",
    ):
        answer = device.request("GET", "/devices", query=query)
        check.ok(f"?{query}", answer)
        ids = {entry["device_id"] for entry in answer.json["devices"]}
        check.that(
            f"?{query}: devices",
            device.device_id in ids and theirs.device_id not in ids,
            "the token's own",
            ids,
        )


def test_A16_answer_of_the_host() -> None:
    """The host's own answer is passed through."""
    pytest.skip("needs a host that answers for itself: not to be brought about from outside")
