"""Sessions of User-Interactive Authentication.

They are Synapse's: it makes the ID and notes what single sign-on and its own pages complete. What
the module keeps of them lies in a table of our own, which every process of the homeserver uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from synapse.api.errors import StoreError
from synapse.handlers.ui_auth import UIAuthSessionDataConstants
from synapse.storage.engines import PostgresEngine

from .. import (
    CompletedStage,
    Conflict,
    KeptSession,
    MatrixError,
    NewSession,
    NotFound,
    Refusal,
    Replacement,
)
from . import compatibility

if TYPE_CHECKING:
    from synapse.server import HomeServer

# Versions before 1.0 had matrix_devices_uia. It is left alone: where processes are upgraded one
# after the other, some still use it.
TABLE = "matrix_devices_uia_sessions"

_SCHEMA = (
    f"""
    CREATE TABLE IF NOT EXISTS {TABLE} (
        session_id TEXT NOT NULL PRIMARY KEY,
        user_id TEXT NOT NULL,
        owner TEXT NOT NULL,
        created BIGINT NOT NULL,
        expires_ms BIGINT NOT NULL,
        finished BOOLEAN NOT NULL,
        revision BIGINT NOT NULL,
        state TEXT NOT NULL
    )
    """,
    f"CREATE INDEX IF NOT EXISTS {TABLE}_user ON {TABLE} (user_id)",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_expiry ON {TABLE} (expires_ms)",
)
_SCHEMA_LOCK = 0x6D78645F756961  # of PostgreSQL; "mxd_uia"

# The URIs for which sessions are ours, also those that Synapse began before it had the module.
_OUR_URI = re.compile(
    r"/_matrix/client/[^/?]+/(?:devices/[^/?]*|delete_devices)(?:\?.*)?", re.DOTALL
)


def identity_of(result: object) -> str | None:
    """The user that a stage's result proves. Passwords and single sign-on give the user's ID, or,
    of a user unknown here, an empty text; a captcha gives True, an email address a dict."""
    return result if isinstance(result, str) and result.startswith("@") else None


class Sessions:
    """The sessions of one homeserver."""

    def __init__(self, hs: HomeServer) -> None:
        self._auth_handler = hs.get_auth_handler()
        self._clock = hs.get_clock()
        self._store: Any = hs.get_datastores().main
        self._db: Any = self._store.db_pool
        self._is_prepared = False

    async def prepare(self) -> None:
        """Make the table where there is none yet. Raises the database's error."""
        if not self._is_prepared:
            await self._db.runInteraction("matrix_devices_prepare", self._prepare_txn)
            self._is_prepared = True

    def _prepare_txn(self, txn: Any) -> None:
        if isinstance(txn.database_engine, PostgresEngine):
            # Who may use the table need not be allowed to make one; and two processes that make
            # it at once would fail, IF NOT EXISTS or not.
            txn.execute("SELECT to_regclass(?) IS NOT NULL", (f"{TABLE}_expiry",))
            if txn.fetchone()[0]:
                return
            txn.execute("SELECT pg_advisory_xact_lock(?)", (_SCHEMA_LOCK,))
        for statement in _SCHEMA:
            txn.execute(statement)

    async def _write(self, what: str, function: Any, *arguments: Any) -> Any:
        """In a transaction that waits for others at the same rows, where Synapse's own would begin
        again, five times at most."""
        await self.prepare()
        return await self._db.runInteraction(
            f"matrix_devices_{what}",
            function,
            *arguments,
            isolation_level=compatibility.read_committed(),
        )

    async def create(self, session: NewSession) -> str:
        """Keep a new session; its ID."""
        begun = await self._store.create_ui_auth_session(
            {}, session.target, session.method, _for_a_page(session.description)
        )
        session_id: str = begun.session_id
        await self._auth_handler.set_session_data(
            session_id, UIAuthSessionDataConstants.REQUEST_USER_ID, session.user_id
        )
        now_ms = self._clock.time_msec()
        await self._write("create_session", self._create_txn, session_id, session, now_ms)
        return session_id

    def _create_txn(self, txn: Any, session_id: str, session: NewSession, now_ms: int) -> None:
        user_id = session.user_id
        owner = _owner(session.device_id, session.token_id)
        txn.execute(f"DELETE FROM {TABLE} WHERE expires_ms <= ?", (now_ms,))
        # U25: those stay that would be the last to go. Synapse's part of the others expires there.
        txn.execute(
            f"""
            DELETE FROM {TABLE} WHERE user_id = ? AND session_id NOT IN (
                SELECT session_id FROM {TABLE} WHERE user_id = ?
                ORDER BY
                    CASE WHEN finished THEN 0 WHEN owner = ? THEN 2 ELSE 1 END,
                    created DESC,
                    session_id
                LIMIT ?
            )
            """,
            (user_id, user_id, owner, session.max_live - 1),
        )
        txn.execute(
            f"SELECT COALESCE(MAX(created), 0) + 1 FROM {TABLE} WHERE user_id = ?", (user_id,)
        )
        self._db.simple_insert_txn(
            txn,
            TABLE,
            {
                "session_id": session_id,
                "user_id": user_id,
                "owner": owner,
                "created": txn.fetchone()[0],
                "expires_ms": session.expires_ms,
                "finished": False,
                "revision": 1,
                "state": session.state.decode(),
            },
        )

    async def load(self, session_id: str) -> KeptSession:
        """The session of this ID. Refusals: NotFound, and that of a session for something else."""
        await self.prepare()
        row = await self._db.simple_select_one(
            table=TABLE,
            keyvalues={"session_id": session_id},
            retcols=("state", "revision", "expires_ms"),
            allow_none=True,
            desc="matrix_devices_load_session",
        )
        if row is None or row[2] <= self._clock.time_msec():
            raise await self._why_not_ours(session_id)
        state, revision, _ = row
        results = await self._store.get_completed_ui_auth_stages(session_id)
        # Flows have one stage each: there is no other order to keep.
        completed = [CompletedStage(type, identity_of(results[type])) for type in sorted(results)]
        return KeptSession(state.encode(), revision, completed)

    async def _why_not_ours(self, session_id: str) -> Refusal:
        """A session that Synapse knows and we do not was begun for another endpoint (U11). Those
        for our endpoints are gone."""
        try:
            begun = await self._store.get_ui_auth_session(session_id)
        except StoreError:
            return NotFound()
        if _OUR_URI.fullmatch(begun.uri):
            return NotFound()
        return MatrixError(
            403,
            "M_FORBIDDEN",
            "This session was begun for another operation. Leave 'auth' out to begin a new one.",
        )

    async def replace(self, replacement: Replacement) -> None:
        """Put a new state in the place of this revision. Refusal: Conflict."""
        replaced = await self._write(
            "replace_session",
            self._db.simple_update_txn,
            TABLE,
            {"session_id": replacement.session_id, "revision": replacement.revision},
            {
                "state": replacement.state.decode(),
                "expires_ms": replacement.expires_ms,
                "finished": replacement.finished,
                "revision": replacement.revision + 1,
            },
        )
        if not replaced:
            raise Conflict

    async def end(self, user_id: str, device_ids: Iterable[str]) -> None:
        """Forget the sessions that these devices of the user began (D12)."""
        owners = frozenset(_owner(device_id, None) for device_id in device_ids)
        await self._write("end_sessions", self._end_txn, user_id, owners)

    def _end_txn(self, txn: Any, user_id: str, owners: frozenset[str]) -> None:
        # A user has few sessions (U25), and perhaps thousands of devices.
        rows = self._db.simple_select_list_txn(
            txn, TABLE, {"user_id": user_id}, ("session_id", "owner")
        )
        ended = [session_id for session_id, owner in rows if owner in owners]
        self._db.simple_delete_many_txn(txn, TABLE, "session_id", ended, {})


def _owner(device_id: str | None, token_id: str | None) -> str:
    """Whose of the user's a session is: a device's, else a token's."""
    return f"token {token_id}" if device_id is None else f"device {device_id}"


def _for_a_page(description: str) -> str:
    """Synapse's page for single sign-on says: "A client is trying to …"."""
    return description[:1].lower() + description[1:]
