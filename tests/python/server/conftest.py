"""The HTTP server for tests, on the hosts in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from matrix_devices import AsyncMemoryHost, Login, MemoryHost
from matrix_devices.server import Server
from raw_requests import CONFIG, PASSWORD


@pytest.fixture(params=["memory", "async"])
def host(request: pytest.FixtureRequest) -> MemoryHost | AsyncMemoryHost:
    """A host with one user."""
    host = {"memory": MemoryHost, "async": AsyncMemoryHost}[request.param]("example.org")
    host.add_user("alice", PASSWORD)
    return host


@pytest.fixture
def server(host: MemoryHost | AsyncMemoryHost) -> Iterator[Server]:
    """It is running."""
    with Server(host, CONFIG) as server:
        yield server


@pytest.fixture
def login(host: MemoryHost | AsyncMemoryHost) -> Login:
    """A device of alice's."""
    return host.login("alice", device_id="LAPTOP", display_name="Laptop")
