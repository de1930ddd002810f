"""Bodies whose keys all fall into one bucket of the table that they could be kept in (L3)."""

from __future__ import annotations

import functools
import itertools
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from accounts import Site
from matrix_device_conformance.client import TIME_FACTOR, Response, device_path
from matrix_device_conformance.homeserver import Device
from matrix_device_conformance.processor_time import processor_seconds

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# As Boost.JSON 1.81 places the members of an object: by FNV-1a with this prime. The start is salted
# with an address, of which only the low byte counts, and that has 16 values.
PRIME = 0x1B3
START = 0x2325
BUCKETS = 0x10000
SALTS = range(0, 256, 16)

SLOWER = 3
NOTICEABLE_S = 0.1  # below that, two times are the same
HELD_UP_S = 3.0  # one body that is hashed takes half a minute

REQUESTS = [("PUT", "PHONE"), ("DELETE", "PHONE"), ("POST", None)]


def hashed(key: bytes, salt: int) -> int:
    """The bucket of a key."""
    state = START + salt
    for letter in key:
        state = ((state ^ letter) * PRIME) % BUCKETS
    return state


def colliding_keys(salt: int, count: int) -> list[bytes]:
    """Keys of six letters in bucket 0 of 65,536, and so of any smaller power of two."""
    inverse = pow(PRIME, -1, BUCKETS)
    endings: dict[int, list[bytes]] = {}
    for ending in itertools.product(ALPHABET, repeat=2):
        state = 0
        for letter in reversed(ending):
            state = (state * inverse) % BUCKETS ^ letter
        endings.setdefault(state, []).append(bytes(ending))
    starts = (bytes(start) for start in itertools.product(ALPHABET, repeat=4))
    keys = (start + ending for start in starts for ending in endings.get(hashed(start, salt), ()))
    return list(itertools.islice(keys, count))


def scattered_keys(count: int) -> list[bytes]:
    """As many others, of the same length."""
    source = random.Random(count)
    keys: set[bytes] = set()
    while len(keys) < count:
        keys.add(bytes(source.choices(ALPHABET, k=6)))
    return sorted(keys)


def body_of(keys: list[bytes]) -> bytes:
    """An object with these keys."""
    return b"{" + b",".join(b'"%s":0' % key for key in keys) + b"}"


@functools.cache
def bodies(count: int) -> list[tuple[bytes, bytes]]:
    """For each salt a body that collides, and one that does not."""
    plain = body_of(scattered_keys(count))
    return [(body_of(colliding_keys(salt, count)), plain) for salt in SALTS]


def send(
    pid: int, device: Device, method: str, target: str | None, body: bytes
) -> tuple[float, Response]:
    """What a request with this body takes of a processor, and its answer."""
    path = "/delete_devices" if target is None else device_path(target)
    before = processor_seconds(pid)
    answer = device.request(method, path, body=body)
    return processor_seconds(pid) - before, answer


class Waits:
    """How long somebody else's requests take, one after the other."""

    def __init__(self, device: Device) -> None:
        self.seconds: list[float] = []
        self.statuses: set[int] = set()
        self._device = device
        self._ended = threading.Event()

    def ask(self) -> None:
        """Until `end`."""
        while not self._ended.is_set():
            started = time.perf_counter()
            self.statuses.add(self._device.list().status)
            self.seconds.append(time.perf_counter() - started)

    def end(self) -> None:
        """No more requests."""
        self._ended.set()


@contextmanager
def somebody_else(device: Device) -> Iterator[Waits]:
    """Asks for their devices all the while."""
    waits = Waits(device)
    thread = threading.Thread(target=waits.ask)
    thread.start()
    try:
        yield waits
    finally:
        waits.end()
        thread.join()


def test_the_keys_collide() -> None:
    """What the flood is made of."""
    for salt in (0, 0xF0):
        keys = colliding_keys(salt, 16384)
        assert len(set(keys)) == 16384
        assert {hashed(key, salt) for key in keys} == {0}
    assert len({hashed(key, 0) for key in scattered_keys(16384)}) > 10000


@pytest.mark.better
@pytest.mark.parametrize(("method", "target"), REQUESTS, ids=[method for method, _ in REQUESTS])
@pytest.mark.parametrize("count", [16384, 65536])
def test_L3_colliding_keys_cost_no_more(
    site: Site, method: str, target: str | None, count: int
) -> None:
    """No salt makes them slower than keys that do not collide; nobody else waits for them."""
    user = site.new_user()
    device, other = user.login("PHONE"), site.new_user().login()
    flood: list[float] = []
    plain: list[float] = []
    all_bodies = bodies(count)
    with somebody_else(other) as waits:
        for bodies_of_salt in all_bodies:
            for seconds, body in zip((flood, plain), bodies_of_salt, strict=True):
                taken, answer = send(site.main.pid, device, method, target, body)
                assert (answer.status, answer.errcode) == (400, "M_BAD_JSON"), str(answer)
                seconds.append(taken)
    median = sorted(plain)[len(plain) // 2]
    print(f"{method}, {count} keys: {max(flood):.3f} s, {median:.3f} s without collisions;")
    print(f"others waited up to {max(waits.seconds):.3f} s")
    assert max(flood) <= SLOWER * max(median, NOTICEABLE_S)
    assert waits.statuses == {200}
    assert max(waits.seconds) < HELD_UP_S * TIME_FACTOR
