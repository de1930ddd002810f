"""A run as plain data: what conformance.json holds, and what the other forms are made from.

Nothing is written from anything else, so that what is redacted here is redacted everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from matrix_device_conformance import __version__
from matrix_device_conformance.redaction import Redactor
from matrix_device_conformance.verdicts import (
    About,
    Exchange,
    Failure,
    RowVerdict,
    TestResult,
    judge,
    scores,
)

FORMAT = 1
UNKNOWN = "unknown"  # of a homeserver that does not say
TEXT_LIMIT = 4096  # characters of a body, of what was got

Document = dict[str, Any]

# A homeserver's bytes may steer a terminal, turn the direction of a line, or be no text at all.
UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff"
    "\ud800-\udfff]"
)


@dataclass
class Run:
    """All that a run has found."""

    url: str
    results: list[TestResult]
    rows: Mapping[str, About]
    began: datetime  # UTC
    seconds: float
    name: str = UNKNOWN  # of the homeserver's software
    version: str = UNKNOWN
    limits: str = ""  # what the preflight says of them, in a sentence


def document(run: Run, redactor: Redactor) -> Document:
    """The run as plain data, without secrets."""
    rows = judge(run.results, run.rows)
    shown = Shown(redactor)
    return {
        "format": FORMAT,
        "suite": __version__,
        "date": run.began.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": round(run.seconds, 1),
        "homeserver": {
            "url": shown.text(run.url),
            "name": shown.text(run.name),
            "version": shown.text(run.version),
        },
        "limits": shown.text(run.limits),
        "scores": {
            column: {verdict.replace(" ", "_"): count for verdict, count in counts.items()}
            for column, counts in scores(rows).items()
        },
        "rows": [shown.row(row) for row in rows],
    }


def called(homeserver: Mapping[str, str]) -> str:
    """What a reader calls the homeserver: name and version, as far as it says them, or its URL."""
    if homeserver["name"] == UNKNOWN:
        return homeserver["url"]
    if homeserver["version"] == UNKNOWN:
        return homeserver["name"]
    return f"{homeserver['name']} {homeserver['version']}"


class Shown:
    """Makes plain data of results: redacted first, and cut only then."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def text(self, text: str, limit: int = TEXT_LIMIT) -> str:
        """Any text that may hold what a homeserver has sent."""
        return cut(printable(self._redactor.redact(text)), limit)

    def row(self, row: RowVerdict) -> Document:
        """A row's verdict, and its tests."""
        return {
            "row": row.row,
            "title": row.title,
            "section": row.section,
            "specification": row.specification,
            "ours": row.ours,
            "reason": self.text(row.reason),
            "peer_bug": row.peer_bug,
            "tests": [self.test(test) for test in row.tests],
        }

    def test(self, test: TestResult) -> Document:
        """A test; what was sent and what came only where something failed."""
        exchanges = test.exchanges if test.failures else []
        return {
            "name": test.name,
            "title": test.title,
            "verdict": test.verdict,
            "reason": self.text(test.reason),
            "seconds": round(test.seconds, 3),
            "failures": [self.failure(failure) for failure in test.failures],
            "exchanges": [self.exchange(exchange) for exchange in exchanges],
        }

    def failure(self, failure: Failure) -> Document:
        """A check that did not hold."""
        return {
            "what": self.text(failure.what),
            "expected": self.text(failure.expected),
            "got": self.text(failure.got),
            "basis": failure.basis,
            "exchange": failure.exchange,
        }

    def exchange(self, exchange: Exchange) -> Document:
        """A request and its answer."""
        return {
            "method": self.text(exchange.method),
            "target": self.text(exchange.target),
            "request_headers": self.headers(exchange.request_headers),
            "request_body": self.text(exchange.request_body),
            "status": exchange.status,
            "response_headers": self.headers(exchange.response_headers),
            "response_body": self.text(exchange.response_body),
            "ms": exchange.ms,
        }

    def headers(self, headers: Iterable[tuple[str, str]]) -> list[list[str]]:
        """Pairs of name and value."""
        return [
            [self.text(name), cut(printable(self._redactor.header(name, value)), TEXT_LIMIT)]
            for name, value in headers
        ]


def printable(text: str) -> str:
    """The text with what is no character for a reader written as an escape."""
    return UNSHOWABLE.sub(lambda found: escaped(found[0]), text)


def escaped(character: str) -> str:
    r"""As in Python: \x1b, \u202e."""
    number = ord(character)
    return rf"\x{number:02x}" if number < 256 else rf"\u{number:04x}"


def cut(text: str, limit: int) -> str:
    """The text's beginning, and how much is left out."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit} more characters)"
