"""A client of a module, without any HTTP between."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from matrix_devices import Module, Request, Response

ABSENT: Any = object()


@dataclass
class Asking:
    """Sends requests to a module, with or without a token."""

    module: Module
    token: str | None = None
    address: str = "192.0.2.1"

    def __call__(
        self, method: str, path: str, body: Any = ABSENT, token: str | None = None, **query: str
    ) -> Response:
        """The answer to a request; ``path`` begins behind ``v3``."""
        target = f"/_matrix/client/v3{path}" + (f"?{urlencode(query)}" if query else "")
        token = token or self.token
        headers = () if token is None else (("Authorization", f"Bearer {token}"),)
        data = b"" if body is ABSENT else json.dumps(body).encode()
        response = self.module.handle(Request(method, target, headers, data, self.address))
        assert response is not None, f"{method} {path} is none of the module's"
        return response

    def device_ids(self) -> list[str]:
        """The IDs in the list, in its order."""
        response = self("GET", "/devices")
        assert response.status == 200, response.body
        return [device["device_id"] for device in response.json()["devices"]]

    def device(self, device_id: str) -> dict[str, Any]:
        """One device."""
        response = self("GET", device_path(device_id))
        assert response.status == 200, response.body
        device: dict[str, Any] = response.json()
        return device


def device_path(device_id: str) -> str:
    """The path of a device."""
    return f"/devices/{quote(device_id, safe='')}"


def password_auth(user: str, password: str, session: str | None = None) -> dict[str, Any]:
    """The password stage of User-Interactive Authentication."""
    auth: dict[str, Any] = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": user},
        "password": password,
    }
    return auth if session is None else {**auth, "session": session}


def errcode(response: Response) -> tuple[int, str | None]:
    """Status and errcode."""
    return response.status, response.json().get("errcode")
