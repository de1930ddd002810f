"""HTTP: keep-alive, pipelining, and whatever else comes in on a socket."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Iterator

import pytest

from matrix_device_conformance.client import TIME_FACTOR, client_path, device_path
from matrix_device_conformance.homeserver import Device, Homeserver
from matrix_device_conformance.server import Server, poll
from raw_http import RawSocket, request_bytes

LIST = client_path("/devices")
STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
CUT_OFF_S = 120  # by when the server has given up on a client that does not go on


@pytest.fixture
def device(homeserver: Homeserver) -> Device:
    """A logged-in device."""
    return homeserver.new_user().login()


@pytest.fixture
def raw(server: Server) -> Iterator[RawSocket]:
    """A connection."""
    with RawSocket(server.client) as connection:
        yield connection


@pytest.fixture(autouse=True)
def _server_goes_on(homeserver: Homeserver, server: Server) -> Iterator[None]:
    """After each test the process is the same, and serves."""
    before = server.process
    yield
    assert server.process is before
    assert homeserver.client.request("GET", client_path("/login")).status == 200


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


GET_HEAD = b"GET " + LIST.encode() + b" HTTP/1.1\r\nHost: x\r\n"
PUT_HEAD = b"PUT " + client_path("/devices/A").encode() + b" HTTP/1.1\r\nHost: x\r\n"
MALFORMED = {
    "line feeds": b"\n\n\n\n",
    "NUL": b"\x00" * 100,
    "high bytes": b"\xff" * 1000,
    "a word": b"hello\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "bad version": b"GET / HTTP/9.9\r\n\r\n",
    "no digits": b"GET / HTTP/x.y\r\n\r\n",
    "lower-case http": b"GET / http/1.1\r\n\r\n",
    "two spaces": b"GET  /  HTTP/1.1\r\n\r\n",
    "space in target": b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "control in target": b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in target": b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "no target": b"GET HTTP/1.1\r\n\r\n",
    "no method": b" / HTTP/1.1\r\n\r\n",
    "method of signs": b"G@T / HTTP/1.1\r\n\r\n",
    "header without colon": GET_HEAD + b"Nonsense\r\n\r\n",
    "space before colon": GET_HEAD + b"Authorization : Bearer x\r\n\r\n",
    "empty name": GET_HEAD + b": x\r\n\r\n",
    "NUL in value": GET_HEAD + b"X: a\x00b\r\n\r\n",
    "CR in value": GET_HEAD + b"X: a\rb\r\n\r\n",
    "bad length": PUT_HEAD + b"Content-Length: x\r\n\r\n",
    "negative length": PUT_HEAD + b"Content-Length: -1\r\n\r\n",
    "two lengths": PUT_HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "length overflow": PUT_HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n",
    "hexadecimal length": PUT_HEAD + b"Content-Length: 0x2\r\n\r\n{}",
    "length and chunks": PUT_HEAD
    + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bad chunk size": PUT_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "chunk overflow": PUT_HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n",
    "chunk too short": PUT_HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
    "chunk extension without end": PUT_HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n2;"
    + b"x" * 200_000,
    "trailers without end": PUT_HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
    + b"X: y\r\n" * 50_000,
    "header without end": GET_HEAD + b"X: " + b"x" * (4 << 20),
    "name without end": GET_HEAD + b"x" * (4 << 20),
    "headers without end": GET_HEAD + b"X: y\r\n" * 500_000,
    "target without end": b"GET /" + b"x" * (4 << 20),
    "method without end": b"G" * (4 << 20),
    "TLS": bytes.fromhex("16030100c8010000c40303") + b"\x42" * 190,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "SSH": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
}


def expect_refusal(connection: RawSocket) -> None:
    """Nothing but errors comes, and then the end."""
    rest = connection.rest()
    assert rest == b"" or STATUS_LINE.match(rest), rest[:500]
    for status in STATUS_LINE.findall(rest):
        assert status[:1] in (b"4", b"5"), rest[:500]


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed(server: Server, raw: RawSocket, device: Device, what: str) -> None:
    """What is no HTTP gets an error or nothing, and the connection ends."""
    with contextlib.suppress(OSError):  # the server may have closed already
        raw.send(MALFORMED[what])
        raw.end_sending()
    expect_refusal(raw)
    assert device.list().status == 200


@pytest.mark.parametrize("what", ["length and chunks", "two lengths"])
def test_no_smuggling(raw: RawSocket, device: Device, what: str) -> None:
    """A request whose length is ambiguous is refused, and nothing behind it is answered."""
    behind = request_bytes("GET", LIST, device.access_token)
    raw.send(MALFORMED[what] + behind)
    answers = raw.rest()
    statuses = STATUS_LINE.findall(answers)
    assert len(statuses) <= 1, answers[:500]
    assert b"200" not in statuses


@pytest.mark.parametrize(
    ("what", "extra"),
    [
        ("one of 8000 bytes", "X: " + "x" * 8000 + "\r\n"),
        ("a hundred", "".join(f"X-{number}: y\r\n" for number in range(100))),
        ("folded", "X: a\r\n b\r\n"),
        ("not ASCII", "X-Y: \u00fc\r\n"),
    ],
)
def test_odd_headers(raw: RawSocket, device: Device, what: str, extra: str) -> None:
    """Headers that are odd, and no more: an answer, whatever it is."""
    raw.send(request_bytes("GET", LIST, device.access_token, extra=extra))
    assert raw.response().status in (200, 400, 431), what


def test_large_headers(raw: RawSocket, device: Device) -> None:
    """Headers over the limit are refused, not read."""
    raw.send(request_bytes("GET", LIST, device.access_token, extra="X: " + "x" * 100_000 + "\r\n"))
    assert raw.response().status in (400, 431)


def test_large_body_is_not_read(raw: RawSocket, device: Device) -> None:
    """A length over the limit is 413 before the body is sent."""
    data = request_bytes("PUT", client_path("/devices/A"), device.access_token)
    raw.send(data.replace(b"\r\n\r\n", b"\r\nContent-Length: 1000000000\r\n\r\n"))
    answer = raw.response("PUT")
    assert (answer.status, answer.errcode) == (413, "M_TOO_LARGE")


def test_large_chunked_body(raw: RawSocket, device: Device) -> None:
    """A body in chunks that goes over the limit is 413, and does not go on."""
    raw.send(
        request_bytes(
            "PUT",
            client_path("/devices/A"),
            device.access_token,
            extra="Transfer-Encoding: chunked\r\n",
        )
    )
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    try:
        for _ in range(2048):
            raw.send(chunk)
    except OSError:
        return  # closed while we were still sending
    assert raw.response("PUT").status == 413


def test_after_a_large_body(raw: RawSocket, device: Device) -> None:
    """A connection either goes on behind a body over the limit, or is closed."""
    body = b" " * (2 << 20)
    put = request_bytes("PUT", client_path("/devices/A"), device.access_token, body)
    get = request_bytes("GET", LIST, device.access_token)
    try:
        raw.send(put + get)
    except OSError:
        return
    assert raw.response("PUT").status == 413
    rest = raw.reader.peek(1)
    if rest:
        assert raw.response().status == 200


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


def test_every_byte(homeserver: Homeserver, device: Device) -> None:
    """Every byte in a token, a device ID and a path is answered with an error."""
    for byte in [*range(0x21, 0x7F), *range(0x80, 0x100)]:
        character = chr(byte)
        for target in (f"{LIST}?access_token={character}", f"{LIST}/{character}", LIST + character):
            with RawSocket(homeserver.client) as connection:
                connection.send(request_bytes("GET", target, extra="Connection: close\r\n"))
                expect_refusal(connection)
    assert device.list().status == 200
