"""Sessions of User-Interactive Authentication in memory. The caller holds the host's lock."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import Conflict, NotFound
from ..records import KeptSession, NewSession, Replacement
from .digests import digest_of

SWEEP_INTERVAL_MS = 60_000


@dataclass(slots=True)
class _Row:
    user_id: str
    device_id: str | None
    token_id: str | None
    state: bytes = field(repr=False)
    expires_ms: int
    revision: int = 1
    finished: bool = False


class MemorySessions:
    """The sessions, found by the digests of their IDs, in the order of their creation."""

    def __init__(self) -> None:
        self._rows: dict[bytes, _Row] = {}
        self._next_sweep_ms = 0

    def create(self, new: NewSession, now_ms: int) -> None:
        """Keep a new session under its proposed ID, and make room for it (U25)."""
        if now_ms >= self._next_sweep_ms:
            self._next_sweep_ms = now_ms + SWEEP_INTERVAL_MS
            self._remove([key for key, row in self._rows.items() if row.expires_ms <= now_ms])
        mine = [(key, row) for key, row in self._rows.items() if row.user_id == new.user_id]
        self._remove([key for key, row in mine if row.expires_ms <= now_ms])
        live = [(key, row) for key, row in mine if row.expires_ms > now_ms]
        live.sort(key=lambda item: _rank(item[1], new))  # stable: the first created stays first
        self._remove([key for key, _row in live[: max(0, len(live) + 1 - new.max_live)]])
        self._rows[digest_of(new.proposed_id)] = _Row(
            new.user_id, new.device_id, new.token_id, new.state, new.expires_ms
        )

    def load(self, session_id: str, now_ms: int) -> KeptSession:
        """The live session of this ID. ``NotFound``."""
        row = self._row(session_id, now_ms)
        return KeptSession(row.state, row.revision)

    def replace(self, replacement: Replacement, now_ms: int) -> None:
        """Put a state in the place of the one it was made from. ``NotFound``, ``Conflict``."""
        row = self._row(replacement.session_id, now_ms)
        if row.revision != replacement.revision:
            raise Conflict()
        row.revision += 1
        row.state = replacement.state
        row.expires_ms = replacement.expires_ms
        row.finished = replacement.finished

    def drop(self, user_id: str, device_id: str | None = None) -> None:
        """Forget those of a device; without one, all of the user's."""
        self._remove(
            [
                key
                for key, row in self._rows.items()
                if row.user_id == user_id and device_id in (None, row.device_id)
            ]
        )

    def _row(self, session_id: str, now_ms: int) -> _Row:
        row = self._rows.get(digest_of(session_id))
        if row is None or row.expires_ms <= now_ms:
            raise NotFound()
        return row

    def _remove(self, keys: list[bytes]) -> None:
        for key in keys:
            self._rows.pop(key, None)


def _rank(row: _Row, new: NewSession) -> int:
    if row.finished:
        return 2
    same_device = row.device_id == new.device_id and (
        new.device_id is not None or row.token_id == new.token_id
    )
    return 0 if same_device else 1
