"""Starting, stopping, and what a restart leaves as it was."""

from __future__ import annotations

import re
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import Launch
from matrix_device_conformance.client import client_path, device_path
from matrix_device_conformance.homeserver import Homeserver, Service
from matrix_device_conformance.server import Server, poll
from raw_http import RawSocket, request_bytes, unread_bytes


def test_prints_the_port_it_got(launch: Launch) -> None:
    """--listen 127.0.0.1:0 prints the address, and serves there."""
    server = launch()
    assert server.client.port not in (None, 0)
    answer = server.client.request("GET", client_path("").removesuffix("v3") + "versions")
    assert answer.status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_on_signal(launch: Launch, number: int) -> None:
    """A signal ends it with status 0; idle connections are in nobody's way."""
    server = launch()
    with RawSocket(server.client) as unused, RawSocket(server.client) as idle:
        idle.send(request_bytes("GET", client_path("/login")))
        assert idle.response().status == 200
        server.signal(number)
        assert server.wait() == 0, "it waited for them until its time was over"
        assert unused.rest() == b""
    server.expect_clean_output()


def test_stops_with_a_half_sent_request(launch: Launch) -> None:
    """A request that never comes to its end holds the stop up for a bounded time only."""
    server = launch()
    port = server.client.port
    assert port is not None
    with RawSocket(server.client) as header, RawSocket(server.client) as body:
        header.send(b"POST /_matrix/client/v3/login HTTP/1.1\r\nContent-Le")
        body.send(b"POST /_matrix/client/v3/login HTTP/1.1\r\nContent-Length: 9\r\n\r\n{")
        for connection in (header, body):
            poll(lambda end=connection: unread_bytes(port, end.port) == 0, 10, "it is read")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0, "it waited for them until its time was over"
    server.expect_clean_output()


def test_request_in_flight_is_answered(
    homeserver: Homeserver, server: Server, restart: Callable[[], None]
) -> None:
    """SIGTERM during requests: they are answered, and what they did is there."""
    device = homeserver.new_user().login()
    port = server.client.port
    assert port is not None
    lock = sqlite3.connect(server.database, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    body = b'{"display_name": "renamed in flight"}'
    target = client_path(device_path(device.device_id))
    with RawSocket(server.client) as connection:
        connection.send(request_bytes("PUT", target, device.access_token, body))
        poll(lambda: unread_bytes(port, connection.port) == 0, 10, "the request is read")
        server.signal(signal.SIGTERM)
        poll(lambda: not accepts(port), 10, "no new connections are accepted")
        lock.execute("ROLLBACK")
        lock.close()
        assert connection.response("PUT").status == 200
    assert server.wait() == 0
    server.expect_clean_output()
    restart()
    assert device.get().json["display_name"] == "renamed in flight"


def accepts(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except (ConnectionRefusedError, ConnectionResetError):  # reset: closed just then
        return False
    return True


def test_many_deletions_in_flight(
    homeserver: Homeserver, server: Server, restart: Callable[[], None]
) -> None:
    """SIGTERM during deletions with password: each is answered or refused, none half done."""
    user = homeserver.new_user()
    devices = [user.login() for _ in range(6)]

    def delete_itself(number: int) -> int | None:
        try:
            device = devices[number]
            return device.delete(device.device_id, user.auth()).status
        except OSError:
            return None

    with ThreadPoolExecutor(len(devices)) as pool:
        results = [pool.submit(delete_itself, number) for number in range(len(devices))]
        poll(lambda: any(result.done() for result in results), 20, "a first deletion")
        server.signal(signal.SIGTERM)
        statuses = [result.result() for result in results]
    assert server.wait() == 0
    server.expect_clean_output()
    assert 200 in statuses
    assert set(statuses) <= {200, 503, None}
    restart()
    for device, status in zip(devices, statuses, strict=True):
        if status == 200:
            assert device.list().errcode == "M_UNKNOWN_TOKEN"


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_session_survives_restart(
    homeserver: Homeserver, server: Server, restart: Callable[[], None], way: str
) -> None:
    """U20: a challenge before a restart, the credentials after it."""
    user = homeserver.new_user()
    device, target = user.login(), user.login()
    session = device.begin_delete_devices([target.device_id])
    getattr(server, way)()
    restart()
    alone = device.request("POST", "/delete_devices", json={"auth": {"session": session}})
    assert (alone.status, alone.json["completed"]) == (401, [])
    done = device.delete_devices([target.device_id], user.auth(session))
    assert done.status == 200, str(done)
    assert device.device_ids() == {device.device_id}


def test_completed_session_survives_restart(
    homeserver: Homeserver, server: Server, restart: Callable[[], None]
) -> None:
    """D13, U13: a completed session answers the retry also after a restart."""
    user = homeserver.new_user()
    device, target = user.login(), user.login()
    session = device.begin_delete(target.device_id)
    assert device.delete(target.device_id, user.auth(session)).status == 200
    server.kill()
    restart()
    assert device.delete(target.device_id, {"session": session}).status == 200
    other = device.delete(device.device_id, {"session": session})
    assert (other.status, other.errcode) == (403, "M_FORBIDDEN")


def test_everything_survives_restart(
    homeserver: Homeserver, server: Server, service: Service, restart: Callable[[], None]
) -> None:
    """Accounts, devices, names and tokens are on disk."""
    user = homeserver.new_user()
    device = user.login(name="phone", refresh=True)
    bridge_user = service.new_user()
    service.put("BRIDGE", {"display_name": "b"}, user_id=bridge_user)
    server.stop()
    restart()
    assert device.get().json["display_name"] == "phone"
    assert user.login().device_ids() >= {device.device_id}
    assert service.device_ids(bridge_user) == {"BRIDGE"}
    refreshed = homeserver.client.request(
        "POST", client_path("/refresh"), json={"refresh_token": device.refresh_token}
    )
    assert refreshed.status == 200


# ---- Refusals to start ----


def expect_refusal(server: Server, *words: str) -> None:
    """The server ends by itself, with a message that holds these words."""
    server.spawn()
    status = server.wait(30)
    text = server.stderr_path.read_text(errors="replace")
    assert status > 0, f"exit status {status}\n{text}"
    assert "listening on" not in server.output()
    for word in words:
        assert word.lower() in text.lower(), f"expected {word!r} in:\n{text}"
    server.expect_clean_output()


@pytest.fixture
def old_database(launch: Launch) -> Path:
    """A database that a server has made, and left."""
    server = launch()
    server.stop()
    return server.database


def test_refuses_a_taken_port(launch: Launch, prepare: Launch) -> None:
    """The port is taken."""
    port = launch().client.port
    expect_refusal(prepare(listen=f"127.0.0.1:{port}"), str(port), "in use")


def test_refuses_what_is_no_database(prepare: Launch, tmp_path: Path) -> None:
    """The file is something else, and stays as it is."""
    path = tmp_path / "letter.txt"
    text = b"Dear Sir or Madam,\n" * 500
    path.write_bytes(text)
    expect_refusal(prepare(database=path), str(path), "not a SQLite database")
    assert path.read_bytes() == text


def test_refuses_another_programs_database(prepare: Launch, tmp_path: Path) -> None:
    """An SQLite file of some other program stays as it is."""
    path = tmp_path / "notes.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE notes (text TEXT)")
    other.close()
    before = path.read_bytes()
    expect_refusal(prepare(database=path), str(path), "another application")
    assert path.read_bytes() == before


def test_refuses_a_newer_database(prepare: Launch, old_database: Path) -> None:
    """A newer version of this program wrote it."""
    connection = sqlite3.connect(old_database)
    connection.execute("PRAGMA user_version = 1000000")
    connection.close()
    expect_refusal(prepare(database=old_database), str(old_database), "newer version")


def test_refuses_a_locked_database(prepare: Launch, old_database: Path) -> None:
    """Another process has it for itself."""
    connection = sqlite3.connect(old_database, isolation_level=None)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    expect_refusal(prepare(database=old_database), str(old_database), "locked")
    connection.close()
    prepare(database=old_database).start()


def test_refuses_another_server_name(prepare: Launch, old_database: Path) -> None:
    """The database belongs to another server name."""
    server = prepare(server_name="elsewhere.example", database=old_database)
    expect_refusal(server, "example.org")


def test_opens_a_url(homeserver: Homeserver, server: Server, prepare: Launch) -> None:
    """--database sqlite:PATH is the file of that path."""
    user = homeserver.new_user()
    server.stop()
    again = prepare(database=f"sqlite:{server.database}").start()
    assert again.client.request("GET", client_path("/login")).status == 200
    assert user.user_id in again.command("user", "list").stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), ("libmatrix_devices_nosql.so", "--store")),
        (("--store", "libm.so.6"), ("libm.so.6", "matrix_devices_store_v1")),
        (("--store", "no/such/library.so"), ("no/such/library.so",)),
    ],
)
def test_refuses_a_database_without_a_store(
    prepare: Launch, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """No library opens this URL, or what is named is none."""
    server = prepare(*options, database="nosql://127.0.0.1/devices")
    expect_refusal(server, *words)
    assert "secret" not in server.output()


def test_the_store_refuses_another_scheme(prepare: Launch, binary: str) -> None:
    """The SQLite store is named for a URL that is not its own."""
    library = Path(binary).parent / "libmatrix_devices_sqlite.so"
    server = prepare("--store", str(library), database="nosql://127.0.0.1/devices")
    expect_refusal(server, "nosql", "sqlite:PATH")


def test_refuses_a_folder_that_is_not_there(prepare: Launch, tmp_path: Path) -> None:
    """The database can't be made."""
    path = tmp_path / "nowhere" / "devices.db"
    expect_refusal(prepare(database=path), str(path), "No such file or directory")


REGISTRATIONS = {
    "not YAML": "id: [",
    "a list": "- id: x",
    "empty": "",
    "no as_token": "id: x\nhs_token: h\nsender_localpart: x\nnamespaces: {users: []}\n",
    "no id": "as_token: a\nhs_token: h\nsender_localpart: x\nnamespaces: {users: []}\n",
    "no sender": "id: x\nas_token: a\nhs_token: h\nnamespaces: {users: []}\n",
    "bad expression": "id: x\nas_token: a\nhs_token: h\nsender_localpart: x\n"
    "namespaces:\n  users: [{exclusive: true, regex: '@(.*'}]\n",
    "bad rate_limited": "id: x\nas_token: a\nhs_token: h\nsender_localpart: x\n"
    "rate_limited: sometimes\nnamespaces: {users: []}\n",
}


@pytest.mark.parametrize("what", REGISTRATIONS)
def test_refuses_a_bad_registration(prepare: Launch, tmp_path: Path, what: str) -> None:
    """The registration file is wrong: its name is in the message."""
    path = tmp_path / "registration.yaml"
    path.write_text(REGISTRATIONS[what])
    expect_refusal(prepare("--appservice", str(path)), str(path))


def test_refuses_a_registration_that_is_not_there(prepare: Launch, tmp_path: Path) -> None:
    """The registration file is not there."""
    path = tmp_path / "nothing.yaml"
    expect_refusal(prepare("--appservice", str(path)), str(path))


def test_refuses_a_registration_twice(
    prepare: Launch, services: list[Service], tmp_path: Path
) -> None:
    """Two services with one ID."""
    path = str(tmp_path / f"{services[0].name}.yaml")
    expect_refusal(prepare("--appservice", path, "--appservice", path), services[0].name)


CONFIGURATIONS = {
    "not JSON": ("{", ""),
    "a list": ("[]", ""),
    "an unknown key": ('{"uia": {"sesion_lifetime_ms": 1}}', "sesion_lifetime_ms"),
    "a wrong type": ('{"max_body_bytes": "1M"}', "max_body_bytes"),
    "out of range": ('{"uia": {"session_lifetime_ms": -1}}', "session_lifetime_ms"),
    "an unknown word": ('{"uia": {"body_binding": "loose"}}', "body_binding"),
    "an unknown key of the server": ('{"server": {"max_conections": 9}}', "max_connections"),
    "a wrong type of the server": ('{"server": {"guest_lifetime": 30}}', "guest_lifetime"),
}


@pytest.mark.parametrize("what", CONFIGURATIONS)
def test_refuses_a_bad_configuration(prepare: Launch, tmp_path: Path, what: str) -> None:
    """The server or the module refuses its configuration: the key is in the message."""
    path = tmp_path / "config.json"
    text, word = CONFIGURATIONS[what]
    path.write_text(text)
    expect_refusal(prepare("--config", str(path)), str(path), word)


def test_refuses_a_configuration_that_is_not_there(prepare: Launch, tmp_path: Path) -> None:
    """The configuration is not there."""
    path = tmp_path / "nothing.json"
    expect_refusal(prepare("--config", str(path)), str(path))


def test_refuses_a_missing_module(prepare: Launch, tmp_path: Path) -> None:
    """There is no module."""
    path = tmp_path / "libmatrix_devices.so"
    expect_refusal(prepare("--module", str(path)), str(path))


def test_refuses_what_is_no_module(prepare: Launch) -> None:
    """The library is another: the name that it lacks is in the message."""
    expect_refusal(prepare("--module", "libm.so.6"), "libm.so.6", "matrix_devices_module_v1")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--no-such-option"], "no-such-option"),
        (["--access-token-lifetime", "banana"], "banana"),
        (["--listen", "nonsense"], "nonsense"),
        (["--listen", "127.0.0.1:99999"], "99999"),
    ],
)
def test_refuses_a_bad_option(prepare: Launch, options: list[str], word: str) -> None:
    """An option is wrong: it is in the message."""
    expect_refusal(prepare(*options), word)


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_says_what_it_is(binary: str, option: str) -> None:
    """--help and --version print to standard output and end with 0."""
    done = subprocess.run([binary, option], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    expected = r"--database" if option == "--help" else r"\d+\.\d+\.\d+"
    assert re.search(expected, done.stdout), done.stdout
