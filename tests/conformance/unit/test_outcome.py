"""From how a test ended to its verdict."""

from __future__ import annotations

import http.client

import pytest
import sample

from matrix_device_conformance.check import Check, NotJudged, Record, Stop
from matrix_device_conformance.outcome import conclude, drop_exchanges
from matrix_device_conformance.server import NotWithin, ServerError
from matrix_device_conformance.time_limit import TimeLimit
from matrix_device_conformance.verdicts import (
    KEPT,
    NOT_JUDGED,
    NOT_KEPT,
    OURS,
    SPECIFICATION,
    Exchange,
    Failure,
)


@pytest.fixture
def record() -> Record:
    """Of a test that has made a check which holds."""
    record = Record()
    Check(record, SPECIFICATION).equal("x", 1, 1)
    return record


def unanswered(why: str) -> Exchange:
    """A request without an answer."""
    return Exchange("POST", "/delete_devices", [], "{}", None, [], why, 30_000)


def test_kept(record: Record) -> None:
    assert conclude(record, OURS, None).verdict == KEPT


def test_nothing_checked_is_the_suites_own_fault() -> None:
    outcome = conclude(Record(), OURS, None)
    assert outcome.is_own_fault
    assert outcome.verdict == NOT_JUDGED


@pytest.mark.parametrize("error", [None, Stop(), NotJudged("n"), TimeoutError(), KeyError("k")])
def test_what_failed_stays_a_failure_however_the_test_ended(
    record: Record, error: Exception | None
) -> None:
    Check(record, OURS).equal("x", 1, 2)
    assert conclude(record, SPECIFICATION, error).verdict == NOT_KEPT


def test_a_stop_is_no_reason(record: Record) -> None:
    Check(record, OURS).equal("x", 1, 2)
    assert conclude(record, OURS, Stop()).reason == ""


@pytest.mark.parametrize(
    ("error", "why", "reason"),
    [
        (NotJudged("no refresh tokens here"), "", "no refresh tokens here"),
        (pytest.skip.Exception("switched off"), "", "switched off"),
        (
            TimeoutError("timed out"),
            "no answer within 30 s",
            "POST /delete_devices: no answer within 30 s",
        ),
        (TimeLimit(60, False), "", "not done within 60 s"),
        (
            ConnectionRefusedError(111, "x"),
            "nobody listens there",
            "POST /delete_devices: nobody listens there",
        ),
    ],
)
def test_not_judged(record: Record, error: Exception, why: str, reason: str) -> None:
    if why:
        record.exchanges.append(unanswered(why))
    outcome = conclude(record, SPECIFICATION, error)
    assert (outcome.verdict, outcome.reason) == (NOT_JUDGED, reason)
    assert not outcome.is_own_fault


@pytest.mark.parametrize(
    ("error", "why", "failure"),
    [
        (
            http.client.RemoteDisconnected("x"),
            "the connection was closed",
            ("an answer", "one of HTTP", "POST /delete_devices: the connection was closed"),
        ),
        (
            http.client.BadStatusLine("x"),
            "no HTTP came",
            ("an answer", "one of HTTP", "POST /delete_devices: no HTTP came"),
        ),
        (NotWithin("it expires", 20), "", ("it expires", "within 20 s", "not yet then")),
        (
            TimeLimit(90, True),
            "no answer within 90 s",
            ("POST /delete_devices: no answer within 90 s", "within 90 s", "none"),
        ),
    ],
)
def test_what_the_homeserver_did_is_a_failure(
    record: Record, error: Exception, why: str, failure: tuple[str, str, str]
) -> None:
    if why:
        record.exchanges.append(unanswered(why))
    assert conclude(record, OURS, error).verdict == NOT_KEPT
    assert record.failures == [Failure(*failure, OURS, 0 if why else None)]


@pytest.mark.parametrize("error", [KeyError("devices"), AssertionError("x"), ServerError("gone")])
def test_the_suites_own_faults_are_not_the_homeservers(record: Record, error: Exception) -> None:
    outcome = conclude(record, SPECIFICATION, error)
    assert outcome.verdict == NOT_JUDGED
    assert outcome.is_own_fault


def test_exchanges_behind_a_failure_are_kept(record: Record) -> None:
    exchanges = [sample.exchange(target=f"/{number}") for number in range(20)]
    record.exchanges = list(exchanges)
    record.failures = [
        Failure("a", "", "", OURS, 1),
        Failure("b", "", "", OURS, None),
        Failure("c", "", "", OURS, 15),
    ]
    drop_exchanges(record)
    assert record.exchanges == [exchanges[0], exchanges[1], *exchanges[12:16]]
    assert [failure.exchange for failure in record.failures] == [1, None, 5]
