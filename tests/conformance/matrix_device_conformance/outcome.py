"""From how a test ended to its verdict."""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass, replace

import pytest

from matrix_device_conformance.check import NotJudged, Record, Stop
from matrix_device_conformance.server import NotWithin, ServerError
from matrix_device_conformance.time_limit import TimeLimit
from matrix_device_conformance.verdicts import KEPT, NOT_JUDGED, NOT_KEPT, Failure

SHOWN_TARGET = 120
BEFORE_A_FAILURE = 3  # exchanges that are kept beside the one that was judged


@dataclass(frozen=True)
class Outcome:
    """How a test ended."""

    verdict: str
    reason: str = ""  # why it was not judged, or not to its end
    is_own_fault: bool = False  # the suite's, which no verdict may hide


def conclude(record: Record, basis: str, error: BaseException | None) -> Outcome:
    """The verdict. A failure that only `error` tells of is noted in the record, on `basis`."""
    outcome = _of_error(record, basis, error)
    if record.failures:
        return Outcome(NOT_KEPT, outcome.reason, outcome.is_own_fault)
    if outcome.verdict == KEPT and not record.bases:
        return Outcome(NOT_JUDGED, "the suite's own fault: nothing was checked", True)
    return outcome


def _of_error(record: Record, basis: str, error: BaseException | None) -> Outcome:
    if error is None or isinstance(error, Stop):
        return Outcome(KEPT)
    if isinstance(error, pytest.skip.Exception):
        return Outcome(NOT_JUDGED, error.msg or "skipped")
    if isinstance(error, NotJudged):
        return Outcome(NOT_JUDGED, str(error))
    unanswered = _unanswered(record)
    if isinstance(error, TimeoutError):
        if isinstance(error, TimeLimit) and error.is_subject:
            _note(record, basis, unanswered or "an answer", f"within {error.seconds:.0f} s", "none")
            return Outcome(NOT_KEPT)
        return Outcome(NOT_JUDGED, unanswered or str(error))
    if isinstance(error, ConnectionRefusedError | socket.gaierror):
        return Outcome(NOT_JUDGED, unanswered or str(error))
    if isinstance(error, ConnectionError | http.client.HTTPException):
        _note(record, basis, "an answer", "one of HTTP", unanswered or str(error))
        return Outcome(NOT_KEPT)
    if isinstance(error, NotWithin):
        _note(record, basis, error.what, f"within {error.seconds:.0f} s", "not yet then")
        return Outcome(NOT_KEPT)
    if isinstance(error, ServerError):
        return Outcome(NOT_JUDGED, f"the server that the suite started: {error}", True)
    return Outcome(NOT_JUDGED, f"the suite's own fault: {type(error).__name__}: {error}", True)


def _note(record: Record, basis: str, what: str, expected: str, got: str) -> None:
    record.bases.add(basis)
    record.failures.append(Failure(what, expected, got, basis, record.place_of(None)))


def _unanswered(record: Record) -> str:
    """The last request, where it got no answer."""
    if not record.exchanges or record.exchanges[-1].status is not None:
        return ""
    last = record.exchanges[-1]
    return f"{last.method} {last.target[:SHOWN_TARGET]}: {last.response_body}"


def drop_exchanges(record: Record) -> None:
    """Keep those that a failure was judged by, and a few before each."""
    wanted: set[int] = set()
    for failure in record.failures:
        if failure.exchange is not None:
            first = max(failure.exchange - BEFORE_A_FAILURE, 0)
            wanted.update(range(first, failure.exchange + 1))
    kept = sorted(wanted)
    place = {old: new for new, old in enumerate(kept)}
    record.exchanges = [record.exchanges[old] for old in kept]
    record.failures = [
        failure if failure.exchange is None else replace(failure, exchange=place[failure.exchange])
        for failure in record.failures
    ]
