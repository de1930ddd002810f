#!/usr/bin/env python3
"""Counts what requests cost, and compares with what is allowed: counts do not depend on how busy
the machine is.

    tests/bench/counting/budgets.py OUT [--update | --control]

OUT is where the programs of an optimised build lie. Counted: instructions (callgrind) and
allocations of each endpoint's way through the module, on a host in memory, and through module and
store; of the server, the system calls that a request causes by itself (strace; counts.py says which
those are). budgets.json has what each may be: over it by more than 3 % fails, under it by more than
10 % says that the budget can be lowered. --update writes what was counted. --control plants an
allocation into each request, and sees that this is over budget.

Instructions are those of a compiler, a C library and a kind of processor: where these are others
than budgets.json names, they are counted and shown, and the rest is judged. It ends with 77 where
valgrind or strace is not installed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "conformance")]

from counting import counts  # noqa: E402
from parts.site import Build  # noqa: E402

BUDGETS = HERE / "budgets.json"
SLACK = 0.03
AGAIN = 2  # more counts, of which the least is judged
ROOM = 0.10
INSTRUCTIONS = "instructions"
SKIPPED = 77  # CTest's SKIP_RETURN_CODE


@dataclass
class Verdict:
    """One count beside its budget."""

    way: str  # "module", "module and store", "server"
    request: str
    kind: str  # "instructions", "allocations", or the name of a system call
    count: float
    budget: float  # 0 where there is none: then nothing is allowed
    judged: bool

    @property
    def over(self) -> bool:
        """It costs more than it may."""
        # Counts are means, and a list that grows in the background allocates now and then.
        return self.judged and self.count > self.budget * (1 + SLACK) + 0.05 * self.is_mean

    @property
    def is_mean(self) -> bool:
        """Every count but instructions, which are many."""
        return self.kind != INSTRUCTIONS

    @property
    def line(self) -> str:
        """To be read by a person."""
        note = ""
        if self.over:
            note = "OVER"
        elif self.judged and self.count < self.budget * (1 - ROOM):
            note = "lower the budget"
        cells = f"{self.way:17} {self.request:10} {self.kind:12}"
        return f"{cells} {self.count:>12,} of {self.budget:>12,}  {note}"


def count(build: Build) -> counts.Counts:
    """Everything that has a budget."""
    with tempfile.TemporaryDirectory() as scratch:
        counted = counts.in_process(build, Path(scratch))
        if not counts.may_trace():
            print("System calls are not counted: strace may not trace here")
            return counted
        return counted | counts.of_the_server(build, Path(scratch))


def judge(build: Build, counted: counts.Counts) -> list[Verdict]:
    """A verdict each. What is counted and has no budget is over it."""
    budgets = json.loads(BUDGETS.read_text())
    here, there = counts.toolchain(build), budgets["toolchain"]
    same_toolchain = here == there
    if not same_toolchain:
        print(f"Instructions are not judged: this is {here}, and the budgets are of {there}")
    return [
        Verdict(
            way,
            request,
            kind,
            value,
            budgets[way].get(request, {}).get(kind, 0),
            judged=kind != INSTRUCTIONS or same_toolchain,
        )
        for (way, request, kind), value in counted.items()
    ]


def update(build: Build, counted: counts.Counts) -> None:
    """Write budgets.json anew."""
    document: dict[str, object] = {"toolchain": counts.toolchain(build)}
    ways: dict[str, dict[str, dict[str, float]]] = {}
    for (way, request, kind), value in counted.items():
        ways.setdefault(way, {}).setdefault(request, {})[kind] = value
    BUDGETS.write_text(json.dumps(document | ways, indent=2) + "\n")
    print(f"wrote {BUDGETS}")


def control(build: Build) -> int:
    """One allocation more a request, and each count 3.1 % over its budget, must be found."""
    with tempfile.TemporaryDirectory() as scratch:
        planted = judge(build, counts.in_process(build, Path(scratch), ["get"], planted=True))
    more = {
        (way, request, kind): round(budget * 1.031 + 0.06, 2)
        for way, requests in json.loads(BUDGETS.read_text()).items()
        if way != "toolchain"
        for request, kinds in requests.items()
        for kind, budget in kinds.items()
    }
    verdicts = [verdict for verdict in planted + judge(build, more) if verdict.judged]
    for verdict in verdicts:
        print(verdict.line)
    missed = sum(not verdict.over for verdict in verdicts)
    if missed or not verdicts:
        print(f"{missed} of {len(verdicts)} were not found to be over")
        return 1
    return 0


def main() -> int:
    """Count, print, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--control", action="store_true")
    given = parser.parse_args()
    absent = [name for name in ("valgrind", "strace", "readelf") if shutil.which(name) is None]
    if absent:
        print(f"{' and '.join(absent)} not installed: .ci/setup test bench installs them")
        return SKIPPED
    build = Build(given.out.resolve(), given.out.resolve())
    if given.control:
        return control(build)
    counted = count(build)
    if given.update:
        update(build, counted)
        return 0
    verdicts = judge(build, counted)
    for _ in range(AGAIN):
        if not any(verdict.over for verdict in verdicts):
            break
        print("Over a budget: counted again, since on a busy machine the store's own work falls in")
        again = count(build)
        counted = {key: min(value, again.get(key, 0)) for key, value in counted.items()}
        verdicts = judge(build, counted)
    for verdict in verdicts:
        print(verdict.line)
    over = sum(verdict.over for verdict in verdicts)
    if over:
        print(f"{over} over their budget by more than {SLACK:.0%}: make it cheaper, or say in the")
        print("commit why it has to cost this, and run with --update.")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
