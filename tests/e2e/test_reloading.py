"""O1a: SIGHUP reads registrations and settings again, and opens the log again."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from conftest import Launch
from matrix_device_conformance.client import client_path, device_path
from matrix_device_conformance.homeserver import Homeserver, Service
from matrix_device_conformance.server import Server, poll
from raw_http import RawSocket, request_bytes, unread_bytes

READ_AGAIN = "have been read again"
STAY = "stay as they were"


class Reloadable:
    """A server whose settings and registrations can be changed."""

    def __init__(self, launch: Launch, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config.json"
        self.services = [Service("first", False), Service("second", False)]
        self.registrations = [service.write(folder) for service in self.services]
        self.configure({})
        options = ["--open-registration", "--config", str(self.config)]
        for path in self.registrations:
            options += ["--appservice", str(path)]
        self.server: Server = launch(*options)
        self.homeserver = Homeserver(self.server.client, server=self.server, services=self.services)

    def configure(self, config: dict[str, Any]) -> None:
        """Write the settings."""
        self.config.write_text(json.dumps(config))

    def reload(self, words: str = READ_AGAIN) -> str:
        """SIGHUP; the line that tells how it went."""
        with self.server.stderr_path.open() as log:
            log.seek(0, os.SEEK_END)
            self.server.signal(signal.SIGHUP)
            seen = ""

            def line() -> str | None:
                nonlocal seen
                seen += log.read()
                found = [text for text in seen.split("\n")[:-1] if words in text]
                seen = seen[seen.rfind("\n") + 1 :]
                return json.loads(found[0])["message"] if found else None

            return poll(line, 20, f"a line with {words!r}")


@pytest.fixture
def reloadable(launch: Launch, tmp_path: Path) -> Reloadable:
    """Running."""
    return Reloadable(launch, tmp_path)


def test_O1a_settings_are_read_again(reloadable: Reloadable) -> None:
    """O1a: the module's settings, and what logins take from them."""
    device = reloadable.homeserver.new_user().login()
    assert device.put(device.device_id, {"display_name": "12345"}).status == 200
    reloadable.configure({"max_display_name_length": 4})
    reloadable.reload()
    answer = device.put(device.device_id, {"display_name": "12345"})
    assert (answer.status, answer.errcode) == (400, "M_TOO_LARGE")
    assert device.put(device.device_id, {"display_name": "1234"}).status == 200


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ("{", "not a JSON object"),
        ('{"max_display_name_length": 0}', "max_display_name_length"),
        ('{"max_display_name_length": 4, "server": {"max_connections": 0}}', "max_connections"),
        ('{"max_display_name_length": 4, "no_such_key": 0}', "no_such_key"),
    ],
)
def test_O1a_wrong_settings_are_refused_as_a_whole(
    reloadable: Reloadable, config: str, word: str
) -> None:
    """O1a: with the line that says why; the old ones go on, those of registrations too."""
    device = reloadable.homeserver.new_user().login()
    reloadable.config.write_text(config)
    reloadable.registrations[0].write_text(
        reloadable.registrations[0].read_text().replace(reloadable.services[0].as_token, "other")
    )
    line = reloadable.reload(STAY)
    assert word in line
    assert str(reloadable.config) in line
    assert device.put(device.device_id, {"display_name": "12345"}).status == 200
    service = reloadable.homeserver.services["first"]
    assert service.request("GET", "/devices", user_id=service.new_user()).status == 200
    reloadable.configure({"max_display_name_length": 4})
    reloadable.reload()
    assert device.put(device.device_id, {"display_name": "12345"}).status == 400


def test_O1a_registrations_are_read_again(reloadable: Reloadable) -> None:
    """O1a: a token that is gone from them is nobody's, a new one works, the rest stays."""
    first, second = (reloadable.homeserver.services[name] for name in ("first", "second"))
    user_id = first.new_user()
    path = reloadable.registrations[0]
    path.write_text(path.read_text().replace(first.as_token, "the-new-token"))
    reloadable.reload()
    assert first.request("GET", "/devices", user_id=user_id).errcode == "M_UNKNOWN_TOKEN"
    again = reloadable.server.client.request(
        "GET", client_path("/devices", user_id=user_id), token="the-new-token"
    )
    assert again.status == 200
    assert second.request("GET", "/devices", user_id=second.new_user()).status == 200


@pytest.mark.parametrize("wrong", ["id: [", "two of one token", "nothing there"])
def test_O1a_wrong_registrations_are_refused_as_a_whole(reloadable: Reloadable, wrong: str) -> None:
    """O1a: one wrong file, and the other one's change is not taken either."""
    first, second = (reloadable.homeserver.services[name] for name in ("first", "second"))
    users = [(service, service.new_user()) for service in (first, second)]
    good, bad = reloadable.registrations
    good.write_text(good.read_text().replace(first.as_token, "the-new-token"))
    if wrong == "two of one token":
        bad.write_text(bad.read_text().replace(second.as_token, "the-new-token"))
    elif wrong == "nothing there":
        bad.unlink()
    else:
        bad.write_text(wrong)
    line = reloadable.reload(STAY)
    assert "second" in line
    assert "the-new-token" not in reloadable.server.output()
    for service, user_id in users:
        assert service.request("GET", "/devices", user_id=user_id).status == 200


def test_O1a_the_log_is_opened_again(launch: Launch, tmp_path: Path) -> None:
    """O1a: after a rename the old file gets nothing more, and no line is lost between."""
    path, old = tmp_path / "server.log", tmp_path / "server.log.1"
    server = launch("--log-file", str(path))
    target = client_path("/login")
    for _ in range(20):
        assert server.client.request("GET", target).status == 200
    path.rename(old)
    for _ in range(20):
        assert server.client.request("GET", target).status == 200
    server.signal(signal.SIGHUP)
    poll(path.exists, 10, "a new file")
    for _ in range(20):
        assert server.client.request("GET", target).status == 200
    server.stop()
    lines = (old.read_text() + path.read_text()).splitlines()
    assert len([line for line in lines if json.loads(line).get("status") == 200]) == 60
    assert "stopping" in path.read_text()
    assert "stopping" not in old.read_text()


def test_O1a_a_log_that_cannot_be_opened_goes_on_where_it_was(
    launch: Launch, tmp_path: Path
) -> None:
    """O1a: the folder is gone; the reason is in the old file."""
    folder = tmp_path / "logs"
    folder.mkdir()
    path = folder / "server.log"
    server = launch("--log-file", str(path))
    old = path.open()
    path.unlink()
    folder.rmdir()
    server.signal(signal.SIGHUP)
    seen = ""

    def reason() -> bool:
        nonlocal seen
        seen += old.read()
        return "the log stays where it was" in seen and "No such file" in seen

    poll(reason, 10, "the reason")
    server.stop()
    assert "stopping" in old.read()
    old.close()


def test_O1a_a_request_in_flight_ends_as_it_began(reloadable: Reloadable) -> None:
    """O1a: it waits for its commit in one instance while another takes new requests."""
    device = reloadable.homeserver.new_user().login()
    port = reloadable.server.client.port
    assert port is not None
    lock = sqlite3.connect(reloadable.server.database, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    target = client_path(device_path(device.device_id))
    with RawSocket(reloadable.server.client) as connection:
        body = b'{"display_name": "longer than four"}'
        connection.send(request_bytes("PUT", target, device.access_token, body))
        poll(lambda: unread_bytes(port, connection.port) == 0, 10, "the request is read")
        reloadable.configure({"max_display_name_length": 4})
        reloadable.reload()
        refused = device.put(device.device_id, {"display_name": "longer than four"})
        assert refused.errcode == "M_TOO_LARGE"
        lock.execute("ROLLBACK")
        lock.close()
        assert connection.response("PUT").status == 200
    assert device.get().json["display_name"] == "longer than four"
    reloadable.reload()  # what has answered its last request is destroyed


def test_O1a_no_request_fails_during_a_hundred_reloads(reloadable: Reloadable) -> None:
    """O1a: settings and registrations change each time, under load."""
    homeserver = reloadable.homeserver
    devices = [homeserver.new_user().login() for _ in range(3)]
    ended = threading.Event()
    failures: list[str] = []
    counts = [0] * len(devices)

    def ask(number: int) -> None:
        device = devices[number]
        requests = [
            request_bytes("GET", client_path("/devices"), device.access_token),
            request_bytes("GET", client_path("/account/whoami"), device.access_token),
            request_bytes(
                "PUT",
                client_path(device_path(device.device_id)),
                device.access_token,
                b'{"display_name": "n"}',
            ),
        ]
        try:
            with RawSocket(reloadable.server.client) as connection:
                while not ended.is_set():
                    for request in requests:
                        connection.send(request)
                        answer = connection.response()
                        counts[number] += 1
                        if answer.status != 200:
                            failures.append(f"{answer.status} {answer.body!r}")
        except Exception as error:
            failures.append(repr(error))
            raise

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(devices))]
    for thread in threads:
        thread.start()
    path = reloadable.registrations[0]
    original = path.read_text()
    for turn in range(100):
        reloadable.configure({"max_display_name_length": 100 + turn})
        path.write_text(original.replace("first", f"first{turn}"))
        reloadable.reload()
    ended.set()
    for thread in threads:
        thread.join()
    assert not failures, failures[:5]
    assert min(counts) > 0
