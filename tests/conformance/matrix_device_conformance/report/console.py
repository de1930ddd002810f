"""What a run says on the terminal: where it is, what was found, where the report is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from matrix_device_conformance.redaction import Redactor
from matrix_device_conformance.report.document import UNKNOWN, Document, called, cut, printable
from matrix_device_conformance.verdicts import COLUMNS, NOT_JUDGED, NOT_KEPT

LINE = 160  # characters, about: a row has one line
EVERY_S = 15  # between lines of progress where no terminal shows one that changes

# Exit statuses
ALL_KEPT = 0
SOME_NOT_KEPT = 1
NOTHING_JUDGED = 2  # also: a wrong option, a homeserver that cannot be tested
SUITE_FAILED = 3
INTERRUPTED = 130


class Console:
    """Writes lines without secrets, and on a terminal one line of progress that changes."""

    def __init__(self, redactor: Redactor, stream: TextIO | None = None) -> None:
        self._redactor = redactor
        self._stream = sys.stdout if stream is None else stream
        self._is_terminal = self._stream.isatty()
        self._open = ""  # the line of progress that stands on the terminal
        self._said = time.monotonic()

    def say(self, text: str) -> None:
        """Write a line."""
        self._clear()
        self._write(self._fit(text) + "\n")

    def progress(self, done: int, total: int, doing: str) -> None:
        """So many of the tests are done."""
        text = f"{done} of {total} tests, {doing}"
        if self._is_terminal:
            self._clear()
            self._open = cut(self._fit(text), 78)
            self._write(self._open)
        elif time.monotonic() - self._said >= EVERY_S:
            self._said = time.monotonic()
            self.say(text)

    def close(self) -> None:
        """Leave no line of progress behind."""
        self._clear()
        self._stream.flush()

    def _fit(self, text: str) -> str:
        return printable(self._redactor.redact(text))

    def _clear(self) -> None:
        if self._open:
            self._write(f"\r{' ' * len(self._open)}\r")
            self._open = ""

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        self._stream.flush()


def summary(document: Document, paths: Sequence[Path]) -> Iterator[str]:
    """What was found, as lines."""
    rows = document["rows"]
    specification = [row for row in rows if row["specification"] == NOT_KEPT]
    ours = [row for row in rows if row["ours"] == NOT_KEPT and row not in specification]
    yield from group("Not kept, of the specification:", map(failed_line, specification))
    yield from group("Not kept, of what is ours only:", map(failed_line, ours))
    yield from group("Not judged:", unjudged_lines(rows))
    homeserver = document["homeserver"]
    at = "" if homeserver["name"] == UNKNOWN else f" at {homeserver['url']}"
    yield (f"{called(homeserver)}{at}, in {document['seconds']:.0f} s:")
    for column in COLUMNS:
        score = document["scores"][column]
        yield (
            f"  {column:13}  {score['kept']:3} rows kept, {score['not_kept']:3} not kept, "
            f"{score['not_judged']:3} not judged"
        )
    if paths:
        others = ", ".join(path.name for path in paths[1:])
        yield f"Report: {paths[0]}" + (f" (and {others})" if others else "")


def group(head: str, lines: Iterable[str]) -> Iterator[str]:
    """Lines with a head; nothing where there are none."""
    lines = list(lines)
    if lines:
        yield head
        yield from (f"  {line}" for line in lines)
        yield ""


def failed_line(row: Document) -> str:
    """A row that is not kept, with the first thing that failed in its weightier column."""
    column = next(name for name in COLUMNS if row[name] == NOT_KEPT)
    failures = [failure for test in row["tests"] for failure in test["failures"]]
    first = next(failure for failure in failures if failure["basis"] == column)
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    bug = f" [bug of a peer: {row['peer_bug']}]" if row["peer_bug"] else ""
    what = short(f"{row['title']}: {first['what']}", LINE // 2)
    found = f"expected {short(first['expected'], LINE // 4)}, got {short(first['got'], LINE // 2)}"
    return f"{row['row']:5}{what}: {found}{more}{bug}"


def unjudged_lines(rows: Iterable[Document]) -> Iterator[str]:
    """The rows of which nothing was judged, a line a reason."""
    of_reason: dict[str, list[str]] = {}
    for row in rows:
        if {row[column] for column in COLUMNS} <= {None, NOT_JUDGED}:
            of_reason.setdefault(row["reason"], []).append(row["row"])
    for reason, names in of_reason.items():
        yield f"{', '.join(names)}: {short(reason, LINE)}"


def short(text: str, limit: int) -> str:
    """In one line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit]}…"


def exit_status(document: Document, *, strict: bool) -> int:
    """0 where every judged row keeps the specification; strict: and what is ours."""
    columns = COLUMNS if strict else COLUMNS[:1]
    scores = document["scores"]
    if not any(scores[column]["kept"] + scores[column]["not_kept"] for column in COLUMNS):
        return NOTHING_JUDGED
    return SOME_NOT_KEPT if any(scores[column]["not_kept"] for column in columns) else ALL_KEPT
