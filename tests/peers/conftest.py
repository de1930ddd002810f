"""Options, the servers, and real clients of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from client_process import ClientProcess
from matrix_device_conformance.server import server_binary
from sites import CppSite, PythonSite, Site

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
BUILT = REPOSITORY / "build" / "peers"  # by tests/peers/setup

StartProcess = Callable[..., ClientProcess]


def pytest_addoption(parser: pytest.Parser) -> None:
    """What is tested."""
    parser.getgroup("matrix-devices peers").addoption(
        "--server",
        help="the matrix-devices-server (default: env MXD_SERVER, then build/release/out)",
    )


def _config_of(request: pytest.FixtureRequest) -> dict[str, Any]:
    mark = request.node.get_closest_marker("matrix_devices")
    return dict(mark.kwargs["config"]) if mark else {}


@pytest.fixture(params=["cpp", "memory", "async", "sqlite"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A running server: matrix-devices-server, and the Python server with each of its hosts.

    The marker `matrix_devices(config=…)` configures the module of all.
    """
    if request.param != "cpp":
        request.applymarker(
            pytest.mark.matrix_devices(host=request.param, config=_config_of(request))
        )
        yield PythonSite(request.getfixturevalue("matrix_device_server"))
        return
    binary = server_binary(request.config.getoption("--server"))
    cpp = CppSite(
        binary or str(REPOSITORY / "build/release/out/matrix-devices-server"),
        tmp_path,
        _config_of(request),
    )
    yield cpp
    cpp.server.stop()


@pytest.fixture(scope="session")
def start_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartProcess]:
    """Starts a process with a client library: its command line, in the folder it is to run in."""
    folder = tmp_path_factory.mktemp("clients")
    started: list[ClientProcess] = []

    def start(*command: str | Path, where: Path = folder) -> ClientProcess:
        started.append(ClientProcess(command, where, folder / f"{len(started)}.log"))
        return started[-1]

    yield start
    for process in started:
        process.stop()
