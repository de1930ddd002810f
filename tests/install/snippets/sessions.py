"""A reader's shell and interpreter: what one snippet leaves in them, the next one finds."""

import contextlib
import itertools
import os
import pathlib
import queue
import signal
import socket
import subprocess
import threading
import time

from .documents import Problem

INTERPRETER = pathlib.Path(__file__).with_name("interpreter.py")
TIMEOUT_S = 300


class Session:
    """A program that is told what to run on its input, and says on its output when it is done."""

    def __init__(self, command: list[str], place: pathlib.Path, env: dict[str, str]) -> None:
        self._place = place
        self._numbers = itertools.count(1)
        self._errors = place / f".{pathlib.Path(command[0]).name}.stderr"
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                command, cwd=place, env=env, text=True, start_new_session=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        self._ended = False
        self._said: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._said.put(line.rstrip("\n"))
        self._ended = True
        self._said.put("expected exit status 0")

    def _tell(self, line: str) -> str:
        """What it said, or what was expected of it."""
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        try:
            return self._said.get(timeout=TIMEOUT_S)
        except queue.Empty:
            return f"expected an end within {TIMEOUT_S} s; a server needs the mark `serves`"

    def _files(self, text: str, suffix: str) -> tuple[pathlib.Path, pathlib.Path]:
        number = next(self._numbers)
        file = self._place / f".snippet{number}{suffix}"
        file.write_text(text)
        return file, file.with_suffix(".stdout")

    def close(self) -> None:
        """End it, and whatever it has left running."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it has ended
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


class Interpreter(Session):
    def __init__(self, place: pathlib.Path, env: dict[str, str]) -> None:
        super().__init__(["python", "-B", str(INTERPRETER)], place, env)

    def run(self, text: str, name: str) -> str:
        file, output = self._files(text, ".py")
        told = self._tell(f"{file}\t{output}\t{name}")
        if told != name:
            raise Problem(f"{told}:\n{self._errors.read_text()}")
        return output.read_text()


class Shell(Session):
    """A bash that ends where a command fails."""

    def __init__(self, place: pathlib.Path, env: dict[str, str]) -> None:
        super().__init__(["bash", "--norc"], place, env)
        self._server: tuple[int, str, pathlib.Path] | None = None
        self._tell("set -euo pipefail; echo")

    def run(self, text: str, typed: str = "") -> str:
        file, output = self._files(text, ".sh")
        typing, errors = file.with_suffix(".stdin"), file.with_suffix(".stderr")
        typing.write_text(typed + "\n" if typed else "")
        told = self._tell(f"source {file} <{typing} >{output} 2>{errors}; echo done")
        if told != "done":
            raise Problem(f"{told}; printed was:\n{output.read_text()}{errors.read_text()}")
        return output.read_text()

    def serve(self, text: str, address: str) -> None:
        """Start what runs until it is told to stop, and wait until somebody answers there."""
        self.stop_server()
        file, output = self._files(text, ".sh")
        process = self._tell(f"source {file} </dev/null >{output} 2>&1 & echo $!")
        self._server = (int(process), address, output)
        deadline = time.monotonic() + 60
        while not answers(address):
            if not pathlib.Path(f"/proc/{self._server[0]}").exists():
                raise Problem(f"expected a server on {address}, got:\n{output.read_text()}")
            if time.monotonic() > deadline:
                raise Problem(f"expected a server on {address} within 60 s: {output.read_text()}")
            time.sleep(0.05)

    def stop_server(self) -> None:
        if not self._server or self._ended:
            return
        process, address, output = self._server
        self._server = None
        for child in children_of(process) or [process]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)
        status = self._tell(f"wait {process} && echo 0 || echo $?")
        ended_by_it = str(128 + signal.SIGTERM)
        if status not in ("0", ended_by_it):
            raise Problem(
                f"expected what serves {address} to end with 0 on SIGTERM, got {status}:\n"
                + output.read_text()
            )


def answers(address: str) -> bool:
    """Whether a request over HTTP is answered there: a port may be open before its server works."""
    try:
        with connected(address) as client:
            client.settimeout(10)
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return client.recv(1) != b""
    except OSError:
        return False


def connected(address: str) -> socket.socket:
    if address.startswith("unix:"):
        client = socket.socket(socket.AF_UNIX)
        client.connect(address.removeprefix("unix:"))
        return client
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def children_of(process: int) -> list[int]:
    children = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(fields[1]) == process:
            children.append(int(stat.parent.name))
    return children
