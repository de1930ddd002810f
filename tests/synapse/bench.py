#!/usr/bin/env python3
"""GET /devices and PUT with the module and without it: turn by turn, in one run.

Two Synapse processes of the same configuration, one with the module, are asked in turns, so that
whatever else the machine does meets both. Of a request there is its time, and the time that it
takes of a processor; of both the fastest quarter of a round is judged, since on a busy machine the
rest waits for others. A ratio is the median of the ratios of rounds, each of many turns; where one
is over its bound it is measured again, up to seven times, and the least is judged: what else the
machine does can only add. Prints them and the memory of both processes, and writes medians as JSON.
Exit status 1: the module's are over the bounds.

    tests/synapse/bench.py [--synapse VERSION] [--turns N] [--requests N] [--devices N]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "conformance"), str(HERE.parent / "postgres")]

from matrix_device_conformance.client import RawConnection, Response, client_path, device_path  # noqa: E402
from matrix_device_conformance.homeserver import Device, Homeserver  # noqa: E402
from matrix_device_conformance.processor_time import processor_seconds  # noqa: E402
from synapse_installation import ENVIRONMENTS, installation, known_versions  # noqa: E402
from synapse_server import Options, Synapse  # noqa: E402

MORE_MEMORY_MIB = 20
SLOWER = 1.0  # the module's time may be this much of Synapse's own
ROUND = 100  # turns
TRIES = 8
WARM_UP = 200
CLIENTS = 8


class Bench:
    """One Synapse with a user of some devices, and a connection that stays open."""

    def __init__(self, name: str, synapse: Synapse, devices: int) -> None:
        self.name = name
        self.synapse = synapse
        homeserver = Homeserver(synapse.client)
        self.user = homeserver.new_user()
        self.device = self.user.login("BENCH")
        synapse.add_devices(self.user.user_id, "OTHER", devices - 1)
        self.connection = synapse.client.connect()
        self.asked: dict[str, Callable[[], Response]] = {"GET /devices": self.get, "PUT": self.put}
        self.seconds: dict[str, list[float]] = {}
        self.used: dict[str, list[float]] = {}  # of a processor, up to the next request
        self._since: tuple[str, float] | None = None
        self.puts = 0

    def get(self, connection: RawConnection | None = None) -> Response:
        """GET the list."""
        return self._ask(connection, "GET", "/devices", None)

    def put(self, connection: RawConnection | None = None) -> Response:
        """PUT a new name."""
        self.puts += 1
        body = json.dumps({"display_name": f"name {self.puts}"}).encode()
        return self._ask(connection, "PUT", device_path("BENCH"), body)

    def _ask(
        self, connection: RawConnection | None, method: str, path: str, body: bytes | None
    ) -> Response:
        device: Device = self.device
        headers = [("Authorization", f"Bearer {device.access_token}")]
        if body is not None:
            headers.append(("Content-Type", "application/json"))
        used = connection or self.connection
        answer = used.exchange(method, client_path(path), headers, body)
        if answer.status != 200:
            raise SystemExit(f"{self.name}: {method} {path}: {answer}")
        return answer

    def forget(self) -> None:
        """Measure anew."""
        self.seconds = {what: [] for what in self.asked}
        self.used = {what: [] for what in self.asked}
        self._since = None

    def note_used(self, next_one: str | None = None) -> None:
        """What the last request took of a processor, with what was left to do after its answer."""
        now = processor_seconds(self.synapse.main.pid)
        if self._since is not None:
            what, before = self._since
            self.used[what].append(now - before)
        self._since = None if next_one is None else (next_one, now)

    def measure(self, what: str) -> None:
        """One request; how long it took is kept."""
        self.note_used(what)
        started = time.perf_counter()
        self.asked[what]()
        self.seconds[what].append(time.perf_counter() - started)

    def load(self, requests: int) -> None:
        """So many requests from several clients: reading, and renaming every tenth time."""

        def run(count: int) -> None:
            with contextlib.closing(self.synapse.client.connect()) as connection:
                for number in range(count):
                    if number % 10:
                        self.get(connection)
                    else:
                        self.put(connection)

        share, rest = divmod(requests, CLIENTS)
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(run, [share + (index < rest) for index in range(CLIENTS)]))

    @property
    def rss_mib(self) -> float:
        """Resident memory of the process."""
        return self.synapse.main.rss_kib / 1024


def rounds_of(seconds: list[float]) -> list[list[float]]:
    """A list each, in ms."""
    starts = range(0, len(seconds), ROUND)
    return [[each * 1000 for each in seconds[at : at + ROUND]] for at in starts]


def quarter(values: list[float]) -> float:
    """What the fastest quarter take at most."""
    return statistics.quantiles(values, n=4)[0]


def median_ratio(ours: list[list[float]], own: list[list[float]]) -> float:
    """Of the rounds' fastest quarters."""
    pairs = zip(map(quarter, ours), map(quarter, own), strict=True)
    return statistics.median(one / other for one, other in pairs)


@dataclass
class Compared:
    """A request, round by round, with the module and without it: its times in ms, and those of the
    processor."""

    with_ms: list[list[float]]
    without_ms: list[list[float]]
    with_used_ms: list[list[float]]
    without_used_ms: list[list[float]]

    @property
    def ratio(self) -> float:
        """What the module's time is of Synapse's own."""
        return median_ratio(self.with_ms, self.without_ms)

    @property
    def used_ratio(self) -> float:
        """The same of the processor's time."""
        return median_ratio(self.with_used_ms, self.without_used_ms)


def compare(without: Bench, with_module: Bench, turns: int) -> dict[str, Compared]:
    """Ask both in turns."""
    benches = (without, with_module)
    for bench in benches:
        bench.forget()
    for turn in range(turns):
        # Who goes first changes: the first finds the machine as the last left it.
        order = benches if turn % 2 else benches[::-1]
        for what in without.asked:
            for bench in order:
                bench.measure(what)
    for bench in benches:
        bench.note_used()
    return {
        what: Compared(
            rounds_of(with_module.seconds[what]),
            rounds_of(without.seconds[what]),
            rounds_of(with_module.used[what]),
            rounds_of(without.used[what]),
        )
        for what in without.asked
    }


def least_of(tries: list[dict[str, Compared]]) -> dict[tuple[str, str], float]:
    """The least ratio of each request, by its time and by the processor's."""
    least: dict[tuple[str, str], float] = {}
    for what in tries[0]:
        least[what, "time"] = min(one[what].ratio for one in tries)
        least[what, "time of a processor"] = min(one[what].used_ratio for one in tries)
    return least


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--synapse", metavar="VERSION", default=known_versions()[0])
    parser.add_argument("--turns", type=int, default=2000, help="of each request, on each process")
    parser.add_argument("--requests", type=int, default=100_000, help="before memory is compared")
    parser.add_argument("--devices", type=int, default=10, help="of the user who asks")
    parser.add_argument("--out", type=Path, default=ENVIRONMENTS / "bench.json")
    given = parser.parse_args()

    with contextlib.ExitStack() as stack:
        benches = []
        for name, module in (("without", None), ("with", {})):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            options = Options(module=module)
            synapse = Synapse(folder, installation(given.synapse), options).start()
            stack.callback(synapse.kill)
            benches.append(Bench(name, synapse, given.devices))

        for _ in range(WARM_UP):
            for bench in benches:
                bench.get()
                bench.put()
        tries = [compare(*benches, given.turns)]
        while len(tries) < TRIES and any(ratio > SLOWER for ratio in least_of(tries).values()):
            tries.append(compare(*benches, given.turns))
        before = {bench.name: bench.rss_mib for bench in benches}
        for bench in benches:
            bench.load(given.requests)
        after = {bench.name: bench.rss_mib for bench in benches}

    print(f"Synapse {given.synapse}, {given.devices} devices, {given.turns} turns")
    failures = []
    for (what, kind), ratio in least_of(tries).items():
        print(f"  {what:14} {kind}: {ratio:.2f} times Synapse's own, in {len(tries)} tries")
        if ratio > SLOWER:
            failures.append(f"{what}: the module is slower, {kind}: {ratio:.2f}")
    found = {
        what: min((one[what] for one in tries), key=lambda one: one.ratio) for what in tries[0]
    }
    difference = after["with"] - after["without"]
    print(
        f"  memory after {given.requests} requests: without {after['without']:.1f} MiB"
        f" ({before['without']:.1f} before), with {after['with']:.1f} MiB"
        f" ({before['with']:.1f} before): {difference:+.1f} MiB"
    )
    if difference > MORE_MEMORY_MIB:
        failures.append(f"memory: {difference:.1f} MiB more, {MORE_MEMORY_MIB} allowed")
    result = {
        "synapse": given.synapse,
        "median_ms": {
            what: {
                "with": [statistics.median(each) for each in one.with_ms],
                "without": [statistics.median(each) for each in one.without_ms],
            }
            for what, one in found.items()
        },
        "rss_mib": {"before": before, "after": after},
        "turns": given.turns,
        "requests": given.requests,
        "devices": given.devices,
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, indent=2) + "\n")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
