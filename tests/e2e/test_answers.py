"""Answers everywhere: the versions, what is nobody's, a browser's preflight, null."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from accounts import expect_error
from conftest import Launch
from matrix_device_conformance.client import client_path
from matrix_device_conformance.homeserver import Homeserver, Service


def test_versions(homeserver: Homeserver) -> None:
    """GET /versions, with and without a token, good or bad."""
    device = homeserver.new_user().login()
    for token in (None, device.access_token, "nobody"):
        answer = homeserver.client.request("GET", "/_matrix/client/versions", token=token)
        assert answer.status == 200
        assert "v1.17" in answer.json["versions"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/_matrix/client/v3/nothing", 404),
        ("GET", "/", 404),
        ("DELETE", "/_matrix/client/v3/login", 405),
        ("GET", "/_matrix/client/v3/register", 405),
        ("POST", "/_matrix/client/versions", 405),
    ],
)
def test_unknown_routes(homeserver: Homeserver, method: str, path: str, status: int) -> None:
    """What is nobody's is 404, a wrong method 405, both M_UNRECOGNIZED."""
    answer = homeserver.client.request(method, path)
    expect_error(answer, status, "M_UNRECOGNIZED")


@pytest.mark.parametrize(
    "path", ["/login", "/register", "/refresh", "/logout", "/logout/all", "/account/whoami"]
)
def test_options(homeserver: Homeserver, path: str) -> None:
    """A browser's preflight is answered everywhere, with CORS headers."""
    answer = homeserver.client.request("OPTIONS", client_path(path))
    assert answer.status in (200, 204)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"].lower()


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (None, {"display_name": None, "last_seen_ip": None, "last_seen_ts": None}),
        ({"server": {}}, {"display_name": None, "last_seen_ip": None, "last_seen_ts": None}),
        ({"unknown_fields": "omit"}, {}),
    ],
)
def test_T13_what_is_not_known_is_null(
    launch: Launch,
    open_options: list[str],
    services: list[Service],
    tmp_path: Path,
    config: dict | None,
    expected: dict,
) -> None:
    """T13: null where nothing is known, unless unknown_fields says otherwise."""
    options = list(open_options)
    if config is not None:
        path = tmp_path / "config.json"
        path.write_text(json.dumps(config))
        options += ["--config", str(path)]
    server = launch(*options)
    service = Homeserver(server.client, server=server, services=services).services["unlimited"]
    user_id = service.new_user()
    service.put("BARE", {}, user_id=user_id)
    answer = service.request("GET", "/devices/BARE", user_id=user_id)
    assert answer.json == {"device_id": "BARE", **expected}
