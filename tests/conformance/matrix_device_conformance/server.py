"""Starts, stops and commands a real matrix-devices-server."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matrix_device_conformance.client import TIME_FACTOR, Client

SERVER_NAME = "example.org"
LISTENING = re.compile(r"listening on (http://[^\s\"]+)[\s\"]")  # the whole address
SANITIZER = re.compile(
    r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|SUMMARY: \w+Sanitizer"
)


class ServerError(AssertionError):
    """The server did not do what its life demands: start, keep running, stop cleanly."""


class NotWithin(ServerError):
    """Something did not come about in the time that it may take."""

    def __init__(self, what: str, seconds: float) -> None:
        self.what = what
        self.seconds = seconds
        super().__init__(f"not within {seconds:.0f} s: {what}")


def poll(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Wait until `condition` gives something true, and return it."""
    deadline = time.monotonic() + seconds * TIME_FACTOR
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise NotWithin(what, seconds * TIME_FACTOR)
        time.sleep(0.01)


class Server:
    """One database file and, while it runs, one process that serves it."""

    def __init__(
        self,
        binary: str,
        folder: Path,
        options: Sequence[str] = (),
        *,
        database: Path | str | None = None,
        listen: str = "127.0.0.1:0",
        server_name: str = SERVER_NAME,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.binary = binary
        self.folder = folder
        self.options = list(options)
        self.database = database or folder / "devices.db"
        self.listen = listen
        self.server_name = server_name
        self.environment = environment or {}  # beside the one that it inherits
        self.stderr: int | None = None  # a descriptor in the place of stderr_path
        self.process: subprocess.Popen[bytes] | None = None
        self.client = Client("http://127.0.0.1:1")
        self.runs = 0

    def start(self) -> Server:
        """Start and wait for the line that names the address."""
        self.spawn()
        return self.start_is_over()

    def start_is_over(self) -> Server:
        """Wait for the line that names the address."""
        poll(self._is_listening, 30, "the server prints where it listens")
        return self

    def spawn(self) -> None:
        """Start without waiting."""
        self.runs += 1
        command = [
            self.binary,
            "--listen",
            self.listen,
            "--database",
            str(self.database),
            "--server-name",
            self.server_name,
            *self.options,
        ]
        with self.stdout_path.open("wb") as stdout, self.stderr_path.open("wb") as stderr:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr if self.stderr is None else self.stderr,
                cwd=self.folder,
                env={**os.environ, **self.environment},
            )

    @property
    def stdout_path(self) -> Path:
        """Where the present run's standard output is kept."""
        return self.folder / f"stdout.{self.runs}.log"

    @property
    def stderr_path(self) -> Path:
        """Where the present run's standard error is kept."""
        return self.folder / f"stderr.{self.runs}.log"

    def output(self) -> str:
        """All that the present run has written."""
        return self.stdout_path.read_text(errors="replace") + self.stderr_path.read_text(
            errors="replace"
        )

    def log(self) -> list[dict[str, Any]]:
        """The log's lines: whole lines of output that are JSON objects."""
        lines = []
        for line in self.output().splitlines():
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                lines.append(value)
        return lines

    def _is_listening(self) -> bool:
        found = LISTENING.search(self.output())
        if found:
            self.client = Client(found[1])
            return True
        if self.process is not None and self.process.poll() is not None:
            raise ServerError(
                f"the server ended with {self.process.returncode} at its start\n{self.output()}"
            )
        return False

    def signal(self, number: int) -> None:
        """Send a signal to the process."""
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, seconds: float = 20) -> int:
        """Wait for the end of the process; its exit status."""
        assert self.process is not None
        try:
            status = self.process.wait(seconds * TIME_FACTOR)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise ServerError(f"still running after {seconds} s\n{self.output()}") from None
        self.process = None
        return status

    def kill(self) -> None:
        """End the process as a power cut would."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        """Stop with SIGTERM; anything but a clean end is a failure."""
        if self.process is None:
            return
        ended_early = self.process.poll()
        if ended_early is not None:
            self.process = None
            raise ServerError(f"the process had ended with {ended_early}\n{self.output()}")
        self.signal(signal.SIGTERM)
        status = self.wait()
        self.expect_clean_output()
        if status != 0:
            raise ServerError(f"exit status {status} after SIGTERM\n{self.output()}")

    def expect_clean_output(self) -> None:
        """Fail on a sanitizer's report."""
        if SANITIZER.search(self.output()):
            raise ServerError(f"a sanitizer reported\n{self.output()}")

    def command(
        self, *arguments: str, stdin: str = "", expect: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line on this database: `user add …`, `token issue …`."""
        done = subprocess.run(
            [self.binary, *arguments, "--database", str(self.database)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60 * TIME_FACTOR,
            cwd=self.folder,
            check=False,
        )
        if SANITIZER.search(done.stderr):
            raise ServerError(f"a sanitizer reported in {arguments}\n{done.stderr}")
        if expect is not None and done.returncode != expect:
            raise ServerError(
                f"{' '.join(arguments)}: exit status {done.returncode}, expected {expect}\n"
                f"{done.stdout}{done.stderr}"
            )
        return done


def server_binary(option: str | None) -> str | None:
    """The server's path from an option or the environment."""
    binary = option or os.environ.get("MXD_SERVER")
    return os.path.abspath(binary) if binary else None
