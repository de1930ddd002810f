"""Where a request ends, and what it is for: what is decided before anybody looks at it."""

from __future__ import annotations

import pytest

from conftest import Launch
from matrix_device_conformance.client import client_path, device_path
from matrix_device_conformance.homeserver import Device, Homeserver
from matrix_device_conformance.server import poll
from raw_http import LIST, RawSocket, request_bytes

# ---- Targets ----


@pytest.mark.parametrize(
    "origin", ["http://example.org", "HTTPS://[2001:db8::1]:8448", "hTTp://user:word@else^where"]
)
def test_R13_absolute_form(raw: RawSocket, device: Device, origin: str) -> None:
    """The absolute form is the origin form, for the module's endpoints and the server's own."""
    own = device_path(device.device_id)
    for method, path in (
        ("GET", "/_matrix/client/versions"),
        ("GET", client_path("/login")),
        ("GET", client_path("/account/whoami")),
        ("GET", LIST),
        ("GET", client_path(own, "r0")),
        ("HEAD", client_path(own)),
        ("OPTIONS", client_path("/account/whoami")),
    ):
        raw.send(request_bytes(method, origin + path, device.access_token))
        answer = raw.response(method)
        assert answer.status == (204 if method == "OPTIONS" else 200), (path, str(answer))
    raw.send(request_bytes("GET", origin + client_path("/account/whoami", access_token="x")))
    assert raw.response().errcode == "M_UNKNOWN_TOKEN"
    for target in (origin, f"{origin}?a={LIST}"):
        raw.send(request_bytes("GET", target, device.access_token))
        assert raw.response().status == 404, target


# ---- Trailers ----


def chunked(method: str, target: str, body: bytes, trailer: str, extra: str = "") -> bytes:
    """A request in one chunk, with a trailer."""
    head = request_bytes(method, target, extra=f"Transfer-Encoding: chunked\r\n{extra}")
    return head + b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(body), body, trailer.encode())


def test_O10_authorization_in_a_trailer(raw: RawSocket, device: Device) -> None:
    """A token in a trailer is none, and does not stand beside the header's."""
    token = f"Authorization: Bearer {device.access_token}\r\n"
    own = client_path(device_path(device.device_id))
    raw.send(chunked("PUT", own, b"{}", token))
    assert raw.response("PUT").errcode == "M_MISSING_TOKEN"
    raw.send(chunked("PUT", own, b"{}", "Authorization: Bearer other\r\n", extra=token))
    assert raw.response("PUT").status == 200


def test_O10_connection_in_a_trailer(raw: RawSocket, device: Device) -> None:
    """What a trailer says of connection, host or length decides nothing."""
    token = f"Authorization: Bearer {device.access_token}\r\n"
    own = client_path(device_path(device.device_id))
    for trailer in ("Connection: close\r\n", "Host: else\r\n", "Content-Length: 9\r\n"):
        raw.send(chunked("PUT", own, b"{}", trailer, extra=token))
        assert raw.response("PUT").status == 200, trailer
    extra = f"{token}Connection: close\r\n"
    raw.send(chunked("PUT", own, b"{}", "Connection: keep-alive\r\n", extra))
    assert raw.response("PUT").headers["Connection"] == "close"
    assert raw.rest() == b""


def test_O10_forwarded_for_in_a_trailer(launch: Launch) -> None:
    """The client's address is what stood in the header."""
    server = launch("--trust-proxy", "127.0.0.1")
    with RawSocket(server.client) as raw:
        for trailer in ("X-Forwarded-For: 198.51.100.1\r\n", ""):
            extra = "X-Forwarded-For: 203.0.113.9\r\n"
            raw.send(chunked("POST", client_path("/logout"), b"{}", trailer, extra))
            assert raw.response("POST").errcode == "M_MISSING_TOKEN"
    poll(lambda: server.output().count('"POST"') == 2, 10, "both requests are logged")
    assert server.output().count('"remote_addr":"203.0.113.9"') == 2
    assert "198.51.100.1" not in server.output()


# ---- What is refused, and what goes on ----


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ("", 400),  # no Host
        ("Host: a\r\nHost: a\r\n", 400),
        ("Host: a b\r\n", 400),
        ("Host: a\r\nContent-Length: +2\r\n", 400),
        ("Host: a\r\nContent-Length: 2, 2\r\n", 400),
        ("Host: a\r\nContent-Length: \r\n", 400),
        ("Host: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n", 400),
        ("Host: a\r\nContent-Length: 2\r\nTransfer-Encoding: gzip\r\n", 400),
        ("Host: a\r\nTransfer-Encoding: gzip\r\n", 501),
        ("Host: a\r\nTransfer-Encoding: gzip, chunked\r\n", 501),
        ("Host: a\r\nTransfer-Encoding: identity\r\n", 501),
    ],
)
def test_O11_refused(raw: RawSocket, device: Device, fields: str, status: int) -> None:
    """A request whose host or length is in doubt is refused, and so is what stands behind it."""
    token = f"Authorization: Bearer {device.access_token}\r\n"
    head = f"PUT {client_path(device_path(device.device_id))} HTTP/1.1\r\n{fields}{token}\r\n"
    raw.send(head.encode() + b"{}" + request_bytes("GET", LIST, device.access_token))
    answer = raw.response("PUT")
    assert (answer.status, answer.headers["Connection"]) == (status, "close"), str(answer)
    assert "error" in answer.json
    assert raw.rest() == b""


def test_O11_empty_lines(raw: RawSocket, device: Device) -> None:
    """Empty lines before a request are passed over: old clients send them behind a body."""
    get = request_bytes("GET", LIST, device.access_token)
    for lines in (b"\r\n", b"\r\n\r\n", b"\n"):
        raw.send(lines + get)
        assert raw.response().status == 200
    raw.send(b"\r\n".join([get] * 5))
    for _ in range(5):
        assert raw.response().status == 200


def test_chunks_of_http_1_0(raw: RawSocket, device: Device) -> None:
    """HTTP/1.0 with chunks is read, and closes: nobody knows what the next bytes would be."""
    token = f"Authorization: Bearer {device.access_token}\r\nConnection: keep-alive\r\n"
    put = chunked("PUT", client_path(device_path(device.device_id)), b"{}", "", token)
    raw.send(put.replace(b"HTTP/1.1", b"HTTP/1.0") + request_bytes("GET", LIST))
    answer = raw.response("PUT")
    assert (answer.status, answer.headers["Connection"]) == (200, "close")
    assert raw.rest() == b""


def test_half_closed_behind_a_slow_request(raw: RawSocket, homeserver: Homeserver) -> None:
    """A client that closes its half while its password is checked is still there."""
    user = homeserver.new_user()
    device, target = user.login(), user.login()
    body = b'{"auth": {"type": "m.login.password", "user": "%s", "password": "%s"}}' % (
        user.localpart.encode(),
        user.password.encode(),
    )
    path = client_path(device_path(target.device_id))
    raw.send(request_bytes("DELETE", path, device.access_token, body))
    raw.end_sending()
    assert raw.response("DELETE").status == 200
    assert raw.rest() == b""
    assert target.device_id not in device.device_ids()
