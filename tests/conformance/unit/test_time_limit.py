"""A test's time: it ends, also in a request and among threads, and stands still while paused."""

from __future__ import annotations

import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from matrix_device_conformance import time_limit as module
from matrix_device_conformance.client import Client
from matrix_device_conformance.time_limit import TimeLimit, paused, time_limit


def test_it_ends_a_request_that_is_not_answered() -> None:
    exchanges = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client(f"http://127.0.0.1:{silent.getsockname()[1]}", exchanges.append)
        with pytest.raises(TimeLimit, match="not done within 0 s"), time_limit(0.2):
            client.request("GET", "/x")
    assert exchanges[0].response_body == "no answer within 0 s"


def test_it_ends_waiting_for_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.1)
    over = Event()
    pool = ThreadPoolExecutor(1)
    waiting = pool.submit(over.wait, 60)
    with pytest.raises(TimeLimit), time_limit(0.2), pool:
        waiting.result()
    assert not waiting.done()
    over.set()
    pool.shutdown()


def test_in_time_nothing_is_left_behind() -> None:
    with time_limit(0.2):
        pass
    time.sleep(0.3)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_no_time_passes_while_paused() -> None:
    with time_limit(0.5), paused():
        time.sleep(0.7)
    with pytest.raises(TimeLimit), time_limit(0.3):
        sleep_after_a_pause()


def sleep_after_a_pause() -> None:
    """Too long, all in all."""
    with paused():
        pass
    time.sleep(2)


def test_pausing_without_a_limit_sets_none() -> None:
    with paused():
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
