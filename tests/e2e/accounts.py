"""What is sent to the endpoints of accounts, what comes of a mistake, and their limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from matrix_device_conformance.client import Response, client_path
from matrix_device_conformance.homeserver import Device, Homeserver


def post(homeserver: Homeserver, path: str, body: Any, token: str | None = None) -> Response:
    """POST to a Client-Server API path."""
    return homeserver.client.request("POST", client_path(path), json=body, token=token)


def password_login(user: str, password: str) -> dict[str, Any]:
    """The body of a login."""
    return {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": user},
        "password": password,
    }


def expect_error(answer: Response, status: int, errcode: str) -> None:
    """A standard error."""
    assert (answer.status, answer.errcode) == (status, errcode), str(answer)
    assert answer.json["error"]


def expect_dead(device: Device) -> None:
    """The token is nobody's."""
    answer = device.list()
    expect_error(answer, 401, "M_UNKNOWN_TOKEN")
    assert answer.json["soft_logout"] is False


def limits_file(folder: Path, **limits: int) -> str:
    """Settings that let so many through, of which none comes back while a test lasts."""
    path = folder / "limits.json"
    once = {name: {"burst": burst, "interval_ms": 3_600_000} for name, burst in limits.items()}
    path.write_text(json.dumps({"server": {"limits": once}}))
    return str(path)
