"""The database of fastapi_host.py: its tables, its transactions, and what several parts do in it.

SQLite, one writer and some readers on threads of their own; any number of processes. With another
database take its pool of connections in the place of `Database`; the statements stay as they are.
"""

import asyncio
import functools
import hashlib
import json
import secrets
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from matrix_devices import Unavailable

# Tokens and session IDs are kept as digests: who reads the database can't log in with it.
SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS users (
  user_id TEXT PRIMARY KEY,
  password TEXT,                        -- salt and hash; NULL: nobody can prove to be this user
  state TEXT NOT NULL DEFAULT 'active', -- or locked (A6), suspended (A7)
  is_guest INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS devices (
  user_id TEXT NOT NULL REFERENCES users, device_id TEXT NOT NULL,
  display_name TEXT, last_seen_ip TEXT, last_seen_ms INTEGER,
  validated_ms INTEGER,                 -- when its user last gave the password (U22)
  PRIMARY KEY (user_id, device_id)) WITHOUT ROWID; -- and so in this order in a list (G3)
CREATE TABLE IF NOT EXISTS tokens (
  id INTEGER PRIMARY KEY, user_id TEXT NOT NULL, device_id TEXT NOT NULL,
  access BLOB NOT NULL UNIQUE, expires_ms INTEGER,  -- NULL: never; 0: replaced (A4a)
  refresh BLOB UNIQUE, is_spent INTEGER NOT NULL DEFAULT 0,
  replaces INTEGER,                     -- the row that dies when this one is first used (T1)
  is_oauth INTEGER NOT NULL DEFAULT 0,
  FOREIGN KEY (user_id, device_id) REFERENCES devices);
CREATE INDEX IF NOT EXISTS tokens_of_device ON tokens (user_id, device_id);
CREATE INDEX IF NOT EXISTS tokens_replacing ON tokens (replaces);
CREATE TABLE IF NOT EXISTS uia_sessions (
  created INTEGER PRIMARY KEY,          -- the order of creation, not the clock
  id BLOB NOT NULL UNIQUE, user_id TEXT NOT NULL,
  begun_with TEXT NOT NULL,             -- the device, or the token where there is none
  expires_ms INTEGER NOT NULL, finished INTEGER NOT NULL DEFAULT 0,
  revision INTEGER NOT NULL DEFAULT 1, state BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS uia_sessions_of_user ON uia_sessions (user_id);
CREATE INDEX IF NOT EXISTS uia_sessions_by_end ON uia_sessions (expires_ms);
CREATE TABLE IF NOT EXISTS services (   -- application services, which their operator adds
  id TEXT PRIMARY KEY, as_token BLOB NOT NULL UNIQUE, sender TEXT NOT NULL,
  users TEXT NOT NULL,                  -- an expression for user IDs, from their start (T9)
  rate_limited INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS buckets (
  name TEXT NOT NULL, key TEXT NOT NULL, full_at_ms INTEGER NOT NULL, PRIMARY KEY (name, key));
CREATE INDEX IF NOT EXISTS buckets_by_time ON buckets (full_at_ms);
"""
SEEN_INTERVAL_MS = 60_000
ACCESS_TOKEN_MS = 10 * 60_000  # of logins that can be refreshed; others last
MOST_SPENT = 100  # tokens a device, of which the server still says that they were good once

READERS = ThreadPoolExecutor(8, "read")
WRITER = ThreadPoolExecutor(1, "write")


class Database:
    """A connection for each thread. What is committed is on disk."""

    def __init__(self, path):
        self._path = path
        self._thread = threading.local()
        self._connection().executescript(SCHEMA)

    def _connection(self):
        if not hasattr(self._thread, "connection"):
            made = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            made.row_factory = sqlite3.Row
            made.execute("PRAGMA synchronous = FULL")
            made.execute("PRAGMA foreign_keys = ON")
            self._thread.connection = made
        return self._thread.connection

    def transact(self, begin, function):
        """What the function returns, given a connection: all of it is done, or nothing (H5)."""
        connection = self._connection()
        try:
            connection.execute(begin)
            result = function(connection)
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL):
                raise Unavailable(str(error)) from error  # H1
            raise
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        return result


def reads(method):
    """A method whose second argument is the database, in a transaction on a thread for reading."""
    return _in_transaction(method, READERS, "BEGIN")


def writes(method):
    """The same on the thread that writes."""
    return _in_transaction(method, WRITER, "BEGIN IMMEDIATE")


def _in_transaction(method, threads, begin):
    @functools.wraps(method)
    async def ask(owner, *arguments, **options):
        def function(connection):
            return method(owner, connection, *arguments, **options)

        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(threads, owner.database.transact, begin, function)

    return ask


def now_ms():
    return time.time_ns() // 1_000_000


def digest_of(secret):
    return hashlib.sha256(secret.encode()).digest()


# ---- Devices ----


def find_device(database, user_id, device_id):
    return database.execute(
        "SELECT * FROM devices WHERE user_id = ? AND device_id = ?", (user_id, device_id)
    ).fetchone()


def is_due(device):
    """Whether last seen is to be written: at most once a minute."""
    seen_ms = device["last_seen_ms"]
    return seen_ms is None or abs(now_ms() - seen_ms) >= SEEN_INTERVAL_MS


def insert_device(database, user_id, device_id, name, most=0):
    """Whether there was room."""
    count = database.execute("SELECT count(*) FROM devices WHERE user_id = ?", (user_id,))
    if most and count.fetchone()[0] >= most:
        return False
    database.execute(
        "INSERT INTO devices (user_id, device_id, display_name) VALUES (?, ?, ?)",
        (user_id, device_id, name),
    )
    return True


def drop_devices(database, user_id, device_ids):
    """With all that goes with them: tokens first (D12). A homeserver has keys and more there."""
    drop_tokens(database, user_id, device_ids)
    database.execute(
        "DELETE FROM devices WHERE user_id = ? AND device_id IN (SELECT value FROM json_each(?))",
        (user_id, json.dumps(list(device_ids))),
    )


# ---- Tokens ----


def drop_tokens(database, user_id, device_ids):
    """And the sessions that were begun with them."""
    of_devices = (user_id, json.dumps(list(device_ids)))
    for table, column in (("tokens", "device_id"), ("uia_sessions", "begun_with")):
        database.execute(
            f"DELETE FROM {table} WHERE user_id = ?"
            f" AND {column} IN (SELECT value FROM json_each(?))",
            of_devices,
        )


def make_tokens(
    database, user_id, device_id, *, refreshable=False, lifetime_ms=None, oauth=0, replaces=None
):
    """Of a device that is there; what /login and /refresh answer."""
    access, refresh = secrets.token_urlsafe(32), None
    if refreshable:
        refresh, lifetime_ms = secrets.token_urlsafe(32), ACCESS_TOKEN_MS
    database.execute(
        "INSERT INTO tokens (user_id, device_id, access, expires_ms, refresh, replaces, is_oauth)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(user_id, device_id, digest_of(access)),
            None if lifetime_ms is None else now_ms() + lifetime_ms,
            *(refresh and digest_of(refresh), replaces, oauth),
        ),
    )
    answer = {"user_id": user_id, "device_id": device_id, "access_token": access}
    if refreshable:
        answer |= {"refresh_token": refresh, "expires_in_ms": lifetime_ms}
    return answer


def settle(database, token_id):
    """The token is used. Is it for the first time, what it replaces dies, and so do the refresh
    tokens of the others that replace the same; their access tokens run out (T1)."""
    row = database.execute("SELECT * FROM tokens WHERE id = ?", (token_id,)).fetchone()
    if row is None or row["replaces"] is None:
        return
    old = row["replaces"]
    database.execute("UPDATE tokens SET is_spent = 1, expires_ms = 0 WHERE id = ?", (old,))
    database.execute(
        "UPDATE tokens SET is_spent = (id != ?), replaces = NULL WHERE replaces = ?",
        (token_id, old),
    )
    of_device = (row["user_id"], row["device_id"])
    database.execute(
        "DELETE FROM tokens WHERE user_id = ? AND device_id = ? AND is_spent AND id NOT IN ("
        " SELECT id FROM tokens WHERE user_id = ? AND device_id = ? ORDER BY id DESC LIMIT ?)",
        (*of_device, *of_device, MOST_SPENT),
    )
