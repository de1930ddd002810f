"""What was found of each homeserver, as docs/scoreboard.json keeps it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "tests" / "conformance")]

from matrix_device_conformance.verdicts import (  # noqa: E402
    COLUMNS,
    KEPT,
    NOT_JUDGED,
    NOT_KEPT,
    VERDICTS,
    row_key,
)

__all__ = ["COLUMNS", "KEPT", "NOT_JUDGED", "NOT_KEPT", "VERDICTS"]

FILE = REPOSITORY / "docs" / "scoreboard.json"
FORMAT = 1
GOT_LIMIT = 160
# IDs, sessions and tokens that a homeserver makes up (Dendrite's device IDs have eight characters),
# the suite's users, push keys, numbers of sessions and tokens, times, ports, what is read during a
# deletion
RANDOM = re.compile(
    r'\b[A-Za-z]{24}\b|\b[A-Z]{10}\b|(?<="device_id":")\w{8}(?=")|\b1\d{12}\b'
    r"|(?<=@)\w*[0-9a-f]{8}\d+(?=:)|(?<=127\.0\.0\.1:)\d+|\bkey[0-9a-f]{8}\d+\b"
    r"|(?<=\[session )\d+(?=\])|(?<=\[token )\d+(?=\])"
    r"|\b\d+ of \d+(?= with a part)|(?<=with a part, such as )\d+\b"
)


@dataclass(frozen=True)
class Homeserver:
    """One that can be on the board."""

    key: str  # for programs
    name: str
    version: str  # as the files that pin it have it


@dataclass
class Standing:
    """What the suite found of it."""

    name: str
    version: str
    date: str  # of the run, UTC
    suite: str
    verdicts: dict[str, dict[str, str]]  # of a row: the columns that it has something of
    got: dict[str, str] = field(default_factory=dict)  # of rows not kept: what came instead

    def score(self, column: str) -> dict[str, int]:
        """How many rows of this column have each verdict."""
        found = [of_row[column] for of_row in self.verdicts.values() if column in of_row]
        return {verdict: found.count(verdict) for verdict in VERDICTS}


@dataclass
class Board:
    """All of them, by key."""

    rows: dict[str, tuple[str, str | None]]  # title, and the specification's section
    standings: dict[str, Standing]

    def in_column(self, column: str) -> list[str]:
        """The rows that some homeserver has something of there."""
        return [
            row
            for row in self.rows
            if any(column in each.verdicts.get(row, {}) for each in self.standings.values())
        ]


def load(path: Path = FILE) -> Board:
    """Read it; an empty one where there is none yet."""
    if not path.exists():
        return Board({}, {})
    document = json.loads(path.read_text())
    if document["format"] != FORMAT:
        raise SystemExit(
            f"{path}: format {document['format']}: run `make scoreboard` for a new one"
        )
    rows = {row["row"]: (row["title"], row["section"]) for row in document["rows"]}
    standings = {
        key: Standing(of["name"], of["version"], of["date"], of["suite"], of["verdicts"], of["got"])
        for key, of in document["homeservers"].items()
    }
    return Board(rows, standings)


def save(board: Board, order: Iterable[str], path: Path = FILE) -> None:
    """Write it, the homeservers in this order; those that are no longer in it go."""
    document = {
        "format": FORMAT,
        "rows": [
            {"row": row, "title": title, "section": section}
            for row, (title, section) in sorted(board.rows.items(), key=lambda of: row_key(of[0]))
        ],
        "homeservers": {key: vars(board.standings[key]) for key in order if key in board.standings},
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def read_report(path: Path) -> dict[str, Any]:
    """A report of the suite: its folder, or the file in it."""
    file = path / "conformance.json" if path.is_dir() else path
    report: dict[str, Any] = json.loads(file.read_text())
    return report


def standing_of(homeserver: Homeserver, report: dict[str, Any]) -> Standing:
    """What goes on the board of a report."""
    return Standing(
        name=homeserver.name,
        version=homeserver.version,
        date=report["date"][:10],
        suite=report["suite"],
        verdicts={
            row["row"]: {column: row[column] for column in COLUMNS if row[column] is not None}
            for row in report["rows"]
        },
        got={row["row"]: text for row in report["rows"] if (text := what_came(row))},
    )


def rows_of(report: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    """What each row is about."""
    return {row["row"]: (row["title"], row["section"]) for row in report["rows"]}


def what_came(row: dict[str, Any]) -> str:
    """At the first check that failed, without what differs from run to run."""
    for test in row["tests"]:
        for failure in test["failures"]:
            text = RANDOM.sub("…", f"{failure['what']}: {failure['got']}")
            line = " ".join(text.split())
            return line if len(line) <= GOT_LIMIT else line[:GOT_LIMIT] + "…"
    return ""
