"""Many connections, bodies that are slow to come, answers that are slow to go, and the end."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import Launch
from matrix_device_conformance.client import TIME_FACTOR, client_path
from matrix_device_conformance.homeserver import Device, Homeserver
from matrix_device_conformance.server import Server, poll
from raw_http import RawSocket, request_bytes, unread_bytes
from store import add_devices

LOGIN = client_path("/login")
LIST = client_path("/devices")
MEGABYTE = 1 << 20
LONG_LIST = 100_000
MANY = 4000
SLOW_S = 75  # more than the minute in which a client has to read something


def config_file(folder: Path, **settings: object) -> str:
    """A configuration with these settings of the server."""
    path = folder / "config.json"
    path.write_text(json.dumps({"server": settings}))
    return str(path)


def resident_bytes(server: Server, what: str = "VmRSS") -> int:
    """How much memory the server has."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split(f"{what}:")[1].split()[0]) * 1024


@contextlib.contextmanager
def connections(server: Server, count: int) -> Iterator[list[RawSocket]]:
    """So many, each after a request, from the longest idle to the shortest."""
    with contextlib.ExitStack() as stack:
        opened = []
        for _ in range(count):
            opened.append(stack.enter_context(RawSocket(server.client)))
            opened[-1].send(request_bytes("GET", LOGIN))
            assert opened[-1].response().status == 200
        yield opened


def test_memory_goes_back_when_many_have_left(launch: Launch) -> None:
    """Of what idle connections have taken, most is given back to the system when they leave."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < MANY + 500:
        pytest.skip(f"no more than {most} files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = launch()
    with connections(server, 100):
        idle = resident_bytes(server)
    with connections(server, MANY):
        taken = resident_bytes(server) - idle
    assert taken > MANY * 1000, "each has its memory"
    poll(lambda: resident_bytes(server) < idle + taken / 2, 20, "most of it is given back")


# ---- L6: bodies that come in ----


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_L6_bodies_share_a_budget(launch: Launch, tmp_path: Path, framing: str) -> None:
    """Over the budget: 503 with Retry-After, and closed; small bodies and the others go on."""
    server = launch("--config", config_file(tmp_path, max_incoming_body_bytes=MEGABYTE))
    part = b" " * 700_000
    if framing == "length":
        head = request_bytes("POST", LOGIN, extra="Content-Length: 700002\r\n")
        begin, end = head + part, b"{}"
    else:
        head = request_bytes("POST", LOGIN, extra="Transfer-Encoding: chunked\r\n")
        begin, end = head + b"aae62\r\n" + part, b"{}\r\n0\r\n\r\n"
    port = server.client.port
    assert port is not None
    with RawSocket(server.client) as first, RawSocket(server.client) as second:
        first.send(begin)
        poll(lambda: unread_bytes(port, first.port) == 0, 20, "the first body is read")
        with contextlib.suppress(OSError):  # it may be refused before it has sent all
            second.send(begin)
        refusal = second.response("POST")
        assert (refusal.status, refusal.headers["Retry-After"]) == (503, "1"), str(refusal)
        assert refusal.headers["Connection"] == "close"
        assert second.rest() == b""
        assert server.client.request("POST", LOGIN, json={}).errcode == "M_MISSING_PARAM"
        first.send(end)
        assert first.response("POST").errcode == "M_MISSING_PARAM"
    with RawSocket(server.client) as third:  # what the others held is given back
        third.send(begin + end)
        assert third.response("POST").errcode == "M_MISSING_PARAM"
    with RawSocket(server.client) as fourth:
        fourth.send(begin)
        end_of_fourth = fourth.port
    with RawSocket(server.client) as fifth:  # also by one that has gone
        poll(lambda: unread_bytes(port, end_of_fourth) is None, 20, "the fourth is gone")
        fifth.send(begin + end)
        assert fifth.response("POST").errcode == "M_MISSING_PARAM"


def test_L6_memory_of_bodies_that_wait(launch: Launch, tmp_path: Path) -> None:
    """A hundred bodies of 1 MiB that wait for a password: six times their size at most."""
    limits = {"enabled": False}
    path = config_file(tmp_path, max_incoming_body_bytes=256 * MEGABYTE, limits=limits)
    server = launch("--open-registration", "--config", path)
    homeserver = Homeserver(server.client, server=server)
    users = [homeserver.new_user() for _ in range(10)]
    tokens = [user.login().access_token for user in users]
    before = resident_bytes(server)
    count = 100

    def delete(number: int) -> int:
        user = users[number % len(users)]
        body = {"devices": ["A"], "auth": user.auth(), "pad": [1] * (MEGABYTE // 2 - 400)}
        text = json.dumps(body, separators=(",", ":")).encode()
        with RawSocket(server.client) as raw:
            token = tokens[number % len(users)]
            raw.send(request_bytes("POST", client_path("/delete_devices"), token, text))
            return raw.response("POST").status

    with ThreadPoolExecutor(count) as pool:
        statuses = set(pool.map(delete, range(count)))
    assert statuses <= {200, 401, 429, 503}
    assert 200 in statuses
    most = resident_bytes(server, "VmHWM") - before
    assert most < 6 * count * MEGABYTE, f"{most >> 20} MiB"
    poll(
        lambda: resident_bytes(server) < before + 64 * MEGABYTE,
        10,
        f"no more than 64 MiB over {before >> 20} MiB",
    )


# ---- O6: connections at their limit ----


def test_O6_the_longest_idle_makes_room(launch: Launch, tmp_path: Path) -> None:
    """At the limit, which is the process's, the longest idle ones go, with one line of log."""
    server = launch("--config", config_file(tmp_path, max_connections=20))
    with connections(server, 6) as old:
        time.sleep(0.5 * TIME_FACTOR)  # how long they are idle is what is compared
        with connections(server, 14) as young:
            old[0].send(request_bytes("GET", LOGIN))  # so this is idle for the shortest time
            assert old[0].response().status == 200
            with connections(server, 5) as new:
                for gone in old[1:]:
                    assert gone.rest() == b""
                for kept in [*young, old[0], *new]:
                    kept.send(request_bytes("GET", LOGIN))
                    assert kept.response().status == 200
        with connections(server, 5):  # it is reached again, and is no news
            pass
    server.stop()  # which writes what is left of the log
    told = [line for line in server.log() if "at their limit" in line.get("message", "")]
    assert len(told) == 1, told
    assert "20" in told[0]["message"]


def test_O6_the_longest_idle_of_all_loops(launch: Launch, tmp_path: Path) -> None:
    """Many that come at once have as many of the longest idle closed, and none that is younger."""
    count, at_once = 60, 20
    server = launch("--config", config_file(tmp_path, max_connections=count))
    with connections(server, at_once) as old:
        time.sleep(0.5 * TIME_FACTOR)  # how long they are idle is what is compared
        with connections(server, count - at_once) as young, contextlib.ExitStack() as stack:
            for _ in range(at_once):
                stack.enter_context(RawSocket(server.client))
            for gone in old:
                assert gone.rest() == b""
            for kept in young:
                kept.send(request_bytes("GET", LOGIN))
                assert kept.response().status == 200


def test_O6_half_sent_requests_keep_nobody_out(launch: Launch, tmp_path: Path) -> None:
    """Connections that have sent a part of a request are closed where none is idle."""
    server = launch("--config", config_file(tmp_path, max_connections=10))
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(RawSocket(server.client)).send(b"GET / HTTP/1.1\r\n")
        begin = time.monotonic()
        with connections(server, 5):
            pass
        took = time.monotonic() - begin
    assert took < 5 * TIME_FACTOR, f"{took:.1f} s: they were waited for"


def test_O6_open_files_at_their_limit(homeserver: Homeserver, server: Server) -> None:
    """Where the system has no more files, idle connections make room too."""
    assert server.process is not None
    pid = server.process.pid
    most = len(os.listdir(f"/proc/{pid}/fd")) + 10
    with contextlib.ExitStack() as stack:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))
        for _ in range(30):
            stack.enter_context(RawSocket(server.client))
        for _ in range(5):
            assert homeserver.client.request("GET", LOGIN).status == 200


# ---- O7 and lists: clients that read slowly ----


@pytest.fixture
def long_list(homeserver: Homeserver, server: Server, restart: Callable[[], None]) -> Device:
    """The device of a user with 100,000."""
    user = homeserver.new_user()
    device = user.login()
    server.stop()
    add_devices(server.database, user.user_id, "LONG", LONG_LIST)
    restart()
    return device


def test_O7_who_reads_slowly_gets_all(long_list: Device, server: Server) -> None:
    """Who goes on reading gets all of a long list; who reads nothing is cut, and logged as cut."""
    get = request_bytes("GET", LIST, long_list.access_token, extra="Connection: close\r\n")
    with RawSocket(server.client) as slow, RawSocket(server.client) as stopped:
        stopped.send(get)
        slow.send(get)
        begin = time.monotonic()
        got = bytearray(slow.socket.recv(1 << 16))
        size = int(got.split(b"Content-Length: ")[1].split(b"\r\n")[0])
        while len(got) < size:
            # A part of the list for each part of the time.
            due = size * (time.monotonic() - begin) / SLOW_S
            if len(got) > due:
                time.sleep(0.05)
                continue
            piece = slow.socket.recv(1 << 16)
            assert piece, f"cut after {len(got)} of {size} bytes, {time.monotonic() - begin:.0f} s"
            got += piece
        got += slow.rest()
        devices = json.loads(got.split(b"\r\n\r\n", 1)[1])["devices"]
        assert len(devices) == LONG_LIST + 1

        def cut_lines() -> list[dict[str, object]]:
            return [line for line in server.log() if line.get("cut")]

        (cut,) = poll(cut_lines, 60, "who does not read is cut")
        assert cut["path"] == LIST
        assert cut["bytes"] < size
        poll(lambda: any(line.get("bytes") == size for line in server.log()), 20, "the whole list")
    poll(lambda: resident_bytes(server) < 64 * MEGABYTE, 10, "the memory of both is given back")


def test_long_lists_hold_nobody_up(
    homeserver: Homeserver, long_list: Device, server: Server
) -> None:
    """While four clients read a list of 100,000 devices, another's GET takes under 50 ms, or on a
    busy machine a small part of what a list takes."""
    other = homeserver.new_user().login()
    get = request_bytes("GET", LIST, long_list.access_token)
    ended = False

    def read_lists() -> list[float]:
        times = []
        with RawSocket(server.client) as raw:
            while not ended:
                begin = time.monotonic()
                raw.send(get)
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += raw.reader.readline()
                left = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
                while left > 0:
                    left -= len(raw.reader.read(min(left, 1 << 18)))
                times.append(time.monotonic() - begin)
        return times

    times = []
    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read_lists) for _ in range(4)]
        with contextlib.ExitStack() as stack:
            others = [stack.enter_context(RawSocket(server.client)) for _ in range(8)]
            for number in range(200):
                raw = others[number % len(others)]  # on every loop
                begin = time.monotonic()
                raw.send(request_bytes("GET", LIST, other.access_token))
                assert raw.response().status == 200
                times.append(time.monotonic() - begin)
                time.sleep(0.01)
        ended = True
        lists = [took for reader in readers for took in reader.result()]
    assert len(lists) >= 4
    times.sort()
    most, of_list = times[len(times) * 9 // 10], statistics.median(lists)
    assert most < max(0.05 * TIME_FACTOR, of_list / 10), (
        f"{most * 1000:.0f} ms, {times[-1] * 1000:.0f} at most; a list takes {of_list:.1f} s"
    )


# ---- O1: the end ----


def test_O1_what_has_arrived_is_answered(homeserver: Homeserver, server: Server) -> None:
    """What is in the accept queue and in socket buffers at SIGTERM is answered; then it closes."""
    count = 300  # more than are looked at between the signal and the stop
    get = request_bytes("GET", LOGIN)
    with contextlib.ExitStack() as stack:
        old = stack.enter_context(connections(server, 5))
        assert homeserver.client.request("GET", LOGIN).status == 200
        server.signal(signal.SIGSTOP)
        new = [stack.enter_context(RawSocket(server.client)) for _ in range(count)]
        for raw in [*new, *old]:
            raw.send(get)
        old[0].send(get + get)
        server.signal(signal.SIGTERM)
        server.signal(signal.SIGCONT)
        for raw in [*new, *old]:
            for left in range(2 if raw is old[0] else 0, -1, -1):
                answer = raw.response()
                assert answer.status == 200
                # What came in before the stop does not close, and says nothing.
                assert answer.headers.get("Connection") in (None, "close" if left == 0 else None)
            assert raw.rest() == b""
        assert server.wait() == 0
    server.expect_clean_output()
