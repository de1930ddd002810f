"""The HTTP server for tests: bodies, and what is no request."""

from __future__ import annotations

import socket
import struct

import pytest

from doubles import DEVICES
from matrix_devices import Login
from matrix_devices.server import Server
from raw_requests import LIMIT, Raw, head, poll, request


def test_a_body_at_the_limit_and_over_it(server: Server, login: Login) -> None:
    path = f"{DEVICES}/LAPTOP"
    at_most = b'{"display_name": "x"}'.ljust(LIMIT)
    with Raw(server) as raw:
        line = f"Content-Length: {LIMIT}"
        raw.send(head("PUT", path, login.access_token, line) + at_most)
        assert raw.answer("PUT").status == 200
        # Not sent before the answer is there, and never all of it.
        raw.send(head("PUT", path, login.access_token, "Content-Length: 1000000000"))
        answer = raw.answer("PUT")
        assert (answer.status, answer.json()["errcode"]) == (413, "M_TOO_LARGE")
        assert answer.headers["Connection"] == "close"
        assert raw.rest() == b""


def test_the_answer_to_a_large_body_arrives(server: Server, login: Login) -> None:
    """Also if the client sends all of it before it reads."""
    body = b" " * (8 << 20)
    with Raw(server) as raw:
        line = f"Content-Length: {len(body)}"
        raw.send(head("PUT", f"{DEVICES}/LAPTOP", login.access_token, line) + body)
        assert raw.answer("PUT").status == 413
        assert raw.rest() == b""


def test_who_is_nobody_learns_that_first(server: Server) -> None:
    with Raw(server) as raw:
        raw.send(head("PUT", f"{DEVICES}/LAPTOP", "nobody", "Content-Length: 1000000"))
        assert raw.answer("PUT").status == 401
        assert raw.rest() == b""


def test_expect_continue(server: Server, login: Login) -> None:
    with Raw(server) as raw:
        lines = ("Content-Length: 2", "Expect: 100-continue")
        raw.send(head("PUT", f"{DEVICES}/LAPTOP", login.access_token, *lines))
        assert raw.reader.readline().startswith(b"HTTP/1.1 100 ")
        assert raw.reader.readline() == b"\r\n"
        raw.send(b"{}")
        assert raw.answer("PUT").status == 200


CHUNKED = "Transfer-Encoding: chunked"


def chunked(token: str, body: bytes, *lines: str, version: str = "1.1") -> bytes:
    """A rename whose body is in chunks, which are given as they go over the wire."""
    path = f"{DEVICES}/LAPTOP"
    return head("PUT", path, token, *(lines or (CHUNKED,)), version=version) + body


@pytest.mark.parametrize(
    "body",
    [
        b'14\r\n{"display_name":"n"}\r\n0\r\n\r\n',
        b'1\r\n{\r\n0013\r\n"display_name":"n"}\r\n000\r\n\r\n',
        b'14;a;b=c;d="e"\r\n{"display_name":"n"}\r\n0;last\r\n\r\n',
        b'14 ; a\r\n{"display_name":"n"}\r\n0\r\nX: y\r\n\r\n',
        b'a\r\n          \r\nA\r\n          \r\n14\r\n{"display_name":"n"}\r\n0\r\n\r\n',
    ],
)
def test_bodies_in_chunks(server: Server, login: Login, body: bytes) -> None:
    with Raw(server) as raw:
        for byte_by_byte in (False, True):
            data = chunked(login.access_token, body)
            for part in [bytes([b]) for b in data] if byte_by_byte else [data]:
                raw.send(part)
            assert raw.answer("PUT").status == 200
            raw.send(head("GET", f"{DEVICES}/LAPTOP", login.access_token))
            assert raw.answer().json()["display_name"] == "n"


def test_O10_trailers_are_dropped(server: Server, login: Login) -> None:
    trailer = f"Authorization: Bearer {login.access_token}\r\nConnection: close\r\n".encode()
    body = b'14\r\n{"display_name":"n"}\r\n0\r\n' + trailer + b"\r\n"
    with Raw(server) as raw:
        raw.send(chunked("nobody", body))
        answer = raw.answer("PUT")
        assert (answer.status, answer.headers["Connection"]) == (401, None)
        raw.send(head("GET", f"{DEVICES}/LAPTOP", login.access_token))
        assert raw.answer().json()["display_name"] == "Laptop"


@pytest.mark.parametrize(
    "body",
    [
        b"\r\n",
        b"x\r\n",
        b"+2\r\n{}\r\n0\r\n\r\n",
        b"0x2\r\n{}\r\n0\r\n\r\n",
        b"2_0\r\n",
        b" 2\r\n{}\r\n0\r\n\r\n",
        b"-2\r\n{}\r\n0\r\n\r\n",
        "\u0662\r\n{}\r\n0\r\n\r\n".encode(),
        b"2\n{}\r\n0\r\n\r\n",
        b"2\r\n{}\n0\r\n\r\n",
        b"2\r\n{}0\r\n\r\n",
        b"2\r\n{}XX0\r\n\r\n",
        b"1\r\n{}\r\n0\r\n\r\n",
        b"2;\x00\r\n{}\r\n0\r\n\r\n",
        b"2;a\rb\r\n{}\r\n0\r\n\r\n",
        b"2;" + b"a" * 2000 + b"\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}\r\n0\r\nno colon\r\n\r\n",
        b"2\r\n{}\r\n0\r\n: nameless\r\n\r\n",
        b"2\r\n{}\r\n0\r\nX: y\n\r\n",
        b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    ],
)
def test_broken_chunks_are_refused(server: Server, login: Login, body: bytes) -> None:
    with Raw(server) as raw:
        raw.send(chunked(login.access_token, body) + head("GET", DEVICES, login.access_token))
        assert raw.answer("PUT").status == 400
        assert raw.rest() == b"", "something behind it was answered"


def test_a_chunked_body_at_the_limit_and_over_it(server: Server, login: Login) -> None:
    whole = b'{"display_name": "x"}'.ljust(LIMIT)
    parts = [whole[at : at + 100] for at in range(0, LIMIT, 100)]
    at_most = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    with Raw(server) as raw:
        raw.send(chunked(login.access_token, at_most + b"0\r\n\r\n"))
        assert raw.answer("PUT").status == 200
        # The rest is never waited for.
        raw.send(chunked(login.access_token, at_most + b"1\r\n"))
        answer = raw.answer("PUT")
        assert (answer.status, answer.json()["errcode"]) == (413, "M_TOO_LARGE")
        assert raw.rest() == b""
    for size in (b"%x" % (LIMIT + 1), b"f" * 16, b"f" * 1000):
        with Raw(server) as raw:
            raw.send(chunked(login.access_token, size + b"\r\n"))
            assert raw.answer("PUT").status == 413


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Transfer-Encoding: CHUNKED"], 200),
        (["Transfer-Encoding: gzip, chunked"], 501),
        (["Transfer-Encoding: gzip"], 501),
        (["Transfer-Encoding: identity"], 501),
        (["Transfer-Encoding: xchunked"], 501),
        (["Transfer-Encoding:"], 501),
        (["Transfer-Encoding: chunked, chunked"], 501),
        ([CHUNKED, CHUNKED], 501),
        ([CHUNKED, "Content-Length: 2"], 400),
        (["Content-Length: 2", "Transfer-Encoding: gzip"], 400),
    ],
)
def test_transfer_codings(server: Server, login: Login, lines: list[str], status: int) -> None:
    with Raw(server) as raw:
        raw.send(chunked(login.access_token, b"2\r\n{}\r\n0\r\n\r\n", *lines))
        assert raw.answer("PUT").status == status
        if status == 200:
            raw.send(head("GET", DEVICES, login.access_token))
            assert raw.answer().status == 200
        else:
            assert raw.rest() == b""


def test_chunks_in_http_1_0_close(server: Server, login: Login) -> None:
    body = b"2\r\n{}\r\n0\r\n\r\n"
    lines = (CHUNKED, "Connection: keep-alive")
    behind = head("GET", DEVICES, login.access_token)
    with Raw(server) as raw:
        raw.send(chunked(login.access_token, body, *lines, version="1.0") + behind)
        answer = raw.answer("PUT")
        assert (answer.status, answer.headers["Connection"]) == (200, "close")
        assert raw.rest() == b"", "something behind it was answered"


def test_chunks_wait_for_continue(server: Server, login: Login) -> None:
    with Raw(server) as raw:
        raw.send(chunked(login.access_token, b"", CHUNKED, "Expect: 100-continue"))
        assert raw.reader.readline().startswith(b"HTTP/1.1 100 ")
        assert raw.reader.readline() == b"\r\n"
        raw.send(b"2\r\n{}\r\n0\r\n\r\n")
        assert raw.answer("PUT").status == 200


@pytest.mark.parametrize(
    ("version", "hosts", "status"),
    [
        ("1.1", [], 400),
        ("1.1", ["Host: a", "Host: a"], 400),
        ("1.0", ["Host: a", "Host: b"], 400),
        ("1.1", ["Host:"], 200),
        ("1.0", [], 200),
    ],
)
def test_O11_a_request_names_its_host_once(
    server: Server, version: str, hosts: list[str], status: int
) -> None:
    lines = [f"GET /_matrix/client/versions HTTP/{version}", *hosts, "", ""]
    with Raw(server) as raw:
        raw.send("\r\n".join(lines).encode())
        assert raw.answer().status == status
        if version == "1.0" or status == 400:
            assert raw.rest() == b""


def test_O11_empty_lines_before_a_request_are_skipped(server: Server, login: Login) -> None:
    get = head("GET", DEVICES, login.access_token)
    with Raw(server) as raw:
        raw.send(b"\r\n" + get + b"\r\n\r\n" + get + b"\n" + get)
        assert [raw.answer().status for _ in range(3)] == [200] * 3
        raw.send(b"\r\n" * 40_000)
        assert raw.answer().status == 400
        assert raw.rest() == b""


def test_a_client_that_sends_no_more_gets_its_answer(server: Server, login: Login) -> None:
    for data in (
        head("GET", DEVICES, login.access_token),
        chunked(login.access_token, b"2\r\n{}\r\n0\r\n\r\n"),
    ):
        with Raw(server) as raw:
            raw.send(data)
            raw.socket.shutdown(socket.SHUT_WR)
            assert raw.answer().status == 200
            assert raw.rest() == b""


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(
    "lines_and_body",
    [
        (["Content-Length: 20"], b'{"display_name"'),
        ([CHUNKED], b'14\r\n{"display_name"'),
        ([CHUNKED], b'14\r\n{"display_name":"n"}\r\n'),
        ([CHUNKED], b'14\r\n{"display_name":"n"}\r\n0\r\nX: y\r\n'),
        ([CHUNKED], b"1"),
    ],
)
def test_a_body_that_is_broken_off_has_no_effect_and_is_no_error(
    server: Server,
    login: Login,
    lines_and_body: tuple[list[str], bytes],
    reset: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lines, body = lines_and_body
    with Raw(server) as raw:
        raw.send(chunked(login.access_token, body, *lines))
        poll(lambda: len(server._http._connections) == 1)
        if reset:
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    poll(lambda: not server._http._connections)
    assert caplog.records == []
    with Raw(server) as raw:
        raw.send(head("GET", f"{DEVICES}/LAPTOP", login.access_token))
        assert raw.answer().json()["display_name"] == "Laptop"


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: x"],
        ["Content-Length: -1"],
        ["Content-Length: 0x2"],
        ["Content-Length: 2", "Content-Length: 3"],
        ["Content-Length: +2"],
        ["Content-Length: 2_0"],
        ["Content-Length: 2, 2"],
        ["Content-Length: \xb2"],
        ["Content-Length:"],
        ["Content-Length: 2", "Transfer-Encoding: chunked"],
        ["no colon"],
        ["space : before"],
        [": nameless"],
        ["X: a\rb"],
        ["X: a\x00b"],
        ["X: a", " folded"],
    ],
)
def test_ambiguous_headers_are_refused(server: Server, login: Login, lines: list[str]) -> None:
    with Raw(server) as raw:
        behind = head("GET", DEVICES, login.access_token)
        raw.send(head("PUT", f"{DEVICES}/LAPTOP", login.access_token, *lines) + b"{}" + behind)
        answer = raw.answer("PUT")
        assert answer.status == 400, answer.body
        assert raw.rest() == b"", "something behind it was answered"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET /a b HTTP/1.1\r\n\r\n", 400),
        (b"G@T / HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01" + b"x" * 200 + b"\n", 400),
        (b"\r\n\r\nhello\r\n\r\n", 400),
        (b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 300 + b"\r\n", 431),
    ],
)
def test_what_is_no_request(server: Server, data: bytes, status: int) -> None:
    with Raw(server) as raw:
        raw.send(data)
        answer = raw.answer()
        assert answer.status == status
        assert answer.json()["error"]
        assert raw.rest() == b""


def test_a_request_that_is_cut_off_has_no_effect(server: Server, login: Login) -> None:
    data = request("PUT", f"{DEVICES}/LAPTOP", login.access_token, {"display_name": "cut"})
    for length in (1, 30, data.index(b"Content-Length"), len(data) - 30, len(data) - 1):
        with Raw(server) as raw:
            raw.send(data[:length])
            raw.socket.shutdown(socket.SHUT_WR)
            rest = raw.rest()
            assert rest == b"" or rest.startswith(b"HTTP/1.1 400 ")
    with Raw(server) as raw:
        raw.send(head("GET", f"{DEVICES}/LAPTOP", login.access_token))
        assert raw.answer().json()["display_name"] == "Laptop"
