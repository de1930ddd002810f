"""Runs the suite at a real server that has a bug planted before it, and reads its verdicts."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matrix_device_conformance.client import TIME_FACTOR, client_path
from matrix_device_conformance.server import Server
from matrix_device_conformance.verdicts import KEPT, NOT_KEPT
from planted.bug import Bug
from planted.proxy import Proxy

SUITE = Path(__file__).parent.parent
PLANTED_SERVER = Path(__file__).with_name("server")
WHOLE = "whole"  # the suite starts the server, and commands it
ACCOUNTS = "accounts"  # the suite has a URL and accounts
MODES = (WHOLE, ACCOUNTS)
NO_ROW = "–"
OWN_FAULT = "the suite's own fault"
ACCOUNTS_GIVEN = 16
RUN_LIMIT_S = 900 * TIME_FACTOR


@dataclass(frozen=True)
class Verdicts:
    """What a run has found: the rows that are kept and not kept, and why."""

    kept: frozenset[str]
    not_kept: frozenset[str]
    failures: tuple[str, ...]  # "row what: got"
    own_faults: tuple[str, ...]  # of the suite: no answer of a homeserver may bring one about
    output: str

    def of(self, row: str) -> list[str]:
        """The failures of a row."""
        return [line.partition(" ")[2] for line in self.failures if line.startswith(f"{row} ")]


def expected(bug: type[Bug], mode: str) -> frozenset[str]:
    """The rows that the bug must fail."""
    return bug.rows if mode == WHOLE else bug.rows_of_accounts


def pattern(bug: type[Bug], mode: str) -> str:
    """What one of its failures must say."""
    return bug.got_of_accounts or bug.got if mode == ACCOUNTS else bug.got


def run(bug: type[Bug], mode: str, rows: frozenset[str] | None = None) -> Verdicts:
    """Run the suite, or these rows of it, with a bug."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        with homeserver(bug, mode, folder) as options:
            return run_suite(bug, options, rows, folder / "report")


@contextlib.contextmanager
def homeserver(bug: type[Bug], mode: str, folder: Path) -> Iterator[list[str]]:
    """The options by which the suite finds a homeserver with the bug."""
    if mode == WHOLE:
        yield [f"--server={PLANTED_SERVER}"]
        return
    options = ["--no-rate-limits", "--open-registration"]  # for the accounts that are given
    server = Server(os.environ["MXD_SERVER"], folder, options, environment=cheap())
    path = folder / "config.json"
    path.write_text(json.dumps({"unknown_fields": "omit", **bug.config}))
    server.options += ["--config", str(path)]
    server.start()
    try:
        given = [registered(server, f"account{number}") for number in range(ACCOUNTS_GIVEN)]
        with contextlib.closing(Proxy(server.client, bug())) as proxy:
            yield [f"--base-url={proxy.client.base_url}", *given]
    finally:
        server.stop()


def registered(server: Server, name: str) -> str:
    """Register an account; the option that gives it."""
    account = {"username": name, "password": f"secret-of-{name}", "inhibit_login": True}
    body = {**account, "auth": {"type": "m.login.dummy"}}
    answer = server.client.request("POST", client_path("/register"), json=body)
    assert answer.status == 200, str(answer)
    return f"--account={name}:{account['password']}"


def cheap() -> dict[str, str]:
    """Passwords that cost nothing to check, where the library for it has been built."""
    library = os.environ.get("MXD_CHEAP_PASSWORDS")
    return {"LD_PRELOAD": library} if library else {}


def chosen(rows: frozenset[str] | None) -> list[str]:
    """The option that chooses rows."""
    if rows is None:
        return []
    return ["--rows=" + ",".join("clients" if row == NO_ROW else row for row in sorted(rows))]


def run_suite(
    bug: type[Bug], options: list[str], rows: frozenset[str] | None, report: Path
) -> Verdicts:
    """Run the suite in a process of its own."""
    command = [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    command += [*options, f"--report={report}", *chosen(rows), str(SUITE)]
    environment = {
        **os.environ,
        **cheap(),
        "MXD_PLANTED": bug.name,
        "MXD_TIME_FACTOR": str(TIME_FACTOR * bug.time_factor),
    }
    done = subprocess.run(
        command,
        cwd=SUITE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=RUN_LIMIT_S,
        check=False,
    )
    output = done.stdout + done.stderr
    if done.returncode not in (0, 1):
        raise RuntimeError(f"the suite did not run with {bug.name}\n{output}")
    document = json.loads((report / "conformance.json").read_text())
    return verdicts(document, output)


def verdicts(document: dict[str, Any], output: str) -> Verdicts:
    """Of the suite's report."""
    by_row = {row["row"]: {row["specification"], row["ours"]} for row in document["rows"]}
    return Verdicts(
        kept=frozenset(
            row for row, both in by_row.items() if KEPT in both and NOT_KEPT not in both
        ),
        not_kept=frozenset(row for row, both in by_row.items() if NOT_KEPT in both),
        failures=tuple(
            f"{row['row']} {failure['what']}: {failure['got']}"
            for row in document["rows"]
            for test in row["tests"]
            for failure in test["failures"]
        ),
        own_faults=tuple(
            f"{test['name']}: {test['reason']}"
            for row in document["rows"]
            for test in row["tests"]
            if test["reason"].startswith(OWN_FAULT)
        ),
        output=output,
    )
