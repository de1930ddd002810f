"""One line of log a request, and no secret in it or in clear in the database."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from matrix_device_conformance.client import client_path
from matrix_device_conformance.homeserver import Device, Homeserver, Service
from matrix_device_conformance.server import Server, poll
from raw_http import RawSocket, request_bytes


def lines_of_requests(server: Server) -> list[dict]:
    """The log's lines about requests."""
    return [line for line in server.log() if "status" in line]


def database_bytes(server: Server) -> bytes:
    """Everything that the database's files hold."""
    folder = server.database.parent
    files = folder.glob(server.database.name + "*")
    return b"".join(Path(file).read_bytes() for file in files)


@pytest.fixture
def secrets(homeserver: Homeserver, service: Service) -> dict[str, str]:
    """Secrets that have come by in every place where a client can put them."""
    user = homeserver.new_user()
    device, target = user.login(refresh=True), user.login()
    client = homeserver.client
    query = {"access_token": device.access_token}
    client.request("GET", client_path("/devices", **query))
    client.request("GET", client_path("/nothing", **query))
    session = device.begin_delete(target.device_id)
    device.delete(target.device_id, user.wrong_auth(session))
    device.delete(target.device_id, {"session": session})
    device.delete(target.device_id, user.auth(session))
    device.request("GET", f"/devices?session={session}&password={user.password}")
    refreshed = client.request(
        "POST", client_path("/refresh"), json={"refresh_token": device.refresh_token}
    )
    client.request("POST", client_path("/refresh"), body=b'{"refresh_token": "cut')
    user_id = service.new_user()
    service.put("BRIDGE", {"display_name": "a name of a device"}, user_id=user_id)
    client.request("GET", client_path("/devices", access_token=service.as_token))
    issued = homeserver.issue_token(user, "--oauth")
    return {
        "access token": device.access_token,
        "refresh token": device.refresh_token or "",
        "new access token": refreshed.json["access_token"],
        "new refresh token": refreshed.json["refresh_token"],
        "issued token": issued.access_token,
        "as_token": service.as_token,
        "hs_token": service.hs_token,
        "password": user.password,
        "session": session,
    }


def test_log_holds_no_secret(server: Server, secrets: dict[str, str]) -> None:
    """No token, password, session ID or display name in what the server writes."""
    server.stop()
    output = server.output()
    for what, secret in {**secrets, "display name": "a name of a device"}.items():
        assert secret not in output, f"the {what} is in the log"
        assert quote(secret, safe="") not in output, f"the {what} is in the log, escaped"


def test_database_holds_no_secret(server: Server, secrets: dict[str, str]) -> None:
    """Neither in clear, nor as the bytes that a token is made of."""
    for running in (True, False):
        if not running:
            server.stop()
        stored = database_bytes(server)
        for what, secret in secrets.items():
            for form in encodings(secret):
                assert form not in stored, f"the {what} is in the database"


def encodings(secret: str) -> set[bytes]:
    """The ways in which a secret could be stored and still be one."""
    forms = {secret.encode(), secret.encode().hex().encode(), base64.b64encode(secret.encode())}
    random_part = secret.rsplit("_", 1)[-1]
    try:
        forms.add(base64.urlsafe_b64decode(random_part + "=" * (-len(random_part) % 4)))
        forms.add(bytes.fromhex(random_part))
    except ValueError:
        pass
    return {form for form in forms if len(form) >= 8}


def test_a_line_a_request(homeserver: Homeserver, server: Server) -> None:
    """One JSON object a request, of whatever kind."""
    device = homeserver.new_user().login()
    client = homeserver.client
    poll(lambda: len(lines_of_requests(server)) == 2, 10, "register and login are logged")
    before = 2
    requests = [
        ("GET", client_path("/devices"), device.access_token, 200),
        ("GET", client_path("/devices"), "nobody", 401),
        ("PUT", client_path("/devices/UNKNOWN"), device.access_token, 404),
        ("DELETE", client_path("/devices/UNKNOWN"), device.access_token, 401),
        ("PATCH", client_path("/devices"), None, 405),
        ("OPTIONS", client_path("/devices"), None, 204),
        ("GET", client_path("/nothing"), None, 404),
        ("GET", client_path("/login"), None, 200),
        ("GET", client_path("/devices/%zz"), None, 400),
    ]
    for method, target, token, status in requests:
        body = b"{}" if method == "PUT" else None
        assert client.request(method, target, token=token, body=body).status == status
    poll(lambda: len(lines_of_requests(server)) - before >= len(requests), 10, "the lines")
    lines = lines_of_requests(server)[before:]
    # In the order in which they were written, which connections on two loops don't settle.
    logged = sorted((line["method"], line["path"], line["status"]) for line in lines)
    assert logged == sorted((method, target, status) for method, target, _, status in requests)


def test_every_line_is_json(homeserver: Homeserver, server: Server) -> None:
    """Whatever a client sends, each line of standard error is one JSON object."""
    targets = [
        "/\xff\xfe",
        '/"quoted"\\',
        "/" + "x" * 5000,
        "/%0A%0D%00",
        "/\x7f",
        "/{}[]",
        client_path("/devices/é"),
    ]
    for target in targets:
        with RawSocket(homeserver.client) as connection:
            connection.send(request_bytes("GET", "/x").replace(b"/x", target.encode("latin-1")))
            connection.end_sending()
            connection.rest()
    with RawSocket(homeserver.client) as connection:
        connection.send(b"\x00\xff\n{}\r\n\r\n")
        connection.end_sending()
        connection.rest()
    server.stop()
    text = server.stderr_path.read_bytes()
    assert text.endswith(b"\n")
    lines = [line for line in text.decode().splitlines() if "listening on" not in line]
    assert lines
    for line in lines:
        assert isinstance(json.loads(line), dict), line


def test_tokens_are_long(homeserver: Homeserver) -> None:
    """Tokens hold 256 bits or more, and are all different."""
    user = homeserver.new_user()
    devices: list[Device] = [user.login(refresh=True) for _ in range(5)]
    tokens = {device.access_token for device in devices}
    tokens |= {device.refresh_token or "" for device in devices}
    assert len(tokens) == 2 * len(devices)
    assert min(map(len, tokens)) >= 43
