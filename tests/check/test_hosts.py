"""abi/check/run.py over the hosts of this project, by HTTP: none of them breaks a promise."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from matrix_devices import AsyncMemoryHost, MemoryHost, SqliteHost
from matrix_devices.server import Server

from people import SERVER_NAME, settle

LIBRARY = os.environ["MXD_CHECK_LIBRARY"]
RUN = Path(__file__).parents[2] / "abi" / "check" / "run.py"
HOSTS = {"memory": MemoryHost, "async": AsyncMemoryHost, "sqlite": SqliteHost}

# No host of this project has these.
NO_ADDRESSES = {"uia_check.email", "uia_check.phone"}
NO_STAGES = {"uia_check.stages"}
ONE_PROCESS = {
    "list_devices.after_restart",
    "uia_load_session.after_restart",
    "uia_load_session.elsewhere",
    "uia_replace_session.elsewhere",
}
# Without take_limit the module counts by itself.
NO_LIMITS = {
    "take_limit.takes",
    "take_limit.retry_after",
    "take_limit.all_or_none",
    "take_limit.gives_back",
    "take_limit.never_over_burst",
    "take_limit.by_name_and_key",
    "take_limit.at_once",
    "take_limit.refills",
}

Promises = dict[str, dict[str, str]]


def run(config: Path, url: str, *options: str) -> tuple[int, Promises]:
    """The exit status, and the promises by name."""
    command = [sys.executable, str(RUN), "--json", "--config", str(config), url, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, {each["name"]: each for each in json.loads(done.stdout)}


def named(promises: Promises, outcome: str) -> dict[str, str]:
    """What has this outcome, and why."""
    return {
        name: each["detail"] for name, each in promises.items() if each["outcome"] == outcome
    }


@pytest.fixture(params=sorted(HOSTS))
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """A host of each kind, empty."""
    kind = HOSTS[request.param]
    if kind is not SqliteHost:
        yield kind(SERVER_NAME)
        return
    with SqliteHost(tmp_path / "devices.db", server_name=SERVER_NAME) as made:
        yield made


def write(folder: Path, check: dict[str, Any]) -> Path:
    """A configuration file."""
    path = folder / "config.json"
    path.write_text(json.dumps({"check": check}))
    return path


def test_a_host_in_python_keeps_its_promises(host: Any, tmp_path: Path) -> None:
    config = write(tmp_path, settle(host))
    with Server(host, json.loads(config.read_text()), library=LIBRARY) as server:
        status, promises = run(config, server.url)
    assert named(promises, "broken") == {}
    assert status == 0
    not_tried = NO_ADDRESSES | NO_STAGES | ONE_PROCESS
    if isinstance(host, SqliteHost):
        not_tried |= NO_LIMITS
    assert sorted(named(promises, "not tried")) == sorted(not_tried)
    assert named(promises, "to come") == {}


class Forgetful(MemoryHost):
    """Renames nothing."""

    def rename_device(self, principal: Any, update: Any) -> None:
        self.get_device(principal, update)


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Promises]:
    """What a run over that says."""
    host = Forgetful(SERVER_NAME)
    config = write(tmp_path_factory.mktemp("forgetful"), settle(host))
    with Server(host, json.loads(config.read_text()), library=LIBRARY) as server:
        return run(config, server.url)


def test_a_broken_promise_is_named(forgetful: tuple[int, Promises]) -> None:
    status, promises = forgetful
    assert status == 1
    assert named(promises, "broken").keys() == {"rename_device.renames", "rename_device.empty_name"}


def test_the_document_has_every_promise(forgetful: tuple[int, Promises]) -> None:
    document = (RUN.parents[2] / "docs" / "host_check.md").read_text()
    table = document.split("<!-- promises -->")[1]
    rows = re.findall(r"^\| `(\S+)` \| (.*) \|$", table, re.MULTILINE)
    assert rows == [(name, each["promise"]) for name, each in forgetful[1].items()]


def test_nobody_answers(tmp_path: Path) -> None:
    config = write(tmp_path, settle(MemoryHost(SERVER_NAME)))
    command = [sys.executable, str(RUN), "--config", str(config), "http://127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("the host can't be asked: ConnectionRefusedError")
