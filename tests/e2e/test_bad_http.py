"""HTTP that is malformed, ambiguous or too large: an error, or the end of the connection."""

from __future__ import annotations

import contextlib

import pytest

from matrix_device_conformance.client import client_path
from matrix_device_conformance.homeserver import Device, Homeserver
from matrix_device_conformance.server import Server
from raw_http import (
    GET_HEAD,
    LIST,
    PUT_HEAD,
    STATUS_LINE,
    RawSocket,
    expect_refusal,
    request_bytes,
)

pytestmark = pytest.mark.usefixtures("server_goes_on")

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


def test_every_byte(homeserver: Homeserver, device: Device) -> None:
    """Every byte in a token, a device ID and a path is answered with an error."""
    for byte in [*range(0x21, 0x7F), *range(0x80, 0x100)]:
        character = chr(byte)
        for target in (f"{LIST}?access_token={character}", f"{LIST}/{character}", LIST + character):
            with RawSocket(homeserver.client) as connection:
                connection.send(request_bytes("GET", target, extra="Connection: close\r\n"))
                expect_refusal(connection)
    assert device.list().status == 200
