"""The suite as a plugin of pytest: options, fixtures, order, time limits, and a verdict a test."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from matrix_device_conformance import options, reporting
from matrix_device_conformance.accounts import Accounts
from matrix_device_conformance.check import Check, NotJudged
from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.homeserver import Configured, Homeserver, Service, User
from matrix_device_conformance.order import FRESH, ordered
from matrix_device_conformance.preflight import PreflightError
from matrix_device_conformance.recording import Recorder
from matrix_device_conformance.rows import row_of
from matrix_device_conformance.server import ServerError
from matrix_device_conformance.starting import Homeservers
from matrix_device_conformance.time_limit import time_limit

RECORDER = pytest.StashKey[Recorder]()
CANNOT_BE_TESTED = 2  # the exit status
TIME_LIMIT_S = 60
MARKERS = (
    "capability(name): what a homeserver must have for this row; see --without",
    "last(n): run after all others, and among these by n",
    "limits: the row is about a rate limit, so that a 429 is not waited for",
    "peer_bug(peer, what, got=regex): a known bug that this catches, where what was got is so",
    f"time_limit(seconds, subject=False): in the place of {TIME_LIMIT_S} s; with subject the row"
    " is about that time, and is not kept where it is over",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """What is tested, and with whom."""
    options.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Markers, and the place for results."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    options.look_at(config)
    recorder = config.stash[RECORDER] = Recorder()
    config.pluginmanager.register(reporting.Reporting(config, recorder))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Function]) -> None:
    """Leave out what is not asked for; of the rest what costs least comes first."""
    rows = options.rows(config)
    items[:] = ordered([item for item in items if row_of(item.name).number in rows])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what is switched off."""
    item.config.stash[RECORDER].begin()
    needs = {mark.args[0] for mark in item.iter_markers("capability")}
    off = options.switched_off(item.config) & (needs | {row_of(item.name).number})
    if off:
        pytest.skip(f"switched off: {', '.join(sorted(off))}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, None]:
    """Within the time that the test has."""
    mark = item.get_closest_marker("time_limit")
    seconds = (mark.args[0] if mark else TIME_LIMIT_S) * TIME_FACTOR
    is_subject = bool(mark and mark.kwargs.get("subject"))
    with time_limit(seconds, is_subject=is_subject):
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, Any, None]:
    """Judge, and have pytest's own report say the same."""
    report = (yield).get_result()
    item.config.stash[RECORDER].end_of_phase(item, call, report)


def is_patient(item: pytest.Item) -> bool:
    """Whether a 429 is nothing that the row is about."""
    capabilities = [mark.args[0] for mark in item.iter_markers("capability")]
    about_limits = any(name.endswith("_limit") for name in capabilities)
    return not about_limits and item.get_closest_marker("limits") is None


@pytest.fixture(scope="session")
def homeservers(request: pytest.FixtureRequest) -> Iterator[Homeservers]:
    """All homeservers of the run."""
    try:
        homeservers = Homeservers(request.config, request.config.stash[RECORDER])
    except PreflightError as error:
        pytest.exit(str(error), CANNOT_BE_TESTED)
    yield homeservers
    homeservers.stop()


@pytest.fixture(scope="session")
def accounts(request: pytest.FixtureRequest, homeservers: Homeservers) -> Accounts:
    """The users of the homeserver under test, which is looked at before anything else."""
    try:
        return homeservers.main()
    except PreflightError as error:
        homeservers.stop()
        pytest.exit(request.config.stash[RECORDER].redactor.redact(str(error)), CANNOT_BE_TESTED)


@pytest.fixture
def homeserver(
    request: pytest.FixtureRequest, homeservers: Homeservers, accounts: Accounts
) -> Iterator[Homeserver]:
    """The homeserver, tidied up after each test."""
    homeserver = accounts.homeserver
    accounts.begin_test()
    for each in (homeserver, *homeservers.all()):
        each.pacing.is_patient = is_patient(request.node)
    yield homeserver
    homeserver.clean_up()
    server = homeserver.server
    if server is not None and server.process is not None and server.process.poll() is not None:
        raise ServerError(f"the server is gone\n{server.output()}")


@pytest.fixture
def own_homeserver(homeserver: Homeserver, configured: Configured) -> Homeserver:
    """The homeserver as it is without any setting."""
    return homeserver if homeserver.server is not None else configured({})


@pytest.fixture
def configured(
    request: pytest.FixtureRequest, homeserver: Homeserver, homeservers: Homeservers
) -> Configured:
    """A homeserver like the one under test with these settings of the module."""

    def started(settings: dict[str, Any]) -> Homeserver:
        other = homeservers.configured(settings)
        other.pacing.is_patient = is_patient(request.node)
        return other

    return started


@pytest.fixture
def check(request: pytest.FixtureRequest, homeserver: Homeserver) -> Check:
    """Compares, and notes what does not hold."""
    record = request.config.stash[RECORDER].record
    record.secrets = homeserver.secrets
    return Check(record, row_of(request.node.name).basis)


@pytest.fixture
def fresh_accounts() -> None:
    """With this fixture `user` is a user whom no other test gets, and who has no past."""


@pytest.fixture
def user(request: pytest.FixtureRequest, accounts: Accounts, homeserver: Homeserver) -> User:
    """A user; the test's own where the homeserver lets the suite make one for each.

    Otherwise tests share users: they have devices that others have made, and a number of wrong
    guesses behind them.
    """
    return accounts.fresh() if FRESH in request.fixturenames else accounts.user()


@pytest.fixture
def other_user(accounts: Accounts, user: User) -> User:
    """Somebody else."""
    return accounts.user()


@pytest.fixture
def service(homeserver: Homeserver) -> Service:
    """An application service without rate limits."""
    if "unlimited" not in homeserver.services:
        raise NotJudged("needs an application service without limits: --appservice …")
    return homeserver.services["unlimited"]


@pytest.fixture
def limited_service(homeserver: Homeserver) -> Service:
    """An application service with rate limits."""
    if "limited" not in homeserver.services:
        raise NotJudged("needs an application service with limits: --appservice …")
    return homeserver.services["limited"]
