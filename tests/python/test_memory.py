"""The hosts in memory: accounts, tokens, services, sessions, clock, faults."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from asking import Asking, device_path, errcode, password_auth
from matrix_devices import (
    Accounts,
    AsyncMemoryHost,
    Clock,
    ConfigurationError,
    Conflict,
    Credentials,
    Deletion,
    Device,
    DeviceKey,
    DeviceQuery,
    DeviceUpdate,
    Forbidden,
    KeptSession,
    Limit,
    LimitExceeded,
    LimitRequest,
    Login,
    MatrixError,
    MemoryHost,
    Module,
    Namespace,
    NewSession,
    NotFound,
    Principal,
    Replacement,
    Request,
    Response,
    Service,
    SessionKey,
    Timeout,
    Unavailable,
    UnknownDevice,
    UnknownToken,
    UserLocked,
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


@pytest.fixture
def host() -> MemoryHost:
    """A host with one user."""
    host = MemoryHost("example.org")
    host.add_user("alice", PASSWORD)
    return host


@pytest.fixture
def module(host: MemoryHost) -> Iterator[Module]:
    """The module on it."""
    with Module.open(host) as module:
        yield module


def refused(errcode: str) -> Any:
    """Expects a MatrixError."""
    return pytest.raises(MatrixError, match=errcode)


# ---- Accounts ----


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


# ---- Tokens ----


def test_login_on_a_device_that_is_there(host: MemoryHost) -> None:
    first = host.login("alice", device_id="LAPTOP", display_name="first")
    begun = create(host)
    second = host.login("alice", device_id="LAPTOP", display_name="second")
    with pytest.raises(UnknownToken) as refusal:
        host.identify(credentials(first.access_token))
    assert not refusal.value.soft_logout
    assert not is_live(host, begun)
    principal = host.authenticate(credentials(second.access_token))
    assert [d.display_name for d in host.list_devices(principal, DeviceQuery(ALICE))] == ["first"]


def test_bad_device_ids(host: MemoryHost) -> None:
    for device_id in ("x" * 256, "é" * 128, "a\nb", "a\x00", "\x7f"):
        with refused("M_INVALID_PARAM"):
            host.login("alice", device_id=device_id)
    host.login("alice", device_id="é" * 127)
    with pytest.raises(NotFound):
        host.login("nobody")


def test_expired_tokens_are_soft_logouts(host: MemoryHost) -> None:
    at_once = host.login("alice", lifetime_ms=0)
    later = host.login("alice", refreshable=True)
    assert later.expires_in_ms == 600_000
    with pytest.raises(UnknownToken) as refusal:
        host.identify(credentials(at_once.access_token))
    assert refusal.value.soft_logout
    host.clock.advance(minutes=9)
    host.identify(credentials(later.access_token))
    host.clock.advance(minutes=2)
    with pytest.raises(UnknownToken) as refusal:
        host.identify(credentials(later.access_token))
    assert refusal.value.soft_logout
    host.clock.advance(hours=-1)
    host.identify(credentials(later.access_token))
    with pytest.raises(ValueError, match="lifetime_ms"):
        host.login("alice", lifetime_ms=-1)


def replaced(host: MemoryHost, *logins: Login) -> None:
    """Their access tokens are of no use, and no reason to throw keys away (T2, A4a)."""
    for login in logins:
        for use in (lambda t: host.identify(credentials(t)), host.logout):
            with pytest.raises(UnknownToken) as refusal:
                use(login.access_token)
            assert refusal.value.soft_logout


def not_refreshed(host: MemoryHost, *logins: Login) -> None:
    """Neither are their refresh tokens."""
    for login in logins:
        with pytest.raises(UnknownToken) as refusal:
            host.refresh(login.refresh_token or "")
        assert refusal.value.soft_logout


@pytest.mark.parametrize("used", ["access", "refresh"])
def test_T1_of_refreshes_at_once_all_are_good_until_one_is_used(
    host: MemoryHost, used: str
) -> None:
    old = host.login("alice", device_id="LAPTOP", refreshable=True)
    siblings = [host.refresh(old.refresh_token or "") for _ in range(4)]
    assert {sibling.device_id for sibling in siblings} == {"LAPTOP"}
    host.identify(credentials(old.access_token))
    first, second, third, last = siblings
    if used == "access":
        host.identify(credentials(second.access_token))
    else:
        host.refresh(second.refresh_token or "")
    replaced(host, old)
    not_refreshed(host, old, first, third, last)
    for sibling in siblings:  # these run out by time
        host.identify(credentials(sibling.access_token))
    host.refresh(second.refresh_token or "")
    host.clock.advance(minutes=11)
    for sibling in siblings:
        with pytest.raises(UnknownToken) as refusal:
            host.identify(credentials(sibling.access_token))
        assert refusal.value.soft_logout


def test_T1_a_refresh_that_was_never_used_ends_nothing(host: MemoryHost) -> None:
    old = host.login("alice", refreshable=True)
    lost = host.refresh(old.refresh_token or "")  # the answer that never came
    new = host.refresh(old.refresh_token or "")
    host.identify(credentials(new.access_token))
    not_refreshed(host, lost)
    third = host.refresh(new.refresh_token or "")
    host.identify(credentials(new.access_token))
    host.identify(credentials(third.access_token))
    replaced(host, old, new)


def test_T2_replaced_tokens_are_told_from_those_of_devices_that_are_gone(host: MemoryHost) -> None:
    def used_up(device_id: str) -> tuple[Login, Login]:
        old = host.login("alice", device_id=device_id, refreshable=True)
        new = host.refresh(old.refresh_token or "")
        host.identify(credentials(new.access_token))
        replaced(host, old)
        return old, new

    ended = [*used_up("A"), *used_up("B"), *used_up("C")]
    host.login("alice", device_id="A")
    host.logout(ended[3].access_token)
    host.delete_devices(Principal(ALICE), Deletion(ALICE, ["C"]))
    for login in ended:
        for use in (lambda t: host.identify(credentials(t)), host.logout):
            with pytest.raises(UnknownToken) as refusal:
                use(login.access_token)
            assert not refusal.value.soft_logout
        with pytest.raises(UnknownToken) as refusal:
            host.refresh(login.refresh_token or "")
        assert not refusal.value.soft_logout


def test_T12_a_login_keeps_to_the_cap(host: MemoryHost) -> None:
    host.login("alice", device_id="A", max_devices=2)
    host.login("alice", device_id="B", max_devices=2)
    with pytest.raises(LimitExceeded):
        host.login("alice", max_devices=2)
    host.login("alice", device_id="A", max_devices=2)
    host.login("alice")


def test_P13_a_login_gives_no_name_with_a_nul(host: MemoryHost) -> None:
    with refused("M_INVALID_PARAM"):
        host.login("alice", device_id="A", display_name="a\0b")
    principal = host.authenticate(credentials(host.login("alice", device_id="B").access_token))
    assert [device.device_id for device in host.list_devices(principal, DeviceQuery(ALICE))] == [
        "B"
    ]


def test_logout(host: MemoryHost) -> None:
    one, two, three = (host.login("alice", refreshable=True) for _ in range(3))
    host.logout(one.access_token)
    for login in (one,):
        with pytest.raises(UnknownToken):
            host.identify(credentials(login.access_token))
        with pytest.raises(UnknownToken):
            host.refresh(login.refresh_token or "")
    host.clock.advance(hours=1)  # an expired token logs out all the same
    host.set_locked("alice", True)
    host.logout(two.access_token, all_devices=True)
    with pytest.raises(UnknownToken):
        host.logout(three.access_token)
    host.set_locked("alice", False)
    principal = host.authenticate(credentials(host.login("alice").access_token))
    assert len(host.list_devices(principal, DeviceQuery(ALICE))) == 1


def test_no_secret_is_shown(host: MemoryHost) -> None:
    login = host.login("alice", refreshable=True)
    host.add_service(IRC)
    state = host._state
    shown = "".join(
        repr(thing)
        for thing in (
            *(host, login, IRC, host.clock, host.authenticate(credentials(login.access_token))),
            *state.accounts.values(),
            *state.access_tokens.values(),
            *state.pairs.values(),
            *state.services.values(),
            state,
        )
    )
    for secret in (login.access_token, login.refresh_token, PASSWORD, IRC.as_token):
        assert secret is not None
        assert secret not in shown
    kept = repr([list(state.access_tokens), list(state.pairs), list(state.services)])
    assert login.access_token not in kept


# ---- Application services ----


def test_services(host: MemoryHost) -> None:
    host.add_service(IRC)
    assert host.find_service("as-token") == "irc"
    assert host.find_service("nobody") is None
    assert host.covers("irc", "@irc_x:example.org")
    assert host.covers("irc", "@irc_bot:example.org")
    assert not host.covers("irc", "@irc_x:example.org.evil")
    assert not host.covers("irc", "x@irc_x:example.org")
    assert not host.covers("irc", ALICE)
    assert not host.covers("nobody", ALICE)
    with refused("M_EXCLUSIVE"):
        host.add_user("irc_x")
    with refused("M_EXCLUSIVE"):
        host.add_user("mallory", service_id="irc")
    host.add_user("irc_x", service_id="irc")
    acting = host.identify(credentials("as-token", "@irc_x:example.org"))
    assert (acting.user_id, acting.appservice) == ("@irc_x:example.org", True)
    assert host.identify(credentials("as-token")).user_id == "@irc_bot:example.org"
    for user_id in (ALICE, "@irc_unregistered:example.org"):
        with pytest.raises(Forbidden):
            host.identify(credentials("as-token", user_id))
    with pytest.raises(UnknownDevice):
        host.identify(credentials("as-token", "@irc_x:example.org", "NONE"))


@pytest.mark.parametrize(
    ("service", "text"),
    [
        (Service("", "t", "bot"), "not empty"),
        (Service("b", "", "bot"), "not empty"),
        (Service("b", "t", ""), "not empty"),
        (Service("irc", "t", "bot"), "have the id"),
        (Service("b", "as-token", "bot"), "as_token of another"),
        (Service("b", "t", "Not Valid"), "sender_localpart"),
        (Service("b", "t", "bot", (Namespace("("),)), "not valid"),
        (Service("b", "t", "bot", (Namespace("@a.*"), Namespace("@b_(?!x)"))), r"@b_\(\?!x\)"),
        (Service("b", "t", "bot", (Namespace(r"@(.)\1"),)), r"@\(\.\)\\1"),
    ],
)
def test_bad_services(host: MemoryHost, service: Service, text: str) -> None:
    host.add_service(IRC)
    with pytest.raises(ConfigurationError, match=text) as refusal:
        host.add_service(service)
    assert "as-token" not in str(refusal.value)


def test_T9_namespaces_match_from_the_start(host: MemoryHost) -> None:
    host.add_service(Service("irc", "as-token", "bot", (Namespace("@irc_"), Namespace("a"))))
    assert host.covers("irc", "@irc_a:example.org")
    assert not host.covers("irc", "@a_irc_:example.org")
    assert not host.covers("irc", "@irc_a:elsewhere.org")
    assert host.add_user("irc_a", service_id="irc") == "@irc_a:example.org"
    with refused("M_EXCLUSIVE"):
        host.add_user("irc_b")


def test_T9_an_expression_costs_no_more_than_its_text(host: MemoryHost) -> None:
    host.add_service(Service("irc", "as-token", "bot", (Namespace(r"@(a*)*(a*)*b"),)))
    began = time.process_time()
    assert not host.covers("irc", f"@{'a' * 200}:example.org")
    assert time.process_time() - began < 5


def test_a_service_creates_up_to_the_cap(host: MemoryHost) -> None:
    host.add_service(IRC)
    with Module.open(host, {"max_devices_per_user": 2}) as module:
        irc = Asking(module, IRC.as_token)
        assert irc("PUT", "/devices/A", {"display_name": "a"}).status == 201
        assert irc("PUT", "/devices/B", {}).status == 201
        assert errcode(irc("PUT", "/devices/C", {})) == (403, "M_USER_LIMIT_EXCEEDED")
        assert irc("PUT", "/devices/A", {}).status == 200
        assert irc.device("A")["display_name"] == "a"


def test_creation_is_limited_by_the_clock(host: MemoryHost) -> None:
    host.add_service(IRC)
    host.add_user("irc_x", service_id="irc")
    config = {"limits": {"device_creation": {"burst": 2, "interval_ms": 3_600_000}}}
    with Module.open(host, config) as module:
        irc = Asking(module, IRC.as_token)

        def create(device_id: str) -> Response:
            return irc("PUT", f"/devices/{device_id}", {}, user_id="@irc_x:example.org")

        assert [create(device_id).status for device_id in "AB"] == [201, 201]
        limited = create("C")
        assert errcode(limited) == (429, "M_LIMIT_EXCEEDED")
        assert 3_590_000 < limited.json()["retry_after_ms"] <= 3_600_000
        host.clock.advance(hours=1)
        assert create("C").status == 201
        host.clock.advance(hours=-10)
        assert create("D").status == 429
        host.clock.advance(hours=2)  # from where it was set back to, and not ten hours later
        assert create("D").status == 201


def test_P6_a_service_as_its_own_sender_is_not_limited(host: MemoryHost) -> None:
    host.add_service(IRC)
    config = {"limits": {"device_creation": {"burst": 1, "interval_ms": 3_600_000}}}
    with Module.open(host, config) as module:
        irc = Asking(module, IRC.as_token)
        sender = {"user_id": "@irc_bot:example.org"}
        assert [irc("PUT", f"/devices/{n}", {}).status for n in "ABC"] == [201] * 3
        assert [irc("PUT", f"/devices/{n}", {}, **sender).status for n in "DE"] == [201] * 2


def test_limits_are_taken_all_or_none(host: MemoryHost) -> None:
    small, large = Limit("small", "k", 1, 1000), Limit("large", "k", 2, 1000)
    host.take_limit(None, LimitRequest([small, large], 1))
    with pytest.raises(LimitExceeded):
        host.take_limit(None, LimitRequest([small, large], 1))
    host.take_limit(None, LimitRequest([large], 1))
    host.take_limit(None, LimitRequest([small, large], -1))
    host.take_limit(None, LimitRequest([small], 1))


# ---- Devices ----


def test_the_order_is_that_of_the_bytes(host: MemoryHost, module: Module) -> None:
    ids = ["a", "B", "é", "Z", "0", "𐀀", "\uffee", "-"]
    for device_id in ids:
        token = host.login("alice", device_id=device_id).access_token
    assert Asking(module, token).device_ids() == sorted(ids, key=lambda text: text.encode())


def test_listing_makes_nothing_anew(host: MemoryHost) -> None:
    principal = host.authenticate(credentials(host.login("alice").access_token))
    assert host.list_devices(principal, DeviceQuery(ALICE)) is host.list_devices(
        principal, DeviceQuery(ALICE)
    )


def test_last_seen(host: MemoryHost, module: Module) -> None:
    login = host.login("alice", device_id="LAPTOP")
    asking = Asking(module, login.access_token)
    first = asking.device("LAPTOP")
    assert first["last_seen_ip"] == "192.0.2.1"
    asking.address = "192.0.2.2"
    host.clock.advance(30)
    assert asking.device("LAPTOP") == first, "written again within a minute"
    host.clock.advance(31)
    second = asking.device("LAPTOP")
    assert second["last_seen_ip"] == "192.0.2.2"
    assert second["last_seen_ts"] >= first["last_seen_ts"] + 61_000
    asking.address = ""
    host.clock.advance(hours=-5)
    third = asking.device("LAPTOP")
    assert third["last_seen_ip"] == "192.0.2.2"
    assert third["last_seen_ts"] < second["last_seen_ts"]


def test_renaming_changes_the_name_only(host: MemoryHost) -> None:
    login = host.login("alice", device_id="LAPTOP", display_name="old")
    principal = host.authenticate(credentials(login.access_token))
    before = host.get_device(principal, DeviceKey(ALICE, "LAPTOP"))
    host.rename_device(principal, DeviceUpdate(ALICE, "LAPTOP", None))
    assert host.get_device(principal, DeviceKey(ALICE, "LAPTOP")) is before
    host.rename_device(principal, DeviceUpdate(ALICE, "LAPTOP", ""))
    assert host.get_device(principal, DeviceKey(ALICE, "LAPTOP")) == replace(
        before, display_name=""
    )
    with pytest.raises(NotFound):
        host.rename_device(principal, DeviceUpdate(ALICE, "NONE", None))


def test_a_deletion_takes_tokens_and_sessions_along(host: MemoryHost) -> None:
    laptop = host.login("alice", device_id="LAPTOP")
    phone = host.login("alice", device_id="PHONE", refreshable=True)
    of_phone, of_laptop = create(host, device_id="PHONE"), create(host)
    principal = host.authenticate(credentials(laptop.access_token))
    host.delete_devices(principal, Deletion(ALICE, ["PHONE", "UNKNOWN"]))
    with pytest.raises(UnknownToken):
        host.authenticate(credentials(phone.access_token))
    with pytest.raises(UnknownToken):
        host.refresh(phone.refresh_token or "")
    assert not is_live(host, of_phone)
    assert is_live(host, of_laptop)
    host.delete_devices(principal, Deletion("@nobody:example.org", ["LAPTOP"]))
    assert [device.device_id for device in host.list_devices(principal, DeviceQuery(ALICE))] == [
        "LAPTOP"
    ]


# ---- Sessions ----


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


# ---- Clock and faults ----


def test_clock() -> None:
    clock = Clock()
    assert abs(clock.now_ms() - time.time() * 1000) < 10_000
    clock.set(5_000)
    assert 5_000 <= clock.now_ms() < 15_000
    clock.advance(1, minutes=1, hours=1)
    assert 3_666_000 <= clock.now_ms() < 3_676_000
    with pytest.raises(ValueError, match="since the epoch"):
        clock.set(-1)


def test_planted_faults(host: MemoryHost, module: Module) -> None:
    alice = Asking(module, host.login("alice").access_token)
    host.fail_next("list_devices", Unavailable())
    host.fail_next("list_devices", MatrixError(403, "ORG_TERMS", "Accept.", uri="u"), times=2)
    host.fail_next("authenticate", Timeout())
    assert alice("GET", "/devices").status == 504
    assert alice("GET", "/devices").status == 503
    for _ in range(2):
        answer = alice("GET", "/devices")
        assert (answer.status, answer.json()["uri"]) == (403, "u")
    assert alice("GET", "/devices").status == 200
    host.fail_next("list_devices", RuntimeError("planted"))
    assert alice("GET", "/devices").status == 500
    host.fail_next("get_device", Unavailable(), times=100)
    host.clear_faults()
    assert alice("GET", "/devices/NONE").status == 404


def test_bad_faults(host: MemoryHost) -> None:
    with pytest.raises(ValueError, match="list_devices"):
        host.fail_next("list_device", Unavailable())
    with pytest.raises(ValueError, match="times"):
        host.fail_next("list_devices", Unavailable(), times=0)
    with pytest.raises(ValueError, match="delay"):
        host.delay_next("list_devices", -1)


def test_a_delayed_call_lets_others_pass(host: MemoryHost) -> None:
    host.delay_next("get_device", 0.2)
    order: list[str] = []

    def ask(what: str, path: str) -> None:
        alice("GET", path)
        order.append(what)

    with Module.open(host) as module, ThreadPoolExecutor() as pool:
        alice = Asking(module, host.login("alice", device_id="A").access_token)
        slow = pool.submit(ask, "slow", device_path("A"))
        deadline = time.monotonic() + 30
        while host._faults.armed:  # until the slow one has begun
            assert time.monotonic() < deadline
            time.sleep(0.001)
        ask("quick", "/devices")
        slow.result()
    assert order == ["quick", "slow"]


# ---- Threads, and the loop ----


def test_many_threads(host: MemoryHost, module: Module) -> None:
    """Logins, deletions and lists at once: what is left is what it should be."""
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait()
        for turn in range(30):
            mine = host.login("alice", device_id=f"D{number}", refreshable=True)
            alice = Asking(module, mine.access_token)
            assert f"D{number}" in alice.device_ids()
            if turn % 3 == 0:
                host.logout(mine.access_token)
            elif turn % 3 == 1:
                host.refresh(mine.refresh_token or "")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    token = host.login("alice", device_id="LAST").access_token
    assert Asking(module, token).device_ids() == [*(f"D{number}" for number in range(8)), "LAST"]
    state = host._state
    rows = list(state.accounts[ALICE].devices.values())
    assert sum(len(row.access_tokens) for row in rows) == len(state.access_tokens)
    assert sum(len(row.refresh_digests) for row in rows) == len(state.pairs)


def test_the_async_host_suspends() -> None:
    host = AsyncMemoryHost("example.org")
    host.add_user("alice", PASSWORD)
    login = host.login("alice", device_id="LAPTOP")
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    async def main() -> None:
        async with Module.open(host) as module:
            beating = asyncio.create_task(beat())
            request = Request(
                "GET",
                "/_matrix/client/v3/devices",
                (("Authorization", f"Bearer {login.access_token}"),),
            )
            for _ in range(10):
                response = await module.ahandle(request)
                assert response is not None
                assert response.json()["devices"][0]["device_id"] == "LAPTOP"
            host.delay_next("list_devices", 0.05)
            before = beats
            response = await module.ahandle(request)
            assert response is not None
            assert response.status == 200
            assert beats > before + 5, "nothing else ran during the delay"
            host.fail_next("authenticate", Unavailable())
            response = await module.ahandle(request)
            assert response is not None
            assert response.status == 503
            beating.cancel()

    asyncio.run(main())
    assert beats >= 20, "the host answered without suspending"


def test_a_derived_host_sees_its_principal(host: MemoryHost) -> None:
    """MemoryHost may be derived from; what it hands out is what it gets back."""
    seen: list[Principal] = []

    class Watching(MemoryHost):
        def list_devices(self, principal: Principal, query: DeviceQuery) -> tuple[Device, ...]:
            seen.append(principal)
            return tuple(super().list_devices(principal, query))

    watching = Watching("example.org")
    watching.add_user("alice")
    login = watching.login("alice", device_id="LAPTOP")
    with Module.open(watching) as module:
        assert Asking(module, login.access_token).device_ids() == ["LAPTOP"]
    assert seen == [Principal(ALICE, "LAPTOP")]
