"""Each planted bug is seen by the row that is there for it, and only the bug makes it fail.

The suite runs as anybody runs it, in a process of its own: once through the proxy without a bug,
and then once for each bug.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.verdicts import KEPT, NOT_KEPT
from planted import BUGS
from planted.bug import Bug

SERVER = Path(__file__).with_name("server.py")
TESTS = SERVER.parent.parent / "matrix_device_conformance/tests"
PLANTED = [bug for name, bug in BUGS.items() if name != Bug.name]

Lines = dict[str, dict[str, Any]]


def run_suite(bug: str, tests: list[str], report: Path) -> Lines:
    """The lines of the suite's table for these tests, by the name of the function."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    command += [f"--server={SERVER}", f"--report={report}", *tests]
    done = subprocess.run(
        command,
        cwd=TESTS,
        env={**os.environ, "MXD_PLANTED": bug},
        capture_output=True,
        text=True,
        timeout=120 * TIME_FACTOR,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    rows = json.loads((report / "conformance.json").read_text())["rows"]
    return {test["name"]: test for row in rows for test in row["tests"]}


@pytest.fixture(scope="session")
def without_bugs(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """The same tests through the proxy with no bug planted."""
    tests = sorted({bug.test for bug in PLANTED})
    return run_suite(Bug.name, tests, tmp_path_factory.mktemp("none"))


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.name)
def test_is_seen(bug: type[Bug], without_bugs: Lines, tmp_path: Path) -> None:
    """The row holds without the bug, and with it fails for the bug's sake."""
    function = bug.test.partition("::")[2]
    clean = without_bugs[function]
    assert clean["verdict"] == KEPT, f"without the bug: {clean}"
    line = run_suite(bug.name, [bug.test], tmp_path)[function]
    assert line["verdict"] == NOT_KEPT, f"not seen: {bug.__doc__} {line}"
    got = [f"{failure['what']}: {failure['got']}" for failure in line["failures"]]
    assert any(re.search(bug.got, each) for each in got), f"failed for another reason: {line}"


def test_enough_are_planted() -> None:
    """Fifteen bugs of peers or more, of several peers and rows."""
    of_peers = [bug for bug in PLANTED if bug.peer != "any"]
    assert len(of_peers) >= 15
    assert len({bug.test for bug in of_peers}) >= 15
