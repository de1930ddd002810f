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
    NOTHING_JUDGED,
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
    """A plugin of pytest. In a run of the command nothing else speaks: that has -qq."""

    def __init__(self, config: pytest.Config, recorder: Recorder) -> None:
        self._config = config
        self._recorder = recorder
        self._console = Console(recorder.redactor)
        self._is_alone = bool(config.option.verbose < -1)
        self._has_failed = False  # the suite itself
        recorder.tell = self._console.say
        self._total = 0
        self._done = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """pytest's own reporter would say all of it once more, and not redacted."""
        if self._is_alone:
            self._config.pluginmanager.unregister(name="terminalreporter")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Tests that cannot be loaded."""
        if report.failed and self._is_alone:
            self._tell_of_fault(str(report.longrepr))

    def pytest_internalerror(self, excrepr: Any) -> bool:
        """A fault outside any test. True: pytest is not to print it, secrets and all."""
        if self._is_alone:
            self._tell_of_fault(str(excrepr))
        return self._is_alone

    def _tell_of_fault(self, text: str) -> None:
        self._has_failed = True
        self._console.say("The suite itself has failed; please report this:")
        for line in text.splitlines():
            self._console.say(line)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C, or what the preflight has found."""
        if self._is_alone:
            wrong = excinfo.value
            is_exit = isinstance(wrong, pytest.exit.Exception)
            self._console.say(str(wrong) if is_exit else "interrupted")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """How many tests there are."""
        self._total = len(session.items)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self._console.progress(self._done, self._total, nodeid.rpartition("::")[2])
        self._done += 1

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the report, and end with the status that it gives."""
        self._console.close()
        if self._has_failed:
            session.exitstatus = SUITE_FAILED
        if not self._recorder.results:
            return
        made = self._recorder.document()
        session.exitstatus = self._status(made, exitstatus)
        try:
            paths = self._write(made)
        except OSError as error:
            self._console.say(f"--report: {error}")
            session.exitstatus = NOTHING_JUDGED
            paths = []
        for line in self._lines(made, paths):
            self._console.say(line)

    def _write(self, made: dict[str, Any]) -> list[Path]:
        folder = self._config.getoption("--report")
        names = self._config.getoption("--formats").split(",")
        return write(Path(folder), made, names) if folder else []

    def _lines(self, made: dict[str, Any], paths: Sequence[Path]) -> Iterator[str]:
        yield from summary(made, paths)
        for fault in self._recorder.own_faults:
            yield f"A fault of the suite itself, not of the homeserver: {fault}"

    def _status(self, made: dict[str, Any], exitstatus: int) -> int:
        if self._has_failed or self._recorder.own_faults:
            return SUITE_FAILED
        if exitstatus == pytest.ExitCode.INTERRUPTED:
            return INTERRUPTED
        return exit_status(made, strict=self._config.getoption("--fail-on-ours"))
