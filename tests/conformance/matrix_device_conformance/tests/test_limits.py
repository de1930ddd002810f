"""Rows L: rate limits, large bodies, deep JSON."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator

import pytest

from matrix_device_conformance.check import Check, NotJudged
from matrix_device_conformance.client import TIME_FACTOR, Response, client_path, device_path
from matrix_device_conformance.homeserver import Configured, Homeserver, User
from matrix_device_conformance.tests.steps import begun, gone, refused, still_there, target_of

MAX_BODY_BYTES = 1024 * 1024
MAX_KEPT_BYTES = 64 * 1024
MAX_DEPTH = 32
MAX_MEMBERS = 128
COLLIDING = 16_000  # of 65,536 a homeserver would be busy for half a minute: none is to be harmed
COLLIDING_LIMIT_S = 1 * TIME_FACTOR
GUESSES = 12


def padded(members: dict, size: int) -> bytes:
    """A JSON object of this many bytes."""
    empty = json.dumps({**members, "padding": ""}).encode()
    return json.dumps({**members, "padding": "x" * (size - len(empty))}).encode()


def nested(depth: int) -> bytes:
    """An object whose member makes it this deep."""
    return b'{"x": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def of_members(count: int) -> dict:
    """An object with this many members."""
    return {"display_name": "x", **{f"k{number}": 0 for number in range(count - 1)}}


@pytest.mark.capability("failure_limit")
@pytest.mark.peer_bug("any", "no Retry-After", got="^None$")
def test_L1_rate_limited(check: Check, user: User) -> None:
    """429 M_LIMIT_EXCEEDED with Retry-After in whole seconds and retry_after_ms."""
    device = user.device()
    answers: list[Response] = []
    while len(answers) < GUESSES and (not answers or answers[-1].status != 429):
        answers.append(device.delete("A", user.wrong_auth()))
    limited = answers[-1]
    if limited.status != 429:
        raise NotJudged(f"{GUESSES} wrong passwords brought no 429, which row U23 is about")
    check.spec.error("429", limited, 429, "M_LIMIT_EXCEEDED")
    told = limited.headers.get("Retry-After")
    # The header is newer than retry_after_ms, and a homeserver should send one of them.
    wait_ms = limited.members.get("retry_after_ms")
    whole = type(wait_ms) is int and wait_ms > 0
    check.spec.that(
        "a wait", told is not None or wait_ms is not None, "Retry-After or retry_after_ms", told
    )
    if told is not None:
        check.spec.that("Retry-After", told.isdigit(), "whole seconds", told, limited)
    check.ours.that("retry_after_ms", whole, "a positive integer", wait_ms, limited)
    rounded_up = str(-(-wait_ms // 1000)) if whole else "whole seconds"
    check.ours.equal("Retry-After", told, rounded_up, limited)


def test_L2_large_body(check: Check, user: User) -> None:
    """A body over 1 MiB is 413 M_TOO_LARGE, after authentication, not parsed."""
    device = user.device()
    path = device_path(device.device_id)
    for what, body in (
        ("JSON", padded({"display_name": "x"}, MAX_BODY_BYTES + 1)),
        ("not JSON", b"{" * (MAX_BODY_BYTES + 1)),
        ("4 MiB", b" " * (4 * MAX_BODY_BYTES)),
    ):
        answer = device.request("PUT", path, body=body)
        check.ours.error(f"PUT, {what}", answer, 413, "M_TOO_LARGE")
        bulk = device.request("POST", "/delete_devices", body=body)
        check.ours.error(f"POST, {what}", bulk, 413, "M_TOO_LARGE")
        if answer.status == 413:
            check.spec.error(f"PUT, {what}", answer, 413, "M_TOO_LARGE")
    most = device.request("PUT", path, body=padded({"display_name": "y"}, MAX_BODY_BYTES))
    check.ours.equal("name", device.get().members.get("display_name"), "y")
    check.ours.ok("PUT of 1 MiB", most)


def test_L2_after_authentication(check: Check, homeserver: Homeserver) -> None:
    """Who is nobody learns that first."""
    body = b" " * (MAX_BODY_BYTES + 1)
    target = client_path("/delete_devices")
    missing = homeserver.client.request("POST", target, body=body)
    check.ours.error("no token", missing, 401, "M_MISSING_TOKEN")
    unknown = homeserver.client.request("POST", target, token="nobody", body=body)
    check.ours.error("unknown token", unknown, 401, "M_UNKNOWN_TOKEN")


def test_L2_configured(check: Check, configured: Configured) -> None:
    """max_body_bytes sets the limit."""
    device = configured({"max_body_bytes": 2000}).new_user().device()
    path = device_path(device.device_id)
    at_most = device.request("PUT", path, body=padded({}, 2000))
    check.ours.ok("2000 bytes", at_most)
    over = device.request("PUT", path, body=padded({}, 2001))
    check.ours.error("2001 bytes", over, 413, "M_TOO_LARGE")


def test_L2_body_kept_as_digest(check: Check, user: User) -> None:
    """Of a body over 64 KiB a session keeps the digest: U8 is then 400 M_BAD_JSON."""
    device, target = user.device(), target_of(user)
    members = {"devices": [target.device_id]}
    body = padded(members, MAX_KEPT_BYTES + 100)
    session = begun(check.ours, "POST", device.request("POST", "/delete_devices", body=body))
    alone = device.request("POST", "/delete_devices", json={"auth": user.auth(session)})
    still_there(check.ours, "auth alone", device, target)
    check.ours.error("auth alone", alone, 400, "M_BAD_JSON")
    whole = {**json.loads(body), "auth": user.auth(session)}
    answer = device.request("POST", "/delete_devices", json=whole)
    gone(check.ours, "the whole body", device, target)
    check.ours.ok("the whole body", answer)


def test_L3_deep_json(check: Check, user: User) -> None:
    """JSON deeper than 32 is 400 M_BAD_JSON; the outermost value counts as 1."""
    device = user.device()
    path = device_path(device.device_id)
    at_most = device.request("PUT", path, body=nested(MAX_DEPTH))
    check.ok("PUT, depth 32", at_most)
    for depth in (MAX_DEPTH + 1, 100, 100_000):
        over = device.request("PUT", path, body=nested(depth))
        check.error(f"PUT, depth {depth}", over, 400, "M_BAD_JSON")
        one = device.request("DELETE", path, body=nested(depth))
        check.error(f"DELETE, depth {depth}", one, 400, "M_BAD_JSON")
        bulk = device.request("POST", "/delete_devices", body=nested(depth))
        check.error(f"POST, depth {depth}", bulk, 400, "M_BAD_JSON")


def test_L3_many_members(check: Check, user: User) -> None:
    """An object with more than 128 members, however deep, is 400 M_BAD_JSON."""
    device = user.device()
    path = device_path(device.device_id)
    at_most = device.request("PUT", path, json=of_members(MAX_MEMBERS))
    check.ok("PUT, 128 members", at_most)
    for what, body in (
        ("129 members", of_members(MAX_MEMBERS + 1)),
        ("16384 members", of_members(16384)),
        ("129 members, nested", {"devices": [], "a": [of_members(MAX_MEMBERS + 1)]}),
    ):
        over = device.request("PUT", path, json=body)
        check.error(f"PUT, {what}", over, 400, "M_BAD_JSON")
        one = device.request("DELETE", path, json=body)
        check.error(f"DELETE, {what}", one, 400, "M_BAD_JSON")
        bulk = device.request("POST", "/delete_devices", json=body)
        check.error(f"POST, {what}", bulk, 400, "M_BAD_JSON")
    auth = {**user.auth(), **of_members(MAX_MEMBERS)}
    check.error("in auth", device.delete("A", auth), 400, "M_BAD_JSON")


def test_L3_members_configured(check: Check, configured: Configured) -> None:
    """max_json_members sets the limit."""
    device = configured({"max_json_members": 8}).new_user().device()
    check.ok("8 members", device.put(device.device_id, of_members(8)))
    check.error("9 members", device.put(device.device_id, of_members(9)), 400, "M_BAD_JSON")


ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
PLACES = 65536
FNV_PRIME = 0x1B3
FNV_BASIS = 0x2325
SALTS = range(0, 256, 16)  # those that Boost.JSON's table may have, by the address of its memory


def hashed(state: int, text: bytes) -> int:
    """FNV-1a, as far as it decides the place in a table."""
    for letter in text:
        state = ((state ^ letter) * FNV_PRIME) % PLACES
    return state


def in_one_place(state: int, count: int) -> list[bytes]:
    """Texts that all end in the place 0 from here."""
    inverse = pow(FNV_PRIME, -1, PLACES)
    ends: dict[int, list[bytes]] = {}  # by the state from which these two letters end there
    for first, last in itertools.product(ALPHABET, repeat=2):
        before_last = last  # of which 0 is made
        before_first = (before_last * inverse) % PLACES ^ first
        ends.setdefault(before_first, []).append(bytes((first, last)))
    found: list[bytes] = []
    for begin in itertools.product(ALPHABET, repeat=2):
        middle = hashed(state, bytes(begin))
        for letter in ALPHABET:
            for end in ends.get(((middle ^ letter) * FNV_PRIME) % PLACES, ()):
                found.append(bytes((*begin, letter)) + end)
    return found[:count]


def colliding_bodies() -> Iterator[bytes]:
    """An object for each salt, whose keys all fall into one place of a table."""
    meeting = hashed(FNV_BASIS, b"meet")
    endings = in_one_place(meeting, COLLIDING)
    for salt in SALTS:
        begin = next(
            bytes(letters)
            for letters in itertools.product(ALPHABET, repeat=4)
            if hashed(FNV_BASIS + salt, bytes(letters)) == meeting
        )
        yield b"{" + b",".join(b'"%s%s":0' % (begin, end) for end in endings) + b"}"


@pytest.mark.last
def test_L3_colliding_keys(check: Check, user: User) -> None:
    """No keys that a client chooses make reading slow."""
    device = user.device()
    path = device_path(device.device_id)

    def seconds(body: bytes) -> float:
        start = time.monotonic()
        answer = device.request("PUT", path, body=body)
        took = time.monotonic() - start
        refused(check, "an object of chosen keys", answer, 200, 400, 413)
        return took

    slowest = 0.0
    for body in colliding_bodies():
        took = seconds(body)
        if took > COLLIDING_LIMIT_S:  # once more: it is not the keys where the machine was busy
            took = min(took, seconds(body))
        slowest = max(slowest, took)
        if slowest > COLLIDING_LIMIT_S:
            break  # that is enough, for the homeserver too
    check.that(
        "keys chosen to collide",
        slowest <= COLLIDING_LIMIT_S,
        f"an answer within {COLLIDING_LIMIT_S:.1f} s",
        f"{slowest:.1f} s",
    )


def test_L4_limiter_memory() -> None:
    """The limiter's memory is bounded."""
    raise NotJudged("memory is not to be seen over HTTP")


def test_L5_shared_counters() -> None:
    """Several processes may share the counters."""
    raise NotJudged("needs a homeserver of several processes that share counters")
