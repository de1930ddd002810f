"""The module's endpoints, through the C interface, on a host that answers from memory."""

from __future__ import annotations

from parts.figures import Figure, Progress
from parts.google import run_pairs
from parts.site import Build


def measure(build: Build, progress: Progress) -> list[Figure]:
    """Nanoseconds a request."""
    return run_pairs(
        build.program("mxd_module_bench"),
        "in process",
        "the same lookups and bytes",
        progress,
        environment={"MXD_MODULE": str(build.program("libmatrix_devices.so"))},
    )
