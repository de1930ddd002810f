"""The ASGI application: by itself, wrapped, mounted."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import unquote

import pytest

from doubles import BAD_LENGTHS, DEVICES, TOKEN, USER, SmallHost, bent
from matrix_devices import ClosedError, Device, Principal, asgi
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
    scope = {**of_request(method, target), "root_path": root_path}
    if not raw:
        del scope["raw_path"]
    return answer(app, scope, [body] if isinstance(body, bytes) else list(body))


def of_request(method: str, target: str, headers: list[tuple[bytes, bytes]] = HEADERS) -> Scope:
    """Its scope."""
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": ("192.0.2.7", 5000),
        "server": ("127.0.0.1", 80),
    }


def answer(
    app: asgi.Application, scope: Scope, parts: list[bytes]
) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers, body; its own body comes in these parts."""
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


# F1: of a type without a page the page is the host's.
NOT_OURS = ["/_matrix/client/v3/sync", "/_matrix/client/v3/auth/org.example/fallback/web"]


@pytest.mark.parametrize("path", NOT_OURS)
def test_a_body_that_is_not_the_modules_is_left_unread(path: str) -> None:
    app = asgi.app(SmallHost(), other, {"fallback_pages": True})
    parts = [b"theirs"]
    assert answer(app, of_request("POST", path), parts)[0] == 299
    assert parts == [b"theirs"]
    assert answer(app, of_request("PATCH", DEVICES), parts)[0] == 405  # R7
    assert parts == []


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
    host = bent("get_device", lambda _, key: asked.append(key.device_id) or Device(key.device_id))
    assert call(asgi.app(host), "GET", f"{DEVICES}/a%2Fb%25?x=y")[0] == 200
    assert asked == ["a/b%"]


def test_a_server_that_knows_no_raw_path() -> None:
    assert call(asgi.app(SmallHost()), "GET", f"{DEVICES}/D0", raw=False)[0] == 200


@pytest.mark.parametrize("prefix", ["/hs", "/a%20b"])
def test_under_a_prefix(prefix: str) -> None:
    app = asgi.app(SmallHost())
    assert call(app, "GET", prefix + DEVICES, root_path=unquote(prefix))[0] == 200
    assert call(app, "GET", DEVICES, root_path=unquote(prefix))[0] == 200


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("prefix", ["", "/hs"])
@pytest.mark.parametrize("origin", ["http://x", "HTTPS://user@[::1]:8448", "http://"])
def test_R13_the_absolute_form_is_the_origin_form(raw: bool, prefix: str, origin: str) -> None:
    app = asgi.app(SmallHost(), other)
    target = f"{origin}{prefix}{DEVICES}/D0"
    assert call(app, "GET", target, root_path=prefix, raw=raw)[0] == 200
    assert call(app, "GET", f"ftp://x{DEVICES}/D0", raw=raw)[0] == 299
    assert call(app, "GET", f"http://x/{DEVICES}", raw=raw)[0] == 299


def test_R13_an_escaped_slash_stays_one_in_the_absolute_form() -> None:
    asked: list[str] = []
    host = bent("get_device", lambda _, key: asked.append(key.device_id) or Device(key.device_id))
    assert call(asgi.app(host), "GET", f"http://x{DEVICES}/a%2Fb%25?x=y")[0] == 200
    assert asked == ["a/b%"]


def test_R13_a_host_sees_no_bytes_that_are_not_text() -> None:
    seen: list[str] = []
    host = bent("authenticate", lambda who: seen.append(who.request.target) or Principal(USER))
    scope = {**of_request("GET", DEVICES), "raw_path": f"{DEVICES}/a%2F".encode() + b" \x7f"}
    answer(asgi.app(host), {**scope, "query_string": b"a=\xfe&b=\x01&c=\xc3\xa9"}, [b""])
    assert seen == [f"{DEVICES}/a%2F%20%7F?a=%FE&b=%01&c=\xc3\xa9"]


@pytest.mark.parametrize("in_query_string", [True, False])
@pytest.mark.parametrize("prefix", ["", "/hs"])
def test_a_server_that_leaves_the_query_in_the_raw_path(in_query_string: bool, prefix: str) -> None:
    host = SmallHost()
    query = f"access_token={TOKEN}"
    scope: Scope = {
        **of_request("GET", prefix + DEVICES, headers=[]),
        "raw_path": f"{prefix}{DEVICES}?{query}".encode(),
        "query_string": query.encode() if in_query_string else b"",
        "root_path": prefix,
    }
    status, _, body = answer(asgi.app(host), scope, [b""])
    assert (status, len(json.loads(body)["devices"])) == (200, 2)


@pytest.mark.parametrize("after", [[], [b"{"], [b'{"display_name":', b'"x"']])
def test_a_client_that_goes_away_raises_nothing_and_ends_nothing_else(after: list[bytes]) -> None:
    asked: list[str] = []
    host = bent("rename_device", lambda _, update: asked.append(update.device_id))
    app = asgi.app(host)
    messages: list[Message] = [
        {"type": "http.request", "body": part, "more_body": True} for part in after
    ]
    messages.append({"type": "http.disconnect"})

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError(message)

    asyncio.run(app(of_request("PUT", f"{DEVICES}/D0"), receive, send))
    assert asked == []
    assert call(app, "GET", DEVICES)[0] == 200


def test_a_client_that_goes_away_while_it_is_answered_raises_nothing() -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        raise OSError("disconnected")

    asyncio.run(asgi.app(SmallHost())(of_request("GET", DEVICES), receive, send))
    asyncio.run(asgi.app(SmallHost())(of_request("GET", "/elsewhere"), receive, send))


@pytest.mark.parametrize("value", BAD_LENGTHS)
def test_lengths_are_digits_alone(value: bytes) -> None:
    headers = [*HEADERS, (b"content-length", value)]
    status, _, body = answer(
        asgi.app(SmallHost()), of_request("PUT", f"{DEVICES}/D0", headers), [b'{"a"', b": 1}"]
    )
    assert (status, json.loads(body)["errcode"]) == (400, "M_UNKNOWN")


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ([b"2"], 200),
        ([b"0002"], 200),
        ([b"2", b"2"], 200),
        ([b"2", b"3"], 400),
        ([b"2", b"x"], 400),
        ([b"3"], 400),  # more than came
        ([b"1048577"], 413),
        ([b"9" * 5000], 413),
    ],
)
def test_what_several_lengths_say(values: list[bytes], status: int) -> None:
    headers = [*HEADERS, *((b"Content-Length", value) for value in values)]
    scope = of_request("PUT", f"{DEVICES}/D0", headers)
    assert answer(asgi.app(SmallHost()), scope, [b"{}"])[0] == status


def test_a_body_whose_length_is_over_the_limit_is_not_read() -> None:
    scope = of_request("PUT", f"{DEVICES}/D0", [*HEADERS, (b"content-length", b"1048577")])
    assert answer(asgi.app(SmallHost()), scope, [])[0] == 413


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
