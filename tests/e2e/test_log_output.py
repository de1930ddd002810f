"""O8: lines of log that could not be written are counted; files 0 to 2 are never another file."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import stat
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from conftest import Launch
from matrix_device_conformance.client import TIME_FACTOR, client_path
from matrix_device_conformance.server import Server, poll
from test_stopping import full_pipe

LOST = re.compile(r"(\d+) lines of log could not be written")


def ask(server: Server, times: int) -> None:
    """Requests that are logged."""
    for _ in range(times):
        assert server.client.request("GET", client_path("/login")).status == 200


class Reader:
    """Reads a pipe until its end."""

    def __init__(self, descriptor: int) -> None:
        self.text = b""
        self.thread = threading.Thread(target=self._read, args=(descriptor,))
        self.thread.start()

    def _read(self, descriptor: int) -> None:
        while piece := os.read(descriptor, 65536):
            self.text += piece
        os.close(descriptor)

    def lines(self) -> list[dict]:
        """The whole lines, without what the pipe was filled with."""
        whole = self.text.lstrip(b".").decode().split("\n")[:-1]
        return [json.loads(line) for line in whole]


@pytest.mark.parametrize("blocking", [True, False])
def test_O8_a_reader_that_comes_late_gets_every_line(prepare: Launch, blocking: bool) -> None:
    """O8: an output that is full, blocking or not, loses no line while there is room to wait."""
    server = prepare()
    reader, writer = full_pipe(blocking=blocking)
    server.stderr = writer
    server.start()
    ask(server, 100)
    os.close(writer)
    late = Reader(reader)
    poll(lambda: len(late.lines()) >= 100, 20, "the lines")
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    late.thread.join()
    assert len([line for line in late.lines() if line.get("status") == 200]) == 100
    assert not LOST.search(late.text.decode())


def test_O8_a_log_at_its_limit_tells_how_many_lines_it_lost(
    prepare: Launch, tmp_path: Path
) -> None:
    """O8: what a full disk did not take is counted, and told when it can be."""
    path = tmp_path / "server.log"
    server = prepare("--log-file", str(path))
    server.start()
    assert server.process is not None
    pid = server.process.pid
    ask(server, 1)
    poll(lambda: path.stat().st_size > 0, 10, "a first line")
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    # In the middle of a line: what is cut must not spoil the line behind it. The database is
    # larger than that already, so nothing here may write to it.
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (path.stat().st_size + 50, hard))
    ask(server, 20)
    poll(lambda: path.stat().st_size % 10000 and not path.read_text().endswith("\n"), 10, "a cut")
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
    # Nothing more is logged: it is told all the same.
    found = poll(lambda: LOST.search(path.read_text()), 10, "the count")
    assert 1 <= int(found[1]) <= 20
    ask(server, 1)
    poll(lambda: path.read_text().endswith("}\n"), 10, "whole lines again")
    lines = path.read_text().splitlines()
    whole = [line for line in lines if line.endswith("}")]
    assert len(lines) - len(whole) <= 1
    for line in whole:
        json.loads(line)
    server.stop()


def test_O8_a_log_that_nobody_can_read_any_more_is_no_reason_to_stop(prepare: Launch) -> None:
    """O8: the reader of the pipe has gone."""
    server = prepare()
    reader, writer = os.pipe()
    server.stderr = writer
    server.start()
    os.close(reader)
    ask(server, 50)
    server.signal(signal.SIGTERM)
    assert server.wait() == 3
    os.close(writer)


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_O8_standard_files_are_there_before_anything_else(
    binary: str, tmp_path: Path, closed: tuple[int, ...]
) -> None:
    """O8: a closed standard error is not where the database goes."""
    port_file = tmp_path / "stdout"
    closing = " ".join(f"{number}{'<' if number == 0 else '>'}&-" for number in closed)
    others = "" if 1 in closed else f"> {port_file}"
    command = (
        f"exec {binary} --listen 127.0.0.1:0 --database {tmp_path}/devices.db "
        f"--server-name example.org {others} {closing}"
    )
    with subprocess.Popen(["sh", "-c", command], stdin=subprocess.DEVNULL) as process:
        try:
            files = Path(f"/proc/{process.pid}/fd")

            def targets() -> dict[int, str]:
                found = {}
                for file in files.iterdir():
                    with suppress(FileNotFoundError):  # closed meanwhile
                        found[int(file.name)] = os.readlink(file)
                return found

            poll(
                lambda: any("devices.db" in target for target in targets().values()),
                20,
                "the database is open",
            )
            for number in closed:
                assert targets()[number] == "/dev/null"
        finally:
            process.terminate()
            assert process.wait(20 * TIME_FACTOR) == 0


def test_O8_the_log_file_is_its_owners_only(prepare: Launch, tmp_path: Path) -> None:
    """The log holds addresses and device IDs: nobody else reads it, whatever the umask."""
    path = tmp_path / "server.log"
    server = prepare("--log-file", str(path))
    before = os.umask(0)
    try:
        server.start()
    finally:
        os.umask(before)
    ask(server, 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for file in server.database.parent.glob("devices.db*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    server.stop()
    assert [line for line in path.read_text().splitlines() if '"status":200' in line]


def test_O8_a_log_file_that_cannot_be_opened_is_refused(prepare: Launch, tmp_path: Path) -> None:
    """The server says so on standard error, and does not start."""
    server = prepare("--log-file", str(tmp_path / "nowhere" / "server.log"))
    server.spawn()
    assert server.wait() == 1
    assert "nowhere/server.log: No such file or directory" in server.output()
