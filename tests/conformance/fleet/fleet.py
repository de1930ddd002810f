#!/usr/bin/env python3
"""Servers on one database behind a round robin, to be started and commanded as one server is.

    MXD_FLEET_SERVER=PROGRAM [MXD_FLEET_SIZE=2] [MXD_FLEET_ON=postgres] fleet.py …

takes the command line of PROGRAM, a matrix-devices-server, so that whatever drives one server
drives several (`--server fleet.py`). It starts that many, and hands each connection to the next of
them. On PostgreSQL, that of MXD_POSTGRES_CLUSTER (tests/postgres/), the file of --database holds
the URL of a database of its own, which is made at the first start.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import secrets
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "postgres")]

from cluster import SHARED, shared  # noqa: E402
from programs import missing  # noqa: E402

LISTENING = re.compile(rb"listening on http://([^\s:]+):(\d+)")
PIECE = 65536
SERVE_OPTION = "--listen"  # which no command has


def value_of(arguments: Sequence[str], option: str) -> str:
    """What an option was given."""
    return arguments[arguments.index(option) + 1]


def replaced(arguments: Sequence[str], option: str, value: str) -> list[str]:
    """The same arguments with another value of an option, if it is there."""
    if option not in arguments:
        return list(arguments)
    at = arguments.index(option) + 1
    return [*arguments[:at], value, *arguments[at + 1 :]]


def database_of(arguments: Sequence[str]) -> str:
    """The database that the file of --database stands for."""
    file = Path(value_of(arguments, "--database"))
    if os.environ.get("MXD_FLEET_ON") != "postgres":
        return str(file)
    if not file.exists():
        reason = missing()
        if reason:
            raise SystemExit(f"no PostgreSQL to be had: {reason}")
        postgres = shared()
        if postgres is None:
            raise SystemExit(f"{SHARED} names no cluster: run this by ctest")
        name = f"fleet_{secrets.token_hex(8)}"
        postgres.sql(f"CREATE DATABASE {name} TEMPLATE template0")
        file.write_text(postgres.url(name))
    return file.read_text()


class Fleet:
    """The servers, and what hands them their connections."""

    def __init__(self, program: str, arguments: Sequence[str], size: int) -> None:
        self.command = [program, *replaced(arguments, SERVE_OPTION, "127.0.0.1:0")]
        host, _, port = value_of(arguments, SERVE_OPTION).rpartition(":")
        self.host, self.port = host, int(port)
        self.size = size
        self.servers: list[asyncio.subprocess.Process] = []
        self.turns: Iterator[tuple[str, int]] = iter(())
        self.connections: set[asyncio.Task[None]] = set()

    async def serve(self) -> int:
        """Until SIGTERM; the exit status: the highest of the servers'."""
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        starting = [asyncio.create_task(self._start()) for _ in range(self.size)]
        addresses = await asyncio.gather(*starting)
        if None not in addresses:
            self.turns = itertools.cycle(address for address in addresses if address)
            door = await asyncio.start_server(self._take, self.host, self.port, backlog=1024)
            port = door.sockets[0].getsockname()[1]
            print(f"listening on http://{self.host}:{port}", flush=True)
            ended = [asyncio.create_task(server.wait()) for server in self.servers]
            stop = asyncio.create_task(stopping.wait())
            await asyncio.wait([stop, *ended], return_when=asyncio.FIRST_COMPLETED)
            door.close()
        return await self._stop()

    async def _start(self) -> tuple[str, int] | None:
        """One more; where it listens, or nothing if it does not start."""
        server = await asyncio.create_subprocess_exec(*self.command, stdout=asyncio.subprocess.PIPE)
        self.servers.append(server)
        assert server.stdout is not None
        while line := await server.stdout.readline():
            if found := LISTENING.match(line):
                return found[1].decode(), int(found[2])
        return None

    async def _stop(self) -> int:
        for server in self.servers:
            with suppress(ProcessLookupError):
                server.send_signal(signal.SIGTERM)
        statuses = await asyncio.gather(*(server.wait() for server in self.servers))
        if self.connections:
            await asyncio.wait(self.connections)
        return max(status if status >= 0 else 128 - status for status in statuses)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A client's connection: to the server whose turn it is."""
        task = asyncio.current_task()
        assert task is not None
        self.connections.add(task)
        task.add_done_callback(self.connections.discard)
        host, port = next(self.turns)
        try:
            there_reader, there_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.close()
            return
        back = asyncio.create_task(passed_on(there_reader, writer))
        await passed_on(reader, there_writer)
        await back
        for end in (writer, there_writer):
            end.close()


async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """All that comes, and that there is no more."""
    with suppress(ConnectionError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


def main(arguments: Sequence[str]) -> int:
    """Serve, or run a command of the program on the database."""
    program = os.environ["MXD_FLEET_SERVER"]
    if "--database" in arguments:
        arguments = replaced(arguments, "--database", database_of(arguments))
    if SERVE_OPTION not in arguments:
        os.execv(program, [program, *arguments])
    size = int(os.environ.get("MXD_FLEET_SIZE", "2"))
    return asyncio.run(Fleet(program, arguments, size).serve())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
