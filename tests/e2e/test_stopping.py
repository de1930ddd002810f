"""O1: what stops a server, how long that takes, and what its exit status says."""

from __future__ import annotations

import fcntl
import http.client
import os
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conftest import Launch
from matrix_device_conformance.client import client_path, device_path
from matrix_device_conformance.homeserver import Homeserver
from matrix_device_conformance.server import Server, poll
from raw_http import RawSocket, request_bytes, unread_bytes

STOP_S = 20  # twice what the server gives itself: a busy machine is late
UNFINISHED = 3  # it has given itself no more


@contextmanager
def load(server: Server) -> Iterator[None]:
    """Clients that ask without a pause, and do not mind being cut."""
    ended = threading.Event()

    def ask() -> None:
        request = request_bytes("GET", client_path("/login"))
        while not ended.is_set():
            try:
                with RawSocket(server.client) as connection:
                    while not ended.is_set():
                        connection.send(request)
                        connection.response()
            except (OSError, http.client.HTTPException):  # the server is gone
                ended.wait(0.02)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def full_pipe(*, blocking: bool) -> tuple[int, int]:
    """Both ends of a pipe that holds as much as it can."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"." * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(writer, blocking)
    return reader, writer


@pytest.mark.parametrize("blocking", [True, False])
def test_O1_stops_while_nobody_reads_the_log(prepare: Launch, blocking: bool) -> None:
    """O1, O8: a log that stands still holds nothing up; the exit status tells of it."""
    server = prepare()
    reader, writer = full_pipe(blocking=blocking)
    server.stderr = writer
    server.start()
    with load(server):
        assert server.client.request("GET", client_path("/login")).status == 200
        server.signal(signal.SIGTERM)
        assert server.wait(STOP_S) == UNFINISHED
    os.close(reader)
    os.close(writer)


def test_O1_stops_while_nobody_reads_the_log_that_blocks_later(prepare: Launch) -> None:
    """O1: the pipe fills while the server runs, with what the server itself writes."""
    server = prepare()
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    server.stderr = writer
    server.start()
    for _ in range(200):
        assert server.client.request("GET", client_path("/login")).status == 200
    server.signal(signal.SIGTERM)
    assert server.wait(STOP_S) == UNFINISHED
    os.close(reader)
    os.close(writer)


def test_O1_stops_while_the_database_stands_still(homeserver: Homeserver, server: Server) -> None:
    """O1: a request that never comes to its end does not keep the server alive."""
    device = homeserver.new_user().login()
    port = server.client.port
    assert port is not None
    lock = sqlite3.connect(server.database, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    target = client_path(device_path(device.device_id))
    with RawSocket(server.client) as connection:
        connection.send(request_bytes("PUT", target, device.access_token, b'{"display_name": "x"}'))
        poll(lambda: unread_bytes(port, connection.port) == 0, 10, "the request is read")
        server.signal(signal.SIGTERM)
        assert server.wait(STOP_S) in (0, UNFINISHED)
    lock.execute("ROLLBACK")
    lock.close()


def test_O1_a_second_signal_ends_it_at_once(launch: Launch) -> None:
    """O1: it does not wait for what it was going to wait for."""
    server = launch()
    port = server.client.port
    assert port is not None
    with RawSocket(server.client) as half:
        half.send(
            b"POST /_matrix/client/v3/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
        )
        poll(lambda: unread_bytes(port, half.port) == 0, 10, "it is read")
        server.signal(signal.SIGTERM)
        poll(lambda: "stopping" in server.output(), 10, "it stops")
        server.signal(signal.SIGTERM)
        assert server.wait(STOP_S) == UNFINISHED
    told = [line.get("message", "") for line in server.log()]
    assert any("told to stop again" in message for message in told)
    assert not any("within 10 s" in message for message in told), "its time was not over"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_O1_a_clean_stop_under_load_is_0(launch: Launch, number: int) -> None:
    """O1: nothing stands still: everything is finished, and the exit status says so."""
    server = launch()
    with load(server):
        poll(lambda: len(server.log()) > 50, 20, "some load")
        server.signal(number)
        assert server.wait(STOP_S) == 0
    server.expect_clean_output()


STUCK_DISK = """
#include <stdlib.h>
#include <unistd.h>
static int stuck(void) {
  while (access(getenv("STUCK"), F_OK) == 0) usleep(10000);
  return 0;
}
int fdatasync(int fd) { (void)fd; return stuck(); }
int fsync(int fd) { (void)fd; return stuck(); }
"""


def test_O1_stops_while_the_disk_stands_still(
    prepare: Launch, open_options: list[str], tmp_path: Path
) -> None:
    """O1: a commit that never returns, and threads that wait for it, keep nothing alive."""
    source = tmp_path / "stuck.c"
    source.write_text(STUCK_DISK)
    shim = tmp_path / "stuck.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, source], check=True)
    stuck = tmp_path / "stuck"
    environment = {
        "LD_PRELOAD": str(shim),
        "STUCK": str(stuck),
        "ASAN_OPTIONS": "verify_asan_link_order=0",
    }
    server = prepare(*open_options, environment=environment).start()
    stuck.touch()
    body = b'{"auth": {"type": "m.login.dummy"}, "username": "stuck", "password": "p"}'
    with RawSocket(server.client) as connection:
        connection.send(request_bytes("POST", client_path("/register"), body=body))
        poll(
            lambda: unread_bytes(server.client.port or 0, connection.port) == 0,
            10,
            "the request is read",
        )
        server.signal(signal.SIGTERM)
        assert server.wait(STOP_S) == UNFINISHED
    assert any("within 10 s" in line.get("message", "") for line in server.log())
