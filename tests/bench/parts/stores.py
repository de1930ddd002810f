"""The stores' callbacks, against a loop with the same statements and the same durability."""

from __future__ import annotations

import tempfile
from pathlib import Path

from parts.figures import Figure, Progress
from parts.google import run_pairs
from parts.site import Build


def measure(build: Build, progress: Progress) -> list[Figure]:
    """Nanoseconds an operation; of writes, of the wall clock."""
    with tempfile.TemporaryDirectory(dir=build.scratch) as folder:
        return run_pairs(
            build.program("mxd_stores_bench"),
            "stores",
            "a loop of the same statements",
            progress,
            environment=environment(build, Path(folder)),
        )


def environment(build: Build, folder: Path, **more: str) -> dict[str, str]:
    """What mxd_stores_bench reads."""
    return {
        "MXD_STORE": str(build.program("libmatrix_devices_sqlite.so")),
        "MXD_BENCH_FOLDER": str(folder),
        **more,
    }
