"""matrix-nio and matrix-js-sdk through Synapse with the module.

The clients are those of tests/peers, in the environments that tests/peers/setup made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts import Site
from client_process import ClientError, ClientProcess, LibraryClient
from matrix_device_conformance.homeserver import User

PEERS = Path(__file__).resolve().parent.parent / "peers"
BUILT = PEERS.parent.parent / "build" / "peers"
PYTHONS = {"newest": BUILT / "venv" / "bin" / "python", "debian": Path("/usr/bin/python3")}

Start = Callable[..., ClientProcess]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts a process with a client library."""
    folder = tmp_path_factory.mktemp("clients")
    started: list[ClientProcess] = []

    def start(*command: str | Path, where: Path = folder) -> ClientProcess:
        started.append(ClientProcess(command, where, folder / f"{len(started)}.log"))
        return started[-1]

    yield start
    for process in started:
        process.stop()


@pytest.mark.parametrize("library", ["newest", "debian"])
def test_matrix_nio(site: Site, start: Start, library: str) -> None:
    """Log in, list, rename, delete: with a wrong password, then the right one."""
    user = site.new_user()
    process = start(PYTHONS[library], PEERS / "nio_client.py")

    def log_in(device_id: str) -> LibraryClient:
        nio = process.new(site.client.base_url, user.localpart, device_id)
        assert nio.call("login", user.password, f"the {device_id}")["kind"] == "LoginResponse"
        return nio

    def names(nio: LibraryClient) -> dict[str, str | None]:
        listed = nio.call("devices")
        assert listed["kind"] == "DevicesResponse", listed
        return {device["id"]: device["display_name"] for device in listed["devices"]}

    def auth(session: str, password: str) -> dict[str, str]:
        return {
            "type": "m.login.password",
            "session": session,
            "user": user.localpart,
            "password": password,
        }

    phone, laptop = log_in("PHONE"), log_in("LAPTOP")
    assert names(laptop) == {"LAPTOP": "the LAPTOP", "PHONE": "the PHONE"}
    renamed = laptop.call("update_device", "PHONE", {"display_name": "Ænother näme"})
    assert renamed["kind"] == "UpdateDeviceResponse", renamed
    assert names(laptop)["PHONE"] == "Ænother näme"

    asked = laptop.call("delete_devices", ["PHONE"])
    assert asked["kind"] == "DeleteDevicesAuthResponse", asked
    assert {"stages": ["m.login.password"]} in asked["flows"]
    session = asked["session"]
    again = laptop.call("delete_devices", ["PHONE"], auth(session, "not-" + user.password))
    assert (again["kind"], again["session"]) == ("DeleteDevicesAuthResponse", session)
    done = laptop.call("delete_devices", ["PHONE"], auth(session, user.password))
    assert done["kind"] == "DeleteDevicesResponse", done
    assert names(laptop) == {"LAPTOP": "the LAPTOP"}
    assert phone.call("devices")["status_code"] == "M_UNKNOWN_TOKEN"
    for nio in (phone, laptop):
        nio.call("close")


def test_matrix_js_sdk(site: Site, start: Start) -> None:
    """getDevices, setDeviceDetails, deleteDevice, deleteMultipleDevices."""
    user = site.new_user()
    process = start(
        BUILT / "node" / "node", PEERS / "javascript" / "client.mjs", where=BUILT / "node"
    )

    def log_in(device_id: str) -> LibraryClient:
        device = user.login(device_id, f"the {device_id}")
        return process.new(site.client.base_url, device.access_token)

    def device_ids() -> set[str]:
        return {device["device_id"] for device in laptop.call("getDevices")["devices"]}

    strange = "a/b c?d#e%2F"
    laptop, phone = log_in("LAPTOP"), log_in("PHONE")
    for device_id in (strange, "TABLET"):
        log_in(device_id)
    assert device_ids() == {"LAPTOP", "PHONE", "TABLET", strange}
    assert laptop.call("setDeviceDetails", strange, {"display_name": "Ænother näme"}) == {}
    assert laptop.call("getDevice", strange)["display_name"] == "Ænother näme"

    assert deleted(laptop, "deleteDevice", "PHONE", user) == {}
    assert deleted(laptop, "deleteMultipleDevices", ["TABLET", strange], user) == {}
    assert device_ids() == {"LAPTOP"}
    assert laptop.call("loggedOut") is None
    with pytest.raises(ClientError) as raised:
        phone.call("getDevices")
    assert raised.value.details["errcode"] == "M_UNKNOWN_TOKEN"


def deleted(sdk: LibraryClient, call: str, target: Any, user: User) -> Any:
    """The result of a deletion in which the user mistypes the password once."""
    passwords = ["not-" + user.password, user.password]
    done = sdk.call("interactively", call, target, user.user_id, passwords)
    assert len(done["asked"]) == 2
    assert done["asked"][1]["errcode"] == "M_FORBIDDEN"
    return done["result"]
