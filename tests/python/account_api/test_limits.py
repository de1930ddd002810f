"""The account endpoints: limits on guessing and on registration."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from api import FORBIDDEN, IRC, UNKNOWN_TOKEN, Api, expect, fill, quick_host
from matrix_devices import (
    ConfigurationError,
    Credentials,
    MemoryHost,
    Request,
    Response,
    Unavailable,
)
from matrix_devices.server import AttemptLimits, Bucket


def test_T5_guessing_is_limited() -> None:
    host = quick_host()
    api = Api(host)
    for _ in range(150):
        expect(api.login(), 200)  # a right password is no guess
    for name in ("alice", "ALICE", "@alice:example.org") * 3:
        expect(api.login(name, "wrong"), 403, "M_FORBIDDEN")
    expect(api.login(password="wrong"), 403, "M_FORBIDDEN")
    answer = api.login()
    wait_ms = expect(answer, 429, "M_LIMIT_EXCEEDED")["retry_after_ms"]
    assert wait_ms == 6_000
    assert dict(answer.headers)["Retry-After"] == "6"
    expect(api.login("nobody"), 403, "M_FORBIDDEN")
    host.clock.advance(wait_ms / 1000)
    expect(api.login(), 200)


def test_T5_a_user_is_limited_over_all_addresses() -> None:
    host = quick_host()
    api = Api(host)
    for number in range(30):
        expect(api.at(f"192.0.2.{number}").login(password="wrong"), 403, "M_FORBIDDEN")
    wait_ms = expect(api.at("192.0.2.99").login(), 429, "M_LIMIT_EXCEEDED")["retry_after_ms"]
    assert wait_ms == 2_000
    host.clock.advance(wait_ms / 1000)
    expect(api.at("192.0.2.99").login(), 200)


def test_T5_guesses_from_elsewhere_lock_nobody_out_where_they_are_known() -> None:
    api = Api(quick_host())
    expect(api.login(), 200)
    for number in range(60):
        expected = (403, FORBIDDEN) if number < 30 else (429, "M_LIMIT_EXCEEDED")
        expect(api.at(f"198.51.100.{number}").login(password="wrong"), *expected)
    expect(api.login(), 200)
    for _ in range(10):
        expect(api.login(password="wrong"), 403, FORBIDDEN)
    expect(api.login(), 429, "M_LIMIT_EXCEEDED")


@pytest.mark.parametrize(
    ("addresses", "other"),
    [
        (["192.0.2.1", "::ffff:192.0.2.1"], "192.0.2.2"),
        (["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::"], "2001:db8:0:1::1"),
    ],
)
def test_T5_an_address_is_limited_over_all_users(addresses: list[str], other: str) -> None:
    api = Api(quick_host())
    for number in range(100):
        guess = api.at(addresses[number % len(addresses)]).login(f"user{number}", "wrong")
        expect(guess, 403, "M_FORBIDDEN")
    for address in addresses:
        expect(api.at(address).login("someone", "wrong"), 429, "M_LIMIT_EXCEEDED")
    expect(api.at(other).login("someone", "wrong"), 403, "M_FORBIDDEN")


def test_T6_registration_is_limited_by_address() -> None:
    host = quick_host()
    api = Api(host)
    for number in range(30):
        if number % 2 == 0:
            expect(api("POST", "/register?kind=guest", {}), 200)
        else:
            expect(api.register(f"user{number}"), 200)
    for attempt in (
        lambda: api("POST", "/register?kind=guest", {}),
        lambda: api.register("more"),
        lambda: api("POST", "/register", {"username": "more"}),
    ):
        assert expect(attempt(), 429, "M_LIMIT_EXCEEDED")["retry_after_ms"] > 9_000
    service = {"type": "m.login.application_service", "username": "irc_x"}
    expect(api("POST", "/register", service, token=IRC.as_token), 200)
    expect(api.at("192.0.2.99").register("more"), 200)
    host.clock.advance(10)
    expect(api.register("others"), 200)


def test_T6_refreshes_with_unknown_tokens_are_limited_by_address() -> None:
    host = quick_host()
    api = Api(host)

    def refresh(token: str | None) -> Response:
        return api("POST", "/refresh", {"refresh_token": token})

    old = host.login("alice", refreshable=True)
    new = host.refresh(old.refresh_token or "")
    host.identify(Credentials(new.access_token, None, None, "", Request("GET", "/")))
    for _ in range(30):
        expect(refresh("nobody"), 401, UNKNOWN_TOKEN)
        expect(refresh(old.refresh_token), 401, UNKNOWN_TOKEN)  # which is not unknown
    expect(refresh("nobody"), 429, "M_LIMIT_EXCEEDED")
    expect(refresh(new.refresh_token), 200)
    expect(api.register("bob"), 200)


def test_T6_limits_can_be_turned_off() -> None:
    api = Api(quick_host(), limits=None)
    for number in range(200):
        expect(api("POST", "/register?kind=guest", {}), 200)
        expect(api.login(password="wrong"), 403, "M_FORBIDDEN")
        expect(api("POST", "/refresh", {"refresh_token": str(number)}), 401, UNKNOWN_TOKEN)


def test_T5_limits_are_settings() -> None:
    settings = {"login_user": {"burst": 3, "interval_ms": 1000}, "enabled": True}
    limits = AttemptLimits.of_settings(settings)
    assert limits == AttemptLimits(login_user=Bucket(3, 1000))
    api = Api(quick_host(), limits=limits)
    for _ in range(3):
        expect(api.login(password="wrong"), 403, "M_FORBIDDEN")
    expect(api.login(), 429, "M_LIMIT_EXCEEDED")
    assert AttemptLimits.of_settings({"enabled": False}) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"login": {"burst": 1, "interval_ms": 1}},
        {"login_user": {"burst": 0, "interval_ms": 1}},
        {"login_user": {"burst": 1, "interval_ms": 86_400_001}},
        {"login_user": {"burst": True, "interval_ms": 1}},
        {"login_user": {"burst": 1}},
        {"login_user": 1},
        {"enabled": 1},
    ],
)
def test_bad_limits_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"limits.{next(iter(settings))}"):
        AttemptLimits.of_settings(settings)


@pytest.mark.parametrize(
    "failure",
    [
        Unavailable(),
        MemoryError(),
        RuntimeError("can't start new thread"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_H6_a_password_that_could_not_be_checked_is_no_guess(failure: Exception) -> None:
    class Starved(MemoryHost):
        def check_password(self, name: str, password: str) -> str:
            if failures:
                raise failures.pop()
            return super().check_password(name, password)

    failures: list[Exception] = [failure] * 5
    host = Starved("example.org")
    fill(host)
    api = Api(host, limits=AttemptLimits(login_user=Bucket(1, 3_600_000)))
    for _ in range(5):
        answer = api.login(password="wrong")
        expect(answer, 503, "M_UNKNOWN")
        assert "Retry-After" in dict(answer.headers)
    expect(api.login(), 200)
    expect(api.login(password="wrong"), 403, "M_FORBIDDEN")
