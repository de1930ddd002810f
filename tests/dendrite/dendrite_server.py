"""A Dendrite in a folder of its own, on SQLite, PostgreSQL or both."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from matrix_device_conformance.client import TIME_FACTOR, Client
from matrix_device_conformance.ports import own_port
from matrix_device_conformance.server import SERVER_NAME, ServerError, poll
from matrix_device_conformance.services import Service

REPOSITORY = Path(__file__).resolve().parents[2]
BUILT = REPOSITORY / "build" / "dendrite"  # by tests/dendrite/setup
LIBRARY = Path(
    os.environ.get("MATRIX_DEVICES_LIBRARY", REPOSITORY / "build/release/out/libmatrix_devices.so")
)
COMPONENTS = {
    "federation_api": "database",
    "key_server": "database",
    "media_api": "database",
    "room_server": "database",
    "sync_api": "database",
    "user_api": "account_database",
}


class Dendrite:
    """One process."""

    def __init__(
        self,
        folder: Path,
        *,
        with_module: bool = True,
        databases: Mapping[str, str] | None = None,
        services: Sequence[Service] = (),
        settings: Mapping[str, Any] | None = None,
        library: Path = LIBRARY,
        changes: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """`databases`: a URL for a component, or for all others under `""`; SQLite without."""
        self.folder = folder
        self.with_module = with_module
        self.settings = settings
        self.library = library
        self.process: subprocess.Popen[bytes] | None = None
        self.port = own_port()
        self.client = Client(f"http://127.0.0.1:{self.port}")
        folder.mkdir(exist_ok=True)
        if not (folder / "matrix_key.pem").exists():
            run(BUILT / "generate-keys", "--private-key", folder / "matrix_key.pem")
        config = yaml.safe_load(
            run(BUILT / "generate-config", "-ci", "-dir", f"{folder}/", "-server", SERVER_NAME)
        )
        config["global"]["private_key"] = str(folder / "matrix_key.pem")
        config["global"]["disable_federation"] = True
        config["logging"] = [{"type": "std", "level": "info"}]
        for component, name in COMPONENTS.items():
            url = (databases or {}).get(component) or (databases or {}).get("")
            if url:
                config[component][name] |= {"connection_string": url, "max_open_conns": 10}
        self.connections = {
            component: config[component][name]["connection_string"]
            for component, name in COMPONENTS.items()
        }
        for section, values in (changes or {}).items():
            config[section] |= values
        config["app_service_api"]["config_files"] = [str(each.write(folder)) for each in services]
        for each in config["app_service_api"]["config_files"]:
            registration = Path(each)  # Dendrite insists on a URL
            text = registration.read_text().replace("url: null", "url: http://127.0.0.1:9")
            registration.write_text(text)
        (folder / "dendrite.yaml").write_text(yaml.safe_dump(config))

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder / "dendrite.log"

    def start(self) -> Dendrite:
        """Start it, and wait until it answers."""
        name = "dendrite-matrix-devices" if self.with_module else "dendrite"
        command: list[str | Path] = [BUILT / name, "-config", self.folder / "dendrite.yaml"]
        command += ["-http-bind-address", f"127.0.0.1:{self.port}"]
        command += ["-really-enable-open-registration"]
        if self.with_module:
            command += ["-matrix-devices-module", self.library]
            if self.settings is not None:
                path = self.folder / "settings.json"
                path.write_text(json.dumps(self.settings))
                command += ["-matrix-devices-config", path]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT
            )
        poll(self._answers, 60, "Dendrite answers")
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise ServerError(f"it ended with {self.process.returncode}\n{self.tail()}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()
        except OSError:
            return False
        return True

    def tail(self) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-40:])

    def signal(self, number: int) -> None:
        """Send the process a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, seconds: float = 60) -> int:
        """Its exit status."""
        assert self.process is not None
        status = self.process.wait(seconds * TIME_FACTOR)
        self.process = None
        return status

    def stop(self) -> None:
        """Stop it as an operator does."""
        self.signal(signal.SIGTERM)
        if (status := self.wait()) != 0:
            raise ServerError(f"it ended with {status}\n{self.tail()}")

    def kill(self) -> None:
        """End it, if it runs."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def sqlite(self, component: str, statement: str) -> list[tuple[Any, ...]]:
        """Run SQL in a component's file."""
        path = self.connections[component].removeprefix("file:")
        with contextlib.closing(sqlite3.connect(path, 30)) as file:
            rows = file.execute(statement).fetchall()
            file.commit()
        return rows

    def misbehaving(self) -> list[str]:
        """Lines of the log about a host that broke its contract."""
        return re.findall(r".*misbehaving=true.*", self.log.read_text(errors="replace"))


def run(*command: str | Path) -> str:
    """Run it; its output."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def appservice_option(service: Service) -> str:
    """Tells the suite of it; its token is in the environment."""
    is_limited = "yes" if service.rate_limited else "no"
    return (
        f"--appservice=token-env=MXD_TOKEN_{service.name},prefix={service.prefix}"
        f",sender={service.sender},rate-limited={is_limited}"
    )
