"""What a request costs: time and memory. Times are processor time, the least of many rounds."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from doubles import DEVICES
from matrix_devices import MemoryHost, Module, Request, SqliteHost
from matrix_devices._libraries import module_path, store_path

IN_CPP = os.environ.get("MXD_GET_DEVICES_IN_CPP", "")
ROUNDS = 200  # short ones: most of the least of them is nobody else's
REQUESTS = 100


def with_five_devices(host: MemoryHost | SqliteHost) -> tuple[Request, str]:
    """GET of the list, and its token."""
    host.add_user("alice", "secret")
    token, *_ = [host.login("alice", display_name=f"Phone {n}").access_token for n in range(5)]
    request = Request(
        "GET", DEVICES, [("Authorization", f"Bearer {token}")], remote_addr="192.0.2.7"
    )
    return request, token


def least_us(work: Callable[[], object]) -> float:
    """µs of one call."""
    least = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(REQUESTS):
            work()
        least = min(least, time.process_time() - start)
    return least / REQUESTS * 1e6


def test_a_request_to_the_store_costs_15_us_more_than_in_cpp(tmp_path: Path) -> None:
    if not IN_CPP:
        pytest.skip("MXD_GET_DEVICES_IN_CPP does not name the program to compare with")
    path = tmp_path / "devices.db"
    with SqliteHost(path, server_name="example.org") as host:
        request, token = with_five_devices(host)
        with Module.open(host) as module:
            in_python = least_us(lambda: module.handle(request))
    done = subprocess.run(
        [IN_CPP, module_path(), store_path(""), str(path), token, str(ROUNDS), str(REQUESTS)],
        capture_output=True,
        text=True,
        check=True,
    )
    in_cpp = float(done.stdout)
    print(f"GET /devices, SqliteHost: {in_python:.1f} µs; in C++: {in_cpp:.1f} µs")
    assert in_python - in_cpp <= 15


def test_a_request_to_a_host_in_python_costs_40_us() -> None:
    host = MemoryHost("example.org")
    request, _ = with_five_devices(host)
    with Module.open(host) as module:
        took = least_us(lambda: module.handle(request))
    print(f"GET /devices, MemoryHost: {took:.1f} µs")
    assert took <= 40


def resident_bytes() -> int:
    """Of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_million_requests_leave_memory_flat(kind: str, tmp_path: Path) -> None:
    host = (
        MemoryHost("example.org")
        if kind == "memory"
        else SqliteHost(tmp_path / "devices.db", server_name="example.org")
    )
    request, _ = with_five_devices(host)
    with Module.open(host) as module:
        for _ in range(50_000):
            module.handle(request)
        before = resident_bytes()
        for _ in range(1_000_000):
            module.handle(request)
        grown = resident_bytes() - before
    print(f"grown by {grown} bytes")
    assert grown < 1 << 20


def test_awaited_writes_leave_memory_flat(tmp_path: Path) -> None:
    host = SqliteHost(tmp_path / "devices.db", server_name="example.org")
    host.add_user("alice", "secret")
    login = host.login("alice")
    headers = [("Authorization", f"Bearer {login.access_token}")]
    put = Request("PUT", f"{DEVICES}/{login.device_id}", headers, b'{"display_name":"new"}')

    async def main() -> int:
        async with Module.open(host) as module:

            async def write(count: int) -> None:
                for _ in range(count // 50):
                    await asyncio.gather(*(module.ahandle(put) for _ in range(50)))

            await write(10_000)
            before = resident_bytes()
            await write(40_000)
            return resident_bytes() - before

    grown = asyncio.run(main())
    host.close()
    print(f"grown by {grown} bytes")
    assert grown < 2 << 20
