"""docs/examples/fastapi_host.py: every row of the conformance suite, every promise of a host."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import matrix_devices

HERE = Path(__file__).parent
TESTS = HERE.parent
EXAMPLES = TESTS.parent / "docs" / "examples"
SERVER = HERE / "fastapi_server.py"
SERVER_NAME = "example.org"
CHECK_LIBRARY = os.environ["MXD_CHECK_LIBRARY"]
for folder in (EXAMPLES, TESTS / "check", TESTS / "conformance"):
    sys.path.append(str(folder))
PYTHONPATH = os.pathsep.join([str(Path(matrix_devices.__file__).parents[1]), str(HERE)])

from matrix_device_conformance.client import ABSENT  # noqa: E402
from matrix_device_conformance.ports import own_port  # noqa: E402
from matrix_device_conformance.server import Server  # noqa: E402
from running import NO_ADDRESSES, NO_STAGES, named, run, write  # noqa: E402


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What starts the server, with the Python that runs this."""
    script = tmp_path_factory.mktemp("program") / "server"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -B {SERVER} "$@"\n')
    script.chmod(0o755)
    return str(script)


# The rows that it can't be seen to keep: it answers nothing of its own (A16), its memory and its
# processes are not to be seen (L4, L5), it has one stage (U5).
UNSEEN = {"A16", "L4", "L5", "U5"}


def test_every_row_holds(program: str, tmp_path: Path) -> None:
    suite = subprocess.run(
        [
            *(sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-q"),
            # One argument, or pytest takes the file for what sets its root.
            f"--server={program}",
            f"--report={tmp_path / 'report'}",
            "--fail-on-ours",
            str(TESTS / "conformance"),
        ],
        capture_output=True,
        text=True,
        timeout=1500,
        env=os.environ | {"PYTHONPATH": PYTHONPATH},
        cwd=tmp_path,
    )
    assert suite.returncode == 0, suite.stdout[-20_000:]
    rows = json.loads((tmp_path / "report/conformance.json").read_text())["rows"]
    unseen = {row["row"] for row in rows if "kept" not in (row["specification"], row["ours"])}
    assert unseen == UNSEEN, suite.stdout[-20_000:]


# ---- The checking module ----


@pytest.fixture
def accounts(tmp_path: Path) -> Any:
    """The example's accounts, on the database that the server is to serve."""
    import fastapi_accounts
    import fastapi_database

    database = fastapi_database.Database(str(tmp_path / "homeserver.db"))
    return fastapi_accounts.Accounts(database, SERVER_NAME, {})


async def user(accounts: Any, name: str) -> dict[str, Any]:
    """An account with a device and three to spare."""
    password = secrets.token_hex(8)
    user_id = await accounts.register(name, password)
    logins = [await accounts.log_in(user_id, f"{name}_Device{n}", "first name") for n in range(4)]
    devices = [{"device_id": each["device_id"], "token": each["access_token"]} for each in logins]
    return {"user_id": user_id, "password": password, **devices[0], "spares": devices[1:]}


async def settle(accounts: Any, host: ModuleType) -> dict[str, Any]:
    """Who there must be; the member ``check`` of the configuration that goes with them."""
    as_token = secrets.token_hex(16)
    await accounts.add_service("bridge", as_token, "bridge", "@_bridge_.*")
    inside = await accounts.register("_bridge_inside", service_id="bridge")
    users = [await user(accounts, name) for name in ("alice", "bob")]
    carol = await accounts.register("carol")
    replaced = await accounts.log_in(carol, refreshable=True)
    refreshed = await accounts.refresh(replaced["refresh_token"])
    # Once the new token is used, the old one is replaced.
    request = matrix_devices.Request("GET", "/")
    credentials = matrix_devices.Credentials(refreshed["access_token"], None, None, "", request)
    await host.DeviceHost(accounts.database, accounts).authenticate(credentials)
    expired = await accounts.log_in(carol, lifetime_ms=0)
    dave = await accounts.register("dave")
    locked = await accounts.log_in(dave)
    await accounts.set_state(dave, "locked")
    guest = await accounts.log_in(await accounts.register("guest", guest=True))
    return {
        "disposable": True,
        "parallel": 32,
        "users": users,
        "tokens": {
            "expired": expired["access_token"],
            "replaced": replaced["access_token"],
            "locked": locked["access_token"],
            "guest": guest["access_token"],
        },
        "service": {
            "token": as_token,
            "inside": inside,
            "outside": users[0]["user_id"],
            "unregistered": f"@_bridge_nobody:{SERVER_NAME}",
        },
    }


def restart_on_demand(server: Server, folder: Path) -> str:
    """The command that has the server restarted, and waits for that."""
    wanted, done = folder / "wanted", folder / "done"
    os.mkfifo(wanted)
    os.mkfifo(done)

    def obey() -> None:
        wanted.read_text()  # waits for who writes
        server.stop()
        server.start()
        done.write_text("done\n")

    threading.Thread(target=obey, daemon=True).start()
    return f"echo now > {wanted} && cat {done}"


def test_it_keeps_every_promise(
    accounts: Any, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMESERVER_DATABASE", str(tmp_path / "unused.db"))  # of its own `app`
    import fastapi_host

    config = write(tmp_path, asyncio.run(settle(accounts, fastapi_host)))
    environment = {"PYTHONPATH": PYTHONPATH, "MATRIX_DEVICES_LIBRARY": CHECK_LIBRARY}
    servers = []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        servers.append(
            Server(
                program,
                folder,
                ["--config", str(config)],
                database=tmp_path / "homeserver.db",
                listen=f"127.0.0.1:{own_port()}",
                environment=environment,
            ).start()
        )
    server, other = servers
    try:
        restart = restart_on_demand(server, tmp_path)
        options = ("--restart", restart, "--other", f"http://{other.listen}")
        status, promises = run(config, f"http://{server.listen}", *options)
    finally:
        for each in servers:
            each.stop()
    assert named(promises, "broken") == {}
    assert status == 0
    assert sorted(named(promises, "not tried")) == sorted(NO_ADDRESSES | NO_STAGES)
    assert named(promises, "to come") == {}


# ---- What the suites do not see ----


def test_each_of_its_files_can_be_read_at_a_sitting() -> None:
    lines = {path.name: path.read_text().count("\n") for path in EXAMPLES.glob("fastapi_*.py")}
    assert len(lines) == 3
    assert max(lines.values()) <= 350, lines


def test_a_bucket_fills_up_and_not_over(
    accounts: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMESERVER_DATABASE", str(tmp_path / "unused.db"))
    import fastapi_host

    now = [10_000_000]
    monkeypatch.setattr(fastapi_host, "now_ms", lambda: now[0])
    host = fastapi_host.DeviceHost(accounts.database, accounts)
    limit = matrix_devices.Limit("name", "key", burst=2, interval_ms=1000)

    def take(units: int = 1) -> int:
        """How long to wait for it."""
        try:
            asyncio.run(host.take_limit(None, matrix_devices.LimitRequest([limit], units)))
        except matrix_devices.LimitExceeded as refusal:
            return refusal.retry_after_ms
        return 0

    assert take() == 0
    for later in (60_000, 1000, -3_600_000):  # left alone; a unit is back; the clock is set back
        now[0] += later
        if later == 60_000:
            assert take(-1) == 0  # one too many
            assert take() == 0
        if later > 0:
            assert take() == 0
        assert take() == 1000


# docs/accounts.md

PASSWORD = "correct horse battery staple"
BASE = "/_matrix/client/v3"


class Clients:
    """Requests to a running server."""

    def __init__(self, server: Server) -> None:
        self.database = Path(server.database)
        self._server = server

    def __call__(self, method: str, path: str, body: Any = ABSENT, token: str = "") -> Any:
        client = self._server.client
        return client.request(method, BASE + path, json=body, token=token or None)

    def register(self, name: str) -> None:
        body = {"username": name, "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
        assert self("POST", "/register", {**body, "inhibit_login": True}).status == 200

    def log_in(self, name: str, password: str = PASSWORD, **rest: Any) -> Any:
        identifier = {"type": "m.id.user", "user": name}
        body = {"type": "m.login.password", "identifier": identifier, "password": password}
        return self("POST", "/login", {**body, **rest})

    def status(self, token: str) -> tuple[int, bool | None]:
        """Of a token, and whether it is a soft logout."""
        answer = self("GET", "/devices", token=token)
        return answer.status, answer.json.get("soft_logout")


@pytest.fixture(scope="module")
def clients(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """Of a server that allows two devices."""
    folder = tmp_path_factory.mktemp("fastapi")
    config = folder / "config.json"
    config.write_text(json.dumps({"max_devices_per_user": 2, "max_display_name_length": 5}))
    options = ["--open-registration", "--config", str(config)]
    server = Server(program, folder, options, environment={"PYTHONPATH": PYTHONPATH}).start()
    yield Clients(server)
    server.stop()


def test_nothing_secret_is_in_the_database(clients: Clients) -> None:
    clients.register("sam")
    login = clients.log_in("sam", refresh_token=True).json
    challenge = clients("DELETE", "/devices/NOWHERE", {}, login["access_token"]).json
    kept = b"".join(path.read_bytes() for path in clients.database.parent.glob("devices.db*"))
    assert b"@sam:example.org" in kept
    for secret in (PASSWORD, login["access_token"], login["refresh_token"], challenge["session"]):
        assert secret.encode() not in kept
    assert clients.database.stat().st_mode & 0o077 == 0


def test_T1_T2_several_refreshes_with_one_token(clients: Clients) -> None:
    clients.register("tom")
    login = clients.log_in("tom", refresh_token=True).json

    def refresh(of: dict[str, str]) -> Any:
        return clients("POST", "/refresh", {"refresh_token": of["refresh_token"]})

    one, other = refresh(login).json, refresh(login).json
    assert clients.status(login["access_token"]) == (200, None)
    assert clients.status(one["access_token"]) == (200, None)  # its first use
    assert clients.status(login["access_token"]) == (401, True)
    assert clients.status(other["access_token"]) == (200, None)
    for spent in (login, other):
        assert (refresh(spent).status, refresh(spent).json["soft_logout"]) == (401, True)
    again = refresh(one).json
    assert clients("POST", "/logout", {}, again["access_token"]).status == 200
    assert clients.status(again["access_token"]) == (401, False)
    assert refresh(again).json["soft_logout"] is False


def test_a_login_on_the_same_device_ends_the_one_before(clients: Clients) -> None:
    clients.register("una")
    first = clients.log_in("una", device_id="D").json
    second = clients.log_in("una", device_id="D").json
    assert clients.status(first["access_token"]) == (401, False)
    assert clients.status(second["access_token"]) == (200, None)
    third = clients.log_in("una").json
    assert clients("POST", "/logout/all", {}, third["access_token"]).status == 200
    assert clients.status(second["access_token"]) == (401, False)


def test_T3_T4_T12_names_and_the_most_devices(clients: Clients) -> None:
    clients.register("Vic")
    for name in ("vic", "VIC", "@vic:EXAMPLE.org", "vic:example.org"):
        login = clients.log_in(name, device_id="D", initial_device_display_name="123456")
        assert login.json["user_id"] == "@vic:example.org"
    token = login.json["access_token"]
    (device,) = clients("GET", "/devices", token=token).json["devices"]
    assert device["display_name"] == "12345"
    assert clients.log_in("@vic:elsewhere.org").status == 403
    assert clients.log_in("vic").status == 200
    refused = clients.log_in("vic")
    assert (refused.status, refused.json["errcode"]) == (403, "M_USER_LIMIT_EXCEEDED")
    answer = clients("GET", "/account/whoami", token=token).json
    assert answer == {"user_id": "@vic:example.org", "device_id": "D", "is_guest": False}


def test_T5_guesses_are_limited_however_the_name_is_written(clients: Clients) -> None:
    clients.register("wil")
    clients.register("xia")
    assert {clients.log_in("wil").status for _ in range(2)} == {200}  # takes nothing
    statuses = [clients.log_in(name, "wrong").status for name in ("wil", "@Wil:example.org") * 5]
    assert statuses == [403] * 10
    for _ in range(60):  # a slow machine takes so long that a guess is allowed again, now and then
        limited = clients.log_in("wil")
        if limited.status == 429:
            break
        clients.log_in("wil", "wrong")
    assert limited.status == 429
    assert int(limited.headers["Retry-After"]) * 1000 >= limited.json["retry_after_ms"] > 0
    assert clients.log_in("xia").status == 200


BAD_REQUESTS: list[tuple[str, Any, int, str]] = [
    ("/login", [], 400, "M_BAD_JSON"),
    ("/login", {}, 400, "M_UNKNOWN"),
    ("/login", {"type": "m.login.password", "identifier": []}, 400, "M_BAD_JSON"),
    ("/login", {"type": "m.login.password", "identifier": "x"}, 400, "M_BAD_JSON"),
    ("/login", {"type": "m.login.password", "user": "a", "password": 5}, 400, "M_BAD_JSON"),
    ("/login", {"type": "m.login.password", "user": "\ud800", "password": "a"}, 400, "M_BAD_JSON"),
    ("/login", {"type": "m.login.password", "user": "a\0", "password": "a"}, 400, "M_BAD_JSON"),
    ("/login", {"type": "m.login.password", "user": "a", "password": "a" * 70_000}, 413, "M_TOO_L"),
    ("/register", {"auth": "x"}, 400, "M_BAD_JSON"),
    ("/register", {"auth": {"type": 5}}, 400, "M_BAD_JSON"),
    ("/register", {"auth": {"type": "m.login.dummy"}, "username": 5}, 400, "M_BAD_JSON"),
    ("/register", {"type": "m.login.application_service"}, 401, "M_MISSING_TOKEN"),
    ("/refresh", {"refresh_token": None}, 400, "M_BAD_JSON"),
    ("/refresh", {"refresh_token": "nobody's"}, 401, "M_UNKNOWN_TOKEN"),
    ("/logout", {}, 401, "M_MISSING_TOKEN"),
    ("/nowhere", {}, 404, "M_UNRECOGNIZED"),
    ("/account/whoami", {}, 405, "M_UNRECOGNIZED"),
]


@pytest.mark.parametrize(("path", "body", "status", "errcode"), BAD_REQUESTS)
def test_a_bad_request_is_answered(
    clients: Clients, path: str, body: Any, status: int, errcode: str
) -> None:
    answer = clients("POST", path, body)
    assert (answer.status, answer.json["errcode"][: len(errcode)]) == (status, errcode)


def test_a_device_id_that_none_can_have(clients: Clients) -> None:
    clients.register("yun")
    for device_id in ("é" * 128, "a\nb"):
        answer = clients.log_in("yun", device_id=device_id)
        assert (answer.status, answer.json["errcode"]) == (400, "M_INVALID_PARAM")
