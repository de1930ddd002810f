"""L3: keys that a client chooses make no body slow to read, whoever sends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from matrix_device_conformance.client import TIME_FACTOR, client_path, device_path
from matrix_device_conformance.homeserver import Homeserver

LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
PRIME = 0x1B3
BEGIN = 0x2325
MASK = 0xFFFF
# Of a large table the address, and with it the salt, nearly always ends in one of these.
SALTS = (0x10, 0x20, 0x40, 0x80)
SLACK_S = 0.5 * TIME_FACTOR


def colliding_keys(salt: int, count: int) -> list[bytes]:
    """Keys that FNV-1a, begun with this salt, puts into one bucket of a table of 65536."""
    inverse = pow(PRIME, -1, MASK + 1)
    ends: dict[int, list[bytes]] = {}  # two letters that lead from a state to bucket 0
    for first in LETTERS:
        for second in LETTERS:
            before = (second * inverse & MASK) ^ first
            ends.setdefault(before, []).append(bytes((first, second)))
    keys: list[bytes] = []
    for key, state in prefixes((BEGIN + salt) & MASK, 4):
        keys += (key + end for end in ends.get(state, ()))
        if len(keys) >= count:
            return keys[:count]
    raise AssertionError("too few keys of six letters")


def prefixes(state: int, letters: int) -> Iterator[tuple[bytes, int]]:
    """All texts of so many letters, and the states that they lead to."""
    for letter in LETTERS:
        key, after = bytes((letter,)), (state ^ letter) * PRIME & MASK
        if letters == 1:
            yield key, after
        else:
            yield from ((key + rest, end) for rest, end in prefixes(after, letters - 1))


def body_of(keys: list[bytes]) -> bytes:
    """An object that has them all."""
    return b"{" + b",".join(b'"%s":0' % key for key in keys) + b"}"


def took(send: Callable[[], object]) -> float:
    """The least of three tries, in seconds."""
    times = []
    for _ in range(3):
        begin = time.monotonic()
        send()
        times.append(time.monotonic() - begin)
    return min(times)


@pytest.mark.parametrize("count", [16384, 65536])
def test_L3_chosen_keys(homeserver: Homeserver, count: int) -> None:
    """On /login, before anybody is authenticated, and on PUT: 400, as fast as other keys."""
    device = homeserver.new_user().login()
    client = homeserver.client
    token = device.access_token

    def login(body: bytes) -> None:
        answer = client.request("POST", client_path("/login"), body=body)
        assert (answer.status, answer.errcode) == (400, "M_BAD_JSON"), str(answer)

    def put(body: bytes) -> None:
        path = client_path(device_path(device.device_id))
        answer = client.request("PUT", path, token=token, body=body)
        assert (answer.status, answer.errcode) == (400, "M_BAD_JSON"), str(answer)

    innocent = body_of([b"%06d" % number for number in range(count)])
    for send in (login, put):
        usual = took(lambda send=send: send(innocent))
        for salt in SALTS:
            chosen = body_of(colliding_keys(salt, count))
            assert len(chosen) == len(innocent)
            slow = took(lambda send=send, chosen=chosen: send(chosen))
            assert slow <= 3 * usual + SLACK_S, f"{send.__name__}, salt {salt}: {slow:.2f} s"
