"""A process of Synapse, and what its log says."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matrix_device_conformance.client import TIME_FACTOR, Client
from matrix_device_conformance.server import ServerError, poll
from synapse_installation import Installation, process_environment

# Where one of these turns up, a log context went missing, or code ran in the wrong one. The names
# are Synapse's loggers; the texts are what the check of SYNAPSE_TEST_PATCH_LOG_CONTEXTS writes to
# standard error, or raises.
CONTEXT_LOGGER = "synapse.logging.context"
CONTEXT_LOST = re.compile(
    r"[Ll]og(?:ging )? ?context .* (?:was lost|but found)"
    r"|changed context from .* to "
    r"|returned incomplete deferred in non-sentinel context"
    r"|yielded with context .* rather than sentinel"
    r"|Re-starting (?:finished|already-active) log context"
    r"|Called stop on logcontext"
    r"|(?:Started|Stopped) logcontext .* on different thread"
    r"|metrics will be lost"
)
UNHANDLED = re.compile(r"Unhandled [Ee]rror|was never retrieved|coroutine .* was never awaited")
LISTENING = re.compile(r"Synapse now listening on TCP port")
TCP_LISTEN = "0A"  # the state in /proc/net/tcp
RECORD = re.compile(r"(DEBUG|INFO|WARNING|ERROR|CRITICAL)\|([\w.\-]+)\|(\S*)\|(.*)")


@dataclass(frozen=True)
class Record:
    """A line of the log, with a traceback if it has one."""

    level: str
    logger: str
    request: str
    message: str


class Process:
    """One operating system process of Synapse, and its log over all its runs."""

    def __init__(
        self,
        name: str,
        application: str,
        folder: Path,
        installed: Installation,
        configs: Sequence[Path],
        environment: Mapping[str, str],
    ) -> None:
        self.name = name
        self.application = application
        self.folder = folder
        self.installed = installed
        self.configs = list(configs)
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None
        self.client = Client("http://127.0.0.1:1")
        self.runs = 0

    @property
    def log_path(self) -> Path:
        """Where the present run's log, standard output and standard error are kept."""
        return self.folder / f"{self.name}.{self.runs}.log"

    def spawn(self) -> None:
        """Start without waiting."""
        self.runs += 1
        command = [self.installed.python, "-m", self.application]
        for path in self.configs:
            command += ["-c", str(path)]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=process_environment(self.environment),
            )

    def start(self) -> None:
        """Start and wait until it serves."""
        self.spawn()
        self.wait_until_listening()

    def wait_until_listening(self) -> None:
        """Wait until it says that it listens, and answers."""
        poll(self._is_listening, 90, f"Synapse's {self.name} process listens: {self.log_path}")

    def _is_listening(self) -> bool:
        if LISTENING.search(self.output()):
            port = self._port()
            self.client = Client(f"http://127.0.0.1:{port}")
            return port != 0 and self._answers()
        if self.process is not None and self.process.poll() is not None:
            raise ServerError(
                f"Synapse's {self.name} process ended with {self.process.returncode}"
                f" at its start\n{self.tail()}"
            )
        return False

    def _port(self) -> int:
        """The port that the system chose: Synapse's log tells only what was asked for, 0. 0
        where it is not seen: the list of sockets is read in parts, while others come and go."""
        sockets = set()
        for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                sockets.add(os.readlink(descriptor))
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == TCP_LISTEN and f"socket:[{fields[9]}]" in sockets:
                return int(fields[1].split(":")[1], 16)
        return 0

    def _answers(self) -> bool:
        try:
            return self.client.request("GET", "/health").status == 200
        except OSError:
            return False

    def output(self) -> str:
        """All that the present run has written."""
        if not self.log_path.exists():
            return ""
        return self.log_path.read_text(errors="replace")

    def tail(self, characters: int = 8000) -> str:
        """The end of the output, to show where something failed."""
        return self.output()[-characters:]

    def position(self) -> int:
        """How far the log has come; for `records`."""
        return self.log_path.stat().st_size

    def records(self, since: int = 0) -> list[Record]:
        """The log's lines from a position on; what belongs to none is a line of its own."""
        with self.log_path.open("rb") as log:
            log.seek(since)
            lines = log.read().decode(errors="replace").splitlines()
        found: list[Record] = []
        for line in lines:
            match = RECORD.match(line)
            if match:
                found.append(Record(*match.groups()))
            elif found and found[-1].logger:
                last = found.pop()
                found.append(
                    Record(last.level, last.logger, last.request, f"{last.message}\n{line}")
                )
            else:
                found.append(Record("", "", "", line))
        return found

    def errors(self, since: int = 0) -> list[Record]:
        """Records of level ERROR and above."""
        return [record for record in self.records(since) if record.level in ("ERROR", "CRITICAL")]

    def expect_contexts_kept(self, since: int = 0) -> None:
        """Fail where Synapse noticed a lost or mistaken log context."""
        for record in self.records(since):
            noticed = record.logger == CONTEXT_LOGGER and record.level not in ("DEBUG", "INFO")
            if noticed or CONTEXT_LOST.search(record.message):
                raise ServerError(f"{self.name}: a log context went missing\n{record.message}")

    def expect_nothing_unhandled(self, since: int = 0) -> None:
        """Fail on an error that nobody handled, and on a coroutine that nobody awaited."""
        for record in self.records(since):
            if record.level == "CRITICAL" or UNHANDLED.search(record.message):
                raise ServerError(f"{self.name}: unhandled\n{record.message}")

    @property
    def pid(self) -> int:
        """The process, which runs."""
        assert self.process is not None
        return self.process.pid

    @property
    def rss_kib(self) -> int:
        """Resident memory of the process in KiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1])

    def signal(self, number: int) -> None:
        """Send a signal to the process."""
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, seconds: float = 30) -> int:
        """Wait for the end of the process; its exit status."""
        assert self.process is not None
        try:
            status = self.process.wait(seconds * TIME_FACTOR)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.process = None
            raise ServerError(
                f"{self.name}: still running after {seconds} s\n{self.tail()}"
            ) from None
        self.process = None
        return status

    def kill(self) -> None:
        """End the process as a power cut would."""
        if self.process is not None:
            self.signal(signal.SIGKILL)
            self.wait()

    def stop(self) -> None:
        """Stop with SIGTERM; anything but a clean end is a failure."""
        if self.process is None:
            return
        ended_early = self.process.poll()
        if ended_early is not None:
            self.process = None
            raise ServerError(f"{self.name} had ended with {ended_early}\n{self.tail()}")
        self.signal(signal.SIGTERM)
        status = self.wait()
        if status != 0:
            raise ServerError(f"{self.name}: exit status {status} after SIGTERM\n{self.tail()}")
