"""The operator's commands: with JSON, with errors, at a terminal."""

from __future__ import annotations

import codecs
import json
import os
import pty
import select
import signal
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.server import Server

# Exit statuses; docs/operations.md lists them.
FAILED, USAGE, NOT_FOUND, REFUSED, PROBLEMS = 1, 2, 3, 4, 5
CODES = {FAILED: "failed", USAGE: "usage", NOT_FOUND: "not_found", REFUSED: "refused"}


def json_of(server: Server, *arguments: str, stdin: str = "", expect: int = 0) -> Any:
    """What a command prints with --json: one document."""
    return json.loads(server.command(*arguments, "--json", stdin=stdin, expect=expect).stdout)


def expect_error(server: Server, status: int, *arguments: str, stdin: str = "") -> str:
    """The message of a command that ends so, which is the same with and without --json."""
    done = server.command(*arguments, stdin=stdin, expect=status)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    program, message = done.stderr.rstrip("\n").split(": ", 1)
    assert program == "matrix-devices-server"
    done = server.command(*arguments, "--json", stdin=stdin, expect=status)
    assert done.stdout == ""
    error = json.loads(done.stderr)
    assert error == {"error": {"code": CODES[status], "message": message}}
    return message


class Terminal:
    """Somebody who sits before a command."""

    def __init__(self, pid: int, file: int) -> None:
        self.pid = pid
        self.file = file
        self.seen = ""
        self.has_ended = False  # and its number may be another's
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def wait_for(self, text: str) -> None:
        """Read until it is shown."""
        self._read(lambda: text in self.seen, f"{text!r} is not shown")

    def type(self, text: str) -> None:
        """Type it, with a return."""
        os.write(self.file, text.encode() + b"\n")

    def press(self, key: str) -> None:
        """Press a control key: "C"."""
        os.write(self.file, bytes([ord(key) - ord("A") + 1]))

    def shows_typing(self) -> bool:
        """Whether what is typed is shown."""
        return bool(termios.tcgetattr(self.file)[3] & termios.ECHO)

    def end(self) -> int:
        """Read to the end; the exit status, negative for a signal."""
        over = False

        def ended() -> bool:
            return over

        while not over:
            try:
                self._read(ended, "it does not end", once=True)
            except OSError:  # the other side is closed
                over = True
        _, status = os.waitpid(self.pid, 0)
        self.has_ended = True
        return os.waitstatus_to_exitcode(status)

    def _read(self, holds: Callable[[], bool], complaint: str, once: bool = False) -> None:
        deadline = time.monotonic() + 60 * TIME_FACTOR
        while not holds():
            ready, _, _ = select.select([self.file], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{complaint}: {self.seen}"
            read = os.read(self.file, 65536)
            if not read:
                raise OSError("closed")
            self.seen += self._decoder.decode(read)
            if once:
                return


@contextmanager
def at_terminal(
    server: Server, *arguments: str, environment: dict[str, str] | None = None
) -> Iterator[Terminal]:
    """A command whose standard files are a terminal."""
    command: Sequence[str] = [server.binary, *arguments, "--database", str(server.database)]
    env = {**os.environ, "TERM": "xterm", **(environment or {})}
    pid, file = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # whatever started the tests ignores
        os.execve(server.binary, command, env)
    terminal = Terminal(pid, file)
    try:
        yield terminal
    finally:
        os.close(file)
        if not terminal.has_ended:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
