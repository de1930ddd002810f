"""Each planted bug fails the rows that its entry names, and no others; without it they are kept.

Only these rows are run, and a few beside them that most bugs could hit. The whole suite with every
bug is sweep.py's business.
"""

from __future__ import annotations

import functools
import re
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from matrix_device_conformance.rows import ROWS
from planted import BUGS
from planted.bug import Bug
from planted.harness import ACCOUNTS, MODES, WHOLE, Verdicts, expected, pattern, run
from planted.rubbish import Rubbish

PLANTED = [bug for bug in BUGS.values() if bug.rows]
BESIDE = frozenset(["R2", "A3", "G5", "P1", "D1", "D4", "U3", "U10", "U11"])
LONG = frozenset(["A12", "D10", "F1", "F2", "F3", "G4", "L2", "L3", "U13", "U20"])
AT_A_TIME = 6


def rows_to_run(bug: type[Bug], mode: str) -> frozenset[str]:
    """Those that must fail, and some that must not."""
    return expected(bug, mode) | BESIDE


@pytest.fixture(scope="session")
def runs() -> dict[tuple[str, str], Future[Verdicts]]:
    """All runs: some are on their way while their results are looked at in turn."""
    pool = ThreadPoolExecutor(AT_A_TIME)
    return {
        (bug.name, mode): pool.submit(run, bug, mode, rows_to_run(bug, mode))
        for bug in PLANTED
        for mode in MODES
    }


@functools.cache
def without_bugs(mode: str) -> Verdicts:
    """The rows of all bugs, through a proxy that has none."""
    rows = frozenset().union(*(rows_to_run(bug, mode) for bug in PLANTED))
    return run(Bug, mode, rows)


@pytest.mark.parametrize("mode", MODES)
def test_kept_without_bugs(mode: str) -> None:
    """No row fails through the proxy by itself, and all that a bug must fail are judged."""
    found = without_bugs(mode)
    assert found.not_kept == frozenset(), found.failures
    rows = frozenset().union(*(expected(bug, mode) for bug in PLANTED))
    assert rows <= found.kept, f"not judged: {sorted(rows - found.kept)}\n{found.output}"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.name)
def test_fails_its_rows(
    bug: type[Bug], mode: str, runs: dict[tuple[str, str], Future[Verdicts]]
) -> None:
    """The rows that the entry names, for the bug's sake, and no others."""
    found = runs[bug.name, mode].result()
    assert found.not_kept == expected(bug, mode), f"{bug.__doc__}\n" + "\n".join(found.failures)
    if found.not_kept:
        seen = any(re.search(pattern(bug, mode), line) for line in found.failures)
        assert seen, f"failed for another reason than {pattern(bug, mode)}:\n" + "\n".join(
            found.failures
        )


def test_rubbish_is_the_homeservers_fault() -> None:
    """What is malformed is a failed check, or why a row is not judged; no test raises."""
    found = run(Rubbish, WHOLE, frozenset(ROWS) - LONG)
    assert found.own_faults == ()
    assert len(found.not_kept) >= 30


def test_enough_are_planted() -> None:
    """Fifty bugs or more, forty of peers; and what no accounts reach is an exception."""
    of_peers = [bug for bug in PLANTED if bug.peer != "any"]
    assert len(PLANTED) >= 50
    assert len(of_peers) >= 40
    reached = [bug for bug in PLANTED if expected(bug, ACCOUNTS)]
    assert len(reached) >= 35
