"""A plugin for the conformance suite: application services that a given homeserver knows.

With `-p suite_services` and a file that MXD_SERVICES names, rows that need an application service
run against a given URL too. The file is a JSON list of objects with `name`, `rate_limited` and
`as_token`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from matrix_device_conformance.homeserver import Homeserver, Service


def write_services(services: Sequence[Service], path: Path) -> dict[str, str]:
    """Write the file; what the environment of the suite needs."""
    lines = [
        {"name": each.name, "rate_limited": each.rate_limited, "as_token": each.as_token}
        for each in services
    ]
    path.write_text(json.dumps(lines))
    return {"MXD_SERVICES": str(path)}


@pytest.hookimpl(hookwrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any],
) -> Generator[None, Any, None]:
    """Tell the homeserver under test which application services there are."""
    outcome = yield
    if fixturedef.argname != "shared_homeserver" or outcome.excinfo is not None:
        return
    homeserver = outcome.get_result()
    assert isinstance(homeserver, Homeserver)
    for line in json.loads(Path(os.environ["MXD_SERVICES"]).read_text()):
        service = Service(**line, homeserver=homeserver)
        homeserver.services[service.name] = service
        homeserver.secrets.add(service.as_token)
