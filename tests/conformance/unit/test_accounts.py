"""A test's users: its own where that costs no waiting, otherwise shared ones; or unused ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import fake_homeserver
import pytest
from fake_homeserver import FakeHomeserver, Limit, Settings

from matrix_device_conformance import pacing
from matrix_device_conformance.accounts import Accounts
from matrix_device_conformance.check import NotJudged
from matrix_device_conformance.client import Client
from matrix_device_conformance.homeserver import Homeserver
from matrix_device_conformance.preflight import preflight

CLOSED = (403, {"errcode": "M_FORBIDDEN"})


@contextmanager
def prepared(settings: Settings, *names: str) -> Iterator[tuple[Accounts, FakeHomeserver]]:
    """The users of a homeserver, after the preflight; accounts of these names are given."""
    settings.accounts.update(dict.fromkeys(names, "pw"))
    with fake_homeserver.running(settings) as fake:
        homeserver = Homeserver(Client(fake.url), accounts=[(name, "pw") for name in names])
        yield preflight(homeserver), fake


def test_own_users_where_registration_is_open() -> None:
    with prepared(Settings()) as (accounts, _fake):
        users = []
        for _ in range(5):
            accounts.begin_test()
            users += [accounts.user(), accounts.user(), accounts.fresh()]
        assert len({user.user_id for user in users}) == 15
        assert not {user.user_id for user in users} & {user.user_id for user in accounts.shared}


def test_shared_ones_once_registrations_are_limited() -> None:
    with prepared(Settings(registrations=Limit(6, 300))) as (accounts, fake):
        own = {accounts.user().user_id for _ in range(2)}
        shared = {user.user_id for user in accounts.shared}
        for _ in range(3):
            accounts.begin_test()
            assert {accounts.user().user_id, accounts.user().user_id} == shared
            with pytest.raises(NotJudged, match="more than the 2 accounts"):
                accounts.user()
        assert not own & shared
        assert fake.settings.registrations.refused == 1
        with pytest.raises(NotJudged, match=r"6 registrations an address, then one in 300 s"):
            accounts.fresh()
        assert fake.settings.registrations.refused == 1


def test_users_whom_the_preflight_had_to_spare_are_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = Limit(3, 6)

    def wait(_seconds: float) -> None:
        limit.at_once += 1

    monkeypatch.setattr(pacing.time, "sleep", wait)
    with prepared(Settings(registrations=limit)) as (accounts, fake):
        taken = limit.taken
        fresh = [accounts.fresh(), accounts.fresh()]
        assert limit.taken == taken
        assert accounts.fresh().device().device_id
        assert fake.settings.logins.taken == 0
        assert not {user.user_id for user in fresh} & {user.user_id for user in accounts.shared}
        assert accounts.user() in accounts.shared


def test_given_accounts_in_turn() -> None:
    with prepared(Settings(registration=CLOSED), "a", "b", "c") as (accounts, _fake):
        turns = []
        for _ in range(4):
            accounts.begin_test()
            turns.append(accounts.user().user_id)
        assert turns == ["@a:fake", "@b:fake", "@a:fake", "@b:fake"]
        accounts.begin_test()
        assert {accounts.user().user_id, accounts.user().user_id} == {"@a:fake", "@b:fake"}
        assert accounts.fresh().user_id == "@c:"
        with pytest.raises(NotJudged, match="needs an account that nobody has used"):
            accounts.fresh()


def test_one_account_is_enough_for_rows_about_one_user() -> None:
    with prepared(Settings(registration=CLOSED), "a") as (accounts, _fake):
        assert accounts.user().user_id == "@a:fake"
        with pytest.raises(NotJudged, match="needs more than the 1 accounts"):
            accounts.user()


def test_a_shared_device_that_a_row_has_ended_is_made_again() -> None:
    with prepared(Settings(registration=CLOSED), "a") as (accounts, fake):
        lost = accounts.user().device()
        del fake.settings.tokens[lost.access_token]
        accounts.begin_test()
        again = accounts.user().device()
        assert again.device_id != lost.device_id
        assert again.list().status == 200


def test_devices_of_given_accounts_are_logged_out() -> None:
    with prepared(Settings(registration=CLOSED), "a") as (accounts, fake):
        user = accounts.user()
        user.login()
        user.login()
        accounts.homeserver.clean_up()
        assert fake.asked.count("POST /logout") == 2
        accounts.homeserver.log_out()
        assert fake.asked.count("POST /logout") == 3
