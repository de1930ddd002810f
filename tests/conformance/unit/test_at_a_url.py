"""A homeserver at a URL: with two accounts, services and hooks, next to all is judged.

Only rows that need these are run here; MXD_CONFORMANCE_ALL=1 runs all of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.verdicts import NOT_JUDGED, NOT_KEPT

HERE = Path(__file__).parent
COMMANDS = HERE / "commanded_server.py"
HOOKS = {
    "new-user": "{url} {localpart}",
    "lock": "{url} {localpart}",
    "unlock": "{url} {localpart}",
    "suspend": "{url} {localpart}",
    "unsuspend": "{url} {localpart}",
    "expired-token": "{url} {localpart}",
    "oauth-token": "{url} {localpart} {device_id}",
    "passwordless-user": "{url}",
    "restart": "{url}",
    "configure": "{file}",
}
ROWS = "A2,A5,A6,A7,A9,A10,A11,A12,A13,A14,D2,D3,F,G1,G2,L2,P5,P6,P7,P8,R4,U12,U17,U20,U22,U23,U27"
UNREACHABLE = 8  # tests, of all


class Commanded:
    """A server and its commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = self.run("start").stdout.strip()
        for name in ("alice", "bob"):
            self.run("new-user", self.url, name, stdin=f"password-of-{name}\n")

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """A command."""
        return subprocess.run(
            [sys.executable, "-B", str(COMMANDS), str(self.folder), *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=True,
        )

    def tested(self, report: Path, *options: str) -> list[dict[str, Any]]:
        """What the suite finds of it: the tests."""
        done = subprocess.run(
            [
                *(sys.executable, "-B", "-m", "matrix_device_conformance", self.url),
                *(f"--report={report}", "--fail-on-ours", *options),
            ],
            cwd=HERE.parent,
            env={
                **os.environ,
                "MXD_ACCOUNTS": "alice:password-of-alice bob:password-of-bob",
            },
            capture_output=True,
            text=True,
            timeout=900 * TIME_FACTOR,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        rows = json.loads((report / "conformance.json").read_text())["rows"]
        return [{"row": row["row"], **test} for row in rows for test in row["tests"]]


@pytest.fixture
def commanded(tmp_path: Path) -> Iterator[Commanded]:
    """One that runs."""
    folder = tmp_path / "servers"
    folder.mkdir()
    server = Commanded(folder)
    yield server
    server.run("stop", server.url)


def everything(folder: Path) -> list[str]:
    """All that one who runs it can give."""
    tokens = json.loads((folder / "tokens.json").read_text())
    options = [
        f"--hook={name}={sys.executable} -B {COMMANDS} {folder} {name} {words}"
        for name, words in HOOKS.items()
    ]
    for name, token in tokens.items():
        path = folder / f"{name}.token"
        path.write_text(token)
        is_limited = "yes" if name == "limited" else "no"
        options.append(
            f"--appservice=token-file={path},prefix={name}_user_,sender=@{name}_bot:example.org,"
            f"rate-limited={is_limited}"
        )
    return options


def test_with_all_that_can_be_given(commanded: Commanded, tmp_path: Path) -> None:
    only = [] if os.environ.get("MXD_CONFORMANCE_ALL") else [f"--rows={ROWS}"]
    tests = commanded.tested(tmp_path / "report", *everything(commanded.folder), *only)
    assert [test for test in tests if test["verdict"] == NOT_KEPT] == []
    unjudged = {test["name"]: test["reason"] for test in tests if test["verdict"] == NOT_JUDGED}
    assert len(unjudged) <= UNREACHABLE, unjudged
    print(f"not judged of {len(tests)}: {unjudged}")
