"""PgBouncer before a cluster: it lends a connection for a transaction.

with Pooler(cluster) as pooler:
    url = pooler.url(database.name)
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from urllib.parse import urlencode

from cluster import START_S, Postgres
from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.server import ServerError, poll
from programs import USER, as_user, give, program

PORT = "6432"  # part of the socket's name
STOP_S = 20


class Pooler:
    """A PgBouncer on a Unix socket in a folder of its own."""

    def __init__(self, postgres: Postgres, *, size: int = 10) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mxd-pgbouncer-"))
        give(self.folder)
        self.config = self.folder / "pgbouncer.ini"
        self.config.write_text(
            "[databases]\n"
            f"* = host={postgres.folder} user={USER}\n"
            "[pgbouncer]\n"
            "listen_addr =\n"
            f"listen_port = {PORT}\n"
            f"unix_socket_dir = {self.folder}\n"
            "auth_type = any\n"
            "pool_mode = transaction\n"
            f"default_pool_size = {size}\n"
            "max_client_conn = 500\n"
            "ignore_startup_parameters = extra_float_digits\n"
        )
        give(self.config)
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Pooler:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str, **parameters: str) -> str:
        """For --database, with the option for a pooler."""
        query = {"host": str(self.folder), "port": PORT, **parameters}
        return f"postgresql://{USER}@/{database}?{urlencode(query, safe='/')}"

    def start(self) -> None:
        """Start, and wait until it listens."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(as_user() or ["setpriv"]),
                    *("--pdeathsig", "KILL", program("pgbouncer"), str(self.config)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        poll(self._listens, START_S, "PgBouncer listens")

    def _listens(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            log = (self.folder / "log").read_text(errors="replace")[-4000:]
            raise ServerError(f"PgBouncer ended with {self.process.returncode}\n{log}")
        return os.path.exists(self.folder / f".s.PGSQL.{PORT}")

    def stop(self) -> None:
        """Stop it at once: its clients' connections are cut."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S * TIME_FACTOR)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
