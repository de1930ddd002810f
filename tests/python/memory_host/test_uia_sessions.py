"""The hosts in memory: sessions of User-Interactive Authentication."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from asking import Asking, errcode, password_auth
from matrix_devices import Conflict, KeptSession, MemoryHost, Module, NotFound
from questions import PASSWORD, create, is_live, load, replacement


def test_sessions_expire(host: MemoryHost) -> None:
    session_id = create(host)
    assert session_id not in repr(host._state.sessions.__dict__)
    host.clock.advance(minutes=59)
    assert load(host, session_id) == KeptSession(b"new", 1)
    host.uia_replace_session(None, replacement(host, session_id))  # which says when from now on
    host.clock.advance(minutes=59)
    assert is_live(host, session_id)
    host.clock.advance(minutes=2)
    assert not is_live(host, session_id)
    with pytest.raises(NotFound):
        host.uia_replace_session(None, replacement(host, session_id, revision=2))


def test_expired_sessions_are_removed(host: MemoryHost) -> None:
    for number in range(20):
        create(host, user_id=f"@user{number}:example.org")
    host.clock.advance(hours=2)
    create(host)
    assert len(host._state.sessions._rows) == 1


def test_U25_the_session_created_first_makes_room(host: MemoryHost) -> None:
    finished = create(host, max_live=4)
    host.uia_replace_session(None, replacement(host, finished, finished=True))
    other, old, new = (create(host, device_id=name) for name in ("PHONE", "LAPTOP", "LAPTOP"))
    host.clock.advance(hours=-1)  # the order is that of creation, and not of the clock
    last = create(host, max_live=4)
    sessions = (finished, other, old, new, last)
    assert [is_live(host, s) for s in sessions] == [True, True, False, True, True]
    create(host, device_id="TABLET", max_live=4)
    assert [is_live(host, s) for s in sessions] == [True, False, False, True, True]
    mine = create(host, max_live=1)
    assert [is_live(host, s) for s in (*sessions, mine)] == [False] * 5 + [True]


def test_U25_of_tokens_without_a_device_the_token_counts(host: MemoryHost) -> None:
    other, mine = (create(host, device_id=None, token_id=token) for token in ("1", "2"))
    create(host, device_id=None, token_id="2", max_live=2)
    assert [is_live(host, s) for s in (other, mine)] == [True, False]


def test_a_session_is_replaced_by_who_has_seen_it_last(host: MemoryHost) -> None:
    session_id = create(host)
    state = b'{"text":"\\u0000"}' + bytes(range(1, 256))
    host.uia_replace_session(None, replacement(host, session_id, state=state))
    assert load(host, session_id) == KeptSession(state, 2)
    for revision in (1, 3):
        with pytest.raises(Conflict):
            host.uia_replace_session(None, replacement(host, session_id, revision=revision))
    assert load(host, session_id) == KeptSession(state, 2)
    with pytest.raises(NotFound):
        host.uia_replace_session(None, replacement(host, "another"))


def test_one_of_many_threads_replaces_a_session(host: MemoryHost) -> None:
    session_id = create(host)
    barrier = threading.Barrier(8)

    def work(number: int) -> int:
        barrier.wait()
        won = 0
        for revision in range(1, 101):
            mine = replacement(host, session_id, revision=revision, state=b"%d" % number)
            try:
                host.uia_replace_session(None, mine)
            except Conflict:
                while load(host, session_id).revision <= revision:
                    time.sleep(0)
            else:
                won += 1
        return won

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 100
    assert load(host, session_id).revision == 101


def test_a_grace_period(host: MemoryHost) -> None:
    token = host.login("alice", device_id="LAPTOP").access_token
    with Module.open(host, {"uia": {"grace_period_ms": 60_000}}) as module:
        alice = Asking(module, token)
        assert alice("DELETE", "/devices/A", {}).status == 401
        body = {"auth": password_auth("alice", PASSWORD)}
        assert alice("DELETE", "/devices/A", body).status == 200
        assert alice("DELETE", "/devices/B", {}).status == 200
        host.clock.advance(61)
        assert alice("DELETE", "/devices/B", {}).status == 401


@pytest.mark.parametrize(
    "auth",
    [
        {"password": 1, "user": "alice"},
        {"password": PASSWORD},
        {"password": PASSWORD, "user": 1},
        {"password": PASSWORD, "identifier": "alice"},
        {"password": PASSWORD, "identifier": {}},
        {"password": PASSWORD, "identifier": {"type": "m.id.unknown"}},
        {"password": PASSWORD, "identifier": {"type": "m.id.user"}},
        {"password": PASSWORD, "identifier": {"type": "m.id.thirdparty", "medium": "email"}},
        {"password": PASSWORD, "identifier": {"type": "m.id.phone", "phone": "1"}},
    ],
)
def test_bad_credentials(host: MemoryHost, module: Module, auth: dict[str, Any]) -> None:
    alice = Asking(module, host.login("alice").access_token)
    answer = alice("DELETE", "/devices/A", {"auth": {"type": "m.login.password", **auth}})
    assert errcode(answer) == (400, "M_BAD_JSON")


def test_third_party_identifiers_are_nobodys(host: MemoryHost, module: Module) -> None:
    alice = Asking(module, host.login("alice").access_token)
    identifier = {"type": "m.id.thirdparty", "medium": "email", "address": "a@example.org"}
    auth = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
    assert errcode(alice("DELETE", "/devices/A", {"auth": auth})) == (401, "M_FORBIDDEN")
