"""What a homeserver limits is waited for, told, counted, and given up where it takes too long."""

from __future__ import annotations

import json
from http.client import HTTPMessage
from typing import Any

import pytest

from matrix_device_conformance import pacing as module
from matrix_device_conformance.client import Response
from matrix_device_conformance.pacing import ALL_WAITS_S, Pacing, RateLimited, wait_of

OK = Response(200, HTTPMessage(), b"{}")
FORBIDDEN = Response(403, HTTPMessage(), b"{}")


def refusal(header: str | None = None, **members: Any) -> Response:
    """A 429."""
    headers = HTTPMessage()
    if header is not None:
        headers["Retry-After"] = header
    return Response(429, headers, json.dumps(members).encode())


class Answers:
    """Gives one answer after the other, the last for ever."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.sent = 0

    def __call__(self) -> Response:
        self.sent += 1
        return self.answers[min(self.sent, len(self.answers)) - 1]


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits; none takes time."""
    waits: list[float] = []
    monkeypatch.setattr(module.time, "sleep", waits.append)
    return waits


@pytest.fixture
def told() -> list[str]:
    """The lines of progress."""
    return []


@pytest.fixture
def pacing(told: list[str]) -> Pacing:
    """Of a homeserver."""
    return Pacing(say=told.append)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (refusal("7"), 7),
        (refusal("7", retry_after_ms=1), 7),
        (refusal(retry_after_ms=1500), 2),
        (refusal(retry_after_ms=0), 1),
        (refusal("soon", retry_after_ms=3000.0), 3),
        (refusal("-5"), 1),
        (refusal(retry_after_ms=True), 1),
        (refusal(retry_after_ms="9000"), 1),
        (refusal(retry_after_ms=float("inf")), 1),
        (refusal(), 1),
        (Response(429, HTTPMessage(), b"no JSON"), 1),
    ],
)
def test_the_wait_that_is_told(answer: Response, seconds: int) -> None:
    assert wait_of(answer) == seconds


def test_a_short_wait_is_told_and_made(pacing: Pacing, slept: list[float], told: list[str]) -> None:
    pacing.take(pacing.registrations, Answers(OK))
    send = Answers(refusal("6"), refusal("1"), OK)
    assert pacing.take(pacing.registrations, send).status == 200
    assert slept == [6, 1]
    assert told == ["waiting 6 s for a registration, which the homeserver limits"]
    assert pacing.registrations.made == 2
    assert str(pacing) == "1 registration an address, then one in 6 s"


def test_what_takes_too_long_is_not_asked_for_again(pacing: Pacing, slept: list[float]) -> None:
    for _ in range(5):
        pacing.take(pacing.logins, Answers(OK))
    send = Answers(refusal("333"))
    for _ in range(3):
        with pytest.raises(RateLimited, match=r"rate limited \(5 logins an address, then one in"):
            pacing.take(pacing.logins, send)
    assert (send.sent, slept) == (1, [])
    assert pacing.scarce


def test_other_answers_are_the_callers_and_count_for_nothing(pacing: Pacing) -> None:
    assert pacing.take(pacing.logins, Answers(FORBIDDEN)).status == 403
    assert pacing.logins.made == 0
    assert str(pacing) == "No limit of logins or registrations was met"


def test_limited_registrations_are_a_sign_for_scarce_logins(
    pacing: Pacing, slept: list[float]
) -> None:
    assert not pacing.scarce
    pacing.take(pacing.registrations, Answers(refusal("6"), OK))
    assert pacing.scarce
    for _ in range(10):
        pacing.take(pacing.logins, Answers(OK))
    assert not pacing.scarce


def test_patience_only_where_no_row_is_about_the_limit(pacing: Pacing, slept: list[float]) -> None:
    send = Answers(OK)
    assert pacing.have_patience("DELETE /x", refusal("6"), send).status == 429
    pacing.is_patient = True
    assert pacing.have_patience("DELETE /x", refusal("6"), send).status == 200
    assert (send.sent, slept) == (1, [6])
    with pytest.raises(RateLimited, match=r"429 to DELETE /x, for 600 s"):
        pacing.have_patience("DELETE /x", refusal("600"), send)
    assert send.sent == 1


def test_all_waits_together_have_a_bound(pacing: Pacing, slept: list[float]) -> None:
    send = Answers(refusal("30"))
    with pytest.raises(RateLimited, match="the run has waited"):
        pacing.take(pacing.registrations, send)
    assert ALL_WAITS_S - 30 < sum(slept) <= ALL_WAITS_S
