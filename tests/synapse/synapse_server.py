"""Starts, stops and watches real Synapse processes, with or without the module."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import secrets
import signal
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cluster import Cluster, Database
from matrix_device_conformance.client import TIME_FACTOR, Client
from matrix_device_conformance.homeserver import Service
from matrix_device_conformance.server import SERVER_NAME, ServerError, poll
from programs import USER
from redis_server import Redis

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
ENVIRONMENTS = REPOSITORY / "build" / "synapse"
MODULE = "matrix_devices.synapse.DeviceModule"
MODULE_FOLDER = HERE / "modules"  # small modules for Synapse that tests need

# Where one of these turns up, a log context went missing, or code ran in the wrong one. The names
# are Synapse's loggers; the texts are what the check of SYNAPSE_TEST_PATCH_LOG_CONTEXTS writes to
# standard error, or raises.
CONTEXT_LOGGER = "synapse.logging.context"
CONTEXT_LOST = re.compile(
    r"[Ll]og(?:ging )? ?context .* (?:was lost|but found)"
    r"|changed context from .* to "
    r"|returned incomplete deferred in non-sentinel context"
    r"|yielded with context .* rather than sentinel"
    r"|Re-starting (?:finished|already-active) log context"
    r"|Called stop on logcontext"
    r"|(?:Started|Stopped) logcontext .* on different thread"
    r"|metrics will be lost"
)
UNHANDLED = re.compile(r"Unhandled [Ee]rror|was never retrieved|coroutine .* was never awaited")
LISTENING = re.compile(r"Synapse now listening on TCP port")
TCP_LISTEN = "0A"  # the state in /proc/net/tcp
RECORD = re.compile(r"(DEBUG|INFO|WARNING|ERROR|CRITICAL)\|([\w.\-]+)\|(\S*)\|(.*)")

NO_LIMIT = {"per_second": 1e6, "burst_count": 1_000_000}


@dataclass(frozen=True)
class Installation:
    """A version of Synapse, and the Python that it is installed for."""

    version: str
    python: str


def known_versions() -> list[str]:
    """Those of versions.txt, newest first."""
    lines = (HERE / "versions.txt").read_text().splitlines()
    return [line.split()[0] for line in lines if line and not line.startswith("#")]


def installation(version: str) -> Installation:
    """The environment that tests/synapse/setup made for this version."""
    python = ENVIRONMENTS / version / "bin" / "python"
    if not python.exists():
        raise ServerError(f"Synapse {version} is not there: run tests/synapse/setup")
    return Installation(version, str(python))


def process_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a Synapse process, with what MXD_SYNAPSE_PYTHONPATH adds."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    extra = dict(extra or {})
    folders = [
        extra.pop("MXD_FIRST_PYTHONPATH", ""),
        str(MODULE_FOLDER),
        os.environ.get("MXD_SYNAPSE_PYTHONPATH", ""),
    ]
    environment["PYTHONPATH"] = os.pathsep.join(folder for folder in folders if folder)
    environment["PYTHONUNBUFFERED"] = "1"
    environment.update(extra)
    return environment


@dataclass(frozen=True)
class Record:
    """A line of the log, with a traceback if it has one."""

    level: str
    logger: str
    request: str
    message: str


class Process:
    """One operating system process of Synapse, and its log over all its runs."""

    def __init__(
        self,
        name: str,
        application: str,
        folder: Path,
        installed: Installation,
        configs: Sequence[Path],
        environment: Mapping[str, str],
    ) -> None:
        self.name = name
        self.application = application
        self.folder = folder
        self.installed = installed
        self.configs = list(configs)
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None
        self.client = Client("http://127.0.0.1:1")
        self.runs = 0

    @property
    def log_path(self) -> Path:
        """Where the present run's log, standard output and standard error are kept."""
        return self.folder / f"{self.name}.{self.runs}.log"

    def spawn(self) -> None:
        """Start without waiting."""
        self.runs += 1
        command = [self.installed.python, "-m", self.application]
        for path in self.configs:
            command += ["-c", str(path)]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=process_environment(self.environment),
            )

    def start(self) -> None:
        """Start and wait until it serves."""
        self.spawn()
        self.wait_until_listening()

    def wait_until_listening(self) -> None:
        """Wait until it says that it listens, and answers."""
        poll(self._is_listening, 90, f"Synapse's {self.name} process listens: {self.log_path}")

    def _is_listening(self) -> bool:
        if LISTENING.search(self.output()):
            self.client = Client(f"http://127.0.0.1:{self._port()}")
            return self._answers()
        if self.process is not None and self.process.poll() is not None:
            raise ServerError(
                f"Synapse's {self.name} process ended with {self.process.returncode}"
                f" at its start\n{self.tail()}"
            )
        return False

    def _port(self) -> int:
        """The port that the system chose: Synapse's log tells only what was asked for, 0."""
        assert self.process is not None
        sockets = set()
        for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                sockets.add(os.readlink(descriptor))
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == TCP_LISTEN and f"socket:[{fields[9]}]" in sockets:
                return int(fields[1].split(":")[1], 16)
        raise ServerError(f"{self.name} listens on no TCP port\n{self.tail()}")

    def _answers(self) -> bool:
        try:
            return self.client.request("GET", "/health").status == 200
        except OSError:
            return False

    def output(self) -> str:
        """All that the present run has written."""
        if not self.log_path.exists():
            return ""
        return self.log_path.read_text(errors="replace")

    def tail(self, characters: int = 8000) -> str:
        """The end of the output, to show where something failed."""
        return self.output()[-characters:]

    def position(self) -> int:
        """How far the log has come; for `records`."""
        return self.log_path.stat().st_size

    def records(self, since: int = 0) -> list[Record]:
        """The log's lines from a position on; what belongs to none is a line of its own."""
        with self.log_path.open("rb") as log:
            log.seek(since)
            lines = log.read().decode(errors="replace").splitlines()
        found: list[Record] = []
        for line in lines:
            match = RECORD.match(line)
            if match:
                found.append(Record(*match.groups()))
            elif found and found[-1].logger:
                last = found.pop()
                found.append(
                    Record(last.level, last.logger, last.request, f"{last.message}\n{line}")
                )
            else:
                found.append(Record("", "", "", line))
        return found

    def errors(self, since: int = 0) -> list[Record]:
        """Records of level ERROR and above."""
        return [record for record in self.records(since) if record.level in ("ERROR", "CRITICAL")]

    def expect_contexts_kept(self, since: int = 0) -> None:
        """Fail where Synapse noticed a lost or mistaken log context."""
        for record in self.records(since):
            noticed = record.logger == CONTEXT_LOGGER and record.level not in ("DEBUG", "INFO")
            if noticed or CONTEXT_LOST.search(record.message):
                raise ServerError(f"{self.name}: a log context went missing\n{record.message}")

    def expect_nothing_unhandled(self, since: int = 0) -> None:
        """Fail on an error that nobody handled, and on a coroutine that nobody awaited."""
        for record in self.records(since):
            if record.level == "CRITICAL" or UNHANDLED.search(record.message):
                raise ServerError(f"{self.name}: unhandled\n{record.message}")

    @property
    def rss_kib(self) -> int:
        """Resident memory of the process in KiB."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1])

    def signal(self, number: int) -> None:
        """Send a signal to the process."""
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, seconds: float = 30) -> int:
        """Wait for the end of the process; its exit status."""
        assert self.process is not None
        try:
            status = self.process.wait(seconds * TIME_FACTOR)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.process = None
            raise ServerError(
                f"{self.name}: still running after {seconds} s\n{self.tail()}"
            ) from None
        self.process = None
        return status

    def kill(self) -> None:
        """End the process as a power cut would."""
        if self.process is not None:
            self.signal(signal.SIGKILL)
            self.wait()

    def stop(self) -> None:
        """Stop with SIGTERM; anything but a clean end is a failure."""
        if self.process is None:
            return
        ended_early = self.process.poll()
        if ended_early is not None:
            self.process = None
            raise ServerError(f"{self.name} had ended with {ended_early}\n{self.tail()}")
        self.signal(signal.SIGTERM)
        status = self.wait()
        if status != 0:
            raise ServerError(f"{self.name}: exit status {status} after SIGTERM\n{self.tail()}")


@dataclass
class SynapseService(Service):
    """An application service, its registration in Synapse's words."""

    extra: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write the registration file."""
        path = folder / f"{self.name}.yaml"
        regex = f"@{self.prefix}.*:{re.escape(SERVER_NAME)}"
        registration = {
            "id": self.name,
            "url": None,
            "as_token": self.as_token,
            "hs_token": self.hs_token,
            "sender_localpart": f"{self.name}_bot",
            "rate_limited": self.rate_limited,
            "namespaces": {
                "users": [{"exclusive": True, "regex": regex}],
                "aliases": [],
                "rooms": [],
            },
            **self.extra,
        }
        path.write_text(json.dumps(registration))
        return path


@dataclass
class Options:
    """What kind of Synapse: everything but where and which version."""

    module: Mapping[str, Any] | None = None  # the module's config; None: stock, without it
    config: Mapping[str, Any] = field(default_factory=dict)  # goes over the harness's own
    services: Sequence[Service] = ()
    other_modules: Sequence[Mapping[str, Any]] = ()  # before ours
    later_modules: Sequence[Mapping[str, Any]] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    worker: bool = False  # a main process and a worker, on PostgreSQL and Redis
    check_contexts: bool = False  # with Synapse's own check for lost log contexts
    compress: bool = False  # answers may be compressed


class Synapse:
    """One homeserver: its configuration, its database and its one or two processes."""

    def __init__(self, folder: Path, installed: Installation, options: Options) -> None:
        self.folder = folder
        self.installed = installed
        self.options = options
        self.shared_secret = secrets.token_hex(16)
        self.cluster = Cluster() if options.worker else None
        self.postgres = Database(self.cluster, "synapse") if self.cluster else None
        self.redis = Redis() if options.worker else None
        self.database = folder / "homeserver.db"
        environment = dict(options.environment)
        if options.check_contexts:
            environment["SYNAPSE_TEST_PATCH_LOG_CONTEXTS"] = "1"
        main_config = self._write("homeserver.yaml", self._main_config())
        self.main = Process(
            "main", "synapse.app.homeserver", folder, installed, [main_config], environment
        )
        self.processes = [self.main]
        if options.worker:
            worker_config = self._write("worker.yaml", self._worker_config())
            self.worker = Process(
                "worker",
                "synapse.app.generic_worker",
                folder,
                installed,
                [main_config, worker_config],
                environment,
            )
            self.processes.append(self.worker)

    @property
    def client(self) -> Client:
        """Requests to the main process."""
        return self.main.client

    def start(self) -> Synapse:
        """Start everything and wait until it serves."""
        try:
            if self.cluster is not None and self.redis is not None:
                self.cluster.start()
                # Synapse wants one whose texts sort bytewise, and stops at any other.
                self.cluster.sql(
                    "CREATE DATABASE synapse TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'"
                )
                self.redis.start()
            for process in self.processes:
                process.start()
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """Stop everything; anything but a clean end is a failure."""
        try:
            for process in reversed(self.processes):
                process.stop()
        finally:
            self.kill()

    def kill(self) -> None:
        """End everything at once."""
        for process in self.processes:
            process.kill()
        if self.redis is not None:
            self.redis.remove()
        if self.cluster is not None:
            self.cluster.remove()

    def restart(self, *, killed: bool = False) -> None:
        """Stop the processes of Synapse and start them again, on ports of their own."""
        for process in reversed(self.processes):
            process.kill() if killed else process.stop()
        for process in self.processes:
            process.start()

    def configure(self, module: Mapping[str, Any]) -> None:
        """From the next start on, the module has this configuration."""
        self.options = replace(self.options, module=module)
        path = self.folder / "homeserver.yaml"
        config = {**json.loads(path.read_text()), "modules": self._modules()}
        self._write(path.name, config)

    def expect_contexts_kept(self) -> None:
        """No process has noticed a lost log context."""
        for process in self.processes:
            process.expect_contexts_kept()

    def sql(self, statement: str) -> list[tuple[str, ...]]:
        """Run SQL on the database beside the running Synapse; rows as texts."""
        if self.postgres is not None:
            return self.postgres.sql(statement)
        with contextlib.closing(sqlite3.connect(self.database, timeout=30)) as database, database:
            database.execute("PRAGMA busy_timeout = 30000")
            rows = database.execute(statement).fetchall()
        return [tuple("" if value is None else str(value) for value in row) for row in rows]

    def add_devices(self, user_id: str, prefix: str, count: int) -> list[str]:
        """Put devices into the database, as a client that logs in far too often would."""
        columns = "user_id, device_id, display_name, hidden"
        number = "lpad(n::text, 6, '0')" if self.postgres is not None else "printf('%06d', n)"
        if self.postgres is not None:
            source = f"generate_series(0, {count - 1}) AS n"
            hidden = "false"
        else:
            source = (
                "(WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers"
                f" WHERE n < {count - 1}) SELECT n FROM numbers)"
            )
            hidden = "0"
        self.sql(
            f"INSERT INTO devices ({columns})"
            f" SELECT '{user_id}', '{prefix}' || {number}, 'a phone', {hidden} FROM {source}"
        )
        return [f"{prefix}{number:06}" for number in range(count)]

    def _write(self, name: str, config: Mapping[str, Any]) -> Path:
        path = self.folder / name
        path.write_text(json.dumps(config, indent=2))  # JSON is YAML
        return path

    def _main_config(self) -> dict[str, Any]:
        options = self.options
        key = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        (self.folder / "signing.key").write_text(f"ed25519 a_test {key}\n")
        config: dict[str, Any] = {
            "server_name": SERVER_NAME,
            "public_baseurl": "https://synapse.example.org/",
            "report_stats": False,
            "signing_key_path": str(self.folder / "signing.key"),
            "macaroon_secret_key": secrets.token_hex(16),
            "form_secret": secrets.token_hex(16),
            "registration_shared_secret": self.shared_secret,
            "media_store_path": str(self.folder / "media"),
            "log_config": str(self._write_log_config("main")),
            "trusted_key_servers": [],
            "federation_domain_whitelist": [],
            "presence": {"enabled": False},
            "enable_metrics": True,
            "bcrypt_rounds": 4,
            "allow_guest_access": True,
            "enable_registration": True,
            "enable_registration_without_verification": True,
            "listeners": [self._client_listener("client", "health", "metrics")],
            "rc_registration": NO_LIMIT,
            "rc_login": {"address": NO_LIMIT, "account": NO_LIMIT},
            "database": self._database_config(),
            "modules": self._modules(),
            "app_service_config_files": [
                str(service.write(self.folder)) for service in options.services
            ],
        }
        if self.redis is not None:
            socket = self.folder / "replication.sock"
            config["listeners"].append(
                {"type": "http", "path": str(socket), "resources": [{"names": ["replication"]}]}
            )
            config["instance_map"] = {"main": {"path": str(socket)}}
            config["worker_replication_secret"] = secrets.token_hex(16)
            config["redis"] = {"enabled": True, "path": self.redis.path}
        config.update(options.config)
        return config

    def _worker_config(self) -> dict[str, Any]:
        return {
            "worker_app": "synapse.app.generic_worker",
            "worker_name": "worker1",
            "worker_log_config": str(self._write_log_config("worker")),
            "worker_listeners": [self._client_listener("client", "health", "metrics")],
        }

    def _client_listener(self, *names: str) -> dict[str, Any]:
        return {
            "type": "http",
            "port": 0,
            "bind_addresses": ["127.0.0.1"],
            "resources": [{"names": list(names), "compress": self.options.compress}],
        }

    def _database_config(self) -> dict[str, Any]:
        if self.postgres is not None:
            connection = {
                "host": str(self.postgres.postgres.folder),
                "user": USER,
                "dbname": self.postgres.name,
            }
            return {"name": "psycopg2", "args": {**connection, "cp_min": 2, "cp_max": 5}}
        return {"name": "sqlite3", "args": {"database": str(self.database)}}

    def _modules(self) -> list[Mapping[str, Any]]:
        modules = list(self.options.other_modules)
        if self.options.module is not None:
            modules.append({"module": MODULE, "config": dict(self.options.module)})
        return [*modules, *self.options.later_modules]

    def _write_log_config(self, name: str) -> Path:
        handler = {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "line",
        }
        line = "%(levelname)s|%(name)s|%(request)s|%(message)s"
        return self._write(
            f"{name}.log.yaml",
            {
                "version": 1,
                "disable_existing_loggers": False,
                "formatters": {"line": {"format": line}},
                "handlers": {"output": handler},
                "root": {"level": "INFO", "handlers": ["output"]},
            },
        )
