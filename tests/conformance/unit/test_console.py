"""What a run says on the terminal, and the status that it ends with."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import sample

from matrix_device_conformance import report
from matrix_device_conformance.redaction import Redactor
from matrix_device_conformance.report.console import (
    ALL_KEPT,
    NOTHING_JUDGED,
    SOME_NOT_KEPT,
    Console,
    exit_status,
    summary,
)
from matrix_device_conformance.verdicts import KEPT, NOT_JUDGED, NOT_KEPT, OURS, SPECIFICATION


class Terminal(io.StringIO):
    """A stream that is one."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def test_a_row_has_one_line_with_its_reason() -> None:
    """Those not kept first, then those not judged by their reasons, then scores and the report."""
    document = report.document(sample.run(), Redactor())
    lines = list(summary(document, [Path("r/conformance.html"), Path("r/conformance.json")]))
    assert lines == [
        "Not kept, of the specification:",
        '  D8   `{"devices": []}`: nothing is deleted: devices left: expected '
        "{'A', 'B'}, got set() (and 1 more) "
        "[bug of a peer: Dendrite: an empty list is all devices]",
        "",
        "Not judged:",
        "  D10: no answer within 60 s to POST /delete_devices",
        "",
        "Dendrite 0.13.8+<b> at https://matrix.example.org, in 93 s:",
        "  specification    3 rows kept,   1 not kept,   0 not judged",
        "  ours             1 rows kept,   1 not kept,   1 not judged",
        "Report: r/conformance.html (and conformance.json)",
    ]


def test_long_texts_stay_in_the_line() -> None:
    """A homeserver may answer with a page."""
    run = sample.run()
    for result in run.results:
        result.title = result.reason = "a long text\n" * 400
        result.failures = [
            type(failure)("what\n" * 400, "expected" * 400, "got " * 400, failure.basis)
            for failure in result.failures
        ]
    document = report.document(run, Redactor())
    for line in summary(document, []):
        assert "\n" not in line
        assert len(line) < 400


@pytest.mark.parametrize(
    ("verdicts", "strict", "status"),
    [
        ({(SPECIFICATION, KEPT)}, True, ALL_KEPT),
        ({(SPECIFICATION, KEPT), (OURS, NOT_KEPT)}, False, ALL_KEPT),
        ({(SPECIFICATION, KEPT), (OURS, NOT_KEPT)}, True, SOME_NOT_KEPT),
        ({(SPECIFICATION, NOT_KEPT), (OURS, KEPT)}, False, SOME_NOT_KEPT),
        ({(SPECIFICATION, NOT_JUDGED), (OURS, NOT_JUDGED)}, False, NOTHING_JUDGED),
        ({(SPECIFICATION, NOT_JUDGED), (OURS, KEPT)}, False, ALL_KEPT),
        (set(), False, NOTHING_JUDGED),
    ],
)
def test_the_status_is_about_the_specification(
    verdicts: set[tuple[str, str]], strict: bool, status: int
) -> None:
    """And with --fail-on-ours about what is ours; a run that judged nothing is no success."""
    counts = {
        column: {
            verdict.replace(" ", "_"): int((column, verdict) in verdicts)
            for verdict in (KEPT, NOT_KEPT, NOT_JUDGED)
        }
        for column in (SPECIFICATION, OURS)
    }
    assert exit_status({"scores": counts}, strict=strict) == status


def test_a_terminal_has_one_line_of_progress() -> None:
    """Each takes the place of the one before, and a line of its own stays."""
    stream = Terminal()
    console = Console(Redactor(), stream)
    console.progress(1, 9, "D1")
    console.say("waiting")
    console.progress(2, 9, "D2")
    console.close()
    clear = f"\r{' ' * len('1 of 9 tests, D1')}\r"
    assert stream.getvalue() == f"1 of 9 tests, D1{clear}waiting\n2 of 9 tests, D2{clear}"


def test_a_log_is_not_filled_with_progress() -> None:
    """Where there is no terminal."""
    stream = io.StringIO()
    console = Console(Redactor(), stream)
    for done in range(1000):
        console.progress(done, 1000, "D1")
    assert stream.getvalue() == ""


def test_what_is_said_has_no_secrets_and_steers_nothing() -> None:
    """And is written where the terminal knows no more than ASCII."""
    octets = io.BytesIO()
    redactor = Redactor()
    redactor.add("correct horse", "password")
    stream = io.TextIOWrapper(octets, encoding="ascii")
    Console(redactor, stream).say("correct horse \x1b[2J ä")
    assert octets.getvalue() == b"[password 1] \\x1b[2J \\xe4\n"
