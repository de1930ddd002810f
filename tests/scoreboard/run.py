#!/usr/bin/env python3
"""Run the conformance suite at every homeserver of the scoreboard, and write docs/scoreboard.*.

    run.py [--only PATTERN] [--report KEY=DIR]...

--only: keys that match (server_sqlite, synapse_newest_module, …); the others stay as they are.
--report: take this report of the suite instead of running it. What is run is built by
`make scoreboard`, which calls this. Where a row was not done in its time, a busy machine may be
why: then what the board has of that homeserver stays, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from board import REPOSITORY, load, read_report, rows_of, save, standing_of
from document import write
from homeservers import SYNAPSES, homeservers, lines_of
from judge import unsettled

TESTS = REPOSITORY / "tests"
sys.path[:0] = [str(TESTS / name) for name in ("dendrite", "synapse", "peers", "postgres")]

import compare_rows  # noqa: E402

import compare  # noqa: E402
import example_hosts  # noqa: E402
from cluster import SHARED, Cluster  # noqa: E402

REPORTS = REPOSITORY / "build" / "scoreboard"
PROGRAMS = Path(os.environ.get("MXD_OUT", REPOSITORY / "build" / "release" / "out"))
SERVER = PROGRAMS / "matrix-devices-server"
LIBRARY = PROGRAMS / "libmatrix_devices.so"


def run_server(report: Path, program: Path = SERVER, **environment: str) -> None:
    """Our own, which the suite starts."""
    command = [sys.executable, "-B", "-m", "matrix_device_conformance"]
    done = subprocess.run(
        [*command, f"--server={program}", f"--report={report}"],
        env={**os.environ, "PYTHONPATH": str(TESTS / "conformance"), **environment},
        check=False,
    )
    judge_status(done.returncode)


def run_on_postgres(report: Path) -> None:
    """Two servers on a PostgreSQL of their own, behind a round robin."""
    fleet = TESTS / "conformance" / "fleet" / "fleet.py"
    with Cluster() as cluster, tempfile.TemporaryDirectory() as folder:
        shared = Path(folder) / "cluster"
        shared.write_text(str(cluster.folder))
        environment = {SHARED: str(shared), "MXD_FLEET_SERVER": str(SERVER)}
        environment |= {"MXD_FLEET_SIZE": "2", "MXD_FLEET_ON": "postgres"}
        run_server(report, fleet, **environment)


def run_example(start: Callable[..., contextlib.AbstractContextManager[str]], report: Path) -> None:
    """A host to copy."""
    given = example_hosts.services()
    with (
        tempfile.TemporaryDirectory() as folder,
        start(LIBRARY, given, Path(folder)) as url,
    ):
        done = example_hosts.run_suite(url, given, report)
    print(done.stdout, end="")
    judge_status(done.returncode)


def judge_status(status: int) -> None:
    """0 and 1 are verdicts; others mean that there are none."""
    if status not in (0, 1):
        raise SystemExit(f"the suite ended with {status}: mend what it names, then run this again")


def run_synapse(version: str, kind: compare.Kind, report: Path) -> None:
    """One that tests/synapse/setup has installed."""
    compare.run_synapse(version, kind, report)


def run_dendrite(kind: str, report: Path) -> None:
    """One that tests/dendrite/setup has built."""
    compare_rows.run_dendrite(kind, report)


def runs() -> Mapping[str, Callable[[Path], None]]:
    """How the report of each key is made."""
    versions = [line.split()[0] for line in lines_of(SYNAPSES.read_text())]
    kinds = {kind.folder: kind for kind in compare.KINDS}
    return {
        "server_sqlite": run_server,
        "server_postgres": run_on_postgres,
        "rust": partial(run_example, example_hosts.rust_host),
        "go": partial(run_example, example_hosts.go_host),
        "synapse_newest_module": partial(run_synapse, versions[0], kinds["module"]),
        "synapse_newest": partial(run_synapse, versions[0], kinds["stock"]),
        "synapse_oldest_module": partial(run_synapse, versions[-1], kinds["module"]),
        "synapse_oldest": partial(run_synapse, versions[-1], kinds["stock"]),
        "dendrite_module": partial(run_dendrite, "module"),
        "dendrite": partial(run_dendrite, "stock"),
    }


def main() -> int:
    """Run, and write after each, so that what was found stays found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="PATTERN", default=".")
    parser.add_argument("--report", metavar="KEY=DIR", action="append", default=[])
    given = parser.parse_args()
    reports = dict(each.split("=", 1) for each in given.report)
    known = homeservers()
    chosen = list(reports) or [key for key in known if re.search(given.only, key)]
    if not chosen or not set(chosen) <= set(known):
        parser.error(f"there are {', '.join(known)}")
    refused = []
    for key in chosen:
        folder = Path(reports.get(key, REPORTS / key))
        if key not in reports:
            print(f"==> {known[key].name}", flush=True)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "conformance.json").unlink(missing_ok=True)
            runs()[key](folder)
        report = read_report(folder)
        board = load()
        rows = unsettled(board, known[key], report) if key not in reports else []
        if rows:
            print(
                f"{known[key].name} is not written: not done in their time: {', '.join(rows)}. When"
                f" this machine has less to do, run `make scoreboard ONLY={key}`; if that is not"
                f" why, tests/scoreboard/run.py --report {key}={folder}",
                file=sys.stderr,
            )
            refused.append(key)
            continue
        board.rows |= rows_of(report)
        board.standings[key] = standing_of(known[key], report)
        save(board, known)
        write(load())
    if refused != chosen:
        print("==> Written: docs/scoreboard.json, docs/scoreboard.md, docs/scoreboard.svg")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
