"""HTTP: keep-alive, pipelining, bodies in pieces, and connections that stop or leave."""

from __future__ import annotations

import contextlib
import os
import socket

import pytest

from matrix_device_conformance.client import TIME_FACTOR, client_path, device_path
from matrix_device_conformance.homeserver import Device, Homeserver
from matrix_device_conformance.server import Server, poll
from raw_http import GET_HEAD, LIST, PUT_HEAD, RawSocket, expect_refusal, request_bytes

pytestmark = pytest.mark.usefixtures("server_goes_on")

CUT_OFF_S = 120  # by when the server has given up on a client that does not go on


def test_keep_alive(raw: RawSocket, device: Device) -> None:
    """Many requests on one connection, errors among them."""
    for number in range(100):
        token = device.access_token if number % 3 else "nobody"
        raw.send(request_bytes("GET", LIST, token))
        answer = raw.response()
        assert answer.status == (200 if number % 3 else 401)
        assert answer.headers.get("Connection", "keep-alive").lower() == "keep-alive"


@pytest.mark.parametrize(
    ("version", "extra", "closes"),
    [
        ("1.1", "", False),
        ("1.1", "Connection: close\r\n", True),
        ("1.0", "", True),
        ("1.0", "Connection: keep-alive\r\n", False),
    ],
)
def test_closing(raw: RawSocket, device: Device, version: str, extra: str, closes: bool) -> None:
    """The connection is closed when the request asks for that."""
    data = request_bytes("GET", LIST, device.access_token, extra=extra)
    raw.send(data.replace(b"HTTP/1.1", b"HTTP/" + version.encode()))
    assert raw.response().status == 200
    if closes:
        assert raw.rest() == b""
    else:
        raw.send(request_bytes("GET", LIST, device.access_token))
        assert raw.response().status == 200


def test_pipelining(raw: RawSocket, homeserver: Homeserver) -> None:
    """Many requests in one go are answered in their order, each as what it is."""
    user = homeserver.new_user()
    device = user.login()
    count = 64
    path = client_path(device_path(device.device_id))
    sent = b""
    for number in range(count):
        body = b'{"display_name": "name %d"}' % number
        sent += request_bytes("PUT", path, device.access_token, body)
        sent += request_bytes("GET", path, device.access_token)
        sent += request_bytes("GET", client_path(f"/devices/UNKNOWN{number}"), device.access_token)
        sent += request_bytes("HEAD", path, device.access_token)
    raw.send(sent)
    for number in range(count):
        assert raw.response("PUT").status == 200
        assert raw.response().json["display_name"] == f"name {number}"
        assert raw.response().errcode == "M_NOT_FOUND"
        assert raw.response("HEAD").raw == b""


def test_pipelining_behind_a_slow_one(raw: RawSocket, homeserver: Homeserver) -> None:
    """A request behind a password check is answered after it, with its effect."""
    user = homeserver.new_user()
    device, target = user.login(), user.login()
    path = client_path(device_path(target.device_id))
    body = b'{"auth": {"type": "m.login.password", "user": "%s", "password": "%s"}}' % (
        user.localpart.encode(),
        user.password.encode(),
    )
    raw.send(
        request_bytes("DELETE", path, device.access_token, body)
        + request_bytes("GET", path, device.access_token)
        + request_bytes("GET", LIST, device.access_token)
    )
    assert raw.response("DELETE").status == 200
    assert raw.response().status == 404
    assert len(raw.response().json["devices"]) == 1


def test_pipelining_without_end(raw: RawSocket, device: Device) -> None:
    """A client that sends and does not read is held back, and gets all its answers."""
    count = 3000
    data = request_bytes("GET", LIST, device.access_token)
    raw.socket.setblocking(False)
    unsent = data * count
    answers = b""
    full = False

    def go_on() -> bool:
        nonlocal unsent, answers, full
        try:
            unsent = unsent[raw.socket.send(unsent[: 1 << 20]) :] if unsent else unsent
        except BlockingIOError:
            full = True
        if full or not unsent:
            try:
                answers += raw.socket.recv(1 << 20)
            except BlockingIOError:
                return False
        return answers.count(b"HTTP/1.1 200") == count

    poll(go_on, 60, f"{count} answers")


def test_chunked_body(raw: RawSocket, device: Device) -> None:
    """A body in chunks is a body."""
    head = request_bytes(
        "PUT",
        client_path(device_path(device.device_id)),
        device.access_token,
        extra="Transfer-Encoding: chunked\r\n",
    )
    raw.send(head + b'8;x=y\r\n{"displa\r\nd\r\ny_name": "c"}\r\n0\r\nTrailer: x\r\n\r\n')
    assert raw.response("PUT").status == 200
    assert device.get().json["display_name"] == "c"


def test_body_byte_by_byte(raw: RawSocket, device: Device) -> None:
    """A request that comes a byte at a time is answered."""
    body = b'{"display_name": "slow"}'
    path = client_path(device_path(device.device_id))
    for byte in request_bytes("PUT", path, device.access_token, body):
        raw.send(bytes([byte]))
    assert raw.response("PUT").status == 200
    assert device.get().json["display_name"] == "slow"


def test_expect_continue(raw: RawSocket, device: Device) -> None:
    """Expect: 100-continue: the server says so, and then answers."""
    body = b'{"display_name": "continued"}'
    path = client_path(device_path(device.device_id))
    data = request_bytes("PUT", path, device.access_token, body, extra="Expect: 100-continue\r\n")
    raw.send(data[: -len(body)])
    assert raw.reader.readline().startswith(b"HTTP/1.1 100")
    assert raw.reader.readline() == b"\r\n"
    raw.send(body)
    assert raw.response("PUT").status == 200


def test_half_closed(raw: RawSocket, device: Device) -> None:
    """A client that closes its half behind the request gets the answer."""
    raw.send(request_bytes("GET", LIST, device.access_token))
    raw.end_sending()
    assert raw.response().status == 200
    assert raw.rest() == b""


def test_half_closed_in_the_middle(server: Server, device: Device) -> None:
    """A client that closes its half within a request: the connection ends."""
    path = client_path(device_path(device.device_id))
    data = request_bytes("PUT", path, device.access_token, b'{"display_name": "cut"}')
    for length in (1, 20, len(data) - 10, len(data) - 1):
        with RawSocket(server.client) as connection:
            connection.send(data[:length])
            connection.end_sending()
            expect_refusal(connection)
    assert device.get().json.get("display_name") != "cut"


def test_client_that_goes_away(homeserver: Homeserver, server: Server) -> None:
    """A client that is gone before its answer: what it asked for is done or not, never half."""
    user = homeserver.new_user()
    device = user.login()
    targets = [user.login() for _ in range(5)]
    for target in targets:
        body = b'{"auth": {"type": "m.login.password", "user": "%s", "password": "%s"}}' % (
            user.localpart.encode(),
            user.password.encode(),
        )
        path = client_path(device_path(target.device_id))
        with RawSocket(server.client) as connection:
            connection.send(request_bytes("DELETE", path, device.access_token, body))
            linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    left = device.device_ids()
    for target in targets:
        status = target.list().status
        assert status == (200 if target.device_id in left else 401) or (
            status == 401 and target.device_id not in device.device_ids()
        )


def test_clients_that_stop(server: Server) -> None:
    """A client that stops in the middle is given up, in bounded time."""
    with contextlib.ExitStack() as stack:
        connections = []
        for beginning in (b"", b"GET ", GET_HEAD, PUT_HEAD + b"Content-Length: 10\r\n\r\n{"):
            connection = stack.enter_context(RawSocket(server.client))
            connection.socket.settimeout(CUT_OFF_S * TIME_FACTOR)
            connection.send(beginning)
            connections.append(connection)
        for connection in connections:
            expect_refusal(connection)


def test_many_idle_connections(server: Server, device: Device) -> None:
    """Hundreds of connections that send nothing are in nobody's way."""
    idle = [RawSocket(server.client) for _ in range(400)]
    try:
        for connection in idle[::2]:
            connection.send(b"GET ")
        assert device.list().status == 200
    finally:
        for connection in idle:
            connection.__exit__(None, None, None)


def test_many_connections_one_after_the_other(server: Server, device: Device) -> None:
    """Connections that are gone leave no file descriptor behind."""
    assert server.process is not None
    folder = f"/proc/{server.process.pid}/fd"

    def open_files() -> int:
        return len(os.listdir(folder))

    before = open_files()
    for _ in range(300):
        with RawSocket(server.client) as connection:
            connection.send(b"GET / HTT")
    assert device.list().status == 200
    poll(lambda: open_files() <= before + 2, 30, f"{before} open files again")
