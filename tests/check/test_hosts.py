"""abi/check/run.py over the hosts of this project, by HTTP: none of them breaks a promise."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from matrix_devices import AsyncMemoryHost, MemoryHost, SqliteHost
from matrix_devices.server import Server
from people import SERVER_NAME, settle
from running import (
    NO_ADDRESSES,
    NO_LIMITS,
    NO_STAGES,
    PROGRAM,
    Promises,
    load,
    named,
    run,
    start,
    write,
)

LIBRARY = os.environ["MXD_CHECK_LIBRARY"]
HOSTS = {"memory": MemoryHost, "async": AsyncMemoryHost, "sqlite": SqliteHost}
ONE_PROCESS = {
    "list_devices.after_restart",
    "uia_load_session.after_restart",
    "uia_load_session.elsewhere",
    "uia_replace_session.elsewhere",
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
    document = (PROGRAM.parents[2] / "docs" / "host_check.md").read_text()
    table = document.split("<!-- promises -->")[1]
    rows = re.findall(r"^\| `(\S+)` \| (.*) \|$", table, re.MULTILINE)
    assert rows == [(name, each["promise"]) for name, each in forgetful[1].items()]


def test_nobody_answers(tmp_path: Path) -> None:
    config = write(tmp_path, settle(MemoryHost(SERVER_NAME)))
    done = start(config, "http://127.0.0.1:1")
    assert done.returncode == 2
    assert done.stderr.startswith("the host can't be asked: ConnectionRefusedError")


def test_the_own_answer_of_a_host_must_be_the_modules(tmp_path: Path) -> None:
    program = load()

    class Overridden(program.Run):  # type: ignore[misc, name-defined]
        """What is refused gets the host's answer in the place of the module's."""

        def ask(self, base_url: str, step: dict[str, Any]) -> Any:
            if step["token"] in (None, "/tokens/expired"):
                raise program.Unanswered("no report", "401 M_UNKNOWN_TOKEN")
            return super().ask(base_url, step)

    host = MemoryHost(SERVER_NAME)
    config = json.loads(write(tmp_path, settle(host)).read_text())
    with Server(host, config, library=LIBRARY) as server:
        asked = Overridden(config["check"], server.url, None, None, 60)
        asked.go()
    assert asked.promises["authenticate.unknown"]["outcome"] == "held"
    assert named(asked.promises, "broken") == {
        "authenticate.expired": "the host itself answered 401 M_UNKNOWN_TOKEN instead of"
        " 401 M_UNKNOWN_TOKEN soft_logout"
    }
