"""Real Synapse homeservers, of one process or two, with or without the module."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cluster import Cluster, Database
from matrix_device_conformance.client import Client
from matrix_device_conformance.homeserver import Service
from matrix_device_conformance.server import SERVER_NAME
from programs import USER
from redis_server import Redis
from synapse_installation import Installation
from synapse_process import Process

MODULE = "matrix_devices.synapse.DeviceModule"
NO_LIMIT = {"per_second": 1e6, "burst_count": 1_000_000}


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
