"""Sessions of User-Interactive Authentication in memory. The caller holds the host's lock."""

from __future__ import annotations

import secrets
from dataclasses import replace

from ..errors import NotFound
from ..records import CompletedStage, Session, UiaRecord
from .digests import digest_of

SWEEP_INTERVAL_MS = 60_000


class MemorySessions:
    """The sessions, found by the digests of their IDs, in the order they were made."""

    def __init__(self) -> None:
        self._sessions: dict[bytes, Session] = {}
        self._next_sweep_ms = 0

    def create(self, session: Session, now_ms: int) -> str:
        """Keep a new session; returns its ID, of 144 random bits."""
        if now_ms >= self._next_sweep_ms:
            self._next_sweep_ms = now_ms + SWEEP_INTERVAL_MS
            self._remove([key for key, kept in self._sessions.items() if _is_over(kept, now_ms)])
        mine = [item for item in self._sessions.items() if item[1].user_id == session.user_id]
        self._remove([key for key, kept in mine if _is_over(kept, now_ms)])
        live = [(key, kept) for key, kept in mine if not _is_over(kept, now_ms)]
        # U25: the oldest unfinished of the same device first, then of the user, finished ones last.
        live.sort(key=lambda item: (_rank(item[1], session), item[1].created_ms))
        surplus = max(0, len(live) - max(session.max_live, 1) + 1)
        self._remove([key for key, _kept in live[:surplus]])
        session_id = secrets.token_urlsafe(18)
        self._sessions[digest_of(session_id)] = session
        return session_id

    def load(self, session_id: str, now_ms: int) -> Session:
        """The live session of this ID. ``NotFound``."""
        session = self._sessions.get(digest_of(session_id))
        if session is None or _is_over(session, now_ms):
            raise NotFound()
        return session

    def record(self, record: UiaRecord, now_ms: int) -> Session:
        """Note a stage, a body, the finish; returns the session as it then is. ``NotFound``."""
        session = self.load(record.session_id, now_ms)
        done = {stage.type for stage in session.completed}
        if record.type is not None and record.type not in done:
            stage = CompletedStage(record.type, record.identity)
            session = replace(session, completed=(*session.completed, stage))
        if session.finished_ms is None:  # the first that finishes it wins (U26)
            if record.body is not None:
                session = replace(session, body=record.body)
            if record.finish:
                session = replace(
                    session, finished_ms=record.now_ms, finished_digest=record.body_digest
                )
        self._sessions[digest_of(record.session_id)] = session
        return session

    def drop(self, user_id: str, device_id: str | None = None) -> None:
        """Forget those of a device; without one, all of the user's."""
        self._remove(
            [
                key
                for key, kept in self._sessions.items()
                if kept.user_id == user_id and device_id in (None, kept.device_id)
            ]
        )

    def _remove(self, keys: list[bytes]) -> None:
        for key in keys:
            self._sessions.pop(key, None)


def _is_over(session: Session, now_ms: int) -> bool:
    return session.created_ms + session.lifetime_ms <= now_ms


def _rank(kept: Session, new: Session) -> int:
    if kept.finished_ms is not None:
        return 2
    same_device = kept.device_id == new.device_id and (
        new.device_id is not None or kept.token_id == new.token_id
    )
    return 0 if same_device else 1
