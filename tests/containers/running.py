"""A container without an engine: a process in an image's root, with a network of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from roots import Image


class Running:
    """A container: a process of an image, with a network of its own."""

    def __init__(self, image: Image, command: Sequence[str], log: Path) -> None:
        self.image = image
        self.log = log
        inside = 'ip link set lo up && exec "$@"'
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                ["unshare", "--net", "bash", "-c", inside, "run", *image.started(command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()  # unshare --kill-child: what it has started goes with it
            self.process.wait()

    def here(self, command: Sequence[str]) -> list[str]:
        """A command of this machine, in the container's network."""
        return ["nsenter", f"--net=/proc/{self.process.pid}/ns/net", *command]

    def execute(
        self, command: Sequence[str], **options: object
    ) -> subprocess.CompletedProcess[str]:
        """As `docker exec`: in the image and its volumes, as its user."""
        return subprocess.run(  # type: ignore[call-overload, no-any-return]
            self.here(self.image.started(command)),
            capture_output=True,
            text=True,
            check=False,
            **options,
        )

    def is_healthy(self, command: Sequence[str]) -> bool:
        """What a health check of the image says."""
        return self.execute(command).returncode == 0

    def main_process(self) -> int:
        """The number of the container's first process, as this machine has it."""
        number = self.process.pid
        while children := Path(f"/proc/{number}/task/{number}/children").read_text().split():
            number = int(children[0])
        return number

    def stop(self, name: str, seconds: float) -> int:
        """Send it the image's signal; its exit status."""
        os.kill(self.main_process(), getattr(signal, name))
        return self.process.wait(seconds)

    def wait_until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Ask until it is so."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"not within {seconds:.0f} s: {what}\n{self.log.read_text()}")
            time.sleep(0.2)
