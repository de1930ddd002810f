"""From the results of tests to a verdict a row."""

from __future__ import annotations

import pytest

from matrix_device_conformance.rows import ROWS, Row
from matrix_device_conformance.verdicts import (
    KEPT,
    NOT_JUDGED,
    NOT_KEPT,
    OURS,
    SPECIFICATION,
    Failure,
    PeerBug,
    TestResult,
    judge,
    scores,
)

OF_THE_SPECIFICATION = {"D8": Row("D8", "nothing is deleted", "https://spec.matrix.org/")}
OF_OURS = {"D8": Row("D8", "nothing is deleted", None)}


def kept(*bases: str) -> TestResult:
    """A test whose checks of these bases held."""
    return TestResult("test_D8_a", "D8", "a", KEPT, bases=set(bases))


def failed(basis: str, got: str = "500") -> TestResult:
    """A test in which a check of this basis failed."""
    failure = Failure("status", "200", got, basis)
    return TestResult("test_D8_b", "D8", "b", NOT_KEPT, bases={basis}, failures=[failure])


def unjudged(reason: str = "no account is left") -> TestResult:
    """A test that could not be made."""
    return TestResult("test_D8_c", "D8", "c", NOT_JUDGED, reason)


@pytest.mark.parametrize(
    ("results", "rows", "specification", "ours"),
    [
        ([kept(SPECIFICATION)], OF_THE_SPECIFICATION, KEPT, None),
        ([kept(OURS)], OF_OURS, None, KEPT),
        ([kept(SPECIFICATION), kept(OURS)], OF_THE_SPECIFICATION, KEPT, KEPT),
        ([kept(SPECIFICATION), failed(OURS)], OF_THE_SPECIFICATION, KEPT, NOT_KEPT),
        ([kept(SPECIFICATION), failed(SPECIFICATION)], OF_THE_SPECIFICATION, NOT_KEPT, None),
        ([unjudged(), failed(SPECIFICATION)], OF_THE_SPECIFICATION, NOT_KEPT, None),
        ([unjudged(), kept(SPECIFICATION)], OF_THE_SPECIFICATION, KEPT, None),
        ([unjudged(), kept(OURS)], OF_THE_SPECIFICATION, NOT_JUDGED, KEPT),
        ([unjudged()], OF_THE_SPECIFICATION, NOT_JUDGED, None),
        ([unjudged()], OF_OURS, None, NOT_JUDGED),
        ([kept(SPECIFICATION)], OF_OURS, KEPT, None),
    ],
)
def test_each_column_has_its_own_verdict(
    results: list[TestResult],
    rows: dict[str, Row],
    specification: str | None,
    ours: str | None,
) -> None:
    """A failed check decides; then one that held; then there is nothing to judge by."""
    (row,) = judge(results, rows)
    assert (row.specification, row.ours) == (specification, ours)


def test_what_an_unjudged_test_has_checked_does_not_keep_a_row() -> None:
    """It came as far as a precondition, and no further."""
    halfway = unjudged()
    halfway.bases = {SPECIFICATION}
    (row,) = judge([halfway], OF_THE_SPECIFICATION)
    assert row.specification == NOT_JUDGED


def test_reasons_are_told_once() -> None:
    """And where some tests were judged, how many were not."""
    (row,) = judge([unjudged("a"), unjudged("a"), unjudged("b")], OF_OURS)
    assert row.reason == "a; b"
    (row,) = judge([unjudged("a"), kept(OURS)], OF_OURS)
    assert row.reason == "1 of 2 tests not judged: a"
    (row,) = judge([kept(OURS)], OF_OURS)
    assert row.reason == ""


@pytest.mark.parametrize(("got", "label"), [("set()", "Dendrite: all go"), ("500 {}", "")])
def test_a_peers_bug_is_named_where_it_is_what_was_got(got: str, label: str) -> None:
    """Another failure of the same test is not that bug."""
    result = failed(SPECIFICATION, got)
    result.peer_bugs = [PeerBug("Dendrite", "all go", r"^set\(\)$")]
    (row,) = judge([result], OF_THE_SPECIFICATION)
    assert row.peer_bug == label


def test_rows_are_in_order_and_counted() -> None:
    """D2 before D10, what has no row last; each row once in each column that it has."""
    names = ["D10", "U4a", "–", "D2", "U4", "D2"]
    results = [TestResult(f"test_{n}", n, n, KEPT, bases={SPECIFICATION}) for n in names]
    rows = judge(results, ROWS)
    assert [row.row for row in rows] == ["D2", "D10", "U4", "U4a", "–"]
    assert scores(rows) == {
        SPECIFICATION: {KEPT: 5, NOT_KEPT: 0, NOT_JUDGED: 0},
        OURS: {KEPT: 0, NOT_KEPT: 0, NOT_JUDGED: 0},
    }
