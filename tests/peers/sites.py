"""The servers that clients are tried on: the one in C++, and the Python package's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from matrix_device_conformance.server import Server
from pytest_matrix_devices import DeviceServer

Asked = tuple[str, str, int]  # method, raw path, status


class Site(Protocol):
    """A running server."""

    @property
    def url(self) -> str:
        """Its base URL."""

    def add_user(self, name: str, password: str) -> str:
        """Add an account; the user's full ID."""

    def asked(self) -> list[Asked]:
        """What was answered so far. The last requests may be missing yet."""


class CppSite:
    """A matrix-devices-server."""

    def __init__(self, binary: str, folder: Path, config: Mapping[str, Any]) -> None:
        """Start it."""
        path = folder / "module.json"
        path.write_text(json.dumps(config))
        self.server = Server(binary, folder, ["--config", str(path)]).start()

    @property
    def url(self) -> str:
        """Its base URL."""
        return self.server.client.base_url

    def add_user(self, name: str, password: str) -> str:
        """Add an account; the user's full ID."""
        self.server.command("user", "add", name, stdin=f"{password}\n")
        return f"@{name}:{self.server.server_name}"

    def asked(self) -> list[Asked]:
        """What is in its log."""
        return [
            (line["method"], line["path"], line["status"])
            for line in self.server.log()
            if "method" in line
        ]


class PythonSite:
    """The server of the fixture `matrix_device_server`."""

    def __init__(self, server: DeviceServer) -> None:
        """It is running."""
        self.server = server

    @property
    def url(self) -> str:
        """Its base URL."""
        return self.server.url

    def add_user(self, name: str, password: str) -> str:
        """Add an account; the user's full ID."""
        return self.server.add_user(name, password)

    def asked(self) -> list[Asked]:
        """What the fixture noted."""
        return [(request.method, request.path, request.status) for request in self.server.requests]
