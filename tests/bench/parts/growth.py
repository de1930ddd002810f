"""What a request costs in a large database, and for a user with many devices."""

from __future__ import annotations

import tempfile
from pathlib import Path

from parts.figures import Figure, Progress
from parts.google import run_pairs
from parts.site import Build
from parts.stores import environment

DEVICES_EACH = 5
SIZES = (1_000, 100_000, 10_000_000)  # devices in the database
MANY = (1, 100, 10_000, 100_000)  # devices of each user who is asked for
QUESTIONS = "/(list|list_between_writes|get|rename/1)(/|$)"


def measure(build: Build, progress: Progress) -> list[Figure]:
    """Each size beside the smallest, and beside the bare loop in the same database."""
    figures = []
    smallest: dict[str, Figure] = {}
    for size in SIZES:
        progress(f"a database of {size:,} devices")
        for figure in asked(build, progress, size // DEVICES_EACH, DEVICES_EACH, QUESTIONS):
            first = smallest.setdefault(figure.name, figure)
            figures.append(
                Figure(
                    "growth",
                    f"{figure.name}: {size:,} devices in all, beside the loop",
                    "ns",
                    figure.compared_with,
                    figure.ours,
                    figure.theirs,
                )
            )
            figures.append(
                Figure(
                    "growth",
                    f"{figure.name}: {size:,} devices in all",
                    "ns",
                    f"{SIZES[0]:,} devices",
                    figure.ours,
                    first.ours,
                    x=size,
                    curve=figure.name,
                )
            )
    for devices in MANY:
        for figure in asked(build, progress, max(1, 1000 // devices), devices, "/list(/|$)"):
            figures.append(
                Figure(
                    "growth",
                    f"list of {devices:,}",
                    "ns",
                    "a loop of the same statements",
                    figure.ours,
                    figure.theirs,
                    x=devices,
                    curve="list of a user's devices",
                )
            )
    return figures


def asked(
    build: Build, progress: Progress, users: int, devices: int, questions: str
) -> list[Figure]:
    """The store's figures in a new database of so many users with so many devices."""
    with tempfile.TemporaryDirectory(dir=build.scratch) as folder:
        return run_pairs(
            build.program("mxd_stores_bench"),
            "growth",
            "a loop of the same statements",
            progress,
            environment=environment(
                build,
                Path(folder),
                MXD_BENCH_USERS=str(users),
                MXD_BENCH_DEVICES=str(devices),
            ),
            only=questions,
            rounds=3,
        )
