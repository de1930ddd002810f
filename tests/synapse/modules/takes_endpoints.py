"""A module for Synapse that takes the list of devices for itself, as another drop-in might."""

from __future__ import annotations

from typing import Any

from synapse.http.servlet import RestServlet
from synapse.rest.client import devices
from synapse.rest.client._base import client_patterns


class TakesEndpoints:
    """Puts a servlet of its own where Synapse looks for the list of devices."""

    def __init__(self, config: dict[str, Any], api: Any) -> None:
        devices.DevicesRestServlet = OwnServlet


class OwnServlet(RestServlet):
    """Answers that there are none."""

    PATTERNS = client_patterns("/devices$")

    def __init__(self, hs: Any) -> None:
        super().__init__()

    async def on_GET(self, request: Any) -> tuple[int, dict[str, Any]]:
        """An empty list."""
        return 200, {"devices": []}
