"""The HTTP server for tests: what goes over the wire, and how it begins and ends."""

from __future__ import annotations

import errno
import http.client
import json
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

import pytest

from doubles import AUTHORIZED, DEVICES, SmallHost
from matrix_devices import (
    AsyncMemoryHost,
    ConfigurationError,
    Login,
    MemoryHost,
    Request,
    Response,
    SqliteHost,
    Unavailable,
)
from matrix_devices.server import Server

PASSWORD = "correct horse"
LIMIT = 2000
CONFIG = {"max_body_bytes": LIMIT}
AnyHost = MemoryHost | AsyncMemoryHost | SqliteHost


@pytest.fixture(params=["memory", "async"])
def host(request: pytest.FixtureRequest) -> MemoryHost | AsyncMemoryHost:
    """A host with one user."""
    host = {"memory": MemoryHost, "async": AsyncMemoryHost}[request.param]("example.org")
    host.add_user("alice", PASSWORD)
    return host


@pytest.fixture
def server(host: MemoryHost | AsyncMemoryHost) -> Iterator[Server]:
    """It is running."""
    with Server(host, CONFIG) as server:
        yield server


@pytest.fixture
def login(host: MemoryHost | AsyncMemoryHost) -> Login:
    """A device of alice's."""
    return host.login("alice", device_id="LAPTOP", display_name="Laptop")


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Raw:
    """A socket to the server."""

    def __init__(self, server: Server) -> None:
        parts = urlsplit(server.url)
        assert parts.hostname is not None
        self.socket = socket.create_connection((parts.hostname, parts.port or 0), 30)
        self.reader = self.socket.makefile("rb")

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.reader.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, method: str = "GET") -> Answer:
        """The next answer."""
        status = int(self.reader.readline().split()[1])
        headers = http.client.parse_headers(self.reader)
        length = 0 if method == "HEAD" else int(headers.get("Content-Length", "0"))
        return Answer(status, headers, self.reader.read(length))

    def rest(self) -> bytes:
        """What comes until the server closes."""
        return self.reader.read()


def head(method: str, target: str, token: str, *lines: str, version: str = "1.1") -> bytes:
    """A request up to its body."""
    all_lines = [
        f"{method} {target} HTTP/{version}",
        "Host: localhost",
        f"Authorization: Bearer {token}",
        *lines,
    ]
    return "\r\n".join([*all_lines, "", ""]).encode("latin-1")


def request(method: str, target: str, token: str, body: Any) -> bytes:
    """A request with a JSON body."""
    data = json.dumps(body).encode()
    return head(method, target, token, f"Content-Length: {len(data)}") + data


def poll(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "not within 30 s"
        time.sleep(0.001)


# ---- Requests and answers ----


def test_it_starts_and_stops_at_once(host: MemoryHost | AsyncMemoryHost) -> None:
    Server(host).start().stop()  # whatever is loaded once
    began = time.monotonic()
    for _ in range(10):
        with Server(host) as server:
            assert server.url.startswith("http://127.0.0.1:")
    assert time.monotonic() - began < 1, "a start and a stop take more than 100 ms"


def test_one_connection_for_many_requests(server: Server, login: Login) -> None:
    with Raw(server) as raw:
        for number in range(20):
            token = login.access_token if number % 2 else "nobody"
            raw.send(head("GET", DEVICES, token))
            answer = raw.answer()
            assert answer.status == (200 if number % 2 else 401)
            assert answer.headers["Connection"] is None
            assert answer.headers["Date"]


def test_pipelined_requests(server: Server, login: Login) -> None:
    path = f"{DEVICES}/LAPTOP"
    data = b""
    for number in range(20):
        data += request("PUT", path, login.access_token, {"display_name": f"name {number}"})
        data += head("GET", path, login.access_token) + head("HEAD", path, login.access_token)
    with Raw(server) as raw:
        raw.send(data)
        for number in range(20):
            assert raw.answer("PUT").status == 200
            assert raw.answer().json()["display_name"] == f"name {number}"
            head_answer = raw.answer("HEAD")
            assert (head_answer.status, head_answer.body) == (200, b"")
            assert int(head_answer.headers["Content-Length"]) > 0


@pytest.mark.parametrize(
    ("version", "lines", "closes"),
    [
        ("1.1", [], False),
        ("1.1", ["Connection: close"], True),
        ("1.0", [], True),
        ("1.0", ["Connection: keep-alive"], False),
    ],
)
def test_when_a_connection_ends(
    server: Server, login: Login, version: str, lines: list[str], closes: bool
) -> None:
    with Raw(server) as raw:
        raw.send(head("GET", DEVICES, login.access_token, *lines, version=version))
        assert raw.answer().status == 200
        if closes:
            assert raw.rest() == b""
        else:
            raw.send(head("GET", DEVICES, login.access_token))
            assert raw.answer().status == 200


def test_targets_and_headers_go_through_as_they_are(host: MemoryHost | AsyncMemoryHost) -> None:
    seen: list[Request] = []
    server = Server(host, observer=lambda request, _response: seen.append(request))
    with server, Raw(server) as raw:
        target = "//a/../b%2Fc?x=%zz&y=\u00c3\u00a9"
        raw.send(head("PURGE", target, "t", "X-Twice: a", "x-twice:  b\t", "X-B: \xe9"))
        assert raw.answer().status == 404
    (request,) = seen
    assert (request.method, request.target) == ("PURGE", target)
    assert request.headers[1:] == [
        ("Authorization", "Bearer t"),
        ("X-Twice", "a"),
        ("x-twice", "b"),
        ("X-B", "\xe9"),
    ]
    assert request.remote_addr == "127.0.0.1"


@pytest.mark.parametrize(
    ("target", "normal"),
    [
        ("http://x/_matrix/client/versions", "/_matrix/client/versions"),
        ("HTTPS://user@[::1]:8448/a%2Fb?c=%2Fd", "/a%2Fb?c=%2Fd"),
        ("http://x", "/"),
        ("http://x?a=b", "/?a=b"),
        ("/a\xff?b=\xfe", "/a%FF?b=%FE"),
        ("ftp://x/_matrix/client/versions", "ftp://x/_matrix/client/versions"),
    ],
)
def test_R13_targets_are_normal_before_every_router(
    host: MemoryHost | AsyncMemoryHost, target: str, normal: str
) -> None:
    seen: list[Request] = []
    server = Server(host, observer=lambda request, _response: seen.append(request))
    with server, Raw(server) as raw:
        raw.send(head("GET", target, "t"))
        assert raw.answer().status == (200 if normal.startswith("/_matrix") else 404)
    assert [request.target for request in seen] == [normal]


def test_R13_device_endpoints_in_the_absolute_form(server: Server, login: Login) -> None:
    with Raw(server) as raw:
        raw.send(head("GET", f"http://x{DEVICES}/LAPTOP", login.access_token))
        assert raw.answer().json()["device_id"] == "LAPTOP"


def test_two_authorization_headers(server: Server, login: Login) -> None:
    with Raw(server) as raw:
        line = f"Authorization: Bearer {login.access_token}"
        raw.send(head("GET", DEVICES, login.access_token, line))
        assert raw.answer().json()["errcode"] == "M_MISSING_TOKEN"


def test_what_is_nobodys(server: Server) -> None:
    with Raw(server) as raw:
        raw.send(head("GET", "/nothing", "t"))
        answer = raw.answer()
        assert (answer.status, answer.json()["errcode"]) == (404, "M_UNRECOGNIZED")
        raw.send(head("OPTIONS", "/nothing", "t"))
        answer = raw.answer("OPTIONS")
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Content-Length"] is None
        raw.send(head("GET", "/_matrix/client/versions", "t"))
        assert raw.answer().status == 200


def test_last_seen_is_the_peers_address(server: Server, login: Login) -> None:
    with Raw(server) as raw:
        raw.send(head("GET", f"{DEVICES}/LAPTOP", login.access_token))
        assert raw.answer().json()["last_seen_ip"] == "127.0.0.1"


@pytest.mark.parametrize(("config", "shown"), [({}, True), ({"unknown_fields": "omit"}, False)])
def test_T13_unknown_fields_are_null(config: dict[str, str], shown: bool) -> None:
    host = MemoryHost("example.org")
    host.add_user("alice")
    token = host.login("alice", device_id="A").access_token
    host.login("alice", device_id="B")
    with Server(host, config) as server, Raw(server) as raw:
        raw.send(head("GET", f"{DEVICES}/B", token))
        keys = {"display_name", "last_seen_ip", "last_seen_ts"} if shown else set()
        assert raw.answer().json() == {"device_id": "B", **dict.fromkeys(keys)}


@pytest.mark.parametrize(("config", "shown"), [({}, "example.org"), ({"server_name": "x"}, "x")])
def test_F1_a_page_names_the_server(config: dict[str, str], shown: str) -> None:
    host = MemoryHost("example.org")
    host.add_user("alice", PASSWORD)
    token = host.login("alice", device_id="LAPTOP").access_token
    with Server(host, {"fallback_pages": True, **config}) as server, Raw(server) as raw:
        raw.send(request("DELETE", f"{DEVICES}/LAPTOP", token, {}))
        session = raw.answer().json()["session"]
        page = "/_matrix/client/v3/auth/m.login.password/fallback/web"
        raw.send(head("GET", f"{page}?session={session}", token))
        assert f"Server: <b>{shown}</b>" in raw.answer().body.decode()


def test_T12_the_servers_cap_holds_for_logins(host: MemoryHost | AsyncMemoryHost) -> None:
    body = {"type": "m.login.password", "user": "alice", "password": PASSWORD}
    with Server(host, {"max_devices_per_user": 1}) as server, Raw(server) as raw:
        for status in (200, 403):
            raw.send(request("POST", "/_matrix/client/v3/login", "t", body))
            answer = raw.answer("POST")
            assert answer.status == status
    assert answer.json()["errcode"] == "M_USER_LIMIT_EXCEEDED"


def test_a_host_without_accounts() -> None:
    with Server(SmallHost()) as server, Raw(server) as raw:
        raw.send(head("GET", DEVICES, AUTHORIZED[0][1].removeprefix("Bearer ")))
        assert raw.answer().status == 200
        raw.send(head("GET", "/_matrix/client/versions", "t"))
        assert raw.answer().status == 404


def test_a_host_on_sqlite(tmp_path: Path) -> None:
    with SqliteHost(tmp_path / "devices.db", server_name="example.org") as host:
        host.add_user("alice")
        token = host.login("alice", device_id="LAPTOP").access_token
        with Server(host) as server, Raw(server) as raw:
            raw.send(head("GET", DEVICES, token))
            assert raw.answer().json()["devices"][0]["device_id"] == "LAPTOP"


# ---- Bodies ----


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


# ---- Beginning and end ----


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
