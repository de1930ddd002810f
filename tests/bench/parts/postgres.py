"""Servers on PostgreSQL, beside a program that sends the same statements through libpq's pipelines
and does nothing else; large databases beside a small one; more servers beside one."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from parts.clusters import Cluster, Database, bench, fill, processor_time, start_cluster
from parts.figures import Figure, Progress
from parts.server import finish_wrk, start_wrk
from parts.site import Build, Process, our_server

ROUNDS = 5
SECONDS = 4
WARM_UP = 1
DEVICES_EACH = 5
SIZES = (1_000, 10_000, 100_000, 1_000_000)  # devices
LARGEST = 10_000_000
CONNECTIONS = (1, 4, 16, 64, 256)
SERVERS = (1, 2, 3, 4)
STORE_CONNECTIONS = 8  # to PostgreSQL, of one server
DELETED = 10_000
BARE = "a bare libpq program"


@dataclass
class Filled:
    """A database with users, and servers on it."""

    cluster: Cluster
    database: Database
    servers: list[Process]
    sample: Path


@dataclass
class Cost:
    """Of one run."""

    throughput: float
    processor_us: float  # a request, of the servers and of PostgreSQL
    p50: float = 0
    p99: float = 0
    commits: float = 0  # a request: transactions that wrote


def ours(filled: Filled, request: str, connections: int, seconds: int = SECONDS) -> Cost:
    """wrk on each server, all at once, which share the connections."""

    def used() -> float:
        return processor_time(filled.cluster) + sum(
            server.processor_seconds() for server in filled.servers
        )

    def commits() -> int:
        return filled.database.number("SELECT pg_snapshot_xmax(pg_current_snapshot())")

    each = max(1, connections // len(filled.servers))
    before, committed = used(), commits()
    started = [
        start_wrk(server, request, each, seconds, MXD_SAMPLE=str(filled.sample))
        for server in filled.servers
    ]
    runs = [finish_wrk(process) for process in started]
    requests = sum(run.requests for run in runs)
    return Cost(
        sum(run.requests / run.seconds for run in runs),
        (used() - before) / requests * 1e6,
        max(run.p50 for run in runs),
        max(run.p99 for run in runs),
        (commits() - committed) / requests,
    )


def bare(build: Build, filled: Filled, request: str, connections: int, at_once: int) -> Cost:
    """The bare program."""
    before = processor_time(filled.cluster)
    run = bench(build, request, filled.database.url, filled.sample, SECONDS, connections, at_once)
    used = processor_time(filled.cluster) - before + run["processor_seconds"]
    return Cost(run["requests"] / run["seconds"], used / run["requests"] * 1e6)


def beside_bare(build: Build, filled: Filled, progress: Progress) -> list[Figure]:
    """List and rename at 64 at once, in rounds that alternate."""
    figures = []
    for request, title in (("list", "GET list"), ("rename", "rename")):
        progress(f"{title} beside {BARE}")
        connections, at_once = STORE_CONNECTIONS, 64 // STORE_CONNECTIONS
        first = ours(filled, request, 64, WARM_UP)
        if request == "rename":
            # As many in a commit as ours had, on as many connections as that leaves busy.
            at_once = max(1, round(1 / first.commits))
            connections = min(STORE_CONNECTIONS, max(1, 64 // at_once))
            progress(f"  {at_once} renames a commit, {connections} connections")
        turns: list[tuple[Cost, Cost]] = []
        for turn in range(ROUNDS):
            if turn % 2 == 0:
                mine = ours(filled, request, 64)
                turns.append((mine, bare(build, filled, request, connections, at_once)))
            else:
                other = bare(build, filled, request, connections, at_once)
                turns.append((ours(filled, request, 64), other))
        figures += [
            Figure(
                "postgres",
                f"{title}, 64 at once: processor time a request, with PostgreSQL's",
                "µs",
                BARE,
                [mine.processor_us for mine, _ in turns],
                [other.processor_us for _, other in turns],
                at_most=1.7 if request == "list" else None,
            ),
            Figure(
                "postgres",
                f"{title}, 64 at once: throughput",
                "/s",
                BARE,
                [mine.throughput for mine, _ in turns],
                [other.throughput for _, other in turns],
                at_least=0.6 if request == "rename" else None,
            ),
        ]
    return figures


def by_connections(filled: Filled, progress: Progress) -> list[Figure]:
    """Throughput and latency from 1 to 256 connections."""
    figures = []
    for request, title in (("list", "GET list"), ("rename", "rename")):
        for connections in CONNECTIONS:
            progress(f"{title}, {connections} connections")
            costs = [ours(filled, request, connections, 2) for _ in range(2)]
            for kind, unit, values in (
                ("throughput", "/s", [cost.throughput for cost in costs]),
                ("p50", "µs", [cost.p50 for cost in costs]),
                ("p99", "µs", [cost.p99 for cost in costs]),
            ):
                figures.append(
                    Figure(
                        "postgres",
                        f"{title}, {connections} connections: {kind}",
                        unit,
                        "",
                        values,
                        x=connections,
                        curve=f"{title} by connections: {kind}",
                    )
                )
    return figures


def by_servers(build: Build, filled: Filled, folder: Path, progress: Progress) -> list[Figure]:
    """One to four servers on this machine, which share 64 connections, beside one."""
    figures = []
    with contextlib.ExitStack() as stack:
        more = []
        for number in SERVERS[1:]:
            place = folder / f"server{number}"
            place.mkdir()
            more.append(our_server(build, place, database=filled.database.url))
            stack.callback(more[-1].stop)
        servers = [filled.servers[0], *more]
        for request, title in (("list", "GET list"), ("rename", "rename")):
            progress(f"{title}, {SERVERS[0]} to {SERVERS[-1]} servers")
            costs: dict[int, list[Cost]] = {number: [] for number in SERVERS}
            for _ in range(3):
                for number in SERVERS:
                    some = Filled(filled.cluster, filled.database, servers[:number], filled.sample)
                    costs[number].append(ours(some, request, 64, 2))
            for number in SERVERS:
                for kind, unit in (("throughput", "/s"), ("processor time a request", "µs")):
                    values, one = (
                        [c.throughput if unit == "/s" else c.processor_us for c in costs[n]]
                        for n in (number, SERVERS[0])
                    )
                    figures.append(
                        Figure(
                            "postgres",
                            f"{title}, {number} servers: {kind}",
                            unit,
                            "one server",
                            values,
                            one,
                            x=number,
                            curve=f"{title} by servers: {kind}",
                        )
                    )
    return figures


def growth(
    build: Build, small: Filled, folder: Path, progress: Progress, sizes: tuple[int, ...]
) -> list[Figure]:
    """Larger databases beside the smallest one, in rounds that alternate."""
    figures = []
    for size in sizes:
        progress(f"a database of {size:,} devices: filling")
        with contextlib.ExitStack() as stack:
            database = stack.enter_context(small.cluster.database())
            server, sample = fill(
                build, folder / f"growth{size}", database, size // DEVICES_EACH, DEVICES_EACH
            )
            stack.callback(server.stop)
            large = Filled(small.cluster, database, [server], sample)
            for request, title in (("list", "GET list"), ("rename", "rename")):
                progress(f"a database of {size:,} devices: {title}")
                for each in (small, large):
                    ours(each, request, 64, WARM_UP)
                turns = [
                    (ours(large, request, 64), ours(small, request, 64)) for _ in range(ROUNDS)
                ]
                figures.append(
                    Figure(
                        "postgres",
                        f"{title}, {size:,} devices in all: processor time a request",
                        "µs",
                        f"{SIZES[0]:,} devices",
                        [mine.processor_us for mine, _ in turns],
                        [other.processor_us for _, other in turns],
                        x=size,
                        curve=f"{title} by devices: processor time a request",
                        at_most=1.3,
                    )
                )
            figures += bytes_a_row(database, size)
    return figures


def bytes_a_row(database: Database, devices: int) -> list[Figure]:
    """Of each table that has rows, with its indexes."""
    rows = database.sql(
        "SELECT relname, pg_table_size(c.oid), pg_indexes_size(c.oid), reltuples::bigint"
        " FROM pg_class AS c WHERE relnamespace = 'matrix_devices'::regnamespace"
        " AND relkind = 'r' AND reltuples >= 100 ORDER BY relname"
    )
    return [
        Figure("postgres", f"{devices:,} devices: {table}, a row{what}", "bytes", "", [size])
        for table, heap, indexes, count in rows
        for what, size in (
            ("", int(heap) / int(count)),
            (" in the indexes", int(indexes) / int(count)),
        )
    ]


def deletion(build: Build, cluster: Cluster, progress: Progress) -> list[Figure]:
    """Many devices of one user, beside one DELETE."""
    progress(f"deleting {DELETED:,} devices")
    library = build.program("libmatrix_devices_postgres.so")
    with cluster.database() as database:
        took = bench(build, "delete", database.url, library, DELETED, ROUNDS)
    return [
        Figure(
            "postgres",
            f"deleting {DELETED:,} devices",
            "ms",
            "one DELETE of them",
            took["in_store_ms"],
            took["bare_ms"],
            at_most=1.5,
        )
    ]


def measure(build: Build, progress: Progress) -> list[Figure]:
    """All but the largest database."""
    return measured(build, progress, SIZES[1:])


def measure_ten_million(build: Build, progress: Progress) -> list[Figure]:
    """The largest database, beside the smallest: filling it takes a quarter of an hour."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=build.scratch)))
        return growth(build, smallest(build, folder, stack), folder, progress, (LARGEST,))


def smallest(build: Build, folder: Path, stack: contextlib.ExitStack) -> Filled:
    """A cluster with a database of the smallest size, and a server on it."""
    cluster = stack.enter_context(start_cluster())
    database = stack.enter_context(cluster.database())
    server, sample = fill(
        build, folder / "smallest", database, SIZES[0] // DEVICES_EACH, DEVICES_EACH
    )
    stack.callback(server.stop)
    return Filled(cluster, database, [server], sample)


def measured(build: Build, progress: Progress, sizes: tuple[int, ...]) -> list[Figure]:
    """In the order in which a later one warms up nothing of an earlier one."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=build.scratch)))
        small = smallest(build, folder, stack)
        return [
            *beside_bare(build, small, progress),
            *deletion(build, small.cluster, progress),
            *by_connections(small, progress),
            *by_servers(build, small, folder, progress),
            *growth(build, small, folder, progress, sizes),
        ]
