"""The account endpoints, on the host in memory and on the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api import AnyHost, Api, fill
from matrix_devices import MemoryHost, SqliteHost


@pytest.fixture(params=["memory", "sqlite"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyHost]:
    """A host with one user and one application service."""
    if request.param == "memory":
        memory = MemoryHost("example.org")
        fill(memory)
        yield memory
    else:
        with SqliteHost(tmp_path / "devices.db", server_name="example.org") as store:
            fill(store)
            yield store


@pytest.fixture
def api(host: AnyHost) -> Api:
    """The endpoints on it."""
    return Api(host)
