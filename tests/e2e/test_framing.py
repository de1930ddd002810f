"""Where a request ends, and what it is for: what is decided before anybody looks at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from client import client_path, device_path
from homeserver import Device, Homeserver
from raw_http import RawSocket, request_bytes
from server import Server

LIST = client_path("/devices")


@pytest.fixture
def device(homeserver: Homeserver) -> Device:
    """A logged-in device."""
    return homeserver.new_user().login()


@pytest.fixture
def raw(server: Server) -> Iterator[RawSocket]:
    """A connection."""
    with RawSocket(server.client) as connection:
        yield connection


# ---- Targets ----


@pytest.mark.parametrize(
    "origin", ["http://example.org", "HTTPS://[2001:db8::1]:8448", "hTTp://user:word@else^where"]
)
def test_R13_absolute_form(raw: RawSocket, device: Device, origin: str) -> None:
    """The absolute form is the origin form, for the module's endpoints and the server's own."""
    own = device_path(device.device_id)
    for method, path in (
        ("GET", "/_matrix/client/versions"),
        ("GET", client_path("/login")),
        ("GET", client_path("/account/whoami")),
        ("GET", LIST),
        ("GET", client_path(own, "r0")),
        ("HEAD", client_path(own)),
        ("OPTIONS", client_path("/account/whoami")),
    ):
        raw.send(request_bytes(method, origin + path, device.access_token))
        answer = raw.response(method)
        assert answer.status == (204 if method == "OPTIONS" else 200), (path, str(answer))
    raw.send(request_bytes("GET", origin + client_path("/account/whoami", access_token="x")))
    assert raw.response().errcode == "M_UNKNOWN_TOKEN"
    for target in (origin, f"{origin}?a={LIST}"):
        raw.send(request_bytes("GET", target, device.access_token))
        assert raw.response().status == 404, target
