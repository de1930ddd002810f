"""The ASGI application: by itself, wrapped, mounted."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import unquote

import pytest

from doubles import DEVICES, TOKEN, SmallHost, bent
from matrix_devices import ClosedError, Device, asgi
from matrix_devices.asgi import Message, Receive, Scope, Send

HEADERS = [(b"authorization", f"Bearer {TOKEN}".encode())]


def call(
    app: asgi.Application,
    method: str,
    target: str,
    body: bytes | list[bytes] = b"",
    root_path: str = "",
    raw: bool = True,
) -> tuple[int, dict[bytes, bytes], bytes]:
    """One request as an ASGI server passes it on; status, headers, body."""
    path, _, query = target.partition("?")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "query_string": query.encode(),
        "root_path": root_path,
        "headers": HEADERS,
        "client": ("192.0.2.7", 5000),
        "server": ("127.0.0.1", 80),
    }
    if raw:
        scope["raw_path"] = path.encode()
    parts = [body] if isinstance(body, bytes) else list(body)
    sent: list[Message] = []

    async def receive() -> Message:
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    start, *rest = sent
    return (
        start["status"],
        dict(start["headers"]),
        b"".join(message.get("body", b"") for message in rest),
    )


async def other(scope: Scope, receive: Receive, send: Send) -> None:
    """The application that is wrapped."""
    body = scope["path"].encode()
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": body})


def test_our_routes_are_answered_and_others_passed_on() -> None:
    app = asgi.app(SmallHost(), other)
    status, headers, body = call(app, "GET", DEVICES)
    assert status == 200
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"content-length"] == str(len(body)).encode()
    assert json.loads(body) == {"devices": [{"device_id": "D0"}, {"device_id": "D1"}]}
    assert call(app, "GET", "/_matrix/client/v3/sync")[::2] == (299, b"/_matrix/client/v3/sync")
    assert call(app, "GET", f"{DEVICES}/")[0] == 299


def test_without_a_wrapped_application_the_rest_is_404() -> None:
    status, _, body = call(asgi.app(SmallHost()), "GET", "/")
    assert status == 404
    assert json.loads(body)["errcode"] == "M_UNRECOGNIZED"


def test_head_has_the_length_and_no_body() -> None:
    app = asgi.app(SmallHost())
    _, get_headers, _ = call(app, "GET", DEVICES)
    status, headers, body = call(app, "HEAD", DEVICES)
    assert status == 200
    assert body == b""
    assert headers[b"content-length"] == get_headers[b"content-length"]


def test_options_has_neither() -> None:
    status, headers, body = call(asgi.app(SmallHost()), "OPTIONS", DEVICES)
    assert status == 204
    assert body == b""
    assert b"content-length" not in headers


def test_a_body_comes_in_parts() -> None:
    host = SmallHost()
    status, _, _ = call(
        asgi.app(host),
        "POST",
        "/_matrix/client/v3/delete_devices",
        [b'{"devices"', b': ["D0"', b"]}"],
    )
    assert status == 200
    assert host.deleted == [["D0"]]


def test_a_body_that_is_too_large_is_not_read_to_its_end() -> None:
    parts = [b" " * 600_000, b" " * 600_000, b" " * 600_000, b"{}"]
    app = asgi.app(SmallHost())
    status, _, body = call(app, "PUT", f"{DEVICES}/D0", parts)
    assert status == 413
    assert json.loads(body)["errcode"] == "M_TOO_LARGE"


def test_an_escaped_slash_is_a_devices_own() -> None:
    asked: list[str] = []
    host = bent("get_device", lambda _, __, device_id: asked.append(device_id) or Device(device_id))
    assert call(asgi.app(host), "GET", f"{DEVICES}/a%2Fb%25?x=y")[0] == 200
    assert asked == ["a/b%"]


def test_a_server_that_knows_no_raw_path() -> None:
    assert call(asgi.app(SmallHost()), "GET", f"{DEVICES}/D0", raw=False)[0] == 200


@pytest.mark.parametrize("prefix", ["/hs", "/a%20b"])
def test_under_a_prefix(prefix: str) -> None:
    app = asgi.app(SmallHost())
    assert call(app, "GET", prefix + DEVICES, root_path=unquote(prefix))[0] == 200
    assert call(app, "GET", DEVICES, root_path=unquote(prefix))[0] == 200


def test_a_client_that_goes_away_ends_nothing_else() -> None:
    app = asgi.app(SmallHost())

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    scope = {
        "type": "http",
        "method": "PUT",
        "path": f"{DEVICES}/D0",
        "raw_path": f"{DEVICES}/D0".encode(),
        "query_string": b"",
        "headers": HEADERS,
        "client": None,
    }
    with pytest.raises(ConnectionResetError):
        asyncio.run(app(scope, receive, send))
    assert call(app, "GET", DEVICES)[0] == 200


def lifespan(app: asgi.Application) -> list[str]:
    """A server's start and end; what it was told."""
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message["type"])

    asyncio.run(app({"type": "lifespan"}, receive, send))
    return sent


def test_the_module_is_closed_with_the_server() -> None:
    app = asgi.app(SmallHost())
    assert lifespan(app) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    with pytest.raises(ClosedError):
        call(app, "GET", DEVICES)


def test_the_wrapped_application_has_its_own_lifespan() -> None:
    seen: list[str] = []

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(2):
            message = await receive()
            seen.append(message["type"])
            await send({"type": message["type"] + ".complete"})

    app = asgi.app(SmallHost(), wrapped)
    assert lifespan(app) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert seen == ["lifespan.startup", "lifespan.shutdown"]
    assert not app.module.is_usable


def test_a_websocket_is_passed_on_or_refused() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(asgi.app(SmallHost())({"type": "websocket", "path": "/"}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1000}]


def test_mounted_in_starlette() -> None:
    pytest.importorskip("starlette", reason="python3-starlette is not installed")
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Mount, Route

    async def hello(_: Any) -> PlainTextResponse:
        return PlainTextResponse("hello")

    devices = asgi.app(SmallHost())
    at_the_root = Starlette(routes=[Route("/hello", hello), Mount("/", devices)])
    assert call(at_the_root, "GET", f"{DEVICES}/D0")[0] == 200
    assert call(at_the_root, "GET", "/hello")[2] == b"hello"
    below = Starlette(routes=[Mount("/hs", devices)])
    assert call(below, "GET", f"/hs{DEVICES}/D0")[0] == 200
    assert call(below, "GET", f"/hs{DEVICES}/a%2Fb")[0] == 404


def test_mounted_in_fastapi() -> None:
    pytest.importorskip("fastapi", reason="python3-fastapi is not installed")
    from fastapi import FastAPI

    api = FastAPI()

    @api.get("/hello")
    async def hello() -> str:
        return "hello"

    api.mount("/", asgi.app(SmallHost()))
    assert call(api, "GET", f"{DEVICES}/D0")[0] == 200
    assert call(api, "GET", "/hello")[2] == b'"hello"'
    wrapping = asgi.app(SmallHost(), api)
    assert call(wrapping, "GET", f"{DEVICES}/D0")[0] == 200
    assert call(wrapping, "GET", "/hello")[2] == b'"hello"'
