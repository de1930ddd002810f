"""What a run finds: the record of the test that runs, and the results of those that have."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from matrix_device_conformance.check import Record
from matrix_device_conformance.outcome import Outcome, conclude, drop_exchanges
from matrix_device_conformance.redaction import Redactor
from matrix_device_conformance.report import Document, Run, document
from matrix_device_conformance.rows import ROWS, row_of
from matrix_device_conformance.verdicts import (
    KEPT,
    NOT_JUDGED,
    NOT_KEPT,
    Exchange,
    PeerBug,
    TestResult,
)

OUTCOMES: dict[str, Literal["passed", "failed", "skipped"]] = {
    KEPT: "passed",
    NOT_KEPT: "failed",
    NOT_JUDGED: "skipped",
}


class Recorder:
    """Takes exchanges and verdicts from the plugin, and hands them to the report."""

    def __init__(self) -> None:
        self.record = Record()  # of the test that runs
        self.results: list[TestResult] = []
        self.own_faults: list[str] = []  # of the suite, which are no verdict
        self.redactor = Redactor()
        self.url = ""
        self.software = ("unknown", "unknown")  # name and version
        self.limits: Callable[[], str] = str  # what the limits are, as far as the run has met them
        self.tell: Callable[[str], None] = print
        self._began = datetime.now(UTC)
        self._start = time.monotonic()
        self._setup_seconds = 0.0

    def note(self, exchange: Exchange) -> None:
        """An exchange of the test that runs. Called from its threads."""
        self.redactor.learn_exchange(exchange)
        self.record.exchanges.append(exchange)

    def say(self, text: str) -> None:
        """Tell who watches the run."""
        self.tell(self.redactor.redact(text))

    def begin(self) -> None:
        """A test begins."""
        self.record = Record()

    def end_of_phase(
        self, item: pytest.Function, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> None:
        """Judge a test at its end, or where its setup failed. pytest's report is made ours."""
        if call.when == "setup" and call.excinfo is None:
            self._setup_seconds = call.duration
            return
        if call.when == "teardown":
            if report.failed and call.excinfo is not None:
                self.own_faults.append(f"{item.name}, when it was over: {call.excinfo.value}")
                report.longrepr = self.redactor.redact(report.longreprtext)
            return
        error = None if call.excinfo is None else call.excinfo.value
        outcome = conclude(self.record, row_of(item.name).basis, error)
        drop_exchanges(self.record)
        if outcome.is_own_fault:
            self.own_faults.append(f"{item.name}: {outcome.reason}")
            report.outcome = "failed"
            report.longrepr = self.redactor.redact(report.longreprtext or outcome.reason)
        else:
            report.outcome = OUTCOMES[outcome.verdict]
            report.longrepr = self._shown(item, outcome)
        seconds = call.duration + (self._setup_seconds if call.when == "call" else 0.0)
        self.results.append(self._result(item, outcome, seconds))

    def _shown(self, item: pytest.Function, outcome: Outcome) -> Any:
        if outcome.verdict == KEPT:
            return None
        if outcome.verdict == NOT_JUDGED:
            path, line, _name = item.location
            return (path, (line or 0) + 1, f"Skipped: {self.redactor.redact(outcome.reason)}")
        lines = [
            f"{failure.what} ({failure.basis})\n"
            f"  expected: {failure.expected}\n"
            f"  got:      {failure.got}"
            for failure in self.record.failures
        ]
        if outcome.reason:
            lines.append(f"not judged to its end: {outcome.reason}")
        return self.redactor.redact("\n".join(lines))

    def _result(self, item: pytest.Function, outcome: Outcome, seconds: float) -> TestResult:
        return TestResult(
            name=item.name,
            row=row_of(item.name).number,
            title=(item.function.__doc__ or item.name).splitlines()[0].rstrip("."),
            verdict=outcome.verdict,
            reason=outcome.reason,
            seconds=seconds,
            bases=self.record.bases,
            failures=self.record.failures,
            exchanges=self.record.exchanges,
            peer_bugs=[peer_bug(mark) for mark in item.iter_markers("peer_bug") if mark.kwargs],
        )

    def document(self) -> Document:
        """The run as plain data, without secrets."""
        name, version = self.software
        run = Run(
            url=self.url,
            results=self.results,
            rows=ROWS,
            began=self._began,
            seconds=time.monotonic() - self._start,
            name=name,
            version=version,
            limits=self.limits(),
        )
        return document(run, self.redactor)


def peer_bug(mark: pytest.Mark) -> PeerBug:
    """What `@pytest.mark.peer_bug("Dendrite", "completed: null", got=…)` says."""
    peer, what = mark.args
    return PeerBug(peer, what, **mark.kwargs)
