"""What costs least runs first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from matrix_device_conformance.order import logins, ordered


def helper(user: Any) -> Any:
    """Logs in."""
    return user.login()


def sparing(user: Any) -> Any:
    """Logs in where that costs nothing."""
    return None if user.homeserver.scarce else user.login()


def none(user: Any) -> None:
    user.device().list()


def some(user: Any) -> None:
    user.device()
    sparing(user)


def through_a_helper(user: Any) -> None:
    [helper(user) for _ in range(2)]


def in_a_function_within(user: Any) -> None:
    def inner() -> Any:
        return user.login()

    inner()


def both(user: Any) -> None:
    sparing(user)
    user.login()


@pytest.mark.parametrize(
    ("function", "cost"),
    [(none, 0), (some, 1), (through_a_helper, 2), (in_a_function_within, 2), (both, 2)],
)
def test_logins_are_seen(monkeypatch: pytest.MonkeyPatch, function: Any, cost: int) -> None:
    # The functions of this file stand for those of the suite, which alone are followed.
    for each in (helper, sparing):
        monkeypatch.setattr(each, "__module__", "matrix_device_conformance.tests.steps")
    assert logins(function) == cost


def item(name: str, function: Any, fixtures: tuple[str, ...] = (), last: Any = None) -> Any:
    """What pytest collects, as far as the order looks at it."""
    mark = None if last is None else SimpleNamespace(args=last)
    return SimpleNamespace(
        name=name,
        function=function,
        fixturenames=fixtures,
        get_closest_marker=lambda wanted: mark if wanted == "last" else None,
    )


def test_the_order() -> None:
    items = [
        item("last of all", none, last=(2,)),
        item("last", none, last=()),
        item("login", in_a_function_within),
        item("fresh", none, ("fresh_accounts",)),
        item("none 1", none),
        item("none 2", none),
    ]
    names = [each.name for each in ordered(items)]
    assert names == ["none 1", "none 2", "fresh", "login", "last", "last of all"]
