"""Application services: their registrations, and requests with their tokens."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matrix_device_conformance.client import ABSENT, Response, client_path, device_path
from matrix_device_conformance.server import SERVER_NAME
from matrix_device_conformance.users import PreconditionError, ids_in

if TYPE_CHECKING:
    from matrix_device_conformance.homeserver import Homeserver


@dataclass
class Service:
    """An application service and its registration."""

    name: str
    rate_limited: bool
    homeserver: Homeserver | None = field(default=None, repr=False, compare=False)
    as_token: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    hs_token: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    sender: str = ""  # its own user ID
    prefix: str = ""  # of the localparts in its namespace

    def __post_init__(self) -> None:
        self.sender = self.sender or f"@{self.name}_bot:{SERVER_NAME}"
        self.prefix = self.prefix or f"{self.name}_user_"

    def write(self, folder: Path) -> Path:
        """Write the registration file."""
        path = folder / f"{self.name}.yaml"
        regex = f"@{self.prefix}.*:{re.escape(SERVER_NAME)}"
        path.write_text(
            f"id: {self.name}\n"
            "url: null\n"
            f"as_token: {self.as_token}\n"
            f"hs_token: {self.hs_token}\n"
            f"sender_localpart: {self.name}_bot\n"
            f"rate_limited: {str(self.rate_limited).lower()}\n"
            "namespaces:\n"
            "  users:\n"
            "    - exclusive: true\n"
            f"      regex: '{regex}'\n"
            "  aliases: []\n"
            "  rooms: []\n"
        )
        return path

    def new_user(self) -> str:
        """Register a user of the namespace, without a device."""
        assert self.homeserver is not None
        localpart = self.prefix + self.homeserver.unique()
        answer = self.homeserver.client.request(
            "POST",
            client_path("/register"),
            token=self.as_token,
            json={
                "type": "m.login.application_service",
                "username": localpart,
                "inhibit_login": True,
            },
        )
        if answer.status != 200:
            raise PreconditionError(f"POST /register by a service: expected 200, got {answer}")
        return f"@{localpart}:{self.sender.partition(':')[2]}"

    def request(self, method: str, path: str, *, json: Any = ABSENT, **query: str) -> Response:
        """A request with the as_token; the rest are query parameters."""
        assert self.homeserver is not None
        target = client_path(path, **query)
        return self.homeserver.client.request(method, target, token=self.as_token, json=json)

    def put(self, target: str, json: Any, **query: str) -> Response:
        """PUT the device `target`."""
        return self.request("PUT", device_path(target), json=json, **query)

    def device_ids(self, user_id: str) -> set[str]:
        """The IDs in the list of one of its users."""
        return ids_in(self.request("GET", "/devices", user_id=user_id))
