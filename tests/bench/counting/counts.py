"""Counts what a request costs: instructions and allocations in this process, system calls of the
server. Other than times, counts do not depend on how busy the machine is."""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
import tempfile
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from counting.client import Client, connected
from parts.site import Build, add_alice, our_server

# The way, the endpoint or request, what is counted: how many of them a request takes.
Counts = dict[tuple[str, str, str], float]

DEVICES = "5"
# How many requests are counted with a store: what it does now and then in the background, a few
# hundred thousand instructions, has to vanish among them.
COUNTED = {
    "list": 3000,
    "get": 4000,
    "rename": 1000,
    "challenge": 500,
    "delete": 400,
    "delete_100": 200,
}

# The C library picks its string functions by the processor: it is given one without extensions.
# What valgrind shows of a processor beside that is the same wherever there is AVX2.
TUNABLES = "glibc.cpu.hwcaps=" + ",".join(
    f"-{feature}"
    for feature in (
        *("AVX", "AVX2", "AVX2_Usable", "AVX512F", "AVX512VL", "AVX512BW", "BMI1", "BMI2", "ERMS"),
        *("EVEX", "FMA", "FSRM", "LZCNT", "MOVBE", "POPCNT", "SSSE3", "SSE4_1", "SSE4_2", "XSAVEC"),
    )
)

# The system calls that a request causes by itself. Left out are those that depend on who is first:
# futex and epoll_wait (a thread that finds its work there does not sleep), epoll_ctl beside them,
# writes to the eventfd that wakes another thread and to the log, which is written in batches, and
# the timers.
CALLS = ("recvfrom", "recvmsg", "sendmsg", "sendto", "fcntl", "newfstatat", "openat")
CALLS += ("close", "lseek", "pread64", "pwrite64", "fdatasync", "fsync", "ftruncate", "mmap", "brk")
TRACES = 5
TRACED = 200


def toolchain(build: Build) -> str:
    """What instructions depend on."""
    comment = subprocess.run(
        ["readelf", "--string-dump=.comment", build.program("mxd_request_cost")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    compilers = re.findall(r"\]\s+(\S+?):? .*?(\d+\.\d+\.\d+)", comment)
    named = " ".join(sorted({f"{name} {version}" for name, version in compilers}))
    return f"{named}, {os.confstr('CS_GNU_LIBC_VERSION')}, {platform.machine()}"


def cost_command(
    build: Build, endpoint: str, requests: int, database: Path | None, planted: bool
) -> list[str]:
    """mxd_request_cost, on the host in memory or on a store."""
    command = [str(build.program("mxd_request_cost"))]
    if planted:
        command.append("--planted")
    command += [str(build.program("libmatrix_devices.so")), endpoint, DEVICES, str(requests)]
    if database is not None:
        command += [str(build.program("libmatrix_devices_sqlite.so")), str(database)]
    return command


def allocations(build: Build, endpoint: str, database: Path | None, planted: bool) -> float:
    """A request's, as a mean."""
    command = cost_command(build, endpoint, 5 * COUNTED[endpoint], database, planted)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"mxd_request_cost {endpoint}: {done.stderr}")
    return float(done.stdout)


def instructions(
    build: Build, endpoint: str, folder: Path, with_store: bool, planted: bool
) -> float:
    """A request's, all threads together."""
    counted = COUNTED[endpoint] if with_store else 1000
    out = folder / endpoint
    done = subprocess.run(
        [
            "valgrind",
            "--tool=callgrind",
            f"--callgrind-out-file={out}",
            # What comes before, and what ends the program, is not counted.
            "--zero-before=mxd_counted_requests",
            "--dump-after=mxd_counted_requests",
            *cost_command(
                build, endpoint, counted, out.with_suffix(".db") if with_store else None, planted
            ),
        ],
        env={**os.environ, "GLIBC_TUNABLES": TUNABLES},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"callgrind, {endpoint}: {done.stderr}")
    found = re.search(r"^totals: (\d+)$", Path(f"{out}.1").read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit(f"callgrind, {endpoint}: {out}.1 has no totals")
    return round(int(found[1]) / counted)


def in_process(
    build: Build, scratch: Path, endpoints: Iterable[str] = tuple(COUNTED), *, planted: bool = False
) -> Counts:
    """Instructions and allocations of each endpoint, without a store and with one."""
    jobs: dict[tuple[str, str, str], Future[float]] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for way, with_store in (("module", False), ("module and store", True)):
            folder = scratch / way.replace(" ", "_")
            folder.mkdir()
            for endpoint in endpoints:
                database = folder / f"{endpoint}-allocations.db" if with_store else None
                jobs[way, endpoint, "allocations"] = pool.submit(
                    allocations, build, endpoint, database, planted
                )
                jobs[way, endpoint, "instructions"] = pool.submit(
                    instructions, build, endpoint, folder, with_store, planted
                )
    return {key: job.result() for key, job in jobs.items()}


def may_trace() -> bool:
    """Whether strace works here: some containers forbid it."""
    command = ["strace", "-o", os.devnull, "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def of_the_server(build: Build, scratch: Path) -> Counts:
    """System calls a request, of the server under `strace -c`, on one connection."""
    server = our_server(build, scratch)
    try:
        token = add_alice(server)
        counts: Counts = {}
        with connected(server.port, token) as client:
            for request in ("list", "rename"):
                traces = [traced(server.process.pid, client, request) for _ in range(TRACES)]
                for call in CALLS:
                    # What comes now and then, as a checkpoint does, is not in the middle one.
                    found = statistics.median(trace.get(call, 0) for trace in traces) / TRACED
                    if found >= 0.1:
                        counts["server", request, call] = round(found, 1)
        return counts
    finally:
        server.stop()


def traced(pid: int, client: Client, request: str) -> dict[str, int]:
    """System calls of TRACED requests, by name."""
    with tempfile.NamedTemporaryFile("r") as out:
        tracer = subprocess.Popen(
            ["strace", "-f", "-c", "-U", "calls,name", "-o", out.name, "-p", str(pid)],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert tracer.stderr is not None
        attached = tracer.stderr.readline()  # "Process … attached with … threads"
        if "attached" not in attached:
            raise SystemExit(f"strace: {attached}{tracer.stderr.read()}")
        client.send(request, TRACED)
        tracer.send_signal(2)
        tracer.wait(30)
        rows = re.findall(r"^\s*(\d+)\s+(\w+)$", out.read(), re.MULTILINE)
    if not rows:
        raise SystemExit("strace counted nothing")
    counts = {name: int(calls) for calls, name in rows}
    # Of a file that is open newer glibcs ask by fstat what older ones ask by newfstatat.
    counts["newfstatat"] = counts.get("newfstatat", 0) + counts.pop("fstat", 0)
    return counts
