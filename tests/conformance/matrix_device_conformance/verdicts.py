"""From the results of tests to a verdict a row, in two columns and with a score each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

SPECIFICATION = "specification"
OURS = "ours"
COLUMNS = (SPECIFICATION, OURS)

KEPT = "kept"
NOT_KEPT = "not kept"
NOT_JUDGED = "not judged"
VERDICTS = (KEPT, NOT_KEPT, NOT_JUDGED)

OF_NO_ROW = "–"  # what known clients send: tests that have no row of their own


@dataclass(frozen=True)
class Failure:
    """A check that did not hold."""

    what: str
    expected: str
    got: str
    basis: str  # SPECIFICATION or OURS
    exchange: int | None = None  # whose answer was judged: an index into the test's exchanges


@dataclass(frozen=True)
class Exchange:
    """A request and its answer. Without an answer, `status` is None and the body says why."""

    method: str
    target: str
    request_headers: Sequence[tuple[str, str]]
    request_body: str
    status: int | None
    response_headers: Sequence[tuple[str, str]]
    response_body: str
    ms: int


@dataclass(frozen=True)
class PeerBug:
    """A bug that a homeserver is known for."""

    peer: str
    what: str
    got: str  # a regular expression: what a failed check has got where it is this bug

    def is_seen_in(self, failures: Iterable[Failure]) -> bool:
        """Whether what was got is this bug's doing."""
        return any(re.search(self.got, failure.got) for failure in failures)

    def __str__(self) -> str:
        return f"{self.peer}: {self.what}"


@dataclass
class TestResult:
    """What one test has found."""

    __test__ = False  # of pytest's: nothing to collect

    name: str
    row: str
    title: str
    verdict: str = NOT_JUDGED
    reason: str = ""  # why it was not judged
    seconds: float = 0.0
    bases: set[str] = field(default_factory=set)  # of the checks that were made
    failures: list[Failure] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    peer_bugs: list[PeerBug] = field(default_factory=list)  # that it would show


@dataclass
class RowVerdict:
    """A row in both columns. None: the row has nothing of that basis."""

    row: str
    title: str
    section: str | None  # of the specification, as a URL; None: the row is ours
    specification: str | None
    ours: str | None
    reason: str  # why it, or a part of it, was not judged
    peer_bug: str
    tests: list[TestResult]

    def of(self, column: str) -> str | None:
        """The verdict in this column."""
        return self.specification if column == SPECIFICATION else self.ours

    @property
    def worst(self) -> str:
        """One word for both columns: what a reader has to know first."""
        verdicts = {self.specification, self.ours}
        return next(word for word in (NOT_KEPT, KEPT, NOT_JUDGED) if word in verdicts)


class About(Protocol):
    """What a row is about: rows.Row."""

    @property
    def title(self) -> str:
        """In a few words."""

    @property
    def section(self) -> str | None:
        """Of the specification, as a URL; None: the row is ours."""


def row_key(row: str) -> tuple[str, int, str]:
    """Sorts D2 before D10, and what has no row last."""
    found = re.fullmatch(r"([A-Z]+)(\d+)([a-z]?)", row)
    return (found[1], int(found[2]), found[3]) if found else ("~", 0, row)


def judge(results: Iterable[TestResult], rows: Mapping[str, About]) -> list[RowVerdict]:
    """A verdict a row, in the order of the rows' names."""
    of_row: dict[str, list[TestResult]] = {}
    for result in results:
        of_row.setdefault(result.row, []).append(result)
    return [judge_row(row, of_row[row], rows[row]) for row in sorted(of_row, key=row_key)]


def judge_row(row: str, tests: list[TestResult], about: About) -> RowVerdict:
    """The verdict of the row that all these tests are for."""
    own = OURS if about.section is None else SPECIFICATION
    failures = [failure for test in tests for failure in test.failures]
    judged = [test for test in tests if test.verdict != NOT_JUDGED]
    bases = set().union(*(test.bases for test in judged))

    def verdict(column: str) -> str | None:
        if any(failure.basis == column for failure in failures):
            return NOT_KEPT
        if column in bases:
            return KEPT
        unjudged = len(judged) < len(tests) or not bases
        return NOT_JUDGED if column == own and unjudged else None

    return RowVerdict(
        row=row,
        title=about.title,
        section=about.section,
        specification=verdict(SPECIFICATION),
        ours=verdict(OURS),
        reason=reason_of(tests),
        peer_bug=peer_bug_of(tests),
        tests=tests,
    )


def reason_of(tests: Sequence[TestResult]) -> str:
    """Why not all of these tests were judged."""
    unjudged = [test for test in tests if test.verdict == NOT_JUDGED]
    if not unjudged:
        return ""
    reasons = "; ".join(dict.fromkeys(test.reason for test in unjudged))
    if len(unjudged) == len(tests):
        return reasons
    return f"{len(unjudged)} of {len(tests)} tests not judged: {reasons}"


def peer_bug_of(tests: Iterable[TestResult]) -> str:
    """The known bugs that what was got matches."""
    seen = [str(bug) for test in tests for bug in test.peer_bugs if bug.is_seen_in(test.failures)]
    return "; ".join(dict.fromkeys(seen))


def scores(rows: Iterable[RowVerdict]) -> dict[str, dict[str, int]]:
    """How many rows are kept, not kept, not judged, in each column."""
    counts = {column: dict.fromkeys(VERDICTS, 0) for column in COLUMNS}
    for row in rows:
        for column in COLUMNS:
            verdict = row.of(column)
            if verdict is not None:
                counts[column][verdict] += 1
    return counts
