"""In which order tests run: what costs least first, so that limits cost as few verdicts as may be.

Where a homeserver allows a handful of logins, tests that need none have run before it is noticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import CodeType, FunctionType

import pytest

FRESH = "fresh_accounts"  # the fixture with which `user` is nobody else's
ADAPTIVE = "scarce"  # what asks for this does without a login where they are scarce
LOGIN = "login"


def ordered(items: Sequence[pytest.Function]) -> list[pytest.Function]:
    """Without logins; with a user of its own; with logins that may be left out; with logins; last.

    `@pytest.mark.last(n)`: after all others, and among those by n.
    """
    return sorted(items, key=cost)


def cost(item: pytest.Function) -> tuple[int, int, bool]:
    """What sorts a test; equals stay in the files' order."""
    mark = item.get_closest_marker("last")
    last = 0 if mark is None else 1 + (mark.args[0] if mark.args else 0)
    return last, logins(item.function), FRESH in item.fixturenames


def logins(function: FunctionType) -> int:
    """0: it makes none; 1: it makes them unless they are scarce; 2: it needs them."""
    names = set(names_in(function, set()))
    if LOGIN not in names:
        return 0
    return 2 if LOGIN in own_names(function.__code__) or ADAPTIVE not in names else 1


def names_in(function: FunctionType, seen: set[FunctionType]) -> Iterator[str]:
    """What a function's code, and that of the suite's functions which it calls, speaks of."""
    if function in seen:
        return
    seen.add(function)
    for name in own_names(function.__code__):
        yield name
        called = function.__globals__.get(name)
        if isinstance(called, FunctionType) and called.__module__.startswith(__package__ or "."):
            yield from names_in(called, seen)


def own_names(code: CodeType) -> set[str]:
    """The names of globals and attributes in code, and in what is defined in it."""
    inner = (each for each in code.co_consts if isinstance(each, CodeType))
    return set(code.co_names).union(*map(own_names, inner))
