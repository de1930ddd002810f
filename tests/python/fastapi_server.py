"""docs/examples/fastapi_host.py in the place of matrix-devices-server, for the conformance suite.

Its options and the commands that the suite gives (``user lock``, ``token issue``) are those of the
server: here they become the example's environment, and calls of its functions on its database.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn

from conformance_server import milliseconds, read_registration

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
STATES = {"lock": "locked", "unlock": "active", "suspend": "suspended", "unsuspend": "active"}


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    is_command = sys.argv[1] in ("user", "token")
    if is_command:
        parser.add_argument("command", nargs=2)
        parser.add_argument("name")
        parser.add_argument("--device")
        parser.add_argument("--oauth", action="store_true")
        parser.add_argument("--lifetime", type=milliseconds)
    else:
        parser.add_argument("--listen", required=True)
        parser.add_argument("--server-name", required=True)
        parser.add_argument("--open-registration", action="store_true")
        parser.add_argument("--no-rate-limits", action="store_true")  # of addresses: it has none
        parser.add_argument("--appservice", type=Path, action="append", default=[])
        parser.add_argument("--config", type=Path)
    options = parser.parse_args()
    os.environ["HOMESERVER_DATABASE"] = options.database
    sys.path.insert(0, str(EXAMPLES))
    return command(options) if is_command else serve(options)


def command(options: argparse.Namespace) -> int:
    """What a command prints."""
    import fastapi_accounts
    import fastapi_database

    accounts = fastapi_accounts.Accounts(
        fastapi_database.Database(options.database), "example.org", {}
    )
    if options.command == ["user", "add"]:
        password = sys.stdin.readline().rstrip("\n")
        print(asyncio.run(accounts.register(options.name, password)))
        return 0
    user_id = accounts.user_ids(options.name)[-1]
    if options.command[0] == "user":
        asyncio.run(accounts.set_state(user_id, STATES[options.command[1]]))
        return 0
    login = accounts.log_in(
        user_id, options.device, lifetime_ms=options.lifetime, oauth=options.oauth
    )
    print(asyncio.run(login)["access_token"])
    return 0


class AnnouncingServer(uvicorn.Server):
    """Prints where it listens, as matrix-devices-server does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        assert sockets is not None
        host, port = sockets[0].getsockname()[:2]
        print(f"listening on http://{host}:{port}", flush=True)


def serve(options: argparse.Namespace) -> int:
    """Until SIGTERM."""
    os.environ["HOMESERVER_NAME"] = options.server_name
    if options.config is not None:
        os.environ["HOMESERVER_CONFIG"] = options.config.read_text()
    if options.open_registration:
        os.environ["HOMESERVER_OPEN_REGISTRATION"] = "yes"
    import fastapi_accounts
    import fastapi_host

    database = fastapi_host.Database(options.database)
    accounts: Any = fastapi_accounts.Accounts(database, options.server_name, {})
    for path in options.appservice:
        service = read_registration(path.read_text())
        (namespace,) = service.user_namespaces
        asyncio.run(
            accounts.add_service(
                service.id,
                service.as_token,
                service.sender_localpart,
                namespace.regex,
                service.rate_limited,
            )
        )
    listen = re.fullmatch(r"(.*):(\d+)", options.listen)
    assert listen is not None
    listener = socket.create_server((listen[1], int(listen[2])), backlog=512)
    signal.signal(signal.SIGTERM, lambda *_: None)  # newer versions raise it again in the end
    server = AnnouncingServer(uvicorn.Config(fastapi_host.app, log_level="warning"))
    server.run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
