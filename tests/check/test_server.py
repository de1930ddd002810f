"""abi/check/run.py over matrix-devices-server on each of its stores, with a restart and another
process: no promise is broken."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from matrix_device_conformance.client import client_path
from matrix_device_conformance.homeserver import Homeserver, Service, User
from matrix_device_conformance.ports import own_port
from matrix_device_conformance.server import Server, server_binary
from running import NO_ADDRESSES, NO_LIMITS, NO_STAGES, named, run, write

LIBRARY = os.environ["MXD_CHECK_LIBRARY"]
SPARES = 3


@pytest.fixture
def server(each_database: str, tmp_path: Path) -> Iterator[Server]:
    """A server with the real module, on a port that stays its own."""
    binary = server_binary(None)
    assert binary is not None, "MXD_SERVER names no matrix-devices-server"
    options = ["--open-registration", "--no-rate-limits"]
    listen = f"127.0.0.1:{own_port()}"
    made = Server(binary, tmp_path, options, database=each_database, listen=listen)
    yield made
    made.stop()


def user(homeserver: Homeserver) -> dict[str, Any]:
    """A user with a device and three to spare, as the configuration has them."""
    made: User = homeserver.new_user()
    names = ["Main", *(f"Spare{number}" for number in range(SPARES))]
    logins = [made.login(made.localpart + name, "first name") for name in names]
    devices = [{"device_id": each.device_id, "token": each.access_token} for each in logins]
    return {
        "user_id": made.user_id,
        "password": made.password,
        **devices[0],
        "spares": devices[1:],
    }


def settle(homeserver: Homeserver, server: Server, service: Service) -> dict[str, Any]:
    """Who there must be; the member `check` of the configuration."""
    users = [user(homeserver) for _ in range(2)]
    carol = homeserver.new_user()
    expired = homeserver.issue_token(carol, "--lifetime", "0s")
    replaced = carol.login(refresh=True)
    refreshed = homeserver.client.request(
        "POST", client_path("/refresh"), json={"refresh_token": replaced.refresh_token}
    )
    new_token = refreshed.json["access_token"]
    used = homeserver.client.request("GET", client_path("/devices"), token=new_token)
    assert used.status == 200
    dave = homeserver.new_user()
    locked = dave.login()
    server.command("user", "lock", dave.localpart)
    guest = homeserver.client.request("POST", client_path("/register", kind="guest"), json={})
    return {
        "disposable": True,
        "parallel": 32,
        "users": users,
        "tokens": {
            "expired": expired.access_token,
            "replaced": replaced.access_token,
            "locked": locked.access_token,
            "guest": guest.json["access_token"],
        },
        "service": {
            "token": service.as_token,
            "inside": service.new_user(),
            "outside": users[0]["user_id"],
            "unregistered": f"@{service.prefix}nobody:{server.server_name}",
        },
    }


def restart_on_demand(server: Server, folder: Path) -> str:
    """The command that has the server restarted, and waits for that."""
    wanted, done = folder / "wanted", folder / "done"
    os.mkfifo(wanted)
    os.mkfifo(done)

    def obey() -> None:
        wanted.read_text()  # waits for who writes
        server.stop()
        server.start()
        done.write_text("done\n")

    threading.Thread(target=obey, daemon=True).start()
    return f"echo now > {wanted} && cat {done}"


def test_the_server_and_its_store_keep_their_promises(
    server: Server, each_database: str, tmp_path: Path
) -> None:
    is_shared = each_database.startswith("postgresql:")  # limits are counted in the database
    service = Service("bridge", True)
    server.options += ["--appservice", str(service.write(tmp_path))]
    server.start()
    homeserver = Homeserver(server.client, server=server, services=[service])
    config = write(tmp_path, settle(homeserver, server, service))
    server.stop()

    server.options += ["--module", LIBRARY, "--config", str(config)]
    server.start()
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    other = Server(server.binary, other_folder, server.options, database=server.database).start()
    try:
        restart = restart_on_demand(server, tmp_path)
        options = ("--restart", restart, "--other", other.client.base_url)
        status, promises = run(config, f"http://{server.listen}", *options)
    finally:
        other.stop()
    assert named(promises, "broken") == {}
    assert status == 0
    untried = NO_ADDRESSES | NO_STAGES
    if not is_shared:
        untried |= NO_LIMITS
    assert sorted(named(promises, "not tried")) == sorted(untried)
