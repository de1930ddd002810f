"""Real servers on real database files."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from matrix_device_conformance.client import client_path
from matrix_device_conformance.homeserver import Device, Homeserver, Service
from matrix_device_conformance.server import Server, server_binary
from raw_http import RawSocket

SERVERS = pytest.StashKey[list[Server]]()
SHOWN_OUTPUT = 20_000

Launch = Callable[..., Server]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Show what the servers wrote, where a test fails."""
    report = (yield).get_result()
    if report.failed:
        for server in item.stash.get(SERVERS, []):
            if server.runs:
                report.sections.append((f"server in {server.folder}", shown(server)))


def shown(server: Server) -> str:
    """The end of a server's output."""
    return server.output()[-SHOWN_OUTPUT:]


@pytest.fixture(scope="session")
def binary() -> str:
    """The server under test."""
    path = server_binary(None)
    if path is None:
        raise pytest.UsageError("env MXD_SERVER names no matrix-devices-server")
    return path


@pytest.fixture
def prepare(request: pytest.FixtureRequest, binary: str, tmp_path: Path) -> Iterator[Launch]:
    """Makes a Server that is not started; stops it cleanly after the test."""
    servers = request.node.stash.setdefault(SERVERS, [])

    def make(*options: str, **settings: Any) -> Server:
        folder = tmp_path / f"server{len(servers)}"
        folder.mkdir()
        server = Server(binary, folder, options, **settings)
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def launch(prepare: Launch) -> Launch:
    """Makes a Server and starts it."""

    def start(*options: str, **settings: Any) -> Server:
        return prepare(*options, **settings).start()

    return start


@pytest.fixture
def services(tmp_path: Path) -> list[Service]:
    """Two application services, their registrations written."""
    made = [Service("limited", True), Service("unlimited", False)]
    for service in made:
        service.write(tmp_path)
    return made


@pytest.fixture
def open_options(services: list[Service], tmp_path: Path) -> list[str]:
    """Options of a server with open registration and the services."""
    options = ["--open-registration"]
    for service in services:
        options += ["--appservice", str(tmp_path / f"{service.name}.yaml")]
    return options


@pytest.fixture
def homeserver(launch: Launch, open_options: list[str], services: list[Service]) -> Homeserver:
    """A running server, seen from its clients."""
    server = launch(*open_options)
    return Homeserver(server.client, server=server, services=services)


@pytest.fixture
def server(homeserver: Homeserver) -> Server:
    """The process and file of `homeserver`."""
    assert homeserver.server is not None
    return homeserver.server


@pytest.fixture
def service(homeserver: Homeserver) -> Service:
    """An application service without rate limits."""
    return homeserver.services["unlimited"]


@pytest.fixture
def restart(homeserver: Homeserver, server: Server) -> Callable[[], None]:
    """Starts the server again, on a port of its own, and points the clients there."""

    def again() -> None:
        server.start()
        homeserver.client = server.client

    return again


@pytest.fixture
def device(homeserver: Homeserver) -> Device:
    """A logged-in device."""
    return homeserver.new_user().login()


@pytest.fixture
def raw(server: Server) -> Iterator[RawSocket]:
    """A connection."""
    with RawSocket(server.client) as connection:
        yield connection


@pytest.fixture
def server_goes_on(homeserver: Homeserver, server: Server) -> Iterator[None]:
    """After each test the process is the same, and serves."""
    before = server.process
    yield
    assert server.process is before
    assert homeserver.client.request("GET", client_path("/login")).status == 200
