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

from doubles import DEVICES, TOKEN, SmallHost, bent
from matrix_devices import Device, wsgi

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def call(
    app: WSGIApplication, method: str, target: str, body: bytes = b"", **extra: Any
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

    # It joins with the checks of PEP 3333, but for the method, which may be any here.
    checked = validator(app) if method in ("GET", "HEAD", "POST", "PUT", "DELETE") else app
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
    host = bent("get_device", lambda _, __, device_id: asked.append(device_id) or Device(device_id))
    target = f"{DEVICES}/a%2Fb"
    assert call(wsgi.app(host), "GET", target, **{variable: target})[0] == "200 OK"
    assert asked == ["a/b"]


def test_without_it_the_path_is_escaped_again() -> None:
    asked: list[str] = []
    host = bent("get_device", lambda _, __, device_id: asked.append(device_id) or Device(device_id))
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
