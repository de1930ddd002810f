"""The device endpoints as an ASGI application:

    app = matrix_devices.asgi.app(MyHost(), wrapped=my_homeserver)

Run it with any ASGI server, or mount it in Starlette or FastAPI. What is none of the module's
routes goes to the wrapped application.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, TypeAlias
from urllib.parse import quote

from . import _core, _explain
from .errors import ConfigurationError
from .host import Host
from .module import Module
from .records import Request, Response
from .server.framing import BadBody, BrokenOff, content_length
from .server.json_answers import error_response
from .store import StoreHost

__all__ = ["NOT_FOUND", "AsgiApp", "app", "send_response"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

NOT_FOUND = error_response(404, "M_UNRECOGNIZED", "There is no such endpoint on this server.")


def app(
    host: Host | StoreHost,
    wrapped: Application | None = None,
    config: Mapping[str, Any] | None = None,
    *,
    library: str | os.PathLike[str] | None = None,
    timeout: float = 30.0,
) -> AsgiApp:
    """An application that asks ``host``. The rest is as in ``Module.open``, which raises.

    A plain host is called on the event loop's thread, and must not block there. The module is
    closed with the server's lifespan; where the application is mounted, which has none, by the
    caller: ``await app.module.aclose()``, or by the interpreter's exit.
    """
    return AsgiApp(Module.open(host, config, library=library, timeout=timeout), wrapped)


class AsgiApp:
    """An ASGI 3 application around an open module."""

    def __init__(self, module: Module, wrapped: Application | None = None) -> None:
        """What is not the module's goes to ``wrapped``; without it the answer is 404."""
        if wrapped is not None and not callable(wrapped):
            raise ConfigurationError(f"wrapped is {_explain.a(wrapped)}; give an ASGI application")
        self.module = module
        self._wrapped = wrapped

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, as the ASGI specification has it."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        if scope["type"] == "http":
            target = self._target(scope)
            if target is not None:
                await self._answer(target, scope, receive, send)
                return
        if self._wrapped is not None:
            await self._wrapped(scope, receive, send)
        elif scope["type"] == "http":
            await send_response(send, scope["method"], NOT_FOUND)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})

    def _target(self, scope: Scope) -> str | None:
        """The raw target, without the prefix under which this is mounted; None: not ours."""
        raw: bytes | None = scope.get("raw_path")
        if raw is None:  # optional in ASGI; then a %2F in a device ID is lost
            raw = _encoded(scope["path"])
        # The query is not part of it, but some servers leave it there.
        raw, _, raw_query = raw.partition(b"?")
        raw_query = scope.get("query_string") or raw_query
        path, _, query = _core.normal_target(b"%s?%s" % (raw, raw_query)).partition("?")
        if not self.module.match(scope["method"], path):
            prefix = _encoded(scope.get("root_path", "")).decode("latin-1")
            path = path.removeprefix(prefix)
            if not prefix or not self.module.match(scope["method"], path):
                return None
        return f"{path}?{query}" if query else path

    async def _answer(self, target: str, scope: Scope, receive: Receive, send: Send) -> None:
        response: Response | None
        try:
            body = await _read_body(scope, receive, self.module.max_body_bytes)
        except BadBody as bad:
            response = bad.response
        except BrokenOff:
            return  # nobody is there to be told
        else:
            client = scope.get("client")
            response = await self.module.ahandle(
                Request(
                    scope["method"],
                    target,
                    [(name, value) for name, value in scope["headers"]],
                    body or b"",
                    client[0] if client else "",
                    body is None,
                    scope,
                )
            )
        assert response is not None, "a route of the module is the module's"
        await send_response(send, scope["method"], response)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close the module at the end, after the wrapped application's own end."""

        async def send_closing(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown"):
                await self.module.aclose()
            await send(message)

        if self._wrapped is not None:
            await self._wrapped(scope, receive, send_closing)
            return
        while True:
            message = await receive()
            await send_closing({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return


async def _read_body(scope: Scope, receive: Receive, most: int) -> bytes | None:
    """The body; None if it is longer than ``most`` bytes. ``BadBody``, ``BrokenOff``."""
    values = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    length = content_length([value.decode("latin-1") for value in values])
    if length is not None and length > most:
        return None
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BrokenOff
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            break
    if length is not None and size < length:
        raise BadBody("The body is shorter than its Content-Length says. Send all of it.")
    return b"".join(parts)


async def send_response(send: Send, method: str, response: Response) -> None:
    """Send it, with its length; for HEAD without its body. The client may have gone."""
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in response.headers
    ]
    if response.status != 204:
        headers.append((b"content-length", str(len(response.body)).encode()))
    body = b"" if method == "HEAD" else response.body
    with suppress(OSError):  # by which ASGI says that the client has gone
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _encoded(path: str) -> bytes:
    return quote(path, safe="/:@!$&'()*+,;=~").encode()
