"""The hosts in memory: their clock, and faults that a test plants."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from asking import Asking, device_path
from matrix_devices import Clock, MatrixError, MemoryHost, Module, Timeout, Unavailable
from matrix_devices.memory import hosts


def test_clock() -> None:
    clock = Clock()
    assert abs(clock.now_ms() - time.time() * 1000) < 10_000
    clock.set(5_000)
    assert 5_000 <= clock.now_ms() < 15_000
    clock.advance(1, minutes=1, hours=1)
    assert 3_666_000 <= clock.now_ms() < 3_676_000
    with pytest.raises(ValueError, match="since the epoch"):
        clock.set(-1)


def test_planted_faults(host: MemoryHost, module: Module) -> None:
    alice = Asking(module, host.login("alice").access_token)
    host.fail_next("list_devices", Unavailable())
    host.fail_next("list_devices", MatrixError(403, "ORG_TERMS", "Accept.", uri="u"), times=2)
    host.fail_next("authenticate", Timeout())
    assert alice("GET", "/devices").status == 504
    assert alice("GET", "/devices").status == 503
    for _ in range(2):
        answer = alice("GET", "/devices")
        assert (answer.status, answer.json()["uri"]) == (403, "u")
    assert alice("GET", "/devices").status == 200
    host.fail_next("list_devices", RuntimeError("planted"))
    assert alice("GET", "/devices").status == 500
    host.fail_next("get_device", Unavailable(), times=100)
    host.clear_faults()
    assert alice("GET", "/devices/NONE").status == 404


def test_bad_faults(host: MemoryHost) -> None:
    with pytest.raises(ValueError, match="list_devices"):
        host.fail_next("list_device", Unavailable())
    with pytest.raises(ValueError, match="times"):
        host.fail_next("list_devices", Unavailable(), times=0)
    with pytest.raises(ValueError, match="delay"):
        host.delay_next("list_devices", -1)


def test_a_delayed_call_lets_others_pass(host: MemoryHost, monkeypatch: pytest.MonkeyPatch) -> None:
    others_passed = threading.Event()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        assert others_passed.wait(60)

    monkeypatch.setattr(hosts, "time", SimpleNamespace(sleep=sleep))
    host.delay_next("get_device", 0.2)
    order: list[str] = []

    def ask(what: str, path: str) -> None:
        alice("GET", path)
        order.append(what)

    with Module.open(host) as module, ThreadPoolExecutor() as pool:
        alice = Asking(module, host.login("alice", device_id="A").access_token)
        slow = pool.submit(ask, "slow", device_path("A"))
        deadline = time.monotonic() + 30
        while host._faults.armed:  # until the slow one has begun
            assert time.monotonic() < deadline
            time.sleep(0.001)
        ask("quick", "/devices")
        others_passed.set()
        slow.result()
    assert order == ["quick", "slow"]
    assert slept == [0.2]
