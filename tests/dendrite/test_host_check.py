"""The drop-in under the checking module (docs/host_check.md): which promises it holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dendrite_server import LIBRARY, REPOSITORY

from conftest import Site, StartDendrite
from matrix_device_conformance.homeserver import Device

CHECKING = Path(
    os.environ.get("MXD_CHECK_LIBRARY", LIBRARY.with_name("libmatrix_devices_check.so"))
)
ASK = REPOSITORY / "abi" / "check" / "run.py"

# What can't be tried, and why.
NOT_TRIED = {
    "authenticate.expired": "Dendrite's tokens do not expire",
    "authenticate.replaced": "nor are they refreshed",
    "authenticate.locked": "it locks no account",
    "uia_check.email": "its test has no address for an account",
    "uia_check.phone": "nor has this",
    "uia_check.stages": "a password is the only stage",
    "uia_load_session.elsewhere": "Dendrite is one process",
    "uia_replace_session.elsewhere": "and stays one",
    "uia_load_session.after_restart": "see test_dendrite_itself_starts_before_and_after",
    "list_devices.after_restart": "see there too",
    "mark_validated.kept": "there is no grace period",
}


def person(site: Site, number: int) -> dict[str, Any]:
    """A user of the configuration."""
    user = site.homeserver.new_user()
    devices = [user.login(f"DEVICE{number}{each}") for each in range(4)]

    def of(device: Device) -> dict[str, str]:
        device.put(device.device_id, {"display_name": "first name"})
        return {"device_id": device.device_id, "token": device.access_token}

    return {
        "user_id": user.user_id,
        "password": user.password,
        **of(devices[0]),
        "spares": [of(device) for device in devices[1:]],
    }


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_drop_in_keeps_its_promises(kind: str, start: StartDendrite, tmp_path: Path) -> None:
    site = start(kind)
    guest = site.dendrite.client.request(
        "POST", "/_matrix/client/v3/register?kind=guest", json={}
    ).members
    users = [person(site, number) for number in range(2)]
    check = {
        "disposable": True,
        "parallel": 16,
        "users": users,
        "tokens": {"guest": guest["access_token"]},
        "service": {
            "token": site.service.as_token,
            "inside": site.service.new_user(),
            "outside": users[0]["user_id"],
            "unregistered": f"@{site.service.prefix}nobody:example.org",
        },
    }
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"check": check}))
    site.dendrite.stop()
    site.dendrite.library = CHECKING
    site.dendrite.settings = {"check": check}
    site.dendrite.start()
    url = site.dendrite.client.base_url
    asked = subprocess.run(
        [sys.executable, "-B", ASK, "--json", "--config", config, url],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert asked.returncode in (0, 1), asked.stderr
    promises = {each["name"]: each for each in json.loads(asked.stdout)}
    found = {name: each["outcome"] for name, each in promises.items() if each["outcome"] != "held"}
    broken = {name: promises[name]["detail"] for name in found if found[name] == "broken"}
    assert broken == {}
    of_limits = {name for name in promises if name.startswith("take_limit.")}
    assert set(found) == set(NOT_TRIED) | of_limits, promises
    site.dendrite.stop()
