"""A port that is a test's own, and what a process has used of a processor."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import pytest

from matrix_device_conformance import ports
from matrix_device_conformance.ports import own_port
from matrix_device_conformance.processor_time import processor_seconds


def test_nobody_else_is_given_a_port_that_is_ones_own() -> None:
    mine = {own_port() for _ in range(20)}
    assert len(mine) == 20
    low, high = map(int, ports.GIVEN.read_text().split())
    assert not mine & set(range(low, high + 1))
    command = [sys.executable, "-B", ports.__file__]
    theirs = {
        int(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(3)
    }
    assert not theirs & mine


def test_a_port_on_which_somebody_listens_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", own_port())) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(ports, "LEAST", port)
        monkeypatch.setattr(os, "getpid", lambda: 0)  # from the first of them on
        ports._reserved.clear()
        assert own_port() > port


def test_processor_time_is_that_of_the_process() -> None:
    before, since = processor_seconds(os.getpid()), time.process_time()
    while time.process_time() - since < 0.05:
        pass
    assert 0.05 <= processor_seconds(os.getpid()) - before <= 0.5
    with subprocess.Popen(["sleep", "600"]) as idle:
        assert 0 < processor_seconds(idle.pid) < 0.5
        idle.kill()
    with pytest.raises(ProcessLookupError):
        processor_seconds(idle.pid)
