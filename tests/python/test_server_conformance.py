"""All of the conformance suite, with services, configurations and commands, on hosts in memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import matrix_devices

HERE = Path(__file__).parent
# What no host in memory can bring about, as docs/conformance.md has it.
UNREACHABLE = {"A16", "L4", "L5", "U5"}


@pytest.mark.parametrize("kind", ["memory", "async"])
def test_every_row_holds(kind: str, tmp_path: Path) -> None:
    path = str(Path(matrix_devices.__file__).parents[1])
    suite = subprocess.run(
        [
            *(sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-q"),
            # One argument, or pytest takes the file for what sets its root.
            f"--server={HERE / 'conformance_server.py'}",
            "--without=restart",  # these hosts forget everything
            f"--report={tmp_path / 'report'}",
            "--fail-on-ours",
            str(HERE.parent / "conformance"),
        ],
        capture_output=True,
        text=True,
        timeout=1500,
        env=os.environ | {"MXD_PYTHON_HOST": kind, "PYTHONPATH": path},
        cwd=tmp_path,
    )
    assert suite.returncode == 0, suite.stdout[-20_000:]
    rows = json.loads((tmp_path / "report/conformance.json").read_text())["rows"]
    unjudged = {row["row"] for row in rows if "kept" not in (row["specification"], row["ours"])}
    assert unjudged == UNREACHABLE, suite.stdout[-20_000:]
