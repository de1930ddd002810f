"""Throw-away servers of PostgreSQL and Redis, on Unix sockets in folders of their own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.server import ServerError, poll

DEBIAN_POSTGRES = Path("/usr/lib/postgresql")


class _Daemon:
    """A server process in a folder that goes with it."""

    def __init__(self, name: str) -> None:
        self.name = name
        # Not below pytest's folder: PostgreSQL's user must reach it, and the path of a Unix
        # socket has 107 bytes at most.
        self.folder = Path(tempfile.mkdtemp(prefix=f"mxd-{name}-"))
        self.process: subprocess.Popen[bytes] | None = None

    def _spawn(self, command: Sequence[str]) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )

    def _output(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def _expect_running(self) -> None:
        if self.process is not None and self.process.poll() is not None:
            raise ServerError(f"{self.name} ended at its start\n{self._output()}")

    def _end(self, number: int) -> None:
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(20 * TIME_FACTOR)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def remove(self) -> None:
        """Stop it, and remove what it stored."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self) -> None:
        """Stop it."""
        raise NotImplementedError


class Postgres(_Daemon):
    """A PostgreSQL with one database, `synapse`. Root runs it as Debian's user `postgres`."""

    def __init__(self) -> None:
        super().__init__("postgresql")
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self._as_user: list[str] = []
        if os.getuid() == 0:  # which PostgreSQL refuses
            self.user = "postgres"
            shutil.chown(self.folder, "postgres", "postgres")
            self._as_user = [
                "setpriv",
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
            ]

    @property
    def connection(self) -> Mapping[str, str]:
        """Arguments for psycopg2."""
        return {"host": str(self.folder), "user": self.user, "dbname": "synapse"}

    def start(self) -> None:
        """Make the database where there is none yet; start; wait until it takes queries."""
        data = self.folder / "data"
        if not data.exists():
            self._run(
                "initdb", "-D", str(data), "--auth=trust", "--encoding=UTF8", "--locale=C", "-N"
            )
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",  # it is not the machine that goes away
            "full_page_writes": "off",
        }
        options = [part for item in settings.items() for part in ("-c", "=".join(item))]
        self._spawn([*self._as_user, program("postgres"), "-D", str(data), *options])
        poll(self._is_ready, 30, "PostgreSQL takes queries")
        if self.sql("SELECT 1 FROM pg_database WHERE datname = 'synapse'", "postgres") == []:
            self.sql("CREATE DATABASE synapse", "postgres")

    def _is_ready(self) -> bool:
        self._expect_running()
        command = [program("psql"), "-XAtqc", "SELECT 1", *self._connect("postgres")]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _connect(self, database: str) -> list[str]:
        return ["-h", str(self.folder), "-U", self.user, "-d", database]

    def psql(self, database: str = "synapse") -> list[str]:
        """The command of a psql that reads SQL from its standard input."""
        options = ["-XAtq", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        return [program("psql"), *options, *self._connect(database)]

    def sql(self, statement: str, database: str = "synapse") -> list[tuple[str, ...]]:
        """Run SQL; rows as texts."""
        done = subprocess.run(
            self.psql(database),
            input=statement,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ServerError(f"psql: {done.stderr}")
        return [tuple(line.split("\x1f")) for line in done.stdout.splitlines()]

    def _run(self, name: str, *arguments: str) -> None:
        command = [*self._as_user, program(name), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder)
        if done.returncode != 0:
            raise ServerError(f"{name}: {done.stdout}{done.stderr}")

    def stop(self) -> None:
        """Stop at once: connections are cut, as when the machine of the database goes away."""
        self._end(signal.SIGQUIT)


class Redis(_Daemon):
    """A Redis that keeps nothing."""

    def __init__(self) -> None:
        super().__init__("redis")
        self.path = str(self.folder / "redis.sock")

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        self._spawn(
            [
                program("redis-server"),
                *("--port", "0"),
                *("--unixsocket", self.path),
                *("--save", ""),
                *("--appendonly", "no"),
                *("--dir", str(self.folder)),
            ]
        )
        poll(self._is_ready, 20, "Redis listens")

    def _is_ready(self) -> bool:
        self._expect_running()
        return Path(self.path).is_socket()

    def stop(self) -> None:
        """Stop it, and remove its folder: there is nothing in it."""
        self._end(signal.SIGTERM)
        shutil.rmtree(self.folder, ignore_errors=True)


def program(name: str) -> str:
    """The path of a program; PostgreSQL's server programs are not in Debian's PATH."""
    versions = sorted(
        (folder for folder in DEBIAN_POSTGRES.glob("*") if folder.name.isdigit()),
        key=lambda folder: int(folder.name),
        reverse=True,
    )
    for folder in versions:
        path = folder / "bin" / name
        if path.exists():
            return str(path)
    found = shutil.which(name)
    if found is None:
        raise ServerError(f"{name} is not there: install postgresql and redis-server")
    return found
