"""PostgreSQL for the bench: durable, with memory for a large database, and its processor time."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from parts.site import Build, Process, our_server

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "postgres"), str(TESTS / "conformance")]

from cluster import Cluster, Database  # noqa: E402
from matrix_device_conformance.processor_time import processor_seconds  # noqa: E402
from programs import missing  # noqa: E402

__all__ = ["Cluster", "Database", "bench", "fill", "processor_time", "start_cluster"]

TICKS = os.sysconf("SC_CLK_TCK")
SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "2GB",
    "max_wal_size": "4GB",
    # No process comes or goes while the clock runs: what it used would go with it.
    "autovacuum": "off",
    "max_parallel_workers": "0",
}


def start_cluster() -> Cluster:
    """A new one. SystemExit: there is no PostgreSQL here."""
    reason = missing()
    if reason:
        raise SystemExit(reason)
    return Cluster(durable=True, settings=SETTINGS)


def processor_time(cluster: Cluster) -> float:
    """Seconds that the server's processes have used, those that have ended too."""
    assert cluster.process is not None
    living = 0.0
    for pid in cluster.processes():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            living += processor_seconds(pid)
    fields = Path(f"/proc/{cluster.process.pid}/stat").read_text().rpartition(")")[2].split()
    return living + (int(fields[13]) + int(fields[14])) / TICKS


def bench(build: Build, *arguments: object) -> Any:
    """Run mxd_postgres_bench; what it prints."""
    command = [str(build.program("mxd_postgres_bench")), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"mxd_postgres_bench {arguments[0]}: {done.stderr}")
    return json.loads(done.stdout)


def fill(
    build: Build, folder: Path, database: Database, users: int, devices: int
) -> tuple[Process, Path]:
    """A server on it that has made the schema, then users; their sample's file."""
    folder.mkdir()
    server = our_server(build, folder, database=database.url)
    # It listens before it has opened its database, and answers when it has.
    with urllib.request.urlopen(f"{server.url}/health", timeout=60):
        pass
    sample = folder / "sample"
    bench(build, "fill", database.url, users, devices, sample)
    return server, sample
