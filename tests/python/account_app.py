"""A homeserver in ASGI, for the conformance suite: accounts around which the module is wrapped.

MXD_HOST=memory|async|sqlite MXD_FOLDER=… uvicorn account_app:app
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import matrix_devices
import matrix_devices.asgi
from matrix_devices.asgi import AsgiApp, Message, Receive, Scope, Send
from matrix_devices.server import AccountApi


class AccountApp:
    """The account endpoints as an ASGI application. Passwords are read on a worker thread."""

    def __init__(self, accounts: matrix_devices.Accounts) -> None:
        self.api = AccountApi(accounts, limits=None)  # all the suite has one address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        assert scope["type"] == "http"
        body = b""
        more = True
        while more:
            part: Message = await receive()
            body += part.get("body", b"")
            more = part.get("more_body", False)
        target = scope["raw_path"].decode("latin-1")
        if scope["query_string"]:
            target += "?" + scope["query_string"].decode("latin-1")
        request = matrix_devices.Request(
            scope["method"], target, scope["headers"], body, scope["client"][0]
        )
        response = await asyncio.to_thread(self.api.handle, request)
        if response is None:
            response = matrix_devices.asgi.NOT_FOUND
        await matrix_devices.asgi.send_response(send, scope["method"], response)


def make() -> AsgiApp:
    """The application of the environment."""
    kind = os.environ["MXD_HOST"]
    host: matrix_devices.MemoryHost | matrix_devices.SqliteHost
    if kind == "memory":
        host = matrix_devices.MemoryHost("example.org")
    elif kind == "async":
        host = matrix_devices.AsyncMemoryHost("example.org")
    else:
        folder = Path(os.environ["MXD_FOLDER"])
        host = matrix_devices.SqliteHost(folder / "devices.db", server_name="example.org")
    return matrix_devices.asgi.app(host, AccountApp(host))


app = make()
