"""O4, O5: a disk that is full, a database that is moved away, seen from the server's clients."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Launch
from matrix_device_conformance.homeserver import Homeserver, Service
from matrix_device_conformance.server import Server, poll
from store import expect_whole

DISK = "64m"
DEVICES = 200
BLOCK = bytes(64 * 1024)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 64 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Takes all the room that there is."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(BLOCK):
                pass
        except OSError:  # full
            pass
    return ballast


def test_O4_on_a_full_disk_devices_are_read_and_deleted(
    small_disk: Path, launch: Launch, open_options: list[str], services: list[Service]
) -> None:
    """O4: reading and deleting go on, all else is 503; with room again everything does."""
    server = launch(*open_options, database=small_disk / "devices.db")
    homeserver = Homeserver(server.client, server=server, services=services)
    service = homeserver.services["unlimited"]
    user_id = service.new_user()
    for number in range(DEVICES):
        assert service.put(f"D{number}", {}, user_id=user_id).status == 201
    user = homeserver.new_user()
    device, target = user.login(), user.login()

    ballast = fill(small_disk)
    refused = poll(
        lambda: (
            answer
            if (answer := service.put("NEW", {"display_name": "x"}, user_id=user_id)).status == 503
            else None
        ),
        20,
        "a write that is no deletion is refused",
    )
    assert refused.errcode == "M_UNKNOWN"
    assert device.list().status == 200
    for number in range(DEVICES):
        answer = service.request("DELETE", f"/devices/D{number}", user_id=user_id)
        assert answer.status == 200, f"D{number}: {answer}"
    session = device.begin_delete(target.device_id)
    assert device.delete(target.device_id, user.auth(session)).status == 200
    assert target.list().status == 401
    assert not service.device_ids(user_id) - {"NEW"}

    ballast.unlink()
    poll(
        lambda: service.put("NEW", {"display_name": "x"}, user_id=user_id).status in (200, 201),
        20,
        "with room again everything is written",
    )
    server.stop()
    expect_whole(server.database)


def test_O5_what_is_not_on_disk_is_not_answered(homeserver: Homeserver, server: Server) -> None:
    """O5: moved away, a write is 503, and one line says why; put back, it is written again."""
    device = homeserver.new_user().login(name="before")
    elsewhere = server.database.with_name("elsewhere.db")
    server.database.rename(elsewhere)
    for _ in range(3):
        answer = device.put(device.device_id, {"display_name": "lost"})
        assert answer.status == 503, str(answer)
        assert answer.errcode == "M_UNKNOWN"

    elsewhere.rename(server.database)
    poll(
        lambda: device.put(device.device_id, {"display_name": "after"}).status == 200,
        20,
        "it is written again",
    )
    server.stop()
    told = [line["message"] for line in server.log() if line.get("level") == "error"]
    assert len(told) == 1, told
    assert "database" in told[0]
    expect_whole(server.database)
