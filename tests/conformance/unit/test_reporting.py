"""What a run ends with: its status, and what it says of itself."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sample

from matrix_device_conformance.recording import Recorder
from matrix_device_conformance.report.console import (
    ALL_KEPT,
    INTERRUPTED,
    NOTHING_JUDGED,
    SOME_NOT_KEPT,
    SUITE_FAILED,
)
from matrix_device_conformance.reporting import Reporting
from matrix_device_conformance.verdicts import TestResult


class Ended:
    """A run that has ended."""

    def __init__(self, folder: Path, results: list[TestResult], **options: Any) -> None:
        self.recorder = Recorder()
        self.recorder.results = results
        self.recorder.redactor.add("correct horse", "password")
        known = {"--report": str(folder), "--formats": "json", "--fail-on-ours": False, **options}
        config: Any = SimpleNamespace(
            option=SimpleNamespace(verbose=-2), getoption=known.__getitem__
        )
        self.reporting = Reporting(config, self.recorder)

    def status(self, exitstatus: int = 0) -> int:
        """What it ends with, where pytest would end with `exitstatus`."""
        session: Any = SimpleNamespace(exitstatus=exitstatus)
        self.reporting.pytest_sessionfinish(session, exitstatus)
        return int(session.exitstatus)


def kept() -> list[TestResult]:
    """All but what is not kept."""
    return [test for test in sample.tests() if not test.failures]


def test_rows_decide(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever pytest makes of them; the report is there."""
    assert Ended(tmp_path / "a", sample.tests()).status() == SOME_NOT_KEPT
    assert Ended(tmp_path / "b", kept()).status(pytest.ExitCode.TESTS_FAILED) == ALL_KEPT
    assert (tmp_path / "a" / "conformance.json").exists()
    assert "Report: " in capsys.readouterr().out


def test_a_fault_of_the_suite_is_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a test or outside of all; what is told of it has no secrets."""
    ended = Ended(tmp_path, kept())
    ended.recorder.own_faults.append("test_D8: KeyError: 'correct horse'")
    assert ended.status() == SUITE_FAILED
    ended = Ended(tmp_path, kept())
    assert ended.reporting.pytest_internalerror("E  KeyError: 'correct horse'") is True
    assert ended.status(pytest.ExitCode.INTERNAL_ERROR) == SUITE_FAILED
    said = capsys.readouterr().out
    assert "correct horse" not in said
    assert said.count("KeyError: '[password 1]'") == 2


def test_tests_that_cannot_be_loaded_are_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing else is: pytest calls that interrupted."""
    ended = Ended(tmp_path, [])
    report: Any = SimpleNamespace(failed=True, longrepr="SyntaxError")
    ended.reporting.pytest_collectreport(report)
    assert ended.status(pytest.ExitCode.INTERRUPTED) == SUITE_FAILED
    assert "SyntaxError" in capsys.readouterr().out


def test_what_was_judged_before_an_interruption_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a status of its own."""
    ended = Ended(tmp_path, kept())
    interrupted: Any = SimpleNamespace(value=KeyboardInterrupt())
    ended.reporting.pytest_keyboard_interrupt(interrupted)
    assert ended.status(pytest.ExitCode.INTERRUPTED) == INTERRUPTED
    assert (tmp_path / "conformance.json").exists()
    assert capsys.readouterr().out.startswith("interrupted\n")


def test_what_the_preflight_finds_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And no report: nothing was judged."""
    ended = Ended(tmp_path / "a", [])
    found: Any = SimpleNamespace(value=pytest.exit.Exception("URL http://x: no", 2))
    ended.reporting.pytest_keyboard_interrupt(found)
    assert ended.status(2) == 2
    assert capsys.readouterr().out == "URL http://x: no\n"
    assert not (tmp_path / "a").exists()


def test_a_report_that_cannot_be_written_is_told_with_the_scores(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody waits minutes for nothing."""
    (tmp_path / "file").touch()
    assert Ended(tmp_path / "file" / "report", kept()).status() == NOTHING_JUDGED
    said = capsys.readouterr().out
    assert said.startswith("--report: [Errno 20] Not a directory: ")
    assert "rows kept" in said


def test_without_a_folder_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where pytest is run itself, to develop the suite."""
    monkeypatch.chdir(tmp_path)
    assert Ended(tmp_path, kept(), **{"--report": None}).status() == ALL_KEPT
    assert list(tmp_path.iterdir()) == []
    assert "Report: " not in capsys.readouterr().out
