"""Real Synapse processes, shared by the tests of a version: with the module and without it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts import DelegatedSite, Site
from fakes import FakeAuthenticationService, FakeCas
from matrix_device_conformance.homeserver import Device, User
from synapse_installation import Installation, installation, known_versions
from synapse_process import Process
from synapse_server import Options, Synapse, SynapseService

SHOWN_LOG = 10_000
SHOWN_LINE = 400
GRACE_PERIOD = "1h"
MAX_DEVICES = 20  # that application services may make for a user, where there is a cap
SITES = pytest.StashKey["Sites"]()
VERSIONS = pytest.StashKey[list[str]]()
MASQUERADING = {"org.matrix.msc3202": True, "io.element.msc4190": True}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which Synapse."""
    group = parser.getgroup("matrix-devices in Synapse")
    group.addoption(
        "--synapse",
        action="append",
        metavar="VERSION",
        help="test with this version only (default: those of versions.txt)",
    )
    group.addoption(
        "--stock",
        action="store_true",
        help="leave the module out: tests marked `better` must then fail, and all others pass",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Markers and versions."""
    # One list for all: pytest compares the parameters of fixtures by identity.
    config.stash[VERSIONS] = config.getoption("--synapse") or known_versions()
    config.addinivalue_line(
        "markers", "better(*versions): Synapse without the module (in these versions) is worse"
    )
    config.addinivalue_line("markers", "module: looks at the module itself, not at its answers")
    config.addinivalue_line("markers", "rough: errors in Synapse's log are part of the test")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without the module, what is better with it must fail."""
    if not config.getoption("--stock"):
        return
    for item in items:
        if item.get_closest_marker("module"):
            item.add_marker(pytest.mark.skip(reason="needs the module"))
        elif (better := item.get_closest_marker("better")) and (
            not better.args or version_of(item) in better.args
        ):
            item.add_marker(pytest.mark.xfail(strict=True, reason="Synapse's own is worse"))


def version_of(item: pytest.Item) -> str:
    """The version of Synapse that a test is for."""
    assert isinstance(item, pytest.Function)
    return str(item.callspec.params["version"])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test runs with every version."""
    if "version" in metafunc.fixturenames:
        versions = metafunc.config.stash[VERSIONS]
        metafunc.parametrize("version", versions, indirect=True, scope="session")


class Sites:
    """The running Synapses of one version, started when a test first asks for them."""

    def __init__(self, folder: Callable[[str], Path], installed: Installation, stock: bool) -> None:
        self.folder = folder
        self.installed = installed
        self.stock = stock
        self.running: dict[str, Synapse] = {}
        self.sites: dict[str, Site] = {}
        self.delegated: DelegatedSite | None = None
        self.fakes: list[Any] = []
        self.log_held = folder("held") / "log_held"  # while there is such a file
        self._failures: dict[str, Exception] = {}
        self._marks: dict[Process, tuple[int, int]] = {}

    def start(self, name: str, options: Options) -> Synapse:
        """Start one; it stops with the others. What failed once is not tried for each test."""
        if name in self._failures:
            raise self._failures[name]
        synapse = Synapse(self.folder(name), self.installed, options)
        try:
            synapse.start()
        except Exception as error:
            self._failures[name] = error
            raise
        self.running[name] = synapse
        return synapse

    def site(self, name: str, make_options: Callable[[], Options]) -> Site:
        """The site with this name."""
        if name not in self.sites:
            self.sites[name] = Site(self.start(name, make_options()))
        return self.sites[name]

    def module(self, config: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """The module's configuration; None to leave it out."""
        return None if self.stock else config or {}

    @property
    def processes(self) -> list[Process]:
        """All processes that run."""
        return [each for synapse in self.running.values() for each in synapse.processes]

    def mark(self) -> None:
        """A test begins: what is in the logs now is not its doing."""
        self._marks = {each: (each.runs, each.position()) for each in self.processes}

    def since(self, process: Process) -> int:
        """Where the present test's part of this log begins."""
        runs, position = self._marks.get(process, (0, 0))
        return position if runs == process.runs else 0

    def stop(self) -> None:
        """Stop all, and look through their logs once more."""
        try:
            for synapse in self.running.values():
                synapse.stop()
                synapse.expect_contexts_kept()
        finally:
            for synapse in self.running.values():
                synapse.kill()
            for fake in self.fakes:
                fake.stop()


@pytest.fixture(scope="session")
def version(request: pytest.FixtureRequest) -> str:
    """The version of Synapse under test."""
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="session")
def installed(version: str) -> Installation:
    """The version under test."""
    return installation(version)


@pytest.fixture(scope="session")
def sites(
    request: pytest.FixtureRequest,
    installed: Installation,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Sites]:
    """The running Synapses of the version under test."""

    def folder(name: str) -> Path:
        return tmp_path_factory.mktemp(f"{installed.version}-{name}")

    made = Sites(folder, installed, request.config.getoption("--stock"))
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _watch_logs(request: pytest.FixtureRequest, sites: Sites) -> Iterator[None]:
    """No test loses a log context, or leaves an error to nobody."""
    request.node.stash[SITES] = sites
    sites.mark()
    yield
    for process in sites.processes:
        if process.process is None:
            continue
        process.expect_contexts_kept(sites.since(process))
        if request.node.get_closest_marker("rough") is None:
            process.expect_nothing_unhandled(sites.since(process))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Show what Synapse logged, where a test fails."""
    report = (yield).get_result()
    if report.failed and SITES in item.stash:
        sites = item.stash[SITES]
        for name, synapse in sites.running.items():
            for process in synapse.processes:
                if not process.log_path.exists():
                    continue
                lines = process.output()[sites.since(process) :].splitlines()
                logged = "\n".join(line[:SHOWN_LINE] for line in lines)
                report.sections.append((f"{name}: {process.name}", logged[-SHOWN_LOG:]))


def services() -> list[SynapseService]:
    """Two application services as bridges register them."""
    return [
        SynapseService("limited", True, extra=MASQUERADING),
        SynapseService("unlimited", False, extra=MASQUERADING),
    ]


def unsorting_seed(installed: Installation) -> str:
    """A PYTHONHASHSEED under which a set has password and single sign-on in the wrong order."""
    probe = "import sys; sys.exit(next(iter({'m.login.password', 'm.login.sso'}))[-1] != 'o')"
    for seed in range(1, 100):
        environment = {"PYTHONHASHSEED": str(seed)}
        if subprocess.run([installed.python, "-c", probe], env=environment, check=False).returncode:
            continue
        return str(seed)
    raise AssertionError("no such seed below 100")


@pytest.fixture(scope="session")
def cas(sites: Sites) -> FakeCas:
    """The single sign-on server of all sites of a version."""
    fake = FakeCas()
    sites.fakes.append(fake)
    return fake


def everything(sites: Sites, cas: FakeCas, module: dict[str, Any] | None, **rest: Any) -> Options:
    """Single sign-on, application services, accounts that expire, a log that can be held."""
    expiring = {"module": "expired_accounts.ExpiredAccounts", "config": {"prefix": "expired"}}
    holding = {"module": "holds_log.HoldsLog", "config": {"while": str(sites.log_held)}}
    config = {
        "cas_config": cas.config(),
        "track_appservice_user_ips": True,
        "track_puppeted_user_ips": True,
        **rest.pop("config", {}),
    }
    return Options(
        module=module,
        config=config,
        services=services(),
        other_modules=[expiring, holding],
        environment={"PYTHONHASHSEED": unsorting_seed(sites.installed)},
        check_contexts=True,
        **rest,
    )


@pytest.fixture(scope="session")
def site(sites: Sites, cas: FakeCas) -> Site:
    """The module in a Synapse on SQLite."""
    return sites.site("module", lambda: everything(sites, cas, sites.module()))


@pytest.fixture(scope="session")
def stock(sites: Sites, cas: FakeCas) -> Site:
    """The same Synapse without the module."""
    return sites.site("stock", lambda: everything(sites, cas, None))


@pytest.fixture(scope="session")
def strict(sites: Sites, cas: FakeCas) -> Site:
    """The module with strict body binding, in a Synapse with a grace period, compression, and the
    option by which versions before those known took the alias of `device_id`."""
    module = sites.module({"uia": {"body_binding": "strict"}})
    config = {
        "ui_auth": {"session_timeout": GRACE_PERIOD},
        "experimental_features": {"msc3202_device_masquerading": True},
    }
    return sites.site(
        "strict", lambda: everything(sites, cas, module, config=config, compress=True)
    )


@pytest.fixture(scope="session")
def workers(sites: Sites, cas: FakeCas) -> Site:
    """The module, with a cap, in a main process and a worker, on PostgreSQL and Redis."""
    module = sites.module({"max_devices_per_user": MAX_DEVICES})
    return sites.site("workers", lambda: everything(sites, cas, module, worker=True))


@pytest.fixture(params=["site", "workers"], ids=["SQLite", "PostgreSQL"])
def anywhere(request: pytest.FixtureRequest) -> Site:
    """A Synapse on either database."""
    site: Site = request.getfixturevalue(request.param)
    return site


@pytest.fixture(scope="session")
def delegated(sites: Sites) -> DelegatedSite:
    """The module in a Synapse that leaves accounts to an authentication service."""
    if sites.delegated is None:
        fake = FakeAuthenticationService()
        sites.fakes.append(fake)
        options = Options(
            module=sites.module({"account_management_url": "https://account.example.org/manage"}),
            config=fake.config(),
            services=services(),
            check_contexts=True,
        )
        sites.delegated = DelegatedSite(sites.start("delegated", options), fake)
    return sites.delegated


@pytest.fixture
def user(site: Site) -> User:
    """A user of `site`."""
    return site.new_user()


@pytest.fixture
def device(user: User) -> Device:
    """A device of that user."""
    return user.login(name="laptop")
