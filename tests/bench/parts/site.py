"""Where the programs lie, and servers that are started to be measured."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matrix_device_conformance.ports import own_port
from matrix_device_conformance.processor_time import processor_seconds

SERVER_NAME = "example.org"
PASSWORD = "correct horse"
DEVICES = 5


@dataclass
class Build:
    """The programs of one build, and a folder for databases on the disk that is to be measured."""

    out: Path
    scratch: Path

    def program(self, name: str) -> Path:
        """A program or library; says what to build where it is not there."""
        path = self.out / name
        if not path.exists():
            raise SystemExit(f"{path} is not there: build it with -DMXD_BENCH=ON (make bench does)")
        return path


def raise_file_limit() -> None:
    """As many open files as may be."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Process:
    """A server under measurement."""

    def __init__(self, command: list[str], port: int, folder: Path, *, stderr: Path) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._stderr = stderr.open("wb")
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=self._stderr
        )
        deadline = time.monotonic() + 30
        while True:
            if self.process.poll() is not None:
                raise SystemExit(f"{command[0]} ended at its start: {stderr.read_text()}")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                if time.monotonic() > deadline:
                    raise SystemExit(f"{command[0]} does not listen on port {port}") from None
                time.sleep(0.05)
            else:
                return

    def processor_seconds(self) -> float:
        """User and system time of the process so far."""
        return processor_seconds(self.process.pid)

    def resident_mb(self) -> float:
        """Memory that is its own: what it shares with others is not counted."""
        for line in Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1000
        raise SystemExit("smaps_rollup has no Pss")

    def stop(self) -> None:
        """End it, cleanly."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self._stderr.close()


def our_server(build: Build, folder: Path, *options: str, database: str | None = None) -> Process:
    """matrix-devices-server, its request log in a file; on a new database of SQLite unless told."""
    port = own_port()
    config = folder / "config.json"
    config.write_text(json.dumps({"server": {"max_connections": 20_000}}))
    command = [
        str(build.program("matrix-devices-server")),
        f"--listen=127.0.0.1:{port}",
        f"--database={database or folder / 'devices.db'}",
        f"--server-name={SERVER_NAME}",
        f"--log-file={folder / 'requests.log'}",
        f"--config={config}",
        "--open-registration",
        "--no-rate-limits",
        *options,
    ]
    return Process(command, port, folder, stderr=folder / "ours.log")


def bare_server(build: Build, folder: Path, body: bytes) -> Process:
    """The bare Beast server, which answers everything with this."""
    port = own_port()
    file = folder / "body.json"
    file.write_bytes(body)
    threads = str(os.cpu_count() or 1)
    command = [str(build.program("mxd_bare_server")), str(port), threads, str(file)]
    return Process(command, port, folder, stderr=folder / "bare.log")


def post(server: Process, path: str, body: dict[str, Any]) -> Any:
    """POST JSON; the answer's."""
    request = urllib.request.Request(
        f"{server.url}/_matrix/client/v3{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def add_alice(server: Process) -> str:
    """An account with some devices; the access token of BENCH0."""
    account = {
        "username": "alice",
        "password": PASSWORD,
        "auth": {"type": "m.login.dummy"},
        "inhibit_login": True,
    }
    post(server, "/register", account)
    token = ""
    for number in range(DEVICES):
        login = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": "alice"},
            "password": PASSWORD,
            "device_id": f"BENCH{number}",
            "initial_device_display_name": f"Alice's phone {number}",
        }
        answer = post(server, "/login", login)
        token = token or answer["access_token"]
    return token
