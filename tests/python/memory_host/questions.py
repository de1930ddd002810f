"""What the tests ask the hosts in memory."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from matrix_devices import (
    Credentials,
    KeptSession,
    MatrixError,
    MemoryHost,
    Namespace,
    NewSession,
    NotFound,
    Replacement,
    Request,
    Service,
    SessionKey,
)

ALICE = "@alice:example.org"
PASSWORD = "correct horse"
IRC = Service("irc", "as-token", "irc_bot", (Namespace(r"@irc_.*:example\.org"),))


def credentials(
    token: str, user_id: str | None = None, device_id: str | None = None, address: str = "192.0.2.1"
) -> Credentials:
    """Of a request that is of no interest."""
    return Credentials(token, user_id, device_id, address, Request("GET", "/"))


HOUR_MS = 3_600_000
NUMBERS = itertools.count(1)


def create(host: MemoryHost, **changes: Any) -> str:
    """A new session of an hour; its ID."""
    new = NewSession(
        proposed_id=f"{next(NUMBERS):043}",
        user_id=ALICE,
        device_id="LAPTOP",
        token_id=None,
        state=b"new",
        expires_ms=host.clock.now_ms() + HOUR_MS,
        max_live=32,
    )
    new = replace(new, **changes)
    assert host.uia_create_session(None, new) is None
    return new.proposed_id


def load(host: MemoryHost, session_id: str) -> KeptSession:
    """A session."""
    return host.uia_load_session(None, SessionKey(session_id))


def is_live(host: MemoryHost, session_id: str) -> bool:
    """Whether it can be loaded."""
    try:
        load(host, session_id)
    except NotFound:
        return False
    return True


def replacement(host: MemoryHost, session_id: str, **changes: Any) -> Replacement:
    """Of the first revision of a session."""
    later_ms = host.clock.now_ms() + HOUR_MS
    return replace(Replacement(session_id, ALICE, 1, b"replaced", later_ms, False), **changes)


def refused(errcode: str) -> Any:
    """Expects a MatrixError."""
    return pytest.raises(MatrixError, match=errcode)
