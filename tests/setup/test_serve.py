"""`make serve`: what it prints answers when it is pasted, and stands alone."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from matrix_device_conformance.ports import own_port

SOURCE = Path(__file__).parents[2]
READY_S = 120  # s: on a busy machine its passwords take long


def programs() -> Path:
    server = os.environ.get("MXD_SERVER")
    if server is None:
        raise pytest.UsageError("env MXD_SERVER names no matrix-devices-server")
    return Path(server).parent


class Demo:
    """serve_demo.sh, and what it has printed up to now."""

    def __init__(self, folder: Path, listen: str) -> None:
        self.folder = folder
        self.printed = ""
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            [SOURCE / "bindings" / "server" / "serve_demo.sh", programs(), listen, folder],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self.changed:
                self.printed += line
                self.changed.notify_all()

    def wait_for(self, text: str) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: text in self.printed, READY_S), self.printed

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        status = self.process.wait(READY_S)
        self.reader.join()
        return status


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path, f"127.0.0.1:{own_port()}")
    yield demo
    if demo.process.poll() is None:
        demo.stop(signal.SIGKILL)


def pasted(command: str) -> object:
    """What a command answers."""
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def test_the_lines_to_copy_answer_and_stand_alone(demo: Demo) -> None:
    demo.wait_for("/delete_devices")
    printed = demo.printed
    block = printed.partition("in another terminal:\n")[2]
    curls = [line for line in block.splitlines() if line.startswith("curl ")]
    others = [line for line in block.splitlines() if line and not line.startswith(("curl ", "# "))]
    assert (len(curls), others) == (4, [])

    listing, renaming, deleting, deleting_several = curls

    def devices() -> dict[str, str]:
        answer = pasted(listing)
        assert isinstance(answer, dict)
        return {device["device_id"]: device["display_name"] for device in answer["devices"]}

    assert devices() == {"LAPTOP": "Laptop", "PHONE": "Phone", "TABLET": "Old tablet"}
    assert pasted(renaming) == {}
    assert devices()["PHONE"] == "My phone"
    assert pasted(deleting) == {}
    assert set(devices()) == {"LAPTOP", "TABLET"}
    assert pasted(deleting_several) == {}
    assert set(devices()) == {"LAPTOP"}

    assert demo.stop() == 0
    assert demo.printed.rstrip() == printed.rstrip()  # no line of the log after, or between
    named = re.search(r"logged in (\S+)$", printed, re.M)
    assert named
    assert (SOURCE / named[1]).read_text().count('"method":"DELETE"') == 1


def test_a_second_start_finds_its_account_again(tmp_path: Path) -> None:
    for _ in range(2):
        demo = Demo(tmp_path, f"127.0.0.1:{own_port()}")
        try:
            demo.wait_for("/delete_devices")
        finally:
            assert demo.stop() == 0


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        demo = Demo(tmp_path, f"127.0.0.1:{listener.getsockname()[1]}")
        assert demo.process.wait(READY_S) == 1
        demo.reader.join()
    assert "is listening on 127.0.0.1:" in demo.printed
    assert "make serve LISTEN=" in demo.printed


def test_an_address_that_is_none_is_told(tmp_path: Path) -> None:
    demo = Demo(tmp_path, "127.0.0.1:port")
    assert demo.process.wait(READY_S) != 0
    demo.reader.join()
    assert "not an address and port" in demo.printed
    assert "curl " not in demo.printed
