"""Rows A1 to A8, A15, A16: who is asking."""

from __future__ import annotations

import pytest

from matrix_device_conformance.check import Check, NotJudged
from matrix_device_conformance.client import Client, Response, client_path, device_path
from matrix_device_conformance.homeserver import Configured, Device, Homeserver, User
from matrix_device_conformance.tests.steps import ids_in, refused, still_there, target_of, waits

NO_ERRCODE = ("M_MISSING_TOKEN", "M_UNKNOWN_TOKEN")


def list_with(client: Client, *authorization: str, query: str = "") -> Response:
    """GET the list with these Authorization headers."""
    target = client_path("/devices") + (f"?{query}" if query else "")
    headers = [("Authorization", value) for value in authorization]
    return client.request("GET", target, headers=headers)


def test_A1_bearer(check: Check, user: User) -> None:
    """Authorization: Bearer, the scheme in any case."""
    token = user.device().access_token
    client = user.homeserver.client
    check.spec.ok("Bearer", list_with(client, f"Bearer {token}"))
    for scheme in ("bearer", "BEARER", "bEaReR"):
        check.ours.ok(scheme, list_with(client, f"{scheme} {token}"))


@pytest.mark.capability("query_token")
def test_A2_query_token(check: Check, user: User) -> None:
    """?access_token= is accepted."""
    device = user.device()
    client = user.homeserver.client
    check.ok("GET", list_with(client, query=f"access_token={device.access_token}"))
    target = client_path(device_path(device.device_id), access_token=device.access_token)
    check.ok("PUT", client.request("PUT", target, json={"display_name": "q"}))
    waits(check, "DELETE", client.request("DELETE", target, json={}))


def test_A2_query_token_off(check: Check, configured: Configured) -> None:
    """With allow_query_token off it is ignored everywhere."""
    device = configured({"allow_query_token": False}).new_user().device()
    client, token = device.user.homeserver.client, device.access_token
    alone = list_with(client, query=f"access_token={token}")
    check.ours.error("query alone", alone, 401, "M_MISSING_TOKEN")
    check.ours.ok("beside the header", list_with(client, f"Bearer {token}", query="access_token=x"))
    twice = "access_token=x&access_token=%zz"
    check.ours.ok("twice beside the header", list_with(client, f"Bearer {token}", query=twice))


def test_A3_missing_token(check: Check, user: User) -> None:
    """No token, or none to rely on, is 401 M_MISSING_TOKEN."""
    client, token = user.homeserver.client, user.device().access_token
    check.spec.error("no token", list_with(client), 401, "M_MISSING_TOKEN")
    for what, answer in (
        ("Basic", list_with(client, "Basic dXNlcjpwYXNz")),
        ("scheme alone", list_with(client, "Bearer")),
        ("empty token", list_with(client, "Bearer ")),
        ("token without scheme", list_with(client, token)),
        ("empty header", list_with(client, "")),
        ("empty query token", list_with(client, query="access_token=")),
    ):
        # Whether such a token is none or an unknown one, the specification leaves open.
        check.spec.error(what, answer, 401, *NO_ERRCODE)
        check.ours.error(what, answer, 401, "M_MISSING_TOKEN")
    two = list_with(client, f"Bearer {token}", f"Bearer {token}")
    check.ours.error("two headers", two, 401, "M_MISSING_TOKEN")
    both = list_with(client, f"Bearer {token}", query=f"access_token={token}")
    check.ours.error("header and query", both, 401, "M_MISSING_TOKEN")


def unknown_token(check: Check, what: str, answer: Response) -> None:
    """401 M_UNKNOWN_TOKEN, not a soft logout."""
    check.error(what, answer, 401, "M_UNKNOWN_TOKEN")
    soft = answer.members.get("soft_logout")
    check.that(f"{what}: soft_logout", soft is not True, "false or absent", soft, answer)
    check.ours.equal(f"{what}: soft_logout", soft, False, answer)


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
    for basis, token in (
        (check.spec, "nobody"),
        (check.spec, "';DROP/**/TABLE/**/devices;--"),
        (check.ours, "x" * 4000),
        (check.ours, "x" * 4097),
        (check.ours, "é"),
    ):
        answer = homeserver.client.request(
            method,
            client_path(path),
            headers=[("Authorization", f"Bearer {token}")],
            body=None if method == "GET" else b"{}",
        )
        unknown_token(basis, f"{method} {path}, {token[:20]}", answer)
        text = str(answer.members.get("error"))
        quoted = len(token) > 5 and token in text
        check.ours.that("error", not quoted, "no token in it", "quotes the token", answer)


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
        unknown_token(check.ours, what, answer)


def test_A4a_replaced_token(check: Check, user: User) -> None:
    """A token that a refresh has replaced is a soft logout while its device is there."""
    device = user.login(refresh=True)
    if device.refresh_token is None:
        raise NotJudged("the homeserver gives no refresh tokens")
    refreshed = user.homeserver.client.request(
        "POST", client_path("/refresh"), json={"refresh_token": device.refresh_token}
    )
    token = refreshed.members.get("access_token")
    if not isinstance(token, str):
        raise NotJudged(f"the token could not be refreshed: {refreshed}")
    new = Device(user, device.device_id, token)
    check.ok("the new token", new.list())  # with its first use the old one is over at the latest
    old = device.list()
    if old.status == 200:
        raise NotJudged("a token that a refresh has replaced goes on working here")
    check.error("the replaced token", old, 401, "M_UNKNOWN_TOKEN")
    soft = old.members.get("soft_logout")
    check.equal("the replaced token: soft_logout", soft, True, old)


def test_A5_expired_token(check: Check, homeserver: Homeserver, user: User) -> None:
    """An expired token is 401 M_UNKNOWN_TOKEN, a soft logout."""
    answer = homeserver.expired_device(user).list()
    check.error("GET /devices", answer, 401, "M_UNKNOWN_TOKEN")
    check.equal("soft_logout", answer.members.get("soft_logout"), True, answer)


def test_A6_locked(check: Check, homeserver: Homeserver, user: User) -> None:
    """A locked account is 401 M_USER_LOCKED, a soft logout; unlocked, all is as before."""
    device, target = user.device(), target_of(user)
    homeserver.lock(user)
    try:
        answers = [
            ("DELETE", device.delete(target.device_id, user.auth())),
            ("POST", device.delete_devices([target.device_id], user.auth())),
            ("PUT", device.put(device.device_id, {})),
            ("GET", device.list()),
        ]
    finally:
        homeserver.unlock(user)
    still_there(check, "unlocked", device, device, target)
    for what, answer in answers:
        check.error(what, answer, 401, "M_USER_LOCKED")
        check.equal(f"{what}: soft_logout", answer.members.get("soft_logout"), True, answer)


def test_A7_suspended(check: Check, homeserver: Homeserver, user: User) -> None:
    """A suspended account goes on with all five endpoints."""
    device, second, third = user.device(), target_of(user), target_of(user)
    homeserver.suspend(user)
    check.ok("list", device.list())
    check.ok("get", device.get())
    check.ok("put", device.put(device.device_id, {"display_name": "x"}))
    check.ok("delete", device.delete(second.device_id, user.auth()))
    check.ok("bulk", device.delete_devices([third.device_id], user.auth()))
    left = ids_in(device.list())
    check.lacks("devices left", left, second.device_id, third.device_id)


@pytest.mark.capability("guests")
def test_A8_guest(check: Check, homeserver: Homeserver) -> None:
    """A guest reads and renames, and deletes nothing."""
    guest = homeserver.guest_device()
    deleted = guest.delete(guest.device_id)
    bulk = guest.delete_devices([guest.device_id])
    listed = guest.list()
    check.includes("devices", ids_in(listed), guest.device_id)
    for what, answer in (("delete", deleted), ("bulk", bulk)):
        refused(check.spec, what, answer, 401, 403)
        check.ours.error(what, answer, 403, "M_GUEST_ACCESS_FORBIDDEN")
    check.ok("list", listed)
    check.ok("get", guest.get())
    check.ok("put", guest.put(guest.device_id, {"display_name": "g"}))


def test_A15_user_id_with_an_ordinary_token(check: Check, user: User, other_user: User) -> None:
    """user_id and device_id with an ordinary token are ignored."""
    device, theirs = user.device(), other_user.device()
    for basis, query in (
        (check.spec, f"user_id={other_user.user_id}"),
        (check.spec, f"user_id={other_user.user_id}&device_id={theirs.device_id}"),
        (check.spec, "user_id=nonsense"),
        (check.spec, "device_id=NONE"),
        (check.ours, "org.matrix.msc3202.device_id=NONE"),
    ):
        answer = device.request("GET", "/devices", query=query)
        ids = ids_in(answer)
        check.spec.lacks(f"?{query}: devices", ids, theirs.device_id)
        basis.ok(f"?{query}", answer)
        basis.includes(f"?{query}: devices", ids, device.device_id)


def test_A16_answer_of_the_host(check: Check, homeserver: Homeserver, user: User) -> None:
    """The host's own answer is passed through."""
    device = user.device()
    expected = homeserver.refuse(user)
    check.ok("GET", device.list(), expected.status, expected.body)
