"""The hosts in memory: logins and tokens."""

from __future__ import annotations

import pytest

from matrix_devices import (
    Deletion,
    DeviceQuery,
    LimitExceeded,
    Login,
    MemoryHost,
    NotFound,
    Principal,
    UnknownToken,
)
from questions import ALICE, IRC, PASSWORD, create, credentials, is_live, refused


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
