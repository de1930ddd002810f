"""The whole server over HTTP, beside a bare one that returns the same bytes. wrk makes the load."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import urllib.request
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from parts.figures import Figure, Progress
from parts.site import Build, Process, add_alice, bare_server, our_server

CONNECTIONS = (1, 16, 64, 256, 1000)
ROUNDS = 3
SECONDS = 2
SCRIPT = Path(__file__).resolve().parent.parent / "server" / "load.lua"
KINDS = {  # what is kept of a run: its unit
    "throughput": "/s",
    "processor time a request": "µs",
    "p50": "µs",
    "p99": "µs",
    "p99.9": "µs",
}


@dataclass
class Run:
    """What wrk saw of one server for some seconds."""

    requests: int
    seconds: float
    p50: float  # microseconds, as the next two
    p99: float
    p99_9: float


def start_wrk(
    server: Process, request: str, connections: int, seconds: int, **environment: str
) -> subprocess.Popen[str]:
    """wrk with load.lua, which says what the environment holds."""
    threads = min(connections, os.cpu_count() or 1)
    return subprocess.Popen(
        ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "-s", SCRIPT, server.url],
        env={**os.environ, "MXD_REQUEST": request, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish_wrk(process: subprocess.Popen[str]) -> Run:
    """Wait for it. No request may have failed."""
    text, _ = process.communicate(timeout=120)
    lines = [line for line in text.splitlines() if line.startswith("JSON ")]
    if not lines:
        raise SystemExit(f"wrk gave no figures: {text}")
    run = json.loads(lines[0].removeprefix("JSON "))
    if run["errors"]:
        raise SystemExit(f"{run['errors']} of {run['requests']} requests failed: {text}")
    return Run(run["requests"], run["microseconds"] / 1e6, run["p50"], run["p99"], run["p99_9"])


def run_wrk(server: Process, token: str, request: str, connections: int) -> dict[str, float]:
    """One run of some seconds; the kinds of KINDS."""
    before = server.processor_seconds()
    run = finish_wrk(start_wrk(server, request, connections, SECONDS, MXD_TOKEN=token))
    used = server.processor_seconds() - before
    return {
        "throughput": run.requests / run.seconds,
        "processor time a request": used / run.requests * 1e6,
        "p50": run.p50,
        "p99": run.p99,
        "p99.9": run.p99_9,
    }


def fetch(server: Process, token: str) -> bytes:
    """The list, as the server gives it."""
    request = urllib.request.Request(
        f"{server.url}/_matrix/client/v3/devices", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bytes(answer.read())


def measure(build: Build, progress: Progress) -> list[Figure]:
    """Throughput, processor time and latencies at each number of connections."""
    figures = []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=build.scratch)))
        ours = our_server(build, folder)
        stack.callback(ours.stop)
        token = add_alice(ours)
        for request, title, body in (
            ("list", "GET list", fetch(ours, token)),
            ("rename", "rename", b"{}"),
        ):
            bare = bare_server(build, folder, body)
            try:
                for connections in CONNECTIONS:
                    progress(f"{title}, {connections:,} connections")
                    figures += compare(ours, bare, token, request, title, connections)
            finally:
                bare.stop()
    return figures


def compare(
    ours: Process, bare: Process, token: str, request: str, title: str, connections: int
) -> list[Figure]:
    """Rounds that alternate."""
    kept: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for turn in range(ROUNDS):
        order = [(0, ours), (1, bare)] if turn % 2 == 0 else [(1, bare), (0, ours)]
        for whose, server in order:
            for kind, value in run_wrk(server, token, request, connections).items():
                kept[kind][whose].append(value)
    return [
        Figure(
            "server",
            f"{title}, {connections:,} connections: {kind}",
            unit,
            "the bare Beast server",
            *kept[kind],
            x=connections,
            curve=f"{title}: {kind}",
        )
        for kind, unit in KINDS.items()
    ]
