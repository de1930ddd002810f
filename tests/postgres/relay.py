"""What stands between a server and its PostgreSQL, and falls silent when it is told to.

with Relay(postgres) as relay:
    url = relay.url(database.name)
    relay.hold_set_ups()        # who logs in from now on is never answered anything else
    relay.cut_one()
    relay.fall_silent()         # nobody is answered anything
    relay.pass_all()
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from cluster import Postgres

__all__ = ["Relay"]

SOCKET = ".s.PGSQL.5432"
READY = b"Z\0\0\0\5I"  # ReadyForQuery: the end of a login
PIECE = 65536


class Pair:
    """A connection of the server's, and the one that it is passed on to."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.is_logged_in = False
        self.is_cut = False

    def cut(self) -> None:
        """End both."""
        self.is_cut = True
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Relay:
    """On a Unix socket in a folder of its own."""

    def __init__(self, postgres: Postgres) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mxd-relay-"))
        self.postgres = Postgres(self.folder)
        self.behind = str(postgres.folder / SOCKET)
        self.set_up_is_held = threading.Event()
        self._passing = threading.Event()
        self._passing.set()
        self._holds = False
        self._pairs: list[Pair] = []
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(self.folder / SOCKET))
        self._door.listen(64)

    def __enter__(self) -> Relay:
        self._run(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._passing.set()
        for pair in self._pairs:
            pair.cut()
        shutil.rmtree(self.folder)

    def url(self, database: str) -> str:
        """For --database."""
        return self.postgres.url(database)

    def hold_set_ups(self) -> None:
        """Answer no more than the login of a connection that is made from now on."""
        self._holds = True

    def fall_silent(self) -> None:
        """Answer nothing: what is said waits."""
        self._passing.clear()

    def pass_all(self) -> None:
        """All passes again, but for connections that were held."""
        self._holds = False
        self._passing.set()

    def cut_one(self) -> None:
        """End a connection that is logged in."""
        next(pair for pair in self._pairs if pair.is_logged_in and not pair.is_cut).cut()

    @staticmethod
    def _run(target: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=target, args=arguments, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return  # it is over
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.behind)
            pair = Pair(client, server)
            self._pairs.append(pair)
            self._run(self._pass_queries, pair, self._holds)
            self._run(self._pass_answers, pair)

    def _pass_queries(self, pair: Pair, is_held: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := pair.client.recv(PIECE):
                self._passing.wait()
                if is_held and pair.is_logged_in:
                    self.set_up_is_held.set()
                else:
                    pair.server.sendall(piece)
        pair.cut()

    def _pass_answers(self, pair: Pair) -> None:
        with contextlib.suppress(OSError):
            while piece := pair.server.recv(PIECE):
                self._passing.wait()
                pair.is_logged_in = pair.is_logged_in or piece.endswith(READY)
                pair.client.sendall(piece)
        pair.cut()
