"""Sends wrong passwords over many connections at once until it is stopped: a process of its own.

python flood.py HOST PORT CONNECTIONS USER; it prints a line when the first answer is there.
"""

from __future__ import annotations

import asyncio
import json
import sys


async def guess(host: str, port: int, user: str, number: int, begun: asyncio.Event) -> None:
    """One client of the /64: a wrong password, and another, on one connection."""
    body = json.dumps({"type": "m.login.password", "user": user, "password": "wrong"})
    request = (
        "POST /_matrix/client/v3/login HTTP/1.1\r\nHost: x\r\n"
        f"X-Forwarded-For: 2001:db8:0:2::{number:x}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
    while True:
        try:
            reader, writer = await asyncio.open_connection(host, port)
            while True:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                for line in head.split(b"\r\n"):
                    if line.lower().startswith(b"content-length:"):
                        await reader.readexactly(int(line.split(b":")[1]))
                begun.set()
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.05)


async def main() -> None:
    """Flood until the process is ended."""
    host, port, connections, user = sys.argv[1:]
    begun = asyncio.Event()
    guesses = [
        asyncio.ensure_future(guess(host, int(port), user, number, begun))
        for number in range(int(connections))
    ]
    await begun.wait()
    print("begun", flush=True)
    await asyncio.gather(*guesses)


asyncio.run(main())
