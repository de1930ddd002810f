"""What the trials have in common: a server with a shim before its system calls, and problems found.

A trial prints each problem as it finds it, and at the end how much it has tried; its exit status is
1 if there were any. `--folder` keeps the database and the output of the server.
"""

from __future__ import annotations

import argparse
import http.client
import json
import mmap
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "conformance"))

from matrix_device_conformance.client import (
    ABSENT,
    TIME_FACTOR,
    RawConnection,
    Response,
    client_path,
    device_path,
)
from matrix_device_conformance.server import SERVER_NAME, Server, ServerError

__all__ = [
    "AS_TOKEN",
    "HANG_S",
    "PASSWORD",
    "SETTINGS",
    "TIME_FACTOR",
    "Control",
    "RawConnection",
    "Response",
    "ServerError",
    "Trial",
    "arguments",
    "client_path",
    "device_path",
    "elapsed",
    "of_user",
    "password_stage",
    "service_login",
    "user_id",
]

AS_TOKEN = "as-token-of-the-trial"
PASSWORD = "pass word"
SHOWN_PROBLEMS = 40
HANG_S = 60 * TIME_FACTOR  # by when an answer, or the end of its connection, must have come
UNLIMITED = {"burst": 1_000_000, "interval_ms": 1}
SETTINGS: dict[str, Any] = {
    "fallback_pages": True,
    "limits": {"uia_challenges": UNLIMITED, "uia_failures": UNLIMITED},
    "server": {"limits": {"enabled": False}},
}


class Control:
    """The numbers that a shim reads, in a file that both have mapped."""

    def __init__(self, path: Path, size: int) -> None:
        path.write_bytes(bytes(size))
        with path.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), size)

    def write(self, numbers: bytes) -> None:
        """Set all of them."""
        self.memory[:] = numbers

    def read(self) -> bytes:
        """All of them."""
        return bytes(self.memory)


class Trial:
    """A server under trial, its clients, and what was wrong."""

    def __init__(
        self,
        options: argparse.Namespace,
        *,
        database: str | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """`database`: the URL of one, instead of a file; `settings`: more of the server's."""
        self.problems: list[str] = []
        self.answers: Counter[tuple[str, int | str]] = Counter()
        self.is_kept = options.folder is not None
        self.folder = Path(options.folder or tempfile.mkdtemp(prefix="mxd-trial-")).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.shim = getattr(options, "shim", None)
        self.environment: dict[str, str] = {}
        if self.shim:
            self.environment["LD_PRELOAD"] = os.path.abspath(self.shim)
        self._write_settings(settings or {})
        self.server = Server(
            os.path.abspath(options.server),
            self.folder,
            [
                *("--appservice", str(self.folder / "service.yaml")),
                *("--config", str(self.folder / "settings.json")),
                "--open-registration",
            ],
            database=database,
            environment=self.environment,
        )
        if database is None:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self.database}{suffix}").unlink(missing_ok=True)

    @property
    def database(self) -> Path:
        """The server's file."""
        assert isinstance(self.server.database, Path)
        return self.server.database

    def _write_settings(self, more: Mapping[str, Any]) -> None:
        settings = {**SETTINGS, "server": {**SETTINGS["server"], **more}}
        (self.folder / "settings.json").write_text(json.dumps(settings))
        (self.folder / "service.yaml").write_text(
            f"id: trial\nurl: null\nas_token: {AS_TOKEN}\nhs_token: unused\n"
            "sender_localpart: trial\nrate_limited: false\n"
            "namespaces:\n  users:\n    - exclusive: false\n      regex: '@.*'\n"
            "  aliases: []\n  rooms: []\n"
        )

    def add_users(self, *names: str) -> None:
        """Make accounts, in a database that no server has open."""
        self.server.start().stop()
        for name in names:
            self.server.command("user", "add", name, stdin=PASSWORD)

    def problem(self, what: str) -> None:
        """Something is wrong."""
        self.problems.append(what)
        if len(self.problems) <= SHOWN_PROBLEMS:
            print("PROBLEM", what, flush=True)

    def connect(self) -> RawConnection:
        """A connection on which nothing may take longer than HANG_S."""
        client = self.server.client
        return RawConnection(client.host, client.port, timeout=HANG_S)

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        json: Any = ABSENT,
        connection: RawConnection | None = None,
    ) -> Response | None:
        """An answer; None if the connection was closed instead. TimeoutError if neither came."""
        headers = [] if token is None else [("Authorization", f"Bearer {token}")]
        body = None if json is ABSENT else _json(json)
        target = client_path(path)
        used = connection or self.connect()
        try:
            return used.exchange(method, target, headers, body)
        except TimeoutError:
            used.close()
            raise
        except (OSError, http.client.HTTPException):
            used.close()
            return None
        finally:
            if connection is None:
                used.close()

    def has_died(self) -> bool:
        """Whether the server is gone."""
        process = self.server.process
        return process is not None and process.poll() is not None

    def restart(self) -> None:
        """End the server, however it is, and start it."""
        if self.server.process is not None:
            if self.server.process.poll() is None:
                self.server.process.kill()
            self.server.process.wait()
            self.server.process = None
        self.server.start()

    def stop(self) -> None:
        """Stop the server; a problem if it does not end well."""
        try:
            self.server.stop()
        except ServerError as error:
            self.problem(f"at the stop: {error}")

    def result(self, summary: str) -> int:
        """Print what was done; the exit status."""
        print(f"{summary}; problems: {len(self.problems)}")
        if not self.is_kept and not self.problems:
            shutil.rmtree(self.folder, ignore_errors=True)
        elif self.problems:
            print(f"the database and the server's output: {self.folder}")
        return 1 if self.problems else 0


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def of_user(path: str, name: str) -> str:
    """A path, asked by the service as a user."""
    return f"{path}?user_id={quote(user_id(name))}"


def user_id(name: str) -> str:
    """A user's whole ID."""
    return f"@{name}:{SERVER_NAME}"


def password_stage(name: str, session: str) -> dict[str, Any]:
    """The `auth` of a request that is asked for it."""
    return {
        "type": "m.login.password",
        "session": session,
        "identifier": {"type": "m.id.user", "user": name},
        "password": PASSWORD,
    }


def service_login(name: str, device_id: str, refresh: bool = False) -> dict[str, Any]:
    """The body of a login by the service."""
    return {
        "type": "m.login.application_service",
        "identifier": {"type": "m.id.user", "user": name},
        "device_id": device_id,
        "refresh_token": refresh,
    }


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The options that every trial has."""
    parser = argparse.ArgumentParser(description=(description or "").split("\n", 1)[0])
    parser.add_argument("--server", required=True, help="the program under trial")
    parser.add_argument("--folder", help="where to put its files, which then are kept")
    return parser


def elapsed(began: float) -> str:
    """How long it took."""
    return f"{time.monotonic() - began:.0f} s"
