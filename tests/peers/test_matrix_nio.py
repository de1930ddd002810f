"""matrix-nio, the newest and Debian's, against our servers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from client_process import ClientProcess, LibraryClient
from conftest import HERE, StartProcess
from matrix_device_conformance.server import poll
from sites import Site

DEBIAN_PYTHON = "/usr/bin/python3"
PASSWORD, WRONG = "correct horse", "battery staple"
# matrix-nio insists on the keys that the specification lets a server leave out.
NULLS = {"unknown_fields": "null"}

pytestmark = pytest.mark.matrix_devices(config=NULLS)

StartNio = Callable[..., LibraryClient]


@pytest.fixture(scope="session", params=["newest", "debian"])
def version(request: pytest.FixtureRequest) -> str:
    """Which matrix-nio the test runs with."""
    return str(request.param)


@pytest.fixture(scope="session")
def process(version: str, start_process: StartProcess) -> ClientProcess:
    """A process with this matrix-nio."""
    python = sys.executable if version == "newest" else DEBIAN_PYTHON
    return start_process(python, HERE / "nio_client.py")


@pytest.fixture
def start_nio(process: ClientProcess, site: Site) -> Iterator[StartNio]:
    """Makes a client that has logged in: the user's name and, if need be, a device ID."""
    started: list[LibraryClient] = []

    def start(name: str, *device_id: str) -> LibraryClient:
        nio = process.new(site.url, name, *device_id)
        started.append(nio)
        login = nio.call("login", PASSWORD, f"{name}'s client")
        assert login["kind"] == "LoginResponse", login
        return nio

    yield start
    for nio in started:
        nio.call("close")


@pytest.fixture
def alice(site: Site) -> str:
    """A user with a password; the full ID."""
    return site.add_user("alice", PASSWORD)


def auth(session: str, password: str) -> dict[str, str]:
    """As matrix-nio's documentation has it: `user`, without `identifier`."""
    return {"type": "m.login.password", "session": session, "user": "alice", "password": password}


def device_names(nio: LibraryClient) -> dict[str, str | None]:
    """The names in the list, by device ID."""
    listed = nio.call("devices")
    assert listed["kind"] == "DevicesResponse", listed
    return {device["id"]: device["display_name"] for device in listed["devices"]}


def challenge(nio: LibraryClient, device_ids: list[str], *auth: Any) -> str:
    """Ask for a deletion that needs a password; the session."""
    asked = nio.call("delete_devices", device_ids, *auth)
    assert asked["kind"] == "DeleteDevicesAuthResponse", asked
    assert asked["flows"] == [{"stages": ["m.login.password"]}]
    assert asked["params"] == {}
    return str(asked["session"])


def test_the_versions_are_the_newest_and_debians(
    start_nio: StartNio, alice: str, version: str
) -> None:
    assert (start_nio("alice").call("version") == "0.20.1") == (version == "debian")


def test_paths_are_those_of_the_version(
    site: Site, start_nio: StartNio, alice: str, version: str
) -> None:
    device_names(start_nio("alice"))
    path = f"/_matrix/client/{'r0' if version == 'debian' else 'v3'}/devices"
    poll(lambda: ("GET", path, 200) in site.asked(), 10, f"GET {path} is in the log")


def test_list(start_nio: StartNio, alice: str) -> None:
    start_nio("alice", "PHONE")
    laptop = start_nio("alice", "LAPTOP")
    listed = {device["id"]: device for device in laptop.call("devices")["devices"]}
    assert set(listed) == {"LAPTOP", "PHONE"}
    assert listed["PHONE"]["display_name"] == "alice's client"


def test_last_seen(start_nio: StartNio, alice: str) -> None:
    laptop = start_nio("alice", "LAPTOP")

    def seen() -> bool:
        (device,) = laptop.call("devices")["devices"]
        return (device["last_seen_ip"], device["last_seen_date"] is not None) == ("127.0.0.1", True)

    poll(seen, 10, "the device is seen")  # the store may write it a little later


@pytest.mark.parametrize("device_id", ["PHONE", "a/b c?d#e%2F", "gerät ☎"])
def test_rename(start_nio: StartNio, alice: str, device_id: str) -> None:
    start_nio("alice", device_id)
    laptop = start_nio("alice", "LAPTOP")
    renamed = laptop.call("update_device", device_id, {"display_name": "Ænother näme"})
    assert renamed["kind"] == "UpdateDeviceResponse", renamed
    assert device_names(laptop) == {"LAPTOP": "alice's client", device_id: "Ænother näme"}


def test_rename_of_an_unknown_device(start_nio: StartNio, alice: str) -> None:
    refused = start_nio("alice").call("update_device", "NONE", {"display_name": "name"})
    assert (refused["kind"], refused["status_code"]) == ("UpdateDeviceError", "M_NOT_FOUND")


def test_delete_with_a_wrong_password_first(start_nio: StartNio, alice: str) -> None:
    doomed = [start_nio("alice", device_id) for device_id in ("PHONE", "TABLET")]
    laptop = start_nio("alice", "LAPTOP")
    session = challenge(laptop, ["PHONE", "TABLET"])
    assert challenge(laptop, ["PHONE", "TABLET"], auth(session, WRONG)) == session
    assert set(device_names(laptop)) == {"LAPTOP", "PHONE", "TABLET"}
    done = laptop.call("delete_devices", ["PHONE", "TABLET"], auth(session, PASSWORD))
    assert done["kind"] == "DeleteDevicesResponse", done
    assert set(device_names(laptop)) == {"LAPTOP"}
    for nio in doomed:
        refused = nio.call("devices")
        assert (refused["kind"], refused["status_code"]) == ("DevicesError", "M_UNKNOWN_TOKEN")


def test_delete_with_the_password_of_somebody_else(
    site: Site, start_nio: StartNio, alice: str
) -> None:
    site.add_user("bob", WRONG)
    laptop = start_nio("alice", "LAPTOP")
    bob = auth(challenge(laptop, ["LAPTOP"]), WRONG) | {"user": "bob"}
    answer = laptop.call("delete_devices", ["LAPTOP"], bob)
    assert answer["kind"] != "DeleteDevicesResponse"
    assert set(device_names(laptop)) == {"LAPTOP"}


@pytest.mark.matrix_devices(
    config=NULLS | {"limits": {"uia_failures": {"burst": 1, "interval_ms": 700}}}
)
def test_it_waits_as_long_as_a_limit_tells_it_to(
    site: Site, start_nio: StartNio, alice: str
) -> None:
    start_nio("alice", "PHONE")
    laptop = start_nio("alice", "LAPTOP")
    session = challenge(laptop, ["PHONE"])
    for _ in range(3):
        challenge(laptop, ["PHONE"], auth(session, WRONG))
    done = laptop.call("delete_devices", ["PHONE"], auth(session, PASSWORD))
    assert done["kind"] == "DeleteDevicesResponse", done
    assert set(device_names(laptop)) == {"LAPTOP"}
    limited = [status for _, path, status in site.asked() if path.endswith("/delete_devices")]
    assert 1 <= limited.count(429) <= 6, limited
