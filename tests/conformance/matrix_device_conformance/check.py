"""Checks of what came against what a row asks for. They are collected: none ends a test."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import Any

from matrix_device_conformance.client import Response
from matrix_device_conformance.verdicts import OURS, SPECIFICATION, Exchange, Failure

TOO_MANY = 429
SHOWN = 600


class Stop(Exception):
    """Going on would not be safe, or makes no sense: what has failed so far is the verdict."""


class NotJudged(Exception):
    """The homeserver could not be brought to where the row begins; the text says why."""


def shown(value: Any) -> str:
    """A value for a person."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


@dataclass
class Record:
    """What one test has found."""

    secrets: set[str] = field(default_factory=set)
    bases: set[str] = field(default_factory=set)  # of the checks that were made
    failures: list[Failure] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)

    def place_of(self, exchange: Exchange | None) -> int | None:
        """Where among the exchanges this one is, by default the last."""
        if exchange is None:
            return len(self.exchanges) - 1 if self.exchanges else None
        places = range(len(self.exchanges) - 1, -1, -1)
        return next((place for place in places if self.exchanges[place] is exchange), None)


class Check:
    """Compares. Every method says whether it holds, notes what does not, and raises nothing.

    A check is made on the row's own basis unless it says otherwise: `check.ours.equal(…)`,
    `check.spec.equal(…)`. `check.must.equal(…)` ends the test where it does not hold.

    What the specification leaves open is accepted here: further members, an absent or empty
    `completed`, any `params`. Rows that are about these compare them themselves.
    """

    def __init__(self, record: Record, basis: str, *, stops: bool = False) -> None:
        self.record = record
        self.basis = basis
        self.stops = stops

    @property
    def ours(self) -> Check:
        """Checks of what this project decides."""
        return Check(self.record, OURS, stops=self.stops)

    @property
    def spec(self) -> Check:
        """Checks of what the specification demands."""
        return Check(self.record, SPECIFICATION, stops=self.stops)

    @property
    def must(self) -> Check:
        """Checks without which the test cannot go on."""
        return Check(self.record, self.basis, stops=True)

    def that(
        self, what: str, holds: bool, expected: Any, got: Any, answer: Response | None = None
    ) -> bool:
        """The comparison that all others come down to. `answer`: the one that is judged."""
        self.record.bases.add(self.basis)
        if holds:
            return True
        place = self.record.place_of(None if answer is None else answer.exchange)
        self.record.failures.append(Failure(what, shown(expected), shown(got), self.basis, place))
        if self.stops:
            raise Stop
        return False

    def equal(self, what: str, got: Any, expected: Any, answer: Response | None = None) -> bool:
        """`got` is `expected`."""
        return self.that(what, got == expected, expected, got, answer)

    def includes(self, what: str, got: Iterable[Any], *expected: Any) -> bool:
        """All of `expected` are in `got`."""
        got = list(got)
        holds = all(each in got for each in expected)
        return self.that(what, holds, f"{shown(expected)} among them", got)

    def lacks(self, what: str, got: Iterable[Any], *unwanted: Any) -> bool:
        """None of `unwanted` is in `got`."""
        got = list(got)
        holds = not any(each in got for each in unwanted)
        return self.that(what, holds, f"without {shown(unwanted)}", got)

    def keys(self, what: str, answer: Response, expected: Set[str]) -> bool:
        """The body is an object with exactly these members."""
        body = answer.json
        got = sorted(body) if isinstance(body, dict) else str(answer)
        return self.equal(f"{what}: members", got, sorted(expected), answer)

    def ok(self, what: str, answer: Response, status: int = 200, body: Any = None) -> bool:
        """This status and, unless None, a body with at least these members."""
        expected = str(status) if body is None else f"{status} {shown(body)}"
        holds = answer.status == status and (body is None or contains(answer.json, body))
        return self.that(what, holds, expected, str(answer), answer)

    def error(self, what: str, answer: Response, status: int, *errcodes: str) -> bool:
        """A standard error: this status, and one of these errcodes."""
        holds = answer.status == status and answer.errcode in errcodes
        expected = f"{status} {' or '.join(errcodes)}"
        return self.that(what, holds, expected, str(answer), answer)

    def no_secret(self, what: str, answer: Response) -> bool:
        """The answer quotes no access token and no password."""
        raw = answer.raw.decode(errors="replace")
        holds = not any(secret in raw for secret in self.record.secrets)
        return self.that(f"{what}: secrets", holds, "none is quoted", str(answer), answer)

    def challenge(self, what: str, answer: Response) -> str:
        """401 with flows. Its session; "" where there is none, which is noted too."""
        self.that(what, answer.status == 401, "401 with flows", str(answer), answer)
        return self._session(what, answer)

    def state(self, what: str, answer: Response, completed: list[str]) -> str:
        """The state of a session: 401 with flows, and `completed`, which may be absent if empty."""
        session = self.challenge(what, answer)
        got = answer.members.get("completed", [])
        self.equal(f"{what}: completed", got, completed, answer)
        return session

    def refusal(self, what: str, answer: Response) -> str:
        """A stage that was not passed: 401 with flows and M_FORBIDDEN."""
        self.error(what, answer, 401, "M_FORBIDDEN")
        return self._session(what, answer)

    def fresh_challenge(self, what: str, answer: Response, old_session: str) -> str:
        """401 with a new session, in the place of one that is not known."""
        session = self.challenge(what, answer)
        self.that(
            f"{what}: session", session != old_session, "a new session", "the old one", answer
        )
        return session

    def limited(self, what: str, answer: Response) -> bool:
        """429, and a wait that is a number where it is told."""
        holds = self.error(what, answer, TOO_MANY, "M_LIMIT_EXCEEDED")
        wait = answer.members.get("retry_after_ms", 0)
        is_number = isinstance(wait, int | float) and not isinstance(wait, bool) and wait >= 0
        told = self.that(
            f"{what}: retry_after_ms", is_number, "milliseconds, where it is there", wait, answer
        )
        return holds and told

    def _session(self, what: str, answer: Response) -> str:
        members = answer.members
        flows = members.get("flows")
        well_formed = isinstance(flows, list) and all(
            isinstance(flow, dict) and isinstance(flow.get("stages"), list) for flow in flows
        )
        self.that(f"{what}: flows", well_formed, "a list of {stages: […]}", str(answer), answer)
        session = members.get("session")
        session = session if isinstance(session, str) else ""
        self.that(f"{what}: session", session != "", "a text with it", str(answer), answer)
        return session


def contains(got: Any, expected: Any) -> bool:
    """`expected`, where objects may have further members."""
    if isinstance(expected, dict):
        return isinstance(got, dict) and all(
            name in got and contains(got[name], value) for name, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(got, list)
            and len(got) == len(expected)
            and all(contains(*pair) for pair in zip(got, expected, strict=True))
        )
    return type(got) is type(expected) and got == expected
