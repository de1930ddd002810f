"""Checks: what they accept, what they note, and that none ends a test but `must`."""

from __future__ import annotations

import json
from http.client import HTTPMessage
from typing import Any

import pytest
import sample

from matrix_device_conformance.check import Check, Record, Stop, contains
from matrix_device_conformance.client import Response
from matrix_device_conformance.verdicts import OURS, SPECIFICATION

FLOWS = {"flows": [{"stages": ["m.login.password"]}], "session": "s1"}


def answer(status: int, body: Any) -> Response:
    """An answer with this body: bytes as they are, anything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, HTTPMessage(), raw, sample.exchange())


@pytest.fixture
def check() -> Check:
    """Checks of a row of the specification."""
    return Check(Record(), SPECIFICATION)


RUBBISH = [
    b"",
    b"[",
    b"null",
    b"5",
    b'"text"',
    b"[1]",
    b"\xff\xfe",
    b'{"errcode": [1], "session": {}, "flows": 3, "completed": 1, "devices": [null, {}]}',
    b'{"flows": [5], "session": "", "retry_after_ms": "x", "devices": {"a": 1}}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("raw", RUBBISH, ids=lambda raw: repr(raw[:20]))
@pytest.mark.parametrize("status", [200, 401, 429])
def test_rubbish_is_a_failed_check_and_never_an_exception(
    check: Check, raw: bytes, status: int
) -> None:
    got = answer(status, raw)
    assert got.devices == []
    assert not check.ok("ok", got, body={"a": 1})
    assert not check.error("error", got, 404, "M_NOT_FOUND")
    assert not check.limited("limited", got)
    assert not check.keys("keys", got, {"a"})
    for session in (
        check.challenge("challenge", got),
        check.state("state", got, []),
        check.refusal("refusal", got),
        check.fresh_challenge("fresh", got, "old"),
    ):
        assert session == ""
    assert check.no_secret("no secret", got)
    assert len(check.record.failures) >= 8


def test_what_the_specification_leaves_open_is_accepted(check: Check) -> None:
    assert check.challenge("bare", answer(401, FLOWS)) == "s1"
    full = FLOWS | {"params": {"m.login.terms": {}}, "completed": [], "org.example": 1}
    assert check.challenge("full", answer(401, full)) == "s1"
    assert check.state("no completed", answer(401, FLOWS), []) == "s1"
    refused = FLOWS | {"errcode": "M_FORBIDDEN"}
    assert check.refusal("without a text", answer(401, refused)) == "s1"
    assert check.ok("further members", answer(200, {"a": 1, "b": {"c": 2}}), body={"b": {}})
    assert check.limited("no wait", answer(429, {"errcode": "M_LIMIT_EXCEEDED"}))
    assert check.error("other", answer(400, {"errcode": "M_B"}), 400, "M_A", "M_B")
    assert check.record.failures == []


def test_a_session_is_returned_although_something_else_is_wrong(check: Check) -> None:
    assert check.challenge("status", answer(403, FLOWS)) == "s1"
    assert [failure.what for failure in check.record.failures] == ["status"]


def test_a_failure_says_what_was_got_and_where(check: Check) -> None:
    check.record.exchanges += [sample.exchange(), sample.exchange()]
    got = Response(500, HTTPMessage(), b"broken", check.record.exchanges[0])
    assert not check.ok("PUT", got)
    assert not check.ours.equal("name", "x", "y")
    first, second = check.record.failures
    assert (first.what, first.expected, first.got) == ("PUT", "200", "500 broken")
    assert (first.basis, first.exchange) == (SPECIFICATION, 0)
    assert (second.expected, second.got, second.basis, second.exchange) == ("y", "x", OURS, 1)


def test_the_basis_of_each_check_is_noted(check: Check) -> None:
    assert check.record.bases == set()
    check.ours.equal("x", 1, 1)
    assert check.record.bases == {OURS}
    check.ours.must.spec.equal("x", 1, 1)
    assert check.record.bases == {OURS, SPECIFICATION}


def test_must_stops_where_it_does_not_hold(check: Check) -> None:
    assert check.must.equal("x", 1, 1)
    with pytest.raises(Stop):
        check.ours.must.equal("x", 1, 2)
    assert [failure.basis for failure in check.record.failures] == [OURS]


@pytest.mark.parametrize(
    ("got", "expected", "holds"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}]}, True),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ({"a": True}, {"a": 1}, False),
        ({"a": None}, {"a": []}, False),
        (None, {}, False),
        ([], {}, False),
    ],
)
def test_an_object_may_have_further_members(got: Any, expected: Any, holds: bool) -> None:
    assert contains(got, expected) is holds
