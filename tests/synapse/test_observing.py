"""Metrics, logs and log contexts, as Synapse has them."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from functools import partial

import pytest

from accounts import Site
from matrix_device_conformance.client import device_path
from matrix_device_conformance.homeserver import Device, User
from matrix_device_conformance.server import poll
from synapse_process import Process

SAMPLE = re.compile(r"^(synapse_http_\w+)\{([^}]*)\} ([0-9.e+\-]+|NaN)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
OURS = {"DevicesRestServlet", "DeviceRestServlet", "DeleteDevicesRestServlet"}
MODULE_LOGGER = "matrix_devices"
STARTED = re.compile(r"\d+\.\d+\.\d+.*ABI.*libmatrix_devices\.so")

Series = tuple[str, frozenset[tuple[str, str]]]


def series(process: Process) -> dict[Series, float]:
    """Those of Synapse's HTTP metrics that have a servlet of the device endpoints."""
    text = process.client.request("GET", "/_synapse/metrics").raw.decode()
    found = {}
    for name, labels, value in SAMPLE.findall(text):
        pairs = frozenset(LABEL.findall(labels))
        servlets = {value for key, value in pairs if key == "servlet"}
        if servlets & OURS:
            found[name, pairs] = float(value)
    return found


def requests_of_all_kinds(user: User) -> None:
    """The same requests, to compare what two processes count."""
    device, target, other = user.login("DEVICE"), user.login("TARGET"), user.login("OTHER")
    device.list()
    device.request("GET", "/devices", version="r0")
    device.request("HEAD", "/devices")
    device.request("OPTIONS", "/devices")
    device.request("PATCH", "/devices")
    device.get()
    device.get("UNKNOWN")
    device.put(device.device_id, {"display_name": "x"})
    device.put(device.device_id, body=b"{")
    device.request("DELETE", device_path("TARGET"), body=b"")
    device.delete(target.device_id, user.auth(device.begin_delete(target.device_id)))
    ids = [other.device_id]
    device.delete_devices(ids, user.auth(device.begin_delete_devices(ids)))
    device.user.homeserver.client.request("GET", "/_matrix/client/v3/devices")
    device.list()


def counted(process: Process, user: User) -> tuple[Counter[Series], dict[str, set[str]]]:
    """How much each counter of requests grew by these requests; and each metric's labels."""
    before = series(process)
    requests_of_all_kinds(user)
    after = series(process)
    counts: Counter[Series] = Counter()
    labels: dict[str, set[str]] = {}
    for (name, pairs), value in after.items():
        labels.setdefault(name, set()).update(key for key, _ in pairs)
        if name.endswith(("response_count", "response_count_total", "requests_received_total")):
            counts[name, pairs] = round(value - before.get((name, pairs), 0))
    return +counts, labels


def test_metrics(site: Site, stock: Site) -> None:
    """The same metrics with the same labels, and the same counts for the same requests."""
    our_counts, our_labels = counted(site.main, site.new_user())
    their_counts, their_labels = counted(stock.main, stock.new_user())
    assert {value for _, pairs in their_counts for key, value in pairs if key == "servlet"} == OURS
    assert our_counts == their_counts
    assert our_labels == their_labels


def test_access_log(site: Site, user: User, device: Device) -> None:
    """Synapse's line for a request names who asked; what it ran is in the request's context."""
    position = site.main.position()
    target = user.login().device_id
    device.list()
    device.delete(target, user.auth())
    for method, path in (("GET", "/devices "), ("DELETE", device_path(target))):
        line = poll(partial(access_line, site.main, position, method, path), 5, "a line")
        assert f"{{{user.user_id}}}" in line, line
        database = re.search(r"\(([\d.]+)sec/([\d.]+)sec/(\d+)\)", line)
        assert database is not None, line
        assert int(database[3]) >= 1, f"the database's time is accounted to the request: {line}"


def access_line(process: Process, since: int, method: str, path: str) -> str | None:
    """The access log's line for a request."""
    for record in process.records(since):
        wanted = f'"{method} /_matrix/client/v3{path}'
        if record.logger.startswith("synapse.access") and wanted in record.message:
            return record.message
    return None


def test_secrets_are_not_logged(site: Site, user: User, device: Device) -> None:
    """No password, token or session in the log."""
    position = site.main.position()
    target = user.login()
    session = device.begin_delete(target.device_id)
    device.delete(target.device_id, user.wrong_auth(session))
    device.delete(target.device_id, user.auth(session))
    logged = "\n".join(record.message for record in site.main.records(position))
    for secret in (user.password, session, device.access_token, target.access_token):
        assert secret not in logged


@pytest.mark.module
def test_a_line_at_the_start(site: Site, workers: Site) -> None:
    """One line says what answers: version, ABI and path of the library."""
    for synapse in (site.synapse, workers.synapse):
        for process in synapse.processes:
            what = f"{process.name} says what answers"
            lines = poll(partial(start_lines, process), 10, what)
            assert len(lines) == 1, f"{process.name}: {lines}"


def start_lines(process: Process) -> list[str]:
    """The lines of the present run that say so."""
    return [
        record.message
        for record in process.records()
        if record.logger.startswith(MODULE_LOGGER) and STARTED.search(record.message)
    ]


def test_compression(strict: Site) -> None:
    """Synapse compresses answers where its listener is told to."""
    user = strict.new_user()
    device = user.login()
    strict.synapse.add_devices(user.user_id, "MANY", 500)
    plain = device.list()
    packed = device.request("GET", "/devices", headers=[("Accept-Encoding", "gzip")])
    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.raw)) == plain.json
    assert plain.headers["Content-Encoding"] is None


def test_nothing_at_warning(site: Site, user: User, device: Device) -> None:
    """What clients do all day leaves no warning, and no error, in the log."""
    position = site.main.position()
    target = user.login()
    device.list()
    device.get()
    device.get("UNKNOWN")
    device.put(target.device_id, {"display_name": "x"})
    device.delete(target.device_id, user.auth(device.begin_delete(target.device_id)))
    loud = [
        record
        for record in site.main.records(position)
        if record.level not in ("INFO", "DEBUG") and record.logger.startswith(MODULE_LOGGER)
    ]
    assert loud == []
    assert site.main.errors(position) == []
