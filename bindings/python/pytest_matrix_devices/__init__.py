"""A pytest plugin for authors of clients and bridges: a homeserver in a fixture.

    def test_list(matrix_device_server):
        matrix_device_server.add_user("alice", "correct horse")
        alice = matrix_device_server.login("alice", device_id="LAPTOP")
        my_client = MyClient(matrix_device_server.url, alice.access_token)
        assert my_client.devices() == ["LAPTOP"]

Each test has a server of its own, on a free port, within milliseconds. The marker
``matrix_devices`` and the ini options ``matrix_devices_host`` and ``matrix_devices_config``
change it; docs/testing_clients.md has examples.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:  # at run time not before a test asks: pytest loads this module everywhere
    from matrix_devices.accounts import Login, Service
    from matrix_devices.clock import Clock
    from matrix_devices.databases import SqliteHost
    from matrix_devices.memory import AsyncMemoryHost, MemoryHost
    from matrix_devices.records import Request, Response
    from matrix_devices.server import Server

_Hook = TypeVar("_Hook", bound=Callable[..., Any])
HOSTS = ("memory", "async", "sqlite")


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request and its answer. Bodies and query may hold secrets, so ``repr`` leaves them out."""

    method: str
    path: str  # raw, without the query
    status: int
    errcode: str | None  # of the answer, where it has one
    query: str = field(repr=False)  # raw
    json: Any = field(repr=False)  # the request's body; None: it is no JSON object that is taken
    answer: Any = field(repr=False)  # the answer's body; None: there is none, or it is not JSON


@dataclass(frozen=True, slots=True)
class Options:
    """What the marker takes."""

    host: str = "memory"  # "memory", "async" (the same with coroutines) or "sqlite"
    config: Mapping[str, Any] = field(default_factory=dict)  # docs/configuration.md
    server_name: str = "example.org"
    open_registration: bool = True
    limits: bool = False  # on logins and registrations: docs/accounts.md, T5 and T6


_KINDS: Mapping[str, type] = {
    "host": str,
    "config": Mapping,
    "server_name": str,
    "open_registration": bool,
    "limits": bool,
}


class DeviceServer:
    """A running homeserver, and everything a test does to it. Any thread."""

    def __init__(self, options: Options, folder: Path) -> None:
        """Start it; ``folder`` is where a database goes."""
        from matrix_devices.server import AttemptLimits, Server

        self._host = _make_host(options, folder)
        self._requests: list[LoggedRequest] = []
        self._server: Server = Server(
            self._host,
            options.config,
            open_registration=options.open_registration,
            limits=AttemptLimits() if options.limits else None,
            observer=self._log,
        )
        self._server.start()

    def __repr__(self) -> str:
        return f"<DeviceServer {self.url}, {len(self._requests)} requests>"

    @property
    def url(self) -> str:
        """Its base URL, without a slash at the end."""
        return self._server.url

    @property
    def server_name(self) -> str:
        """What stands after the colon of user IDs."""
        return self._host.server_name

    @property
    def host(self) -> MemoryHost | AsyncMemoryHost | SqliteHost:
        """The host, with all that ``Accounts`` has: locking, deactivating, passwords, logout."""
        return self._host

    @property
    def clock(self) -> Clock:
        """The homeserver's clock: ``clock.advance(hours=1)``."""
        return self._host.clock

    @property
    def requests(self) -> Sequence[LoggedRequest]:
        """What was answered so far, in the order of the answers."""
        return tuple(self._requests)

    def add_user(self, name: str, password: str | None = None) -> str:
        """Add an account; returns the full user ID. Without a password it can't delete devices."""
        return self._host.add_user(name, password)

    def login(
        self,
        name: str,
        *,
        device_id: str | None = None,
        display_name: str | None = None,
        refreshable: bool = False,
        lifetime_ms: int | None = None,
    ) -> Login:
        """Log in without a password: a device and its token. See ``Accounts.login``."""
        return self._host.login(
            name,
            device_id=device_id,
            display_name=display_name,
            refreshable=refreshable,
            lifetime_ms=lifetime_ms,
        )

    def add_service(
        self,
        id: str,
        *user_regexes: str,
        as_token: str | None = None,
        sender_localpart: str | None = None,
        exclusive: bool = True,
        rate_limited: bool = True,
    ) -> Service:
        """Register an application service for users whose full IDs match one of the expressions.

        By default with a token of its own and the sender ``{id}_bot``. Returns its registration.
        """
        from matrix_devices.accounts import Namespace, Service

        service = Service(
            id,
            as_token or secrets.token_urlsafe(32),
            sender_localpart or f"{id}_bot",
            tuple(Namespace(regex, exclusive) for regex in user_regexes),
            rate_limited,
        )
        self._host.add_service(service)
        return service

    def fail_next(
        self, method: str, error: BaseException | type[BaseException], *, times: int = 1
    ) -> None:
        """Let the next calls of a method of the host fail; see ``MemoryHost.fail_next``.

        TypeError: a host of the kind "sqlite" can't be made to.
        """
        self._faulty_host().fail_next(method, error, times=times)

    def delay_next(self, method: str, seconds: float, *, times: int = 1) -> None:
        """Let the next calls take longer; see ``MemoryHost.delay_next``. TypeError likewise."""
        self._faulty_host().delay_next(method, seconds, times=times)

    def stop(self) -> None:
        """Stop it, as a homeserver that is gone. Idempotent; the fixture does it in the end."""
        from matrix_devices.databases import SqliteHost

        self._server.stop()
        if isinstance(self._host, SqliteHost):
            self._host.close()

    def _faulty_host(self) -> MemoryHost | AsyncMemoryHost:
        from matrix_devices.databases import SqliteHost

        if isinstance(self._host, SqliteHost):
            raise TypeError(
                'no faults can be planted in a host of the kind "sqlite": use '
                '@pytest.mark.matrix_devices(host="memory") or "async"'
            )
        return self._host

    def _log(self, request: Request, response: Response) -> None:
        path, _, query = request.target.partition("?")
        answer = _json_or_none(response.body)
        errcode = answer.get("errcode") if isinstance(answer, dict) else None
        self._requests.append(
            LoggedRequest(
                request.method,
                path,
                response.status,
                errcode,
                query,
                _object_or_none(request.body),
                answer,
            )
        )


def pytest_addoption(parser: pytest.Parser) -> None:
    """The ini options."""
    parser.addini(
        "matrix_devices_host", f"host of matrix_device_server: {', '.join(HOSTS)}", default="memory"
    )
    parser.addini(
        "matrix_devices_config", "configuration of its module: a JSON object", default="{}"
    )


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    config.addinivalue_line(
        "markers",
        "matrix_devices(host=, config=, server_name=, open_registration=, limits=):"
        " how this test's matrix_device_server is made",
    )


@pytest.fixture
def matrix_device_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DeviceServer]:
    """A Matrix homeserver of accounts and devices, running and empty."""
    options = _options(request)
    folder = tmp_path_factory.mktemp("matrix_devices") if options.host == "sqlite" else Path()
    server = _start(options, folder)
    try:
        yield server
    finally:
        server.stop()


_around: Callable[[_Hook], _Hook] = pytest.hookimpl(hookwrapper=True)


@_around
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Show what was asked of the server, where a test fails."""
    report = (yield).get_result()
    server = getattr(item, "funcargs", {}).get("matrix_device_server")
    if report.when == "call" and report.failed and isinstance(server, DeviceServer):
        lines = [
            f"{logged.method} {logged.path} -> {logged.status} {logged.errcode or ''}".rstrip()
            for logged in server.requests
        ]
        report.sections.append(("matrix_device_server requests", "\n".join(lines) or "none"))


def _start(options: Options, folder: Path) -> DeviceServer:
    from matrix_devices.errors import ConfigurationError

    try:
        return DeviceServer(options, folder)
    except ConfigurationError as error:  # where it was raised is of no use to who reads it
        raise pytest.UsageError(f"matrix_device_server: {error}") from None


def _options(request: pytest.FixtureRequest) -> Options:
    config = _json_or_none(str(request.config.getini("matrix_devices_config")).encode())
    if not isinstance(config, dict):
        raise pytest.UsageError(
            "the ini option matrix_devices_config is no JSON object; give one, such as "
            '{"max_devices_per_user": 3}'
        )
    given: dict[str, Any] = {"host": request.config.getini("matrix_devices_host"), "config": config}
    for mark in reversed(list(request.node.iter_markers("matrix_devices"))):  # the nearest wins
        if mark.args:
            raise pytest.UsageError(
                "the marker matrix_devices takes keyword arguments only, such as "
                '@pytest.mark.matrix_devices(host="sqlite")'
            )
        given.update(mark.kwargs)
    for name, value in given.items():
        kind = _KINDS.get(name)
        if kind is None:
            raise pytest.UsageError(
                f"the marker matrix_devices has no argument {name}; there are {', '.join(_KINDS)}"
            )
        if not isinstance(value, kind):
            raise pytest.UsageError(
                f"the marker matrix_devices: {name} is of the type {type(value).__name__}; give a "
                f"{kind.__name__}"
            )
    options = Options(**given)
    if options.host not in HOSTS:
        raise pytest.UsageError(
            f"matrix_devices: there is no host {options.host!r}; give one of {', '.join(HOSTS)}"
        )
    return options


def _make_host(options: Options, folder: Path) -> MemoryHost | AsyncMemoryHost | SqliteHost:
    from matrix_devices.databases import SqliteHost
    from matrix_devices.memory import AsyncMemoryHost, MemoryHost

    if options.host == "sqlite":
        return SqliteHost(folder / "devices.db", server_name=options.server_name)
    if options.host == "async":
        return AsyncMemoryHost(options.server_name)
    return MemoryHost(options.server_name)


def _json_or_none(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _object_or_none(body: bytes) -> dict[str, Any] | None:
    """What a client has sent, as the server reads it."""
    from matrix_devices import _core

    try:
        return _core.read_json_object(body)
    except _core.JsonError:
        return None
