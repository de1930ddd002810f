"""The hosts in memory: accounts."""

from __future__ import annotations

from typing import Any

import pytest

from matrix_devices import (
    Accounts,
    AsyncMemoryHost,
    ConfigurationError,
    Forbidden,
    MemoryHost,
    Namespace,
    NotFound,
    Service,
    Unavailable,
    UnknownToken,
    UserLocked,
)
from questions import ALICE, PASSWORD, create, credentials, is_live, refused


def test_both_hosts_implement_accounts() -> None:
    assert isinstance(MemoryHost(), Accounts)
    assert isinstance(AsyncMemoryHost(), Accounts)


def test_user_names(host: MemoryHost) -> None:
    assert host.add_user("bob") == "@bob:example.org"
    assert host.add_user("@carol:example.org") == "@carol:example.org"
    with refused("M_USER_IN_USE"):
        host.add_user("alice")
    for name in (
        *("", "Not Valid", "é", "no(brackets)", "a\0b", "x" * 255, "\u212ate"),
        *("@dave:elsewhere.org", "@:example.org", "@eve:example.org:8448", "@eve:"),
    ):
        with refused("M_INVALID_USERNAME"):
            host.add_user(name)


@pytest.mark.parametrize(
    "name", ["alice", "Alice", "ALICE", "@alice", "@Alice:EXAMPLE.org", "@alice:example.org"]
)
def test_T3_a_name_is_taken_as_people_type_it(host: MemoryHost, name: str) -> None:
    assert host.resolve_name(name) == ALICE
    assert host.check_password(name, PASSWORD) == ALICE
    assert host.login(name).user_id == ALICE
    with refused("M_USER_IN_USE"):
        host.add_user(name)


def test_T3_registration_lower_cases(host: MemoryHost) -> None:
    assert host.add_user("BoB") == "@bob:example.org"
    assert host.resolve_name("Carol") == "@carol:example.org"
    for nobody in ("@alice:elsewhere.org", "", "@", "a b", "é", "x" * 250):
        assert host.resolve_name(nobody) is None
        with pytest.raises(Forbidden):
            host.check_password(nobody, PASSWORD)


def test_T3_services_register_historical_names_of_their_own(host: MemoryHost) -> None:
    host.add_service(Service("irc", "as-token", "Irc_Bot", (Namespace("@[Ii]rc_"),)))
    assert host.add_user("Irc_A(1)", service_id="irc") == "@Irc_A(1):example.org"
    assert host.add_user("irc_a(1)", service_id="irc") == "@irc_a(1):example.org"
    assert host.resolve_name("Irc_A(1)") == "@Irc_A(1):example.org", "the exact one first"
    assert host.resolve_name("IRC_A(1)") == "@irc_a(1):example.org", "else its lower case"
    with refused("M_EXCLUSIVE"):
        host.add_user("Alice", service_id="irc")
    with refused("M_INVALID_USERNAME"):
        host.add_user("Irc_é", service_id="irc")
    with refused("M_EXCLUSIVE"):
        host.add_user("IRC_b")  # which would be irc_b


@pytest.mark.parametrize(
    "name",
    ["example.org", "EXAMPLE.org:8448", "1.2.3.4", "1.2.3.4:80", "[::1]", "[2001:db8::1]:443", "x"],
)
def test_T10_server_names(name: str) -> None:
    assert MemoryHost(name).add_user("alice") == f"@alice:{name}"


@pytest.mark.parametrize(
    "name",
    [
        *("", "a b", "a_b", "a/b", "a:1:2", "::1", "[::1", "[x]", "é.org", "x" * 256),
        *("example.org:", "example.org:x", "example.org:123456", "example.org\n"),
    ],
)
def test_T10_no_other_server_names(name: str) -> None:
    with pytest.raises(ConfigurationError, match="server name"):
        MemoryHost(name)


def test_guests_have_names_made_up(host: MemoryHost) -> None:
    first, second = host.add_user("", guest=True), host.add_user("", guest=True)
    assert first != second
    token = host.login(first).access_token
    assert host.identify(credentials(token)).guest


def test_passwords(host: MemoryHost) -> None:
    assert host.check_password("alice", PASSWORD) == ALICE
    assert host.check_password(ALICE, PASSWORD) == ALICE
    host.add_user("bob")
    for name, password in (("alice", "wrong"), ("nobody", PASSWORD), ("bob", ""), ("bob", "x")):
        with pytest.raises(Forbidden):
            host.check_password(name, password)
    host.set_password("alice", "new")
    assert host.check_password("alice", "new") == ALICE
    with pytest.raises(Forbidden):
        host.check_password("alice", PASSWORD)
    with refused("M_WEAK_PASSWORD"):
        host.set_password("alice", "")
    with pytest.raises(NotFound):
        host.set_password("nobody", "x")
    for set_one in (host.set_password, host.add_user):
        with refused("M_INVALID_PARAM"):
            set_one("alice", "a\0b")


def test_H6_a_password_that_could_not_be_hashed_is_not_wrong(
    host: MemoryHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scrypt(*_arguments: Any, **_keywords: Any) -> bytes:
        raise ValueError("memory limit exceeded")

    monkeypatch.setattr("hashlib.scrypt", scrypt)
    with pytest.raises(Unavailable):
        host.check_password("alice", PASSWORD)


def test_locked_and_unlocked(host: MemoryHost) -> None:
    login = host.login("alice", refreshable=True)
    host.set_locked("alice", True)
    with pytest.raises(UserLocked):
        host.identify(credentials(login.access_token))
    with pytest.raises(UserLocked):
        host.login("alice")
    assert login.refresh_token is not None
    with pytest.raises(UserLocked):
        host.refresh(login.refresh_token)
    host.set_locked("alice", False)
    assert host.identify(credentials(login.access_token)).user_id == ALICE


def test_suspended(host: MemoryHost) -> None:
    token = host.login("alice").access_token
    host.set_suspended("alice", True)
    assert host.identify(credentials(token)).suspended
    host.set_suspended("alice", False)
    assert not host.identify(credentials(token)).suspended


def test_deactivated_for_good(host: MemoryHost) -> None:
    login = host.login("alice", device_id="LAPTOP", refreshable=True)
    session_id = create(host)
    host.deactivate("alice")
    with pytest.raises(UnknownToken):
        host.identify(credentials(login.access_token))
    with pytest.raises(UnknownToken):
        host.refresh(login.refresh_token or "")
    with pytest.raises(Forbidden):
        host.check_password("alice", PASSWORD)
    assert not is_live(host, session_id)
    with refused("M_USER_DEACTIVATED"):
        host.login("alice")
    with refused("M_USER_DEACTIVATED"):
        host.set_password("alice", "x")
    with refused("M_USER_IN_USE"):
        host.add_user("alice")
