"""O9: where the server listens, and how whoever started it learns that it does."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Launch
from matrix_device_conformance.client import SOCKET_TIMEOUT_S, TIME_FACTOR, client_path
from matrix_device_conformance.ports import own_port
from matrix_device_conformance.server import Server, poll

# Passes a socket that listens on as file 3, as systemd does, and becomes the server.
PASS_ON = """
import os, socket, sys
kind, where, *command = sys.argv[1:]
if kind == "unix":
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(where)
else:
    listener = socket.socket()
    listener.bind(("127.0.0.1", int(where)))
if kind != "deaf":
    listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(command[0], command)
"""


class UnixConnection(http.client.HTTPConnection):
    """To a path."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=SOCKET_TIMEOUT_S)
        self.path = str(path)

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def get(connection: http.client.HTTPConnection, target: str, **headers: str) -> tuple[int, bytes]:
    """GET; status and body."""
    try:
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


LOGIN = client_path("/login")


def start_on_path(server: Server) -> None:
    """Start one that listens on a path."""
    server.spawn()
    poll(lambda: f"listening on {server.listen}" in server.output(), 30, "it listens")


@pytest.fixture
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a path that is short enough for a socket."""
    return tmp_path_factory.mktemp("u")


def test_O9_listens_on_a_unix_socket(prepare: Launch, short: Path) -> None:
    """O9: for its owner and its group; the file goes when the server does."""
    path = short / "http.sock"
    server = prepare(listen=f"unix:{path}")
    before = os.umask(0)
    try:
        start_on_path(server)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert get(UnixConnection(path), LOGIN)[0] == 200
    server.stop()
    assert not path.exists()


def test_O9_a_stale_unix_socket_is_replaced(prepare: Launch, short: Path) -> None:
    """O9: nobody listens on it any more."""
    path = short / "http.sock"
    server = prepare(listen=f"unix:{path}")
    start_on_path(server)
    server.kill()
    assert path.exists()
    start_on_path(server)
    assert get(UnixConnection(path), LOGIN)[0] == 200
    server.stop()
    assert not path.exists()


def expect_refusal(server: Server, words: str) -> None:
    """It ends by itself and says why."""
    server.spawn()
    assert server.wait() == 1
    assert words in server.output()


def test_O9_a_unix_socket_that_is_listened_on_is_left(prepare: Launch, short: Path) -> None:
    """O9: two servers can't have one."""
    path = short / "http.sock"
    first = prepare(listen=f"unix:{path}")
    start_on_path(first)
    expect_refusal(prepare(listen=f"unix:{path}"), "another process listens there")
    assert get(UnixConnection(path), LOGIN)[0] == 200


def test_O9_a_file_that_is_no_socket_is_left(prepare: Launch, short: Path) -> None:
    """O9: nothing is removed that is no socket."""
    path = short / "precious"
    path.write_text("precious")
    expect_refusal(prepare(listen=f"unix:{path}"), "is no socket")
    assert path.read_text() == "precious"


def test_O9_a_path_that_is_too_long_is_refused(prepare: Launch, short: Path) -> None:
    """O9: with the length that there may be."""
    expect_refusal(prepare(listen=f"unix:{short}/{'x' * 110}"), "longer than 107 bytes")


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_O9_sockets_that_are_passed_on_come_first(
    binary: str, short: Path, tmp_path: Path, kind: str
) -> None:
    """O9: LISTEN_FDS; what connected before the start is answered too."""
    path = short / "passed.sock"
    port = own_port()
    output = tmp_path / "output"
    with (
        output.open("wb") as file,
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                PASS_ON,
                kind,
                str(path) if kind == "unix" else str(port),
                binary,
                "--database",
                str(tmp_path / "devices.db"),
                "--server-name",
                "example.org",
            ],
            stdout=file,
            stderr=file,
        ) as process,
    ):
        expected = f"unix:{path}" if kind == "unix" else f"http://127.0.0.1:{port}"
        poll(lambda: f"listening on {expected}" in output.read_text(), 30, "it listens")
        for _ in range(8):
            connection = (
                UnixConnection(path)
                if kind == "unix"
                else http.client.HTTPConnection("127.0.0.1", port, timeout=SOCKET_TIMEOUT_S)
            )
            assert get(connection, LOGIN)[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20 * TIME_FACTOR) == 0
    # It is whoever made it that removes it.
    assert path.exists() == (kind == "unix")


def test_O9_a_passed_on_socket_that_does_not_listen_is_refused(binary: str, tmp_path: Path) -> None:
    """O9: with the file's number."""
    done = subprocess.run(
        [
            *(sys.executable, "-c", PASS_ON, "deaf", "0", binary),
            *("--database", str(tmp_path / "devices.db"), "--server-name", "example.org"),
        ],
        capture_output=True,
        text=True,
        timeout=60 * TIME_FACTOR,
        check=False,
    )
    assert done.returncode == 1
    assert "file 3 of LISTEN_FDS" in done.stderr


@pytest.fixture
def notified(short: Path) -> Iterator[socket.socket]:
    """Where NOTIFY_SOCKET leads."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(short / "notify"))
        receiver.settimeout(SOCKET_TIMEOUT_S)
        yield receiver


def test_O9_tells_systemd_of_its_life(prepare: Launch, notified: socket.socket) -> None:
    """O9: READY=1 when it answers, RELOADING=1 and READY=1 around a reload, STOPPING=1."""
    server = prepare(environment={"NOTIFY_SOCKET": notified.getsockname()})
    server.spawn()
    assert notified.recv(4096) == b"READY=1"
    assert server.start_is_over().client.request("GET", LOGIN).status == 200
    server.signal(signal.SIGHUP)
    reloading = notified.recv(4096)
    assert reloading.startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    assert notified.recv(4096) == b"READY=1"
    server.signal(signal.SIGTERM)
    assert notified.recv(4096) == b"STOPPING=1"
    assert server.wait() == 0


@pytest.mark.parametrize("trusted", [True, False])
def test_O9_whom_a_unix_socket_brings(
    prepare: Launch, open_options: list[str], short: Path, trusted: bool
) -> None:
    """O9: it has no address: X-Forwarded-For counts with --trust-proxy unix, and only then."""
    path = short / "http.sock"
    options = [*open_options, *(["--trust-proxy", "unix"] if trusted else [])]
    server = prepare(*options, listen=f"unix:{path}")
    start_on_path(server)
    server.command("user", "add", "alice", stdin="secret\n")
    token = server.command("token", "issue", "alice").stdout.strip()
    headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": "192.0.2.7"}
    target = client_path("/devices")
    poll(
        lambda: get(UnixConnection(path), target, **headers)[0] == 200,
        10,
        "the token is known",
    )

    def address() -> str | None:
        status, body = get(UnixConnection(path), target, **headers)
        assert status == 200
        return json.loads(body)["devices"][0]["last_seen_ip"]

    if trusted:
        poll(lambda: address() == "192.0.2.7", 20, "the client's address")
    else:
        assert address() in (None, "")
    server.stop()
