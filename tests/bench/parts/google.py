"""Runs a Google Benchmark program whose benchmarks come in pairs: ours, and bare/ of the same name.

The library interleaves the repetitions of all of them in no order, so that whatever else the
machine does meets both of a pair.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path

from parts.figures import Figure, Progress

NANOSECONDS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}


def run_pairs(
    program: Path,
    part: str,
    compared_with: str,
    progress: Progress,
    *,
    environment: dict[str, str],
    only: str = ".",
    rounds: int = 5,
    seconds: float = 0.3,
) -> list[Figure]:
    """The figures of a program, in nanoseconds an operation."""
    progress(f"{program.name}, {rounds} rounds")
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [
            str(program),
            f"--benchmark_filter={only}",
            f"--benchmark_repetitions={rounds}",
            f"--benchmark_min_time={seconds}",
            "--benchmark_enable_random_interleaving=true",
            f"--benchmark_out={out.name}",
            "--benchmark_out_format=json",
        ]
        done = subprocess.run(
            command,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"{program.name} failed:\n{done.stderr}")
        runs = json.loads(Path(out.name).read_text())["benchmarks"]

    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        if run["run_type"] != "iteration":
            continue
        if run.get("error_occurred"):
            raise SystemExit(f"{run['name']}: {run['error_message']}")
        whose, _, name = run["run_name"].partition("/")
        # Where an iteration is several operations, it says how many it did in a second.
        if "items_per_second" in run:
            nanoseconds = 1e9 / run["items_per_second"]
        else:
            clock = "real_time" if "/real_time" in run["run_name"] else "cpu_time"
            nanoseconds = run[clock] * NANOSECONDS[run["time_unit"]]
        values[name]["bare" if whose == "bare" else "ours"].append(nanoseconds)
    return [
        Figure(part, plain_name(name), "ns", compared_with, found["ours"], found["bare"])
        for name, found in values.items()
    ]


def plain_name(name: str) -> str:
    """`rename/64/real_time` as a person would say it."""
    words = [word for word in name.split("/") if word not in ("real_time", "manual_time")]
    words = [word for word in words if not word.startswith("iterations:")]
    return words[0].replace("_", " ") + (f", {int(words[1]):,}" if len(words) > 1 else "")
