"""A throw-away PostgreSQL, on a Unix socket in a folder of its own, from Debian's packages.

In a test (pytest.ini: `pythonpath = . ../conformance ../postgres`; the fixtures of
postgres_fixtures.py do this, and skip where PostgreSQL is not installed):

    with for_tests() as postgres:               # the one that CTest started, or else one of its own
        with postgres.database() as database:   # a new one, empty, dropped at the end
            server = Server(binary, folder, database=database.url)
            database.sql("SELECT count(*) FROM matrix_devices.devices")  # [("0",)]

A test that stops, kills or configures the cluster makes its own, and one that cuts its power a
durable one:

    with Cluster(durable=True, settings={"max_connections": "20"}) as cluster:
        cluster.crash()
        cluster.start()

`programs.missing()` says why there can be none here. Root runs it as the user `postgres`. It ends
with the thread that started it, however that ends; a folder that is left then is removed by the
next one. start.py starts one from a shell.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, urlencode

from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.server import ServerError, poll
from programs import USER, as_user, give, program

__all__ = ["Cluster", "Database", "Postgres", "for_tests", "shared"]

SHARED = "MXD_POSTGRES_CLUSTER"  # names the file of `share`
PREFIX = "mxd-postgres-"
LOCK = "lock"  # the file that its process holds
START_S = 60
COMMAND_S = 120

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "1000",
    "shared_buffers": "64MB",
    "log_line_prefix": "%m [%p] %d ",
}
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}

_numbers = itertools.count()


class Postgres:
    """A PostgreSQL that takes queries on a socket in `folder`, with the superuser `postgres`."""

    def __init__(self, folder: Path, **parameters: str) -> None:
        self.folder = folder
        self.parameters = parameters  # of each URL

    def url(self, database: str = "postgres", user: str = USER, **parameters: str) -> str:
        """For --database and the like; parameters as libpq has them."""
        given = {"host": str(self.folder), **self.parameters, **parameters}
        query = urlencode(given, safe="/,")
        return f"postgresql://{quote(user)}@/{quote(database)}?{query}"

    def psql(self, database: str = "postgres", user: str = USER) -> list[str]:
        """The command of a psql that reads SQL from its standard input."""
        options = ["-XAtq", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        return [program("psql"), *options, "-h", str(self.folder), "-U", user, "-d", database]

    def sql(
        self, statements: str, database: str = "postgres", user: str = USER
    ) -> list[tuple[str, ...]]:
        """Run SQL, each statement by itself; the rows as texts."""
        done = subprocess.run(
            self.psql(database, user),
            input=statements,
            capture_output=True,
            text=True,
            timeout=COMMAND_S * TIME_FACTOR,
            check=False,
        )
        if done.returncode != 0:
            raise ServerError(f"psql: {done.stderr}")
        return [tuple(line.split("\x1f")) for line in done.stdout.splitlines()]

    @contextlib.contextmanager
    def database(self, *, owner: str = USER) -> Iterator[Database]:
        """A new database, dropped at the end with whoever still uses it."""
        database = Database(self, f"test_{os.getpid()}_{next(_numbers)}")
        self.sql(f'CREATE DATABASE {database.name} TEMPLATE template0 OWNER "{owner}"')
        try:
            yield database
        finally:
            self.sql(f"DROP DATABASE IF EXISTS {database.name} WITH (FORCE)")


class Database:
    """One database of a PostgreSQL."""

    def __init__(self, postgres: Postgres, name: str) -> None:
        self.postgres = postgres
        self.name = name

    @property
    def url(self) -> str:
        """For --database and the like."""
        return self.postgres.url(self.name)

    def url_with(self, user: str = USER, **parameters: str) -> str:
        """The same for another user, or with parameters of libpq's."""
        return self.postgres.url(self.name, user, **parameters)

    def sql(self, statements: str, user: str = USER) -> list[tuple[str, ...]]:
        """Run SQL, each statement by itself; the rows as texts."""
        return self.postgres.sql(statements, self.name, user)

    def number(self, statement: str) -> int:
        """The one number that a SELECT gives."""
        ((number,),) = self.sql(statement)
        return int(number)

    def hold(self, statement: str) -> Holder:
        """Begin a transaction with a statement that takes locks, and stay in it."""
        return Holder(self, statement)

    def cut_connections(self) -> int:
        """End every connection to it, as a failing network would; how many there were."""
        # One without a state is only being let in: a login that is refused is something else.
        return self.number(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            f" WHERE datname = '{self.name}' AND pid <> pg_backend_pid() AND state IS NOT NULL"
        )


class Holder:
    """A transaction that somebody has left open."""

    def __init__(self, database: Database, statement: str) -> None:
        self._psql = subprocess.Popen(
            database.postgres.psql(database.name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._psql.stdin is not None
        assert self._psql.stdout is not None
        self._psql.stdin.write(f"BEGIN;\n{statement};\n\\echo held\n")
        self._psql.stdin.flush()
        if self._psql.stdout.readline() != "held\n":
            raise ServerError(f"not held: {statement}")

    def release(self) -> None:
        """Undo it."""
        self._psql.communicate("ROLLBACK;\n", timeout=COMMAND_S * TIME_FACTOR)


class Cluster(Postgres):
    """One that is started here. Under `parent` (else the system's folder for temporary files)."""

    def __init__(
        self,
        *,
        durable: bool = False,
        settings: Mapping[str, str] | None = None,
        parent: Path | None = None,
    ) -> None:
        _remove_left(parent)
        # Not below pytest's folder: PostgreSQL's user must reach it, and the path of a socket has
        # 107 bytes at most.
        super().__init__(Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent)))
        give(self.folder)
        self._lock: int | None = _lock(self.folder / "new", os.O_CREAT)
        (self.folder / "new").rename(self.folder / LOCK)  # it is never seen unlocked
        self.settings = {**SETTINGS, **({} if durable else NOT_DURABLE), **(settings or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Cluster:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.remove()

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def make(self) -> None:
        """Make the data directory. Its texts sort as people expect, and not bytewise."""
        self.run(
            *("initdb", "-D", str(self.data), "-U", USER, "--auth=trust", "--encoding=UTF8"),
            *("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"),
            *("--no-sync", "--no-instructions"),
        )

    def start(self) -> None:
        """Start, and wait until it takes queries."""
        if not self.data.exists():
            self.make()
        self.spawn()
        poll(self.takes_queries, START_S, "PostgreSQL takes queries")

    def spawn(self) -> None:
        """Start without waiting."""
        settings = {"unix_socket_directories": str(self.folder), **self.settings}
        command = [
            *(as_user() or ["setpriv"]),
            *("--pdeathsig", "QUIT", program("postgres"), "-D", str(self.data)),
            *(part for item in settings.items() for part in ("-c", "=".join(item))),
        ]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )

    @property
    def log_path(self) -> Path:
        """What the server writes."""
        return self.folder / "log"

    def takes_queries(self) -> bool:
        """Whether it is up. ServerError: it has ended."""
        if self.process is not None and self.process.poll() is not None:
            log = self.log_path.read_text(errors="replace")[-4000:]
            raise ServerError(f"PostgreSQL ended with {self.process.returncode}\n{log}")
        done = subprocess.run(
            self.psql(),
            input=b"SELECT 1",
            capture_output=True,
            check=False,
            timeout=COMMAND_S * TIME_FACTOR,
        )
        return done.returncode == 0

    def processes(self) -> list[int]:
        """The postmaster, and each of its children."""
        if self.process is None:
            return []
        number = self.process.pid
        children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
        return [number, *map(int, children)]

    def pause(self) -> None:
        """Let it hang, as with a machine that is frozen."""
        # The first process first: once it stands, no child is started, and none that has ended
        # gives its number back.
        assert self.process is not None
        first = self.process.pid
        os.kill(first, signal.SIGSTOP)
        poll(lambda: _state(first) in "TZ", COMMAND_S, "PostgreSQL's first process stands")
        for number in self.processes()[1:]:
            os.kill(number, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        for number in reversed(self.processes()):  # the first process last, as above
            os.kill(number, signal.SIGCONT)

    def crash(self) -> None:
        """Kill all of it at once; nothing can be written any more."""
        self.pause()
        numbers = self.processes()
        for number in reversed(numbers):
            os.kill(number, signal.SIGKILL)
        assert self.process is not None
        self.process.wait()
        self.process = None
        poll(lambda: all(_state(one) in "ZX" for one in numbers), START_S, "all of it has ended")

    def stop(self, number: int = signal.SIGINT) -> None:
        """Stop it: in order with SIGINT, without a last write with SIGQUIT."""
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(COMMAND_S * TIME_FACTOR)
        except subprocess.TimeoutExpired:
            self.crash()
            raise ServerError(f"PostgreSQL did not end on signal {number}") from None
        self.process = None

    def remove(self) -> None:
        """Stop it, and remove its folder. Any number of times."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def run(self, name: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs as its user; what it printed."""
        done = subprocess.run(
            [*as_user(), program(name), *arguments],
            capture_output=True,
            text=True,
            cwd=self.folder,
            timeout=COMMAND_S * TIME_FACTOR,
            check=False,
        )
        if done.returncode != 0:
            raise ServerError(f"{name}: {done.stdout}{done.stderr}")
        return done.stdout


def _state(number: int) -> str:
    """The letter of a process's state, as in /proc; X where it is gone."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def _lock(path: Path, flags: int = 0) -> int:
    """Locked until this process ends, or closes it. BlockingIOError: it is by another."""
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise
    return file


def _remove_left(parent: Path | None) -> None:
    """Remove folders of processes that could not do so themselves."""
    for folder in Path(parent or tempfile.gettempdir()).glob(f"{PREFIX}*"):
        # One without a lock is being made, or removed.
        with contextlib.suppress(BlockingIOError, FileNotFoundError, PermissionError):
            file = _lock(folder / LOCK)
            shutil.rmtree(folder, ignore_errors=True)
            os.close(file)


def shared() -> Postgres | None:
    """The cluster of this run of CTest, which is not to be stopped, if there is one."""
    file = os.environ.get(SHARED)
    if not file or not Path(file).exists():
        return None
    # The store's own 2 seconds are too few where many tests begin at once on a busy machine.
    return Postgres(Path(Path(file).read_text().strip()), connect_timeout="30")


@contextlib.contextmanager
def for_tests() -> Iterator[Postgres]:
    """The cluster of this run of CTest, or else one of its own."""
    found = shared()
    if found:
        yield found
    else:
        with Cluster() as cluster:
            yield cluster
