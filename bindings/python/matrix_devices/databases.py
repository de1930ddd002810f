"""``SqliteHost``, ``PostgresHost``: hosts on a database of one engine."""

from __future__ import annotations

import os

from . import _core
from .store import DAY_MS, StoreHost

__all__ = ["PostgresHost", "SqliteHost"]


class SqliteHost(StoreHost):
    """A ``StoreHost`` on one SQLite file (docs/operations.md).

    No process may have the file open through Python's own ``sqlite3`` at the same time, unless both
    use the same SQLite library.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        server_name: str | None = None,
        access_token_ms: int = 0,
        refresh_token_lifetime_ms: int = 365 * DAY_MS,
        guest_lifetime_ms: int = 30 * DAY_MS,
        delete_devices_after_ms: int = 0,
        library: str | os.PathLike[str] | None = None,
    ) -> None:
        """Open the file, or make it. The options and errors are those of ``StoreHost``."""
        super().__init__(
            f"sqlite:{os.fspath(path)}",
            server_name=server_name,
            access_token_ms=access_token_ms,
            refresh_token_lifetime_ms=refresh_token_lifetime_ms,
            guest_lifetime_ms=guest_lifetime_ms,
            delete_devices_after_ms=delete_devices_after_ms,
            library=library,
        )


class PostgresHost(StoreHost):
    """A ``StoreHost`` on a PostgreSQL database (docs/postgresql.md)."""

    def __init__(
        self,
        url: str,
        *,
        server_name: str | None = None,
        access_token_ms: int = 0,
        refresh_token_lifetime_ms: int = 365 * DAY_MS,
        guest_lifetime_ms: int = 30 * DAY_MS,
        delete_devices_after_ms: int = 0,
        connections: int = 0,
        prepared_statements: bool = True,
        library: str | os.PathLike[str] | None = None,
    ) -> None:
        """Open it, and make its schema where there is none.

        ``url`` is what libpq takes: ``postgresql://user@host/database``, or ``"host=… dbname=…"``.
        It may hold a password, which no log, error or ``repr`` shows. The options and errors are
        those of ``StoreHost``.
        """
        if _core.engine_of(url) != "postgres":
            raise self._mistake(
                'the database is not PostgreSQL\'s: give "postgresql://user@host/database" or'
                ' "host=… dbname=…"; a file is for SqliteHost'
            )
        super().__init__(
            url,
            server_name=server_name,
            access_token_ms=access_token_ms,
            refresh_token_lifetime_ms=refresh_token_lifetime_ms,
            guest_lifetime_ms=guest_lifetime_ms,
            delete_devices_after_ms=delete_devices_after_ms,
            connections=connections,
            prepared_statements=prepared_statements,
            library=library,
        )
