"""abi/check/run.py as a program, and what it says."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

PROGRAM = Path(__file__).parents[2] / "abi" / "check" / "run.py"

Promises = dict[str, dict[str, str]]

# Nobody here keeps addresses, or offers another stage than the password.
NO_ADDRESSES = {"uia_check.email", "uia_check.phone"}
NO_STAGES = {"uia_check.stages"}
# Without take_limit the module counts by itself.
NO_LIMITS = {
    "take_limit.takes",
    "take_limit.retry_after",
    "take_limit.all_or_none",
    "take_limit.gives_back",
    "take_limit.never_over_burst",
    "take_limit.by_name_and_key",
    "take_limit.at_once",
    "take_limit.refills",
}


def load() -> ModuleType:
    """The program as a module."""
    spec = importlib.util.spec_from_file_location("check_host", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclass looks
    spec.loader.exec_module(module)
    return module


def write(folder: Path, check: dict[str, Any]) -> Path:
    """A configuration file."""
    path = folder / "config.json"
    path.write_text(json.dumps({"check": check, "uia": {"grace_period_ms": 1000}}))
    return path


def start(config: Path, url: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    command = [sys.executable, str(PROGRAM), "--json", "--config", str(config), url, *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def run(config: Path, url: str, *options: str) -> tuple[int, Promises]:
    """The exit status, and the promises by name."""
    done = start(config, url, *options)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, {each["name"]: each for each in json.loads(done.stdout)}


def named(promises: Promises, outcome: str) -> dict[str, str]:
    """What has this outcome, and why."""
    return {name: each["detail"] for name, each in promises.items() if each["outcome"] == outcome}
