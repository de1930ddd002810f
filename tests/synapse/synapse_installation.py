"""The versions of Synapse that tests/synapse/setup has installed, and what their processes see."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from matrix_device_conformance.server import ServerError

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
ENVIRONMENTS = REPOSITORY / "build" / "synapse"
MODULE_FOLDER = HERE / "modules"  # small modules for Synapse that tests need


@dataclass(frozen=True)
class Installation:
    """A version of Synapse, and the Python that it is installed for."""

    version: str
    python: str


def known_versions() -> list[str]:
    """Those of versions.txt, newest first."""
    lines = (HERE / "versions.txt").read_text().splitlines()
    return [line.split()[0] for line in lines if line and not line.startswith("#")]


def installation(version: str) -> Installation:
    """The environment that tests/synapse/setup made for this version."""
    python = ENVIRONMENTS / version / "bin" / "python"
    if not python.exists():
        raise ServerError(f"Synapse {version} is not there: run tests/synapse/setup")
    return Installation(version, str(python))


def process_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a Synapse process, with what MXD_SYNAPSE_PYTHONPATH adds."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    extra = dict(extra or {})
    folders = [
        extra.pop("MXD_FIRST_PYTHONPATH", ""),
        str(MODULE_FOLDER),
        os.environ.get("MXD_SYNAPSE_PYTHONPATH", ""),
    ]
    environment["PYTHONPATH"] = os.pathsep.join(folder for folder in folders if folder)
    environment["PYTHONUNBUFFERED"] = "1"
    environment.update(extra)
    return environment
