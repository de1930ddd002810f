"""Brings the homeservers of a run about: one at a URL, or our own server with everything."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from matrix_device_conformance import options
from matrix_device_conformance.accounts import Accounts
from matrix_device_conformance.client import TIME_FACTOR, Client
from matrix_device_conformance.homeserver import Homeserver, PreconditionError, Service
from matrix_device_conformance.hooks import CommandHooks, Hooks, NoSuchHook, ServerHooks
from matrix_device_conformance.preflight import UNKNOWN, PreflightError, preflight, software
from matrix_device_conformance.recording import Recorder
from matrix_device_conformance.server import Server, ServerError, server_binary

STOP_S = 20 * TIME_FACTOR


class Without:
    """Hooks, but for those that are switched off."""

    def __init__(self, hooks: Hooks, names: set[str]) -> None:
        self._hooks = hooks
        self._names = names

    def offers(self, name: str) -> bool:
        """Whether there is this hook, and it is not switched off."""
        return name not in self._names and self._hooks.offers(name)

    def call(self, name: str, *, stdin: str = "", **values: str) -> str:
        """Run it."""
        if name in self._names:
            raise NoSuchHook(name)
        return self._hooks.call(name, stdin=stdin, **values)


class Homeservers:
    """The homeserver that a run is about, and more with other settings of the module."""

    def __init__(self, config: pytest.Config, recorder: Recorder) -> None:
        self._config = config
        self._recorder = recorder
        self._base_url = config.getoption("--base-url")
        self._binary = server_binary(config.getoption("--server"))
        if self._base_url is None and self._binary is None:
            raise pytest.UsageError("give --base-url URL, --server FILE or env MXD_SERVER")
        self._commands = CommandHooks(options.hooks(config))
        self._services = options.services(config)
        self._accounts = options.accounts(config)
        self._running: dict[str, Homeserver] = {}  # by their settings
        self._ends = ExitStack()
        for _name, password in self._accounts:
            recorder.redactor.add(password, "password")
        for service in self._services:
            recorder.redactor.add(service.as_token, "token")

    def main(self) -> Accounts:
        """The homeserver of the run and its users; PreflightError where it cannot be tested."""
        homeserver = self._at_url(self._base_url) if self._base_url else self._started({})
        accounts = preflight(homeserver)
        self._recorder.url = homeserver.client.base_url
        self._recorder.software = software(homeserver.client)
        if homeserver.server is not None:
            self._recorder.software = own_software(homeserver.server)
        self._recorder.limits = lambda: str(homeserver.pacing)
        self._ends.callback(homeserver.log_out)
        return accounts

    def configured(self, settings: dict[str, Any]) -> Homeserver:
        """One like it with these settings of the module."""
        key = json.dumps(settings, sort_keys=True)
        if key not in self._running:
            start = self._served if self._base_url else self._started
            self._running[key] = start(settings)
        return self._running[key]

    def all(self) -> list[Homeserver]:
        """Those of `configured`."""
        return list(self._running.values())

    def stop(self) -> None:
        """Stop what was started."""
        self._ends.close()

    def _at_url(self, url: str) -> Homeserver:
        parts = urlsplit(url)
        try:
            is_url = parts.scheme in ("http", "https") and bool(parts.hostname)
            _ = parts.port
        except ValueError:
            is_url = False
        if not is_url:
            raise PreflightError(f"URL {url}: expected http://… or https://…")
        return self._watched(
            Homeserver(
                Client(url, self._recorder.note),
                services=[replace(service) for service in self._services],
                accounts=self._accounts,
                hooks=self._commands,
            )
        )

    def _watched(self, homeserver: Homeserver) -> Homeserver:
        homeserver.pacing.say = self._recorder.say
        homeserver.client.observer = self._recorder.note
        homeserver.client.patience = homeserver.pacing.have_patience
        return homeserver

    def _served(self, settings: dict[str, Any]) -> Homeserver:
        """One that the hook `configure` serves."""
        folder = Path(self._ends.enter_context(tempfile.TemporaryDirectory()))
        path = folder / "settings.json"
        path.write_text(json.dumps(settings))
        values = {"file": str(path), "url": str(self._base_url)}
        line = self._commands.line("configure", values)
        process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise PreconditionError(
                f"the hook configure printed no URL and ended with status {process.wait()}"
            )
        self._ends.callback(ended, process)
        return self._at_url(url)

    def _started(self, settings: dict[str, Any]) -> Homeserver:
        """Our own server, with open registration and two application services.

        It leaves out what is not known, as the rows say of a module without configuration: its own
        default differs (T13), and is tested in tests/e2e.
        """
        folder = Path(self._ends.enter_context(tempfile.TemporaryDirectory()))
        services = [Service("limited", True), Service("unlimited", False)]
        arguments = ["--open-registration", "--no-rate-limits"]
        for service in services:
            arguments += ["--appservice", str(service.write(folder))]
        path = folder / "config.json"
        path.write_text(json.dumps({"unknown_fields": "omit", **settings}))
        arguments += ["--config", str(path)]
        assert self._binary is not None
        server = Server(self._binary, folder, arguments)
        try:
            server.start()
        except (OSError, ServerError) as error:
            raise PreflightError(f"--server: {shlex.quote(self._binary)}: {error}") from None
        self._ends.callback(server.stop)
        hooks = ServerHooks(server, services[1].new_user)
        homeserver = Homeserver(
            server.client,
            server=server,
            services=services,
            hooks=Without(hooks, options.switched_off(self._config)),
        )
        return self._watched(homeserver)


def own_software(server: Server) -> tuple[str, str]:
    """Name and version, as the program says them."""
    said = subprocess.run(
        [server.binary, "--version"], capture_output=True, text=True, check=False
    ).stdout.split()
    return (" ".join(said[:-1]), said[-1]) if len(said) > 1 else (Path(server.binary).name, UNKNOWN)


def ended(process: subprocess.Popen[str]) -> None:
    """Stop a command with SIGTERM, and with SIGKILL where that does not help."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
