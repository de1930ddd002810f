#!/usr/bin/env python3
"""docs/scoreboard.md and docs/scoreboard.svg, from docs/scoreboard.json alone.

document.py            write them
document.py --check    exit status 1 where they are not what would be written
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from string import Template

from board import COLUMNS, FILE, KEPT, NOT_JUDGED, NOT_KEPT, Board, load
from picture import render as render_picture

MARKS = {KEPT: "✓", NOT_KEPT: "**✗**", NOT_JUDGED: "?"}

TEMPLATE = Path(__file__).resolve().parent / "scoreboard.md.in"


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """In Markdown."""
    heads = list(heads)
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]


def cell(text: str, *, code: bool = False) -> str:
    """Text that stays in its cell."""
    line = text.replace("|", "\\|")
    if not code:
        return line
    ticks = "``" if "`" in line else "`"
    return f"{ticks} {line} {ticks}" if "`" in line else f"`{line}`"


def scores(board: Board) -> list[str]:
    """A line for each homeserver."""
    heads = ["Homeserver", "Specification: kept", "not kept", "not judged"]
    heads += ["Ours: kept", "not kept", "not judged", "Asked on"]
    rows = []
    for standing in board.standings.values():
        numbers = [standing.score(column) for column in COLUMNS]
        counts = [str(score[verdict]) for score in numbers for verdict in MARKS]
        rows.append([cell(standing.name), *counts, standing.date])
    return table(heads, rows)


def verdicts(board: Board, column: str) -> list[str]:
    """Row by row."""
    rows = []
    for row in board.in_column(column):
        title, section = board.rows[row]
        what = f"[{cell(title)}]({section})" if section and column == COLUMNS[0] else cell(title)
        found = [each.verdicts.get(row, {}).get(column) for each in board.standings.values()]
        rows.append([row, what, *(MARKS[verdict] if verdict else "" for verdict in found)])
    heads = ["Row", "What", *(cell(each.name) for each in board.standings.values())]
    return table(heads, rows)


def what_came(board: Board) -> list[str]:
    """Of each homeserver the rows that it does not keep."""
    lines = []
    for standing in board.standings.values():
        if not standing.got:
            continue
        rows = [[row, cell(board.rows[row][0]), cell(got, code=True)]
                for row, got in standing.got.items()]  # fmt: skip
        lines += [f"### {standing.name}", "", *table(["Row", "What", "What came"], rows), ""]
    return lines[:-1]


def render(board: Board) -> str:
    """The whole document."""
    parts = {column: verdicts(board, column) for column in COLUMNS}
    parts |= {"scores": scores(board), "came": what_came(board)}
    keys = ", ".join(f"`{key}`" for key in board.standings)
    given = {name: "\n".join(lines) for name, lines in parts.items()}
    return Template(TEMPLATE.read_text()).substitute(given, keys=keys)


def files(board: Board, folder: Path = FILE.parent) -> dict[Path, str]:
    """What is written where."""
    return {
        folder / "scoreboard.md": render(board),
        folder / "scoreboard.svg": render_picture(board),
    }


def write(board: Board) -> None:
    """Both."""
    for path, content in files(board).items():
        path.write_text(content)


def main() -> int:
    """Write or compare."""
    board = load()
    if sys.argv[1:] != ["--check"]:
        write(board)
        return 0
    stale = [
        path
        for path, content in files(board).items()
        if not path.exists() or path.read_text() != content
    ]
    for path in stale:
        print(
            f"{path.name} is not what docs/scoreboard.json says:"
            " run tests/scoreboard/document.py, and commit what it writes",
            file=sys.stderr,
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
