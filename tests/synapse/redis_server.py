"""A throw-away Redis, on a Unix socket in a folder of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.server import ServerError, poll
from programs import program

START_S = 20


class Redis:
    """A Redis that keeps nothing."""

    def __init__(self) -> None:
        # Not below pytest's folder: the path of a Unix socket has 107 bytes at most.
        self.folder = Path(tempfile.mkdtemp(prefix="mxd-redis-"))
        self.path = str(self.folder / "redis.sock")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        command = [
            program("redis-server"),
            *("--port", "0"),
            *("--unixsocket", self.path),
            *("--save", ""),
            *("--appendonly", "no"),
            *("--dir", str(self.folder)),
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )
        poll(self._is_ready, START_S, "Redis listens")

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _is_ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            log = self._log.read_text(errors="replace")[-4000:]
            raise ServerError(f"Redis ended with {self._process.returncode}\n{log}")
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(self.path) == 0  # its file is there before it listens

    def remove(self) -> None:
        """Stop it, and remove its folder."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20 * TIME_FACTOR)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)
