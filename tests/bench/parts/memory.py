"""Memory: of the server idle, under idle connections, and after they have left."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from parts.figures import Figure, Progress
from parts.site import Build, Process, add_alice, bare_server, our_server, raise_file_limit

CONNECTIONS = 10_000
SETTLE_S = 30  # at most: memory is given back a little later


async def hold_connections(
    server: Process, token: str, measured: Callable[[], float]
) -> tuple[float, float]:
    """Memory while so many connections are open that have each made a request, and after."""
    request = (
        f"GET /_matrix/client/v3/devices HTTP/1.1\r\nHost: bench\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()
    room = asyncio.Semaphore(200)  # opened at a time

    async def open_one() -> asyncio.StreamWriter:
        async with room:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            await reader.readexactly(length)
            return writer

    writers = await asyncio.gather(*(open_one() for _ in range(CONNECTIONS)))
    under = measured()
    for writer in writers:
        writer.close()
    for writer in writers:
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return under, lowest(measured)


def lowest(measured: Callable[[], float]) -> float:
    """What memory comes down to: until it has not gone down for three seconds."""
    best = measured()
    since = started = time.monotonic()
    while time.monotonic() - since < 3 and time.monotonic() - started < SETTLE_S:
        time.sleep(0.25)
        now = measured()
        if now < best - 0.1:
            best, since = now, time.monotonic()
    return best


def measure(build: Build, progress: Progress) -> list[Figure]:
    """In MB, beside the bare server."""
    raise_file_limit()
    wanted = CONNECTIONS + 500  # of this process, and of each server
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < wanted:
        raise SystemExit(f"memory: allow {wanted:,} open files (ulimit -n {wanted})")
    found: dict[str, list[float]] = {"ours": [], "bare": []}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=build.scratch)))
        ours = our_server(build, folder)
        stack.callback(ours.stop)
        token = add_alice(ours)
        bare = bare_server(build, folder, b'{"devices":[]}')
        stack.callback(bare.stop)
        for name, server in (("ours", ours), ("bare", bare)):
            progress(f"{CONNECTIONS:,} idle connections, {name}")
            idle = server.resident_mb()
            gc.collect()
            under, after = asyncio.run(hold_connections(server, token, server.resident_mb))
            found[name] = [idle, under, after]
    states = ("idle", f"with {CONNECTIONS:,} idle connections", "after they have left")
    return [
        Figure("memory", f"server {state}", "MB", "the bare Beast server", [ours], [bare])
        for state, ours, bare in zip(states, found["ours"], found["bare"], strict=True)
    ]
