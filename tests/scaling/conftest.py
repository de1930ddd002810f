"""A server on PostgreSQL whose tables are spread."""

from __future__ import annotations

import pytest

from matrix_device_conformance.server import server_binary


@pytest.fixture(scope="session")
def binary() -> str:
    """The server under test."""
    path = server_binary(None)
    if path is None:
        raise pytest.UsageError("env MXD_SERVER names no matrix-devices-server")
    return path
