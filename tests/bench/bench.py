#!/usr/bin/env python3
"""Measures ours beside something bare, in one run, and writes a report.

    tests/bench/bench.py --out build/release/out --report build/bench [--only REGEX] [--judge]

The parts: budgets, in_process, stores, server, memory, in_synapse, growth, postgres,
ten_million. The head of each file of parts/ says what it compares. Some ratios have a bound: with
--judge one that is missed fails.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from parts import (
    budgets,
    growth,
    in_process,
    in_synapse,
    memory,
    postgres,
    report,
    server,
    stores,
)
from parts.site import Build

PARTS = {
    "budgets": budgets.measure,
    "in_process": in_process.measure,
    "stores": stores.measure,
    "server": server.measure,
    "memory": memory.measure,
    "in_synapse": in_synapse.measure,
    "growth": growth.measure,
    "postgres": postgres.measure,
    "ten_million": postgres.measure_ten_million,
}


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="where the programs lie")
    parser.add_argument("--report", type=Path, required=True, help="where the report goes")
    parser.add_argument("--only", default=".", metavar="REGEX", help="of the parts' names")
    parser.add_argument("--judge", action="store_true", help="a bound that is missed fails")
    given = parser.parse_args()
    chosen = [name for name in PARTS if re.search(given.only, name)]
    if not chosen:
        parser.error(f"no part matches {given.only}: they are {', '.join(PARTS)}")

    given.report.mkdir(parents=True, exist_ok=True)
    build = Build(given.out.resolve(), given.report.resolve())
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    ).stdout.strip()
    busy = os.getloadavg()[0]
    if busy > 0.5 * (os.cpu_count() or 1):
        print(f"The machine is busy (load {busy:.1f}): ratios hold, figures do not.", flush=True)

    started = time.monotonic()

    def progress(what: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {what}", flush=True)

    figures = []
    for name in chosen:
        progress(f"{name}:")
        figures += PARTS[name](build, lambda what: progress("  " + what))
        report.write(figures, given.report, commit or "no commit")  # what there is so far
    print(f"==> The report: {given.report / 'report.md'}")
    missed = [figure for figure in figures if figure.is_out_of_bounds]
    for figure in missed:
        print(f"{figure.name}: {figure.ratio:.2f} beside {figure.compared_with}, {figure.bound}")
    return 1 if missed and given.judge else 0


if __name__ == "__main__":
    sys.exit(main())
