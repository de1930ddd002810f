"""What a run says and leaves behind: progress, the report, the exit status."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from matrix_device_conformance.recording import Recorder
from matrix_device_conformance.report import FORMATS, write
from matrix_device_conformance.report.console import (
    INTERRUPTED,
    SUITE_FAILED,
    Console,
    exit_status,
    summary,
)


def add_options(group: Any) -> None:
    """Those of the report."""
    group.addoption(
        "--report",
        metavar="DIR",
        help="where the report goes (default: %(default)s)",
    )
    group.addoption(
        "--formats",
        metavar="NAME,…",
        type=formats,
        default=",".join(FORMATS),
        help="its forms (default: %(default)s)",
    )
    group.addoption(
        "--fail-on-ours",
        action="store_true",
        help="end with 1 also where only what is ours is not kept",
    )


def formats(text: str) -> str:
    """Names of forms, separated by commas."""
    if not set(text.split(",")) <= set(FORMATS):
        raise ValueError(text)
    return text


class Reporting:
    """A plugin of pytest, in the place of most of what it would say itself."""

    def __init__(self, config: pytest.Config, recorder: Recorder) -> None:
        self._config = config
        self._recorder = recorder
        self._console = Console(recorder.redactor)
        recorder.tell = self._console.say
        self._total = 0
        self._done = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """How many tests there are."""
        self._total = len(session.items)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self._console.progress(self._done, self._total, nodeid.rpartition("::")[2])
        self._done += 1

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str]:
        """No letter and no word a test."""
        return report.outcome, "", ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: Any) -> bool:
        """A fault of the suite, told without secrets."""
        self._console.say("The suite itself failed; this is a bug in it:")
        for line in str(excrepr).splitlines():
            self._console.say(line)
        return True

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the report, and end with the status that it gives."""
        self._console.close()
        if not self._recorder.results:
            return  # pytest has said what is wrong
        made = self._recorder.document()
        folder = self._config.getoption("--report")
        names = self._config.getoption("--formats").split(",")
        paths = write(Path(folder), made, names) if folder else []
        for line in self._lines(made, paths):
            self._console.say(line)
        session.exitstatus = self._status(made, exitstatus)

    def _lines(self, made: dict[str, Any], paths: Sequence[Path]) -> Iterator[str]:
        yield from summary(made, paths)
        for fault in self._recorder.own_faults:
            yield f"A fault of the suite itself, not of the homeserver: {fault}"

    def _status(self, made: dict[str, Any], exitstatus: int) -> int:
        if exitstatus == pytest.ExitCode.INTERRUPTED:
            return INTERRUPTED
        if exitstatus == pytest.ExitCode.INTERNAL_ERROR or self._recorder.own_faults:
            return SUITE_FAILED
        return exit_status(made, strict=self._config.getoption("--fail-on-ours"))
