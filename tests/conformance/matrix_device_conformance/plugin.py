"""Options, the homeserver under test, and a verdict a test."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from matrix_device_conformance import reporting
from matrix_device_conformance.check import Check
from matrix_device_conformance.client import Client
from matrix_device_conformance.homeserver import Configured, Homeserver, Service, User
from matrix_device_conformance.recording import Recorder
from matrix_device_conformance.rows import row_of
from matrix_device_conformance.selection import UnknownRowError, selected
from matrix_device_conformance.server import Server, ServerError, server_binary

RECORDER = pytest.StashKey[Recorder]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """What is tested, and with whom."""
    group = parser.getgroup("matrix-devices conformance")
    group.addoption("--base-url", help="test the homeserver at this URL")
    group.addoption(
        "--server", help="start this matrix-devices-server and test it (default: env MXD_SERVER)"
    )
    group.addoption(
        "--account",
        action="append",
        metavar="NAME:PASSWORD",
        help="use this account in place of open registration; give two or more"
        " (also env MXD_ACCOUNTS, separated by spaces)",
    )
    group.addoption(
        "--without",
        action="append",
        default=[],
        metavar="NAME,…",
        help="skip these rows (P6) and rows that need these capabilities (device_cap)",
    )
    group.addoption(
        "--rows", metavar="NAME,…", help="look at these only: D8, U (all of a section), clients"
    )
    reporting.add_options(group)


def pytest_configure(config: pytest.Config) -> None:
    """Markers, and the place for results."""
    config.addinivalue_line(
        "markers", "capability(name): what a homeserver must have for this row; see --without"
    )
    config.addinivalue_line(
        "markers",
        "peer_bug(peer, what, got=regex): a known bug that this catches, where what was got is so",
    )
    recorder = config.stash[RECORDER] = Recorder()
    config.pluginmanager.register(reporting.Reporting(config, recorder))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not asked for."""
    names = config.getoption("--rows")
    if names is None:
        return
    try:
        rows = selected(names.split(","))
    except UnknownRowError as error:
        raise pytest.UsageError(f"--rows: {error}") from None
    items[:] = [item for item in items if row_of(item.name).number in rows]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what is switched off."""
    item.config.stash[RECORDER].begin(item)
    without = {name for names in item.config.getoption("--without") for name in names.split(",")}
    needs = {mark.args[0] for mark in item.iter_markers("capability")}
    switched_off = without & (needs | {row_of(item.name).number})
    if switched_off:
        pytest.skip(f"switched off: {', '.join(sorted(switched_off))}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, None]:
    """Judge, and have pytest's own report say the same."""
    report = (yield).get_result()
    item.config.stash[RECORDER].end_of_phase(item, call, report)


def given_accounts(config: pytest.Config) -> list[tuple[str, str]]:
    """Accounts from options and environment."""
    texts = config.getoption("--account") or os.environ.get("MXD_ACCOUNTS", "").split()
    accounts = []
    for text in texts:
        separator = text.rfind(":")
        if separator < 1:
            raise pytest.UsageError("--account: expected NAME:PASSWORD")
        accounts.append((text[:separator], text[separator + 1 :]))
    return accounts


def start_homeserver(
    pytest_config: pytest.Config, folder: Path, config: dict[str, Any]
) -> Homeserver:
    """Our own server with open registration and two application services.

    It leaves out what is not known, as the rows say of a module without configuration: its own
    default differs (T13), and is tested in tests/e2e.
    """
    binary = server_binary(pytest_config.getoption("--server"))
    if binary is None:
        raise pytest.UsageError("give --base-url URL, --server PATH or env MXD_SERVER")
    config = {"unknown_fields": "omit", **config}
    services = [Service("limited", True), Service("unlimited", False)]
    options = ["--open-registration", "--no-rate-limits"]
    for service in services:
        options += ["--appservice", str(service.write(folder))]
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    options += ["--config", str(path)]
    server = Server(binary, folder, options).start()
    server.client.observer = pytest_config.stash[RECORDER].note
    return Homeserver(server.client, server=server, services=services)


@pytest.fixture(scope="session")
def shared_homeserver(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Homeserver]:
    """The homeserver that the whole run tests."""
    base_url = request.config.getoption("--base-url")
    recorder = request.config.stash[RECORDER]
    if base_url:
        client = Client(base_url, recorder.note)
        yield Homeserver(client, accounts=given_accounts(request.config))
        return
    homeserver = start_homeserver(request.config, tmp_path_factory.mktemp("homeserver"), {})
    yield homeserver
    assert homeserver.server is not None
    homeserver.server.stop()


@pytest.fixture
def homeserver(shared_homeserver: Homeserver) -> Iterator[Homeserver]:
    """The homeserver, tidied up after each test."""
    yield shared_homeserver
    shared_homeserver.clean_up()
    server = shared_homeserver.server
    if server is not None and server.process is not None and server.process.poll() is not None:
        raise ServerError(f"the server is gone\n{server.output()}")


@pytest.fixture
def own_homeserver(homeserver: Homeserver) -> Homeserver:
    """The homeserver, where the suite started it and has its command line."""
    if homeserver.server is None:
        pytest.skip("needs the server's command line: not at a given URL")
    return homeserver


@pytest.fixture(scope="session")
def running_configured(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Configured]:
    """Servers with a configuration of their own, one for each configuration."""
    running: dict[str, Homeserver] = {}

    def start(config: dict[str, Any]) -> Homeserver:
        key = json.dumps(config, sort_keys=True)
        if key not in running:
            folder = tmp_path_factory.mktemp("configured")
            running[key] = start_homeserver(request.config, folder, config)
        return running[key]

    yield start
    for homeserver in running.values():
        assert homeserver.server is not None
        homeserver.server.stop()


@pytest.fixture
def configured(request: pytest.FixtureRequest, running_configured: Configured) -> Configured:
    """Starts a server with this configuration of the module."""
    if request.config.getoption("--base-url"):
        pytest.skip("needs another configuration: not at a given URL")
    return running_configured


@pytest.fixture
def check(request: pytest.FixtureRequest, shared_homeserver: Homeserver) -> Check:
    """Compares, and notes what does not hold."""
    record = request.config.stash[RECORDER].record
    record.secrets = shared_homeserver.secrets
    return Check(record, row_of(request.node.name).basis)


@pytest.fixture
def fresh_accounts(homeserver: Homeserver) -> None:
    """For tests that count what a user has done before: given accounts have a past."""
    if homeserver.accounts:
        pytest.skip("needs an account without a past: not with --account")


@pytest.fixture
def user(homeserver: Homeserver) -> User:
    """A user of their own."""
    return homeserver.new_user()


@pytest.fixture
def other_user(homeserver: Homeserver, user: User) -> User:
    """Somebody else."""
    return homeserver.new_user()


@pytest.fixture
def service(homeserver: Homeserver) -> Service:
    """An application service without rate limits."""
    if "unlimited" not in homeserver.services:
        pytest.skip("needs an application service of the suite's own: not at a given URL")
    return homeserver.services["unlimited"]


@pytest.fixture
def limited_service(homeserver: Homeserver) -> Service:
    """An application service with rate limits."""
    if "limited" not in homeserver.services:
        pytest.skip("needs an application service of the suite's own: not at a given URL")
    return homeserver.services["limited"]
