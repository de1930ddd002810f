"""A client library in a process of its own, told what to do in lines of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matrix_device_conformance.client import TIME_FACTOR

CALL_S = 60 * TIME_FACTOR


class ClientError(Exception):
    """The library raised; `details` is what its error tells."""

    def __init__(self, details: dict[str, Any]) -> None:
        super().__init__(json.dumps(details))
        self.details = details


class ClientProcess:
    """The process. It makes clients, and calls their methods.

    A request is ``{"client": …, "call": …, "arguments": […]}``; its answer has ``result`` or
    ``error``. The call ``new`` makes the client of that number. The process ends when its standard
    input does.
    """

    def __init__(self, command: Sequence[str | Path], folder: Path, log: Path) -> None:
        """Start it in `folder`; its standard error goes to the file `log`."""
        # Of our package it must know nothing: another Python runs another library there.
        environment = {key: os.environ[key] for key in os.environ if not key.startswith("PYTHON")}
        self.log = log
        self.clients = 0
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                encoding="utf-8",
                cwd=folder,
                env=environment,
            )

    def new(self, *arguments: Any) -> LibraryClient:
        """Make a client."""
        self.clients += 1
        made = LibraryClient(self, self.clients)
        made.call("new", *arguments)
        return made

    def request(self, request: dict[str, Any]) -> Any:
        """The result. ClientError: the library raised."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        watchdog = threading.Timer(CALL_S, self.process.kill)
        watchdog.start()
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            raise AssertionError(f"{request['call']}: gone, or silent\n{self.output()}")
        answer = json.loads(line)
        if "error" in answer:
            raise ClientError(answer["error"])
        return answer["result"]

    def output(self) -> str:
        """What it wrote to standard error."""
        return self.log.read_text(errors="replace")

    def stop(self) -> None:
        """Let it end by itself; anything but a clean end is a failure."""
        watchdog = threading.Timer(CALL_S, self.process.kill)
        watchdog.start()
        try:
            with self.process:
                assert self.process.stdin is not None
                self.process.stdin.close()
        finally:
            watchdog.cancel()
        assert self.process.returncode == 0, self.output()


@dataclass(frozen=True)
class LibraryClient:
    """One client of the library."""

    process: ClientProcess
    number: int

    def call(self, name: str, *arguments: Any) -> Any:
        """What a method of the client returns. ClientError: it raised."""
        return self.process.request({"client": self.number, "call": name, "arguments": arguments})
