"""Sessions of POST /register: what was asked for before the challenge. docs/accounts.md, T8."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from ..memory.digests import digest_of

LIFETIME_MS = 3_600_000
MAX_SESSIONS = 10_000  # over this many the oldest makes room


@dataclass(frozen=True, slots=True)
class RegistrationSession:
    """A session that registers one account."""

    session_id: str = field(repr=False)
    parameters: Mapping[str, Any] = field(repr=False)
    """Of the first request, without ``auth``."""
    began_ms: int


class RegistrationSessions:
    """Those that were given out and have registered nobody yet. Any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sessions: dict[bytes, RegistrationSession] = {}  # in the order they began

    def begin(self, parameters: Mapping[str, Any], now_ms: int) -> RegistrationSession:
        """A new one."""
        session = RegistrationSession(secrets.token_urlsafe(18), parameters, now_ms)
        with self._lock:
            while self._sessions:
                oldest = next(iter(self._sessions))
                if len(self._sessions) < MAX_SESSIONS and not _is_over(
                    self._sessions[oldest], now_ms
                ):
                    break
                del self._sessions[oldest]
            self._sessions[digest_of(session.session_id)] = session
        return session

    def take(self, session_id: str, now_ms: int) -> RegistrationSession | None:
        """The one of this ID, which is not there any more until it is given back."""
        with self._lock:
            session = self._sessions.pop(digest_of(session_id), None)
        return None if session is None or _is_over(session, now_ms) else session

    def give_back(self, session: RegistrationSession) -> None:
        """It has registered nobody."""
        with self._lock:
            self._sessions[digest_of(session.session_id)] = session


def _is_over(session: RegistrationSession, now_ms: int) -> bool:
    return session.began_ms + LIFETIME_MS <= now_ms
