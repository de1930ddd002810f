"""The HTTP server for tests: requests and answers."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from doubles import AUTHORIZED, DEVICES, SmallHost
from matrix_devices import AsyncMemoryHost, Login, MemoryHost, Request, SqliteHost
from matrix_devices.server import Server
from raw_requests import PASSWORD, Raw, head, request


def test_it_starts_and_stops_at_once(host: MemoryHost | AsyncMemoryHost) -> None:
    Server(host).start().stop()  # whatever is loaded once
    least = 60.0  # s: the others of a busy machine only add to it
    for _ in range(20):
        began = time.monotonic()
        with Server(host) as server:
            assert server.url.startswith("http://127.0.0.1:")
        least = min(least, time.monotonic() - began)
    assert least < 0.1, "a start and a stop take more than 100 ms"


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
