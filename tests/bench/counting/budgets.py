#!/usr/bin/env python3
"""Counts what requests cost, and compares with what is allowed: counts do not depend on how busy
the machine is.

    tests/bench/counting/budgets.py OUT [--update]

OUT is where the programs of an optimised build lie. Counted: instructions (callgrind) and
allocations of each endpoint's way through the module, on a host in memory, and through module and
store; system calls (strace) of the server. Where threads wait for each other, some calls depend on
who is first: of several counts the lowest is taken. budgets.json has what each may be: over it by
more than 3 % fails, under it by more than 10 % says that the budget can be lowered. --update
writes what was counted.

Instructions are those of a compiler and a C library: where these are others than budgets.json
names, they are counted and shown, and allocations and system calls alone are judged.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from counting.client import send  # noqa: E402
from parts.site import Build, add_alice, our_server  # noqa: E402

BUDGETS = HERE / "budgets.json"
SLACK = 0.03
ROOM = 0.10
ENDPOINTS = ("list", "get", "rename", "challenge", "delete", "delete_100")
DEVICES = "5"
# The C library picks its string functions by the processor, which would make counts differ.
TUNABLES = "glibc.cpu.hwcaps=-AVX2_Usable,-AVX2,-AVX512F,-ERMS,-EVEX"


def toolchain() -> str:
    """What instructions depend on."""
    compiler = subprocess.run(["c++", "-dumpfullversion"], capture_output=True, text=True).stdout
    libc = os.confstr("CS_GNU_LIBC_VERSION")
    return f"gcc {compiler.strip()}, {libc}"


def cost_command(build: Build, endpoint: str, requests: int, database: str | None) -> list[str]:
    """mxd_request_cost, on the host in memory or on a store."""
    command = [
        str(build.program("mxd_request_cost")),
        str(build.program("libmatrix_devices.so")),
        endpoint,
        DEVICES,
        str(requests),
    ]
    if database is not None:
        command += [str(build.program("libmatrix_devices_sqlite.so")), database]
    return command


def allocations(build: Build, endpoint: str, folder: str | None) -> float:
    """A request's, as a mean."""
    database = folder and f"{folder}/{endpoint}-allocations.db"
    done = subprocess.run(
        cost_command(build, endpoint, 1000, database), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"mxd_request_cost {endpoint}: {done.stderr}")
    return float(done.stdout)


def instructions(build: Build, endpoint: str, folder: str | None, scratch: str) -> int:
    """A request's."""
    if folder is None:
        return counted_instructions(build, endpoint, None, scratch, 500, 1500)
    counts = []
    for turn in range(3):
        place = f"{folder}/{endpoint}-{turn}"
        os.mkdir(place)
        counts.append(counted_instructions(build, endpoint, place, place, 100, 300))
    return min(counts)


def counted_instructions(
    build: Build, endpoint: str, folder: str | None, scratch: str, few: int, many: int
) -> int:
    """Of a request: the difference between many requests and few."""
    counts = []
    for requests in (few, many):
        name = f"{endpoint}-{requests}"
        database = folder and f"{folder}/{name}.db"
        done = subprocess.run(
            [
                "valgrind",
                "--tool=callgrind",
                f"--callgrind-out-file={scratch}/{name}",
                *cost_command(build, endpoint, requests, database),
            ],
            env={**os.environ, "GLIBC_TUNABLES": TUNABLES},
            capture_output=True,
            text=True,
            check=False,
        )
        found = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode != 0 or found is None:
            raise SystemExit(f"callgrind {name}: {done.stderr}")
        counts.append(int(found[1]))
    return round((counts[1] - counts[0]) / (many - few))


def system_calls(build: Build, scratch: str) -> dict[str, float]:
    """A request's, of the server under `strace -c`, on one connection."""
    folder = Path(scratch) / "strace"
    folder.mkdir()
    server = our_server(build, folder)
    try:
        token = add_alice(server)
        pid = server.process.pid
        return {
            request: min(traced(pid, server.port, token, request, folder) for _ in range(5))
            for request in ("list", "rename")
        }
    finally:
        server.stop()


def traced(pid: int, port: int, token: str, request: str, folder: Path) -> float:
    """System calls of a request: of 300 less those of 100."""
    counts = []
    for number in (100, 300):
        out = folder / f"{request}-{number}"
        tracer = subprocess.Popen(
            ["strace", "-f", "-c", "-U", "calls,name", "-o", str(out), "-p", str(pid)],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert tracer.stderr is not None
        tracer.stderr.readline()  # "Process … attached"
        send(port, token, request, number)
        tracer.send_signal(2)
        tracer.wait(30)
        totals = re.findall(r"^\s*(\d+)\s+total$", out.read_text(), re.MULTILINE)
        if not totals:
            raise SystemExit(f"strace counted nothing: {out.read_text()}")
        counts.append(int(totals[0]))
    return round((counts[1] - counts[0]) / 200, 2)


def count(build: Build) -> dict[str, Any]:
    """Everything that has a budget."""
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {}
        for way, folder in (("module", None), ("module and store", scratch)):
            for endpoint in ENDPOINTS:
                jobs[way, endpoint, "allocations"] = pool.submit(
                    allocations, build, endpoint, folder
                )
                jobs[way, endpoint, "instructions"] = pool.submit(
                    instructions, build, endpoint, folder, scratch
                )
        counted: dict[str, Any] = {"module": {}, "module and store": {}}
        for (way, endpoint, kind), job in jobs.items():
            counted[way].setdefault(endpoint, {})[kind] = job.result()
        counted["server"] = {
            request: {"system calls": calls}
            for request, calls in system_calls(build, scratch).items()
        }
    return counted


def main() -> int:
    """Count, print, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--update", action="store_true")
    given = parser.parse_args()
    counted = count(Build(given.out.resolve(), given.out.resolve()))
    if given.update:
        document = {"toolchain": toolchain(), **counted}
        BUDGETS.write_text(json.dumps(document, indent=2) + "\n")
        print(f"wrote {BUDGETS}")
        return 0
    budgets = json.loads(BUDGETS.read_text())
    same_toolchain = budgets["toolchain"] == toolchain()
    if not same_toolchain:
        print(f"Instructions are not judged: {toolchain()}, budgets for {budgets['toolchain']}")
    failures = 0
    for way, endpoints in counted.items():
        for endpoint, kinds in endpoints.items():
            for kind, value in kinds.items():
                budget = budgets[way][endpoint][kind]
                judged = kind != "instructions" or same_toolchain
                over = value > budget * (1 + SLACK) + (0.05 if kind == "allocations" else 0)
                failed = judged and over
                failures += failed
                note = "OVER" if failed else ""
                if judged and value < budget * (1 - ROOM):
                    note = "lower the budget"
                print(f"{way:17} {endpoint:10} {kind:12} {value:>12,} of {budget:>12,}  {note}")
    if failures:
        print(f"{failures} over their budget by more than {SLACK:.0%}: make it cheaper, or say in")
        print("the commit why it has to cost this, and run with --update.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
