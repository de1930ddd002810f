"""The HTTP server for tests: how it begins and ends, and what fails."""

from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

from doubles import DEVICES
from matrix_devices import (
    AsyncMemoryHost,
    ConfigurationError,
    Login,
    MemoryHost,
    Request,
    Response,
    Unavailable,
)
from matrix_devices.server import Server
from raw_requests import Raw, head, poll, request


def test_many_connections_at_once(server: Server, login: Login) -> None:
    def work(_number: int) -> None:
        with Raw(server) as raw:
            for _ in range(20):
                raw.send(head("GET", DEVICES, login.access_token))
                assert raw.answer().status == 200

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(32)))


def test_H6_a_connection_without_a_thread_ends_no_other(
    server: Server, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start
    refusals = 3

    def starved(thread: threading.Thread) -> None:
        nonlocal refusals
        if thread.name == "matrix_devices connection" and refusals:
            refusals -= 1
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", starved)
    for _ in range(3):
        with Raw(server) as raw:
            assert raw.rest() == b""
    assert not server._http._connections
    with Raw(server) as raw:
        raw.send(head("GET", DEVICES, login.access_token))
        assert raw.answer().status == 200


def test_accepting_goes_on_when_files_run_out(
    server: Server, login: Login, caplog: pytest.LogCaptureFixture
) -> None:
    listening = server._http.socket

    class Full:
        failures = 5
        failed_at: ClassVar[list[float]] = []

        def __getattr__(self, name: str) -> Any:
            return getattr(listening, name)

        def accept(self) -> Any:
            if self.failures:
                self.failures -= 1
                self.failed_at.append(time.monotonic())
                raise OSError(errno.EMFILE, "Too many open files")
            return listening.accept()

    full = Full()
    server._http.socket = full  # type: ignore[assignment]
    try:
        with Raw(server), Raw(server) as raw:  # the first is what accept() waits for already
            raw.send(head("GET", DEVICES, login.access_token))
            assert raw.answer().status == 200
    finally:
        server._http.socket = listening
    assert full.failed_at[-1] - full.failed_at[0] > 0.3, "it tried again and again without a pause"
    assert "Too many open files" in caplog.text


def test_idle_connections_do_not_hold_up_the_end(server: Server, login: Login) -> None:
    with Raw(server) as idle, Raw(server) as fresh:
        idle.send(head("GET", DEVICES, login.access_token))
        assert idle.answer().status == 200
        poll(lambda: len(server._http._connections) == 2)  # the second is not in the backlog still
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 5
        assert idle.rest() == b""
        assert fresh.rest() == b""
    server.stop()
    with pytest.raises(OSError, match="refused"):
        Raw(server)


def test_what_is_in_flight_is_answered(server: Server, login: Login) -> None:
    begun = threading.Event()
    host = server.host
    assert isinstance(host, MemoryHost | AsyncMemoryHost)
    host.delay_next("list_devices", 0.3)

    def ask() -> int:
        with Raw(server) as raw:
            raw.send(head("GET", DEVICES, login.access_token))
            begun.set()
            answer = raw.answer()
            assert raw.rest() == b""
            return answer.status

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        begun.wait()
        poll(lambda: not host._faults.armed)  # the host has been asked
        server.stop()
        assert asking.result() == 200


def test_a_failing_host_is_a_clear_answer(
    server: Server, login: Login, caplog: pytest.LogCaptureFixture
) -> None:
    host = server.host
    assert isinstance(host, MemoryHost | AsyncMemoryHost)
    host.fail_next("list_devices", Unavailable())
    host.fail_next("list_devices", SystemExit(3))
    with caplog.at_level(logging.ERROR), Raw(server) as raw:
        for status in (503, 500, 200):
            raw.send(head("GET", DEVICES, login.access_token))
            assert raw.answer().status == status
    assert "list_devices() raised SystemExit" in caplog.text
    assert login.access_token not in caplog.text


def test_failures_of_the_account_functions_are_logged(
    server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.host, "refresh", lambda token: 1 / 0)
    with caplog.at_level(logging.ERROR), Raw(server) as raw:
        raw.send(request("POST", "/_matrix/client/v3/refresh", "t", {"refresh_token": "secret"}))
        assert raw.answer("POST").status == 500
        raw.send(head("GET", "/_matrix/client/versions", "t"))
        assert raw.answer().status == 200
    assert "ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text


def test_the_observer_sees_every_answer(host: MemoryHost | AsyncMemoryHost) -> None:
    seen: list[tuple[str, int]] = []

    def observe(request: Request, response: Response) -> None:
        seen.append((request.target, response.status))

    with Server(host, observer=observe) as server, Raw(server) as raw:
        for path in ("/_matrix/client/versions", DEVICES, "/x"):
            raw.send(head("GET", path, "nobody"))
            raw.answer()
    assert seen == [("/_matrix/client/versions", 200), (DEVICES, 401), ("/x", 404)]


def test_ipv6(host: MemoryHost | AsyncMemoryHost) -> None:
    with Server(host, listen=("::1", 0)) as server:
        assert server.url.startswith("http://[::1]:")
        token = host.login("alice", device_id="LAPTOP").access_token
        with Raw(server) as raw:
            raw.send(head("GET", f"{DEVICES}/LAPTOP", token))
            assert raw.answer().json()["last_seen_ip"] == "::1"


def test_an_address_that_is_taken(server: Server) -> None:
    with pytest.raises(OSError, match="in use"):
        Server(MemoryHost(), listen=("127.0.0.1", urlsplit(server.url).port or 0))


def test_a_bad_configuration_leaves_nothing_open(host: MemoryHost | AsyncMemoryHost) -> None:
    with pytest.raises(ConfigurationError, match="unknown_key"):
        Server(host, {"unknown_key": 1})


def test_stopped_without_having_been_started(host: MemoryHost | AsyncMemoryHost) -> None:
    server = Server(host)
    server.stop()
    server.stop()


def test_connections_that_come_at_once_wait_to_be_accepted() -> None:
    server = Server(MemoryHost())  # nobody accepts yet
    url = urlsplit(server.url)
    opened = [socket.create_connection((url.hostname, url.port), timeout=5) for _ in range(64)]
    for connection in opened:
        connection.close()
    server.stop()
