"""The drop-in under the checking module (docs/host_check.md): which promises it holds."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from accounts import Site
from conftest import Sites, services
from matrix_device_conformance.homeserver import Device, User
from synapse_installation import REPOSITORY
from synapse_server import Options, Synapse
from test_accounts import expired_token, guest, locked

pytestmark = [pytest.mark.module, pytest.mark.rough]

LIBRARY = REPOSITORY / "build" / "release" / "out" / "libmatrix_devices_check.so"
ASK = REPOSITORY / "abi" / "check" / "run.py"
PARALLEL = 32  # requests at once
GRACE = {"grace_period_ms": 60_000}  # without one the adapter looks for no validation

# What can't be tried, and why.
NO_LIMITS = "the adapter lets the module count"
NOT_TRIED = {
    "authenticate.replaced": "Synapse keeps no trace of a token that a refresh replaced",
    "take_limit.takes": NO_LIMITS,
    "take_limit.retry_after": NO_LIMITS,
    "take_limit.all_or_none": NO_LIMITS,
    "take_limit.gives_back": NO_LIMITS,
    "take_limit.never_over_burst": NO_LIMITS,
    "take_limit.by_name_and_key": NO_LIMITS,
    "take_limit.at_once": NO_LIMITS,
    "take_limit.refills": NO_LIMITS,
}
ONE_PROCESS = {"uia_load_session.elsewhere", "uia_replace_session.elsewhere"}


def asking() -> ModuleType:
    """abi/check/run.py."""
    specification = importlib.util.spec_from_file_location("ask_host", ASK)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["ask_host"] = module
    specification.loader.exec_module(module)
    return module


def person(site: Site, user: User, number: str) -> dict[str, Any]:
    """A user of the configuration: a device, three spare ones, and addresses."""
    address = f"{user.localpart}@example.org"
    site.change(
        user,
        threepids=[
            {"medium": "email", "address": address},
            {"medium": "msisdn", "address": f"44{number[1:]}"},
        ],
    )
    device = user.login(f"{user.localpart}_Main", name="a laptop")
    spares = [user.login(f"{user.localpart}_Spare{place}") for place in range(3)]
    return {
        "user_id": user.user_id,
        "device_id": device.device_id,
        "token": device.access_token,
        "password": user.password,
        "email": address,
        "phone": {"country": "GB", "number": number},
        "spares": [{"device_id": each.device_id, "token": each.access_token} for each in spares],
    }


def configuration(site: Site) -> dict[str, Any]:
    """What the checking module reads of its configuration."""
    service = site.services["unlimited"]
    inside = service.new_user()
    some: dict[str, Device] = {
        "expired": expired_token(site),
        "locked": locked(site),
        "guest": guest(site),
    }
    owner, other = site.new_user(), site.new_user()
    identifier = {"type": "m.id.user", "user": owner.localpart}
    return {
        "disposable": True,
        "parallel": PARALLEL,
        "users": [person(site, owner, "02079460001"), person(site, other, "02079460002")],
        "tokens": {name: device.access_token for name, device in some.items()},
        "service": {
            "token": service.as_token,
            "inside": inside,
            "outside": other.user_id,
            "unregistered": f"@{service.prefix}nobody:example.org",
        },
        "stages": {
            "org.example.pin": {
                "right": {"identifier": identifier, "pin": "1234"},
                "wrong": {"identifier": identifier, "pin": "4321"},
            }
        },
    }


@pytest.fixture(params=[False, True], ids=["SQLite", "PostgreSQL with a worker"])
def checked(request: pytest.FixtureRequest, sites: Sites, tmp_path: Path) -> Iterator[Site]:
    """A Synapse in which the checking module stands in the place of the real one."""
    assert LIBRARY.exists(), f"{LIBRARY} is not there: build the target matrix_devices_check"
    provider = {"module": "pin_provider.PinProvider", "config": {}}
    options = Options(
        module={}, services=services(), other_modules=[provider], worker=request.param
    )
    synapse = Synapse(tmp_path, sites.installed, options).start()
    try:
        site = Site(synapse)
        module = {"library": str(LIBRARY), "check": configuration(site), "uia": GRACE}
        synapse.configure(module)
        site.restart()
        yield site
        synapse.stop()
    finally:
        synapse.kill()


def test_promises(checked: Site) -> None:
    """Each is held, but for those that can't be tried."""
    module = asking()
    worker = checked.worker.client.base_url if checked.synapse.options.worker else None

    class Run(module.Run):  # type: ignore[name-defined, misc]
        def send(self, step: dict[str, Any]) -> Any:
            """A restart brings other ports."""
            if step["place"] == "restarted":
                checked.restart()
                self.base_url = checked.client.base_url
                step = {**step, "place": "here"}
            return super().send(step)

    check = checked.synapse.options.module["check"]  # type: ignore[index]
    run = Run(check, checked.client.base_url, worker, "the test does", 120.0)
    run.go()
    print("\n".join(run.lines()))
    not_tried = set(NOT_TRIED) | (set() if worker else ONE_PROCESS)
    outcomes = {name: promise["outcome"] for name, promise in run.promises.items()}
    expected = {name: "not tried" if name in not_tried else "held" for name in outcomes}
    assert outcomes == expected
    for process in checked.synapse.processes:
        process.expect_contexts_kept()
