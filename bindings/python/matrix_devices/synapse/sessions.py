"""Sessions of User-Interactive Authentication.

They are Synapse's: it makes the ID and keeps the completed stages, so that its fallback pages and
single sign-on work on them. What it does not keep (the owner, the operation, the digests, the end)
lies in a table of our own, which every process of the homeserver uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from synapse.api.errors import StoreError
from synapse.handlers.ui_auth import UIAuthSessionDataConstants
from synapse.storage.engines import PostgresEngine

from .. import CompletedStage, NotFound, Principal, Session, UiaRecord

if TYPE_CHECKING:
    from synapse.server import HomeServer

TABLE = "matrix_devices_uia"

_SCHEMA = (
    f"""
    CREATE TABLE IF NOT EXISTS {TABLE} (
        session_id TEXT NOT NULL PRIMARY KEY,
        user_id TEXT NOT NULL,
        device_id TEXT,
        token_id TEXT,
        method TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        target TEXT NOT NULL,
        path_device_id TEXT,
        body TEXT,
        body_digest TEXT NOT NULL,
        created_ms BIGINT NOT NULL,
        expires_ms BIGINT NOT NULL,
        finished_ms BIGINT,
        finished_digest TEXT,
        description TEXT NOT NULL
    )
    """,
    f"CREATE INDEX IF NOT EXISTS {TABLE}_user ON {TABLE} (user_id)",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_expiry ON {TABLE} (expires_ms)",
)
_SCHEMA_LOCK = 0x6D78645F756961  # of PostgreSQL; "mxd_uia"

_COLUMNS = (
    "user_id",
    "device_id",
    "token_id",
    "method",
    "endpoint",
    "target",
    "path_device_id",
    "body",
    "body_digest",
    "created_ms",
    "expires_ms",
    "finished_ms",
    "finished_digest",
    "description",
)

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

    async def create(self, session: Session) -> str:
        """Keep a new session; its ID."""
        await self.prepare()
        begun = await self._store.create_ui_auth_session(
            {}, session.target, session.method, _for_a_page(session.description)
        )
        session_id: str = begun.session_id
        await self._auth_handler.set_session_data(
            session_id, UIAuthSessionDataConstants.REQUEST_USER_ID, session.user_id
        )
        await self._db.runInteraction(
            "matrix_devices_create_session",
            self._create_txn,
            session_id,
            session,
            self._clock.time_msec(),
        )
        return session_id

    def _create_txn(self, txn: Any, session_id: str, session: Session, now_ms: int) -> None:
        txn.execute(f"DELETE FROM {TABLE} WHERE expires_ms <= ?", (now_ms,))
        self._make_room_txn(txn, session)
        self._db.simple_insert_txn(
            txn,
            TABLE,
            {
                "session_id": session_id,
                "user_id": session.user_id,
                "device_id": session.device_id,
                "token_id": session.token_id,
                "method": session.method,
                "endpoint": session.endpoint,
                "target": session.target,
                "path_device_id": _to_column(session.path_device_id),
                "body": None if session.body is None else session.body.decode(),
                "body_digest": session.body_digest.hex(),
                "created_ms": session.created_ms,
                "expires_ms": session.created_ms + session.lifetime_ms,
                "description": session.description,
            },
        )

    def _make_room_txn(self, txn: Any, session: Session) -> None:
        """U25: the oldest unfinished of the same device goes first, then of the user, finished
        ones last. Synapse's part of them expires there."""
        has_device = session.device_id is not None
        owner = "device_id" if has_device else "token_id"
        owner_id = session.device_id if has_device else session.token_id
        txn.execute(
            f"""
            SELECT session_id FROM {TABLE} WHERE user_id = ?
            ORDER BY CASE
                WHEN finished_ms IS NOT NULL THEN 2
                WHEN {owner} = ? THEN 0
                ELSE 1
            END, created_ms, session_id
            """,
            (session.user_id, owner_id),
        )
        live = txn.fetchall()
        for row in live[: max(0, len(live) + 1 - session.max_live)]:
            txn.execute(f"DELETE FROM {TABLE} WHERE session_id = ?", row)

    async def load(self, session_id: str, caller: Principal) -> Session:
        """The session of this ID. Refusal: NotFound."""
        if "\0" in session_id:
            raise NotFound
        await self.prepare()
        row = await self._db.simple_select_one(
            table=TABLE,
            keyvalues={"session_id": session_id},
            retcols=_COLUMNS,
            allow_none=True,
            desc="matrix_devices_load_session",
        )
        if row is None:
            return await self._load_of_others(session_id, caller)
        return await self._with_stages(session_id, row)

    async def _load_of_others(self, session_id: str, caller: Principal) -> Session:
        """A session that Synapse knows and we do not was begun for another endpoint: say so, and
        the module refuses it (U11). Those for our endpoints are gone: NotFound."""
        try:
            begun = await self._store.get_ui_auth_session(session_id)
        except StoreError:
            raise NotFound from None
        if _OUR_URI.fullmatch(begun.uri):
            raise NotFound
        return Session(
            user_id=caller.user_id,
            device_id=caller.device_id,
            token_id=caller.token_id,
            method=begun.method,
            endpoint=begun.uri,
            target=begun.uri,
            path_device_id=None,
            body=b"{}",
            body_digest=bytes(32),
            created_ms=self._clock.time_msec(),
            lifetime_ms=60_000,
        )

    async def record(self, record: UiaRecord) -> Session:
        """Note a stage as complete, perhaps finish; the session as it then stands.

        Two transactions: between them a stage may be noted and the session not finished, which the
        client's next request makes good (U7). Refusal: NotFound.
        """
        if record.type is not None:
            result = True if record.identity is None else record.identity
            try:
                await self._store.mark_ui_auth_stage_complete(
                    record.session_id, record.type, result
                )
            except StoreError:
                raise NotFound from None
        row = await self._db.runInteraction("matrix_devices_record", self._record_txn, record)
        if row is None:
            raise NotFound
        return await self._with_stages(record.session_id, row)

    def _record_txn(self, txn: Any, record: UiaRecord) -> Any:
        if record.finish:
            txn.execute(
                f"""
                UPDATE {TABLE}
                SET finished_ms = ?, finished_digest = ?, body = COALESCE(?, body)
                WHERE session_id = ? AND finished_ms IS NULL
                """,
                (
                    record.now_ms,
                    record.body_digest.hex(),
                    None if record.body is None else record.body.decode(),
                    record.session_id,
                ),
            )
        return self._db.simple_select_one_txn(
            txn, TABLE, {"session_id": record.session_id}, _COLUMNS, allow_none=True
        )

    async def end(self, user_id: str, device_ids: Iterable[str]) -> None:
        """Forget the sessions that these devices of the user began (D12)."""
        await self.prepare()
        await self._db.runInteraction(
            "matrix_devices_end_sessions", self._end_txn, user_id, frozenset(device_ids)
        )

    def _end_txn(self, txn: Any, user_id: str, device_ids: frozenset[str]) -> None:
        # A user has few sessions (U25), and perhaps thousands of devices.
        rows = self._db.simple_select_list_txn(
            txn, TABLE, {"user_id": user_id}, ("session_id", "device_id")
        )
        ended = [session_id for session_id, device_id in rows if device_id in device_ids]
        self._db.simple_delete_many_txn(txn, TABLE, "session_id", ended, {})

    async def _with_stages(self, session_id: str, row: Any) -> Session:
        kept = dict(zip(_COLUMNS, row, strict=True))
        results = await self._store.get_completed_ui_auth_stages(session_id)
        return Session(
            user_id=kept["user_id"],
            device_id=kept["device_id"],
            token_id=kept["token_id"],
            method=kept["method"],
            endpoint=kept["endpoint"],
            target=kept["target"],
            path_device_id=_from_column(kept["path_device_id"]),
            body=None if kept["body"] is None else kept["body"].encode(),
            body_digest=bytes.fromhex(kept["body_digest"]),
            created_ms=kept["created_ms"],
            lifetime_ms=kept["expires_ms"] - kept["created_ms"],
            description=kept["description"],
            finished_ms=kept["finished_ms"],
            finished_digest=_digest(kept["finished_digest"]),
            # Flows have one stage each: there is no other order to keep.
            completed=tuple(
                CompletedStage(type, identity_of(results[type])) for type in sorted(results)
            ),
        )


def _digest(column: str | None) -> bytes | None:
    return None if column is None else bytes.fromhex(column)


def _to_column(device_id: str | None) -> str | None:
    """Escaped: PostgreSQL stores no U+0000."""
    return None if device_id is None else quote(device_id, safe="")


def _from_column(column: str | None) -> str | None:
    return None if column is None else unquote(column)


def _for_a_page(description: str) -> str:
    """Synapse's page for single sign-on says: "A client is trying to …"."""
    return description[:1].lower() + description[1:]
