"""The device endpoints as an ASGI application.

::

    app = matrix_devices.asgi.app(MyHost(), wrapped=my_homeserver)

Run it with any ASGI server, or mount it in Starlette or FastAPI. What is none of the module's
routes goes to the wrapped application.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import quote

from .host import Host
from .module import Module
from .records import Request, Response
from .server.json_answers import error_response
from .sqlite import SqliteHost

__all__ = ["NOT_FOUND", "AsgiApp", "app", "send_response"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

NOT_FOUND = error_response(404, "M_UNRECOGNIZED", "There is no such endpoint on this server.")


def app(
    host: Host | SqliteHost,
    wrapped: Application | None = None,
    config: Mapping[str, Any] | None = None,
    **options: Any,
) -> AsgiApp:
    """An application that asks ``host``. ``options`` are those of ``Module.open``, which raises.

    A plain host is called on the event loop's thread, and must not block there. The module is
    closed with the server's lifespan; where the application is mounted, which has none, by the
    caller: ``await app.module.aclose()``, or by the interpreter's exit.
    """
    return AsgiApp(Module.open(host, config, **options), wrapped)


class AsgiApp:
    """An ASGI 3 application around an open module."""

    def __init__(self, module: Module, wrapped: Application | None = None) -> None:
        """What is not the module's goes to ``wrapped``; without it the answer is 404."""
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
        raw = scope.get("raw_path")
        if raw is None:  # optional in ASGI; then a %2F in a device ID is lost
            raw = _encoded(scope["path"])
        path = raw.decode("latin-1")
        if not self.module.is_mine(path):
            prefix = _encoded(scope.get("root_path", "")).decode("latin-1")
            path = path.removeprefix(prefix)
            if not prefix or not self.module.is_mine(path):
                return None
        query = scope.get("query_string", b"").decode("latin-1")
        return f"{path}?{query}" if query else path

    async def _answer(self, target: str, scope: Scope, receive: Receive, send: Send) -> None:
        body, too_large = await _read_body(receive, self.module.max_body_bytes)
        client = scope.get("client")
        response = await self.module.ahandle(
            Request(
                scope["method"],
                target,
                [(name, value) for name, value in scope["headers"]],
                body,
                client[0] if client else "",
                too_large,
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


async def _read_body(receive: Receive, most: int) -> tuple[bytes, bool]:
    """The body, or nothing and True once it is longer than ``most`` bytes."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client went away before its request was complete")
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            return b"", True
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts), False


async def send_response(send: Send, method: str, response: Response) -> None:
    """Send it, with its length; for HEAD without its body."""
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in response.headers
    ]
    if response.status != 204:
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    body = b"" if method == "HEAD" else response.body
    await send({"type": "http.response.body", "body": body})


def _encoded(path: str) -> bytes:
    return quote(path, safe="/:@!$&'()*+,;=~").encode()
