"""O9: GET /health says whether the store works, GET /metrics what the server does."""

from __future__ import annotations

import json
import re
import resource
import signal
import sqlite3
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from accounts import limits_file
from conftest import Launch
from matrix_device_conformance.client import (
    TIME_FACTOR,
    Client,
    Response,
    client_path,
    device_path,
)
from matrix_device_conformance.homeserver import Homeserver, Service
from matrix_device_conformance.server import Server, poll
from raw_http import RawSocket


def health(server: Server) -> Response:
    """GET /health, without a token."""
    return server.client.request("GET", "/health")


def asked(server: Server, listen: str, *options: str) -> subprocess.CompletedProcess[str]:
    """The command `health`."""
    command = [server.binary, "health", "--listen", listen, *options]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60 * TIME_FACTOR, check=False
    )


def test_O9_health_is_200(launch: Launch) -> None:
    """O9: the store answers and can write."""
    answer = health(launch())
    assert (answer.status, answer.json) == (200, {"status": "ok"})


def test_O9_health_knows_its_methods(launch: Launch) -> None:
    """O9: GET and HEAD; another path is nobody's."""
    server = launch()
    assert server.client.request("HEAD", "/health").status == 200
    refused = server.client.request("POST", "/health")
    assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert server.client.request("GET", "/healthy").status == 404


def test_O9_health_can_be_asked_by_command(launch: Launch, tmp_path: Path) -> None:
    """O9: for containers and supervisors, over TCP and over a Unix socket."""
    server = launch()
    done = asked(server, server.client.base_url.removeprefix("http://"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")
    done = asked(server, server.client.base_url.removeprefix("http://"), "--json")
    assert json.loads(done.stdout) == {"status": "ok"}

    server.stop()
    done = asked(server, server.client.base_url.removeprefix("http://"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "is the server running, and is this its --listen?" in done.stderr

    server.listen = f"unix:{tmp_path}/http.sock"
    server.spawn()
    poll((tmp_path / "http.sock").exists, 30, "the socket is there")
    assert asked(server, server.listen).returncode == 0


def test_O9_health_of_a_server_on_every_address_is_asked_on_the_loopback(launch: Launch) -> None:
    """O9: as a container's check has the server's own --listen."""
    server = launch()
    port = server.client.base_url.rpartition(":")[2]
    assert asked(server, f"0.0.0.0:{port}").returncode == 0


def test_O9_the_command_says_why_a_server_fails(launch: Launch) -> None:
    """O9: status 1 and the server's reason; and it does not wait for ever."""
    server = launch("--log-file", "/dev/null")
    assert server.process is not None
    address = server.client.base_url.removeprefix("http://")
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, limits[1]))
    poll(lambda: health(server).status == 503, 10, "503")
    done = asked(server, address)
    assert done.returncode == 1
    assert f"failing: {health(server).json['reason']}" in done.stderr
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)

    server.signal(signal.SIGSTOP)
    done = asked(server, address)
    server.signal(signal.SIGCONT)
    assert done.returncode == 1
    assert "within 5 s" in done.stderr


def test_O9_health_sees_a_disk_that_is_full(launch: Launch) -> None:
    """O9: 503 with the reason while nothing can be written, 200 again after it."""
    server = launch("--log-file", "/dev/null")
    assert server.process is not None
    pid = server.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    assert health(server).status == 200
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, limits[1]))
    poll(lambda: health(server).status == 503, 10, "503")
    failing = health(server)
    assert failing.json["status"] == "failing"
    assert failing.json["reason"]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
    poll(lambda: health(server).status == 200, 10, "200 again")


def test_O9_health_answers_while_the_store_stands_still(launch: Launch) -> None:
    """O9: within seconds, however many ask, and other requests are answered meanwhile."""
    server = launch()
    lock = sqlite3.connect(server.database, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: health(server), range(8)))
    assert time.monotonic() - began < 10 * TIME_FACTOR
    assert {answer.status for answer in answers} == {503}
    assert "has not answered" in answers[0].json["reason"]
    assert server.client.request("GET", client_path("/login")).status == 200
    lock.execute("ROLLBACK")
    lock.close()
    poll(lambda: health(server).status == 200, 20, "200 again")


def test_O9_health_is_cheap(launch: Launch) -> None:
    """O9: it is asked all the time, and writes once a second at most."""
    server = launch()
    log = server.database.with_name(server.database.name + "-wal")
    before = log.stat().st_size
    began = time.monotonic()
    for _ in range(1000):
        assert health(server).status == 200
    frames = (log.stat().st_size - before) / (4096 + 24)
    assert 1 <= frames <= 2 * (time.monotonic() - began + 1)


# ---- Metrics ----


class Metrics:
    """What a server measures."""

    def __init__(self, server: Server) -> None:
        found = poll(
            lambda: re.search(r"metrics on (http://\S+)/metrics", server.output()), 10, "a line"
        )
        self.client = Client(found[1])

    def read(self) -> dict[str, float]:
        """Name with labels, and value."""
        answer = self.client.request("GET", "/metrics")
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        lines = answer.raw.decode().splitlines()
        pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
        return {name: float(value) for name, value in pairs}


@pytest.fixture
def measured(
    launch: Launch, open_options: list[str], services: list[Service], tmp_path: Path
) -> tuple[Homeserver, Metrics]:
    """A server with metrics, which lets one wrong password through."""
    config = limits_file(tmp_path, login_address_user=1)
    server = launch("--metrics-listen", "127.0.0.1:0", "--config", config, *open_options)
    return Homeserver(server.client, server=server, services=services), Metrics(server)


def count(values: dict[str, float], endpoint: str, method: str, status: int) -> float:
    """How many requests there were of a kind."""
    name = f'endpoint="{endpoint}",method="{method}",status="{status}"'
    return values.get(f"mxd_requests_total{{{name}}}", 0)


def test_O9_metrics_count_requests(measured: tuple[Homeserver, Metrics]) -> None:
    """O9: by endpoint and status, with a histogram of how long they took."""
    homeserver, metrics = measured
    device = homeserver.new_user().login()
    for _ in range(3):
        assert device.list().status == 200
    assert device.request("GET", device_path("nothing")).status == 404
    # A request is counted when its answer has gone out, which may be after it has come in here.
    poll(lambda: count(metrics.read(), "device", "GET", 404) == 1, 10, "the last one is counted")
    values = metrics.read()
    assert count(values, "devices", "GET", 200) == 3
    assert count(values, "login", "POST", 200) == 1
    labels = 'endpoint="devices"'
    assert values[f"mxd_request_duration_seconds_count{{{labels}}}"] == 3
    assert values[f'mxd_request_duration_seconds_bucket{{{labels},le="+Inf"}}'] == 3
    assert 0 < values[f"mxd_request_duration_seconds_sum{{{labels}}}"] < 60


def test_O9_labels_are_bounded(measured: tuple[Homeserver, Metrics]) -> None:
    """O9: whatever clients make up, the names of the metrics stay the same few."""
    homeserver, metrics = measured

    def ask(turn: int) -> None:
        for target in (f"/{turn}", client_path(f"/{turn}"), client_path(f"/devices/{turn}")):
            homeserver.client.request("GET", target)
            homeserver.client.request(f"M{turn}", target)

    ask(0)
    poll(lambda: count(metrics.read(), "device", "other", 405) == 1, 10, "the last is counted")
    poll(lambda: count(metrics.read(), "other", "GET", 200) > 0, 10, "the reading too")
    before = set(metrics.read())
    for turn in range(1, 30):
        ask(turn)
    after = metrics.read()
    assert set(after) == before
    assert not [name for name in after if "29" in name]


def test_O9_metrics_count_refusals_and_connections(measured: tuple[Homeserver, Metrics]) -> None:
    """O9: by limit; connections that are open; lines of log that were lost; queues."""
    homeserver, metrics = measured
    user = homeserver.new_user()
    login = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": user.localpart},
        "password": "wrong",
    }
    for status in (403, 429):
        answer = homeserver.client.request("POST", client_path("/login"), json=login)
        assert answer.status == status, str(answer)
    with RawSocket(homeserver.client), RawSocket(homeserver.client):
        poll(lambda: metrics.read()["mxd_open_connections"] >= 2, 10, "two connections")
    values = metrics.read()
    poll(lambda: metrics.read()['mxd_refusals_total{limit="login"}'] >= 1, 10, "refusals")
    assert values["mxd_lost_log_lines_total"] == 0
    assert values['mxd_queue_length{queue="workers"}'] >= 0
    assert values['mxd_queue_length{queue="passwords"}'] >= 0
    assert values['mxd_queue_length{queue="writes"}'] >= 0


def test_O9_metrics_are_on_an_address_of_their_own(measured: tuple[Homeserver, Metrics]) -> None:
    """O9: clients don't see them, and who reads them gets nothing else there."""
    homeserver, metrics = measured
    assert homeserver.client.request("GET", "/metrics").status == 404
    assert metrics.client.request("GET", client_path("/login")).status == 404
    assert metrics.client.request("GET", "/health").status == 404
