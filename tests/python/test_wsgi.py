"""The WSGI application: by itself, wrapped, served by the standard library."""

from __future__ import annotations

import io
import json
import threading
import urllib.request
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.validate import validator

import pytest

from doubles import BAD_LENGTHS, DEVICES, TOKEN, USER, SmallHost, bent
from matrix_devices import Device, Principal, wsgi

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def call(
    app: WSGIApplication,
    method: str,
    target: str,
    body: bytes = b"",
    checks: bool = True,
    **extra: Any,
) -> tuple[str, dict[str, str], bytes]:
    """One request as a WSGI server passes it on; status line, headers, body."""
    path, _, query = target.partition("?")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "example.org",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "HTTP_AUTHORIZATION": f"Bearer {TOKEN}",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    } | extra
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
        started.extend([status, dict(headers)])
        return lambda _: None

    # It joins with the checks of PEP 3333, but for what may be any here.
    usual = checks and method in ("GET", "HEAD", "POST", "PUT", "DELETE")
    checked = validator(app) if usual else app
    answer = checked(environ, start_response)
    content = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    return started[0], started[1], content


def other(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The application that is wrapped."""
    start_response("299 Other", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode()]


def test_our_routes_are_answered_and_others_passed_on() -> None:
    app = wsgi.app(SmallHost(), other)
    status, headers, body = call(app, "GET", DEVICES)
    assert status == "200 OK"
    assert headers["Content-Length"] == str(len(body))
    assert json.loads(body) == {"devices": [{"device_id": "D0"}, {"device_id": "D1"}]}
    assert call(app, "GET", "/elsewhere")[::2] == ("299 Other", b"/elsewhere")


def test_a_body_that_is_not_the_modules_is_left_unread() -> None:
    app = wsgi.app(SmallHost(), other)
    body = io.BytesIO(b"theirs")
    extra = {"wsgi.input": body, "CONTENT_LENGTH": "6"}
    assert call(app, "POST", "/_matrix/client/v3/sync", **extra)[0] == "299 Other"
    assert body.tell() == 0
    assert call(app, "PATCH", DEVICES, **extra)[0].startswith("405")  # R7
    assert body.tell() == 6


def test_without_a_wrapped_application_the_rest_is_404() -> None:
    status, _, body = call(wsgi.app(SmallHost()), "GET", "/")
    assert status == "404 Not Found"
    assert json.loads(body)["errcode"] == "M_UNRECOGNIZED"


def test_head_and_options() -> None:
    app = wsgi.app(SmallHost())
    status, headers, body = call(app, "HEAD", DEVICES)
    assert (status, body) == ("200 OK", b"")
    assert int(headers["Content-Length"]) > 10
    status, headers, body = call(app, "OPTIONS", DEVICES)
    assert (status, body) == ("204 No Content", b"")
    assert "Content-Length" not in headers


def test_a_body_is_read_and_one_too_large_is_not() -> None:
    host = SmallHost()
    app = wsgi.app(host)
    target = "/_matrix/client/v3/delete_devices"
    assert call(app, "POST", target, b'{"devices":["D0"]}')[0] == "200 OK"
    assert host.deleted == [["D0"]]
    status, _, body = call(app, "POST", target, b" " * (1 << 20) + b"{}")
    assert status.startswith("413 ")
    assert json.loads(body)["errcode"] == "M_TOO_LARGE"


@pytest.mark.parametrize("variable", ["RAW_URI", "REQUEST_URI"])
def test_the_raw_target_of_the_server_is_used(variable: str) -> None:
    asked: list[str] = []
    host = bent("get_device", lambda _, key: asked.append(key.device_id) or Device(key.device_id))
    target = f"{DEVICES}/a%2Fb"
    assert call(wsgi.app(host), "GET", target, **{variable: target})[0] == "200 OK"
    assert asked == ["a/b"]


@pytest.mark.parametrize("variable", ["RAW_URI", "REQUEST_URI", None])
@pytest.mark.parametrize("prefix", ["", "/hs"])
@pytest.mark.parametrize("origin", ["http://x", "HTTPS://user@[::1]:8448"])
def test_R13_the_absolute_form_is_the_origin_form(
    variable: str | None, prefix: str, origin: str
) -> None:
    app = wsgi.app(SmallHost(), other)

    def status_of(target: str, path: str) -> str:
        if variable is None:  # a server that takes the target for a path
            return call(app, "GET", target, SCRIPT_NAME=prefix, checks=False)[0]
        extra = {"SCRIPT_NAME": prefix, variable: target}
        return call(app, "GET", path, **extra)[0]

    assert status_of(f"{origin}{prefix}{DEVICES}/D0", f"{DEVICES}/D0") == "200 OK"
    assert status_of("http://x/elsewhere", "/elsewhere") == "299 Other"
    assert status_of(f"ftp://x{DEVICES}", "/elsewhere") == "299 Other"


def test_R13_an_escaped_slash_stays_one_in_the_absolute_form() -> None:
    asked: list[str] = []
    host = bent("get_device", lambda _, key: asked.append(key.device_id) or Device(key.device_id))
    target = f"http://x{DEVICES}/a%2Fb"
    assert call(wsgi.app(host), "GET", f"{DEVICES}/a%2Fb", RAW_URI=target)[0] == "200 OK"
    assert asked == ["a/b"]


@pytest.mark.parametrize("raw", [True, False])
def test_R13_a_host_sees_no_bytes_that_are_not_text(raw: bool) -> None:
    seen: list[str] = []
    host = bent("authenticate", lambda who: seen.append(who.request.target) or Principal(USER))
    query = "a=\xfe&b=\x01&c=\xc3\xa9"
    extra = {"RAW_URI": f"{DEVICES}/D0\x7f?{query}"} if raw else {}
    call(wsgi.app(host), "GET", f"{DEVICES}/D0%7F?{query}", checks=False, **extra)
    assert seen == [f"{DEVICES}/D0%7F?a=%FE&b=%01&c=\xc3\xa9"]


@pytest.mark.parametrize("value", [*(v.decode("latin-1") for v in BAD_LENGTHS if v), "\u0665"])
def test_lengths_are_digits_alone(value: str) -> None:
    app = wsgi.app(SmallHost())
    status, _, body = call(
        app, "PUT", f"{DEVICES}/D0", b'{"a": 1}', CONTENT_LENGTH=value, checks=False
    )
    assert (status, json.loads(body)["errcode"]) == ("400 Bad Request", "M_UNKNOWN")


def test_a_length_that_is_empty_is_none() -> None:
    """PEP 3333: it may be."""
    assert call(wsgi.app(SmallHost()), "GET", DEVICES, CONTENT_LENGTH="")[0] == "200 OK"


@pytest.mark.parametrize(("value", "status"), [("0002", 200), ("1048577", 413), ("9" * 5000, 413)])
def test_long_lengths(value: str, status: int) -> None:
    app = wsgi.app(SmallHost())
    answer = call(app, "PUT", f"{DEVICES}/D0", b"{}", CONTENT_LENGTH=value, checks=False)
    assert answer[0].startswith(f"{status} ")


class Input(io.RawIOBase):
    """A client's body, in parts and at last an error or an end."""

    def __init__(self, *parts: bytes | Exception) -> None:
        self.parts = list(parts)

    def read(self, size: int = -1) -> bytes:
        assert size > 0, "read whole"
        if not self.parts:
            return b""
        part = self.parts.pop(0)
        if isinstance(part, Exception):
            raise part
        if len(part) > size:
            self.parts.insert(0, part[size:])
        return part[:size]


def test_a_body_comes_in_parts() -> None:
    host = SmallHost()
    body = Input(b'{"devices"', b": ", b'["D0"]}')
    target = "/_matrix/client/v3/delete_devices"
    extra = {"CONTENT_LENGTH": "19", "wsgi.input": body}
    assert call(wsgi.app(host), "POST", target, **extra)[0] == "200 OK"
    assert host.deleted == [["D0"]]


@pytest.mark.parametrize(
    ("length", "end"),
    [
        ("30", []),
        ("30", [ConnectionResetError()]),
        ("30", [OSError("request data read error")]),
        ("30", [ValueError("bad chunk")]),
        (None, [OSError("no more data")]),
    ],
)
@pytest.mark.parametrize("begin", [[], [b'{"display_name":']])
def test_a_client_that_breaks_off_its_body_raises_nothing(
    length: str | None, end: list[Exception], begin: list[bytes]
) -> None:
    asked: list[str] = []
    host = bent("rename_device", lambda _, update: asked.append(update.device_id))
    extra: dict[str, Any] = {"wsgi.input": Input(*begin, *end), "wsgi.input_terminated": True}
    extra["CONTENT_LENGTH"] = length or ""
    status, _, body = call(wsgi.app(host), "PUT", f"{DEVICES}/D0", checks=False, **extra)
    assert (status, json.loads(body)["errcode"]) == ("400 Bad Request", "M_UNKNOWN")
    assert asked == []


def test_a_terminated_body_over_the_limit_is_not_read_whole() -> None:
    body = Input(*[b" " * 65536] * 64)
    extra = {"CONTENT_LENGTH": "", "wsgi.input": body, "wsgi.input_terminated": True}
    answer = call(wsgi.app(SmallHost()), "PUT", f"{DEVICES}/D0", checks=False, **extra)
    assert answer[0].startswith("413 ")
    assert len(body.parts) > 40


def test_without_it_the_path_is_escaped_again() -> None:
    asked: list[str] = []
    host = bent("get_device", lambda _, key: asked.append(key.device_id) or Device(key.device_id))
    assert call(wsgi.app(host), "GET", f"{DEVICES}/a%20b%25%C3%A4")[0] == "200 OK"
    assert asked == ["a b%ä"]


def test_under_a_prefix() -> None:
    app = wsgi.app(SmallHost())
    assert call(app, "GET", DEVICES, SCRIPT_NAME="/hs")[0] == "200 OK"
    assert call(app, "GET", DEVICES, SCRIPT_NAME="/hs", RAW_URI=f"/hs{DEVICES}")[0] == "200 OK"
    status, _, _ = call(
        app, "GET", "/v3/devices", SCRIPT_NAME="/_matrix/client", REQUEST_URI=DEVICES
    )
    assert status == "200 OK"


def test_a_real_server() -> None:
    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with make_server("127.0.0.1", 0, wsgi.app(SmallHost()), handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            request = urllib.request.Request(
                f"http://127.0.0.1:{server.server_port}{DEVICES}",
                headers={"Authorization": f"Bearer {TOKEN}"},
            )
            with urllib.request.urlopen(request, timeout=10) as response:
                assert len(json.load(response)["devices"]) == 2
        finally:
            server.shutdown()
            thread.join()
