"""A host in memory, and the module on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from matrix_devices import MemoryHost, Module
from questions import PASSWORD


@pytest.fixture
def host() -> MemoryHost:
    """A host with one user."""
    host = MemoryHost("example.org")
    host.add_user("alice", PASSWORD)
    return host


@pytest.fixture
def module(host: MemoryHost) -> Iterator[Module]:
    """The module on it."""
    with Module.open(host) as module:
        yield module
