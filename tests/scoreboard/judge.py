#!/usr/bin/env python3
"""Whether a report of the conformance suite says what docs/scoreboard.json says.

    judge.py KEY REPORT     KEY: of a homeserver there, server_sqlite; REPORT: the suite's folder

Exit status 0: it does. 1: it does not, with a line for each difference. 77: there is no report,
since that run was skipped.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from board import (
    COLUMNS,
    FILE,
    NOT_KEPT,
    Board,
    Homeserver,
    Standing,
    load,
    read_report,
    standing_of,
)
from homeservers import homeservers

SKIPPED = 77
NOTHING = "nothing"


def out_of_time(report: dict[str, Any]) -> set[str]:
    """Rows of which a test was not done in its time: of a busy machine, and no verdict."""
    return {
        row["row"]
        for row in report["rows"]
        if NOT_KEPT not in (row["specification"], row["ours"])
        and any(text in row["reason"] for text in ("not done within", "not within"))
    }


def unsettled(board: Board, homeserver: Homeserver, report: dict[str, Any]) -> list[str]:
    """Rows that there was no time for, and of which this board says something else, or nothing."""
    now = standing_of(homeserver, report)
    kept = board.standings.get(homeserver.key)
    if kept is None or (kept.name, kept.version) != (now.name, now.version):
        return sorted(out_of_time(report))
    return sorted(row for row in out_of_time(report) if kept.verdicts.get(row) != now.verdicts[row])


def differences(kept: Standing, now: Standing, late: Collection[str] = ()) -> list[str]:
    """Verdicts that are not those of the board, but for rows that there was no time for."""
    found = []
    for row in dict.fromkeys([*kept.verdicts, *now.verdicts]):
        for column in COLUMNS if row not in late else ():
            before = kept.verdicts.get(row, {}).get(column, NOTHING)
            after = now.verdicts.get(row, {}).get(column, NOTHING)
            if before != after:
                why = f": {now.got[row]}" if row in now.got else ""
                found.append(f"{row}, {column}: {before} on the board, {after} here{why}")
    return found


def main() -> int:
    """Compare, and say what to do."""
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    key, folder = sys.argv[1], Path(sys.argv[2])
    known = homeservers()
    if key not in known:
        print(f"there is no {key}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    if not (folder / "conformance.json").exists():
        print(f"SKIP: there is no report in {folder}: the suite was not run at {known[key].name}")
        return SKIPPED
    board = load()
    if key not in board.standings:
        print(f"{FILE.name} has no {key}: make scoreboard ONLY={key}", file=sys.stderr)
        return 1
    report = read_report(folder)
    kept, now = board.standings[key], standing_of(known[key], report)
    late = out_of_time(report)
    for row in sorted(late):
        print(f"{row}: not compared, since it was not done in its time on this machine")
    found = differences(kept, now, late)
    if (kept.name, kept.version) != (now.name, now.version):
        found.append(f"the board is about {kept.name} {kept.version}, this is {now.version}")
    if found:
        print("\n".join(found), file=sys.stderr)
        print(
            f"\n{known[key].name} is not what docs/scoreboard.md says. If it is meant to be so, run"
            f" `make scoreboard ONLY={key}` and commit docs/scoreboard.*",
            file=sys.stderr,
        )
        return 1
    print(f"{known[key].name}: {len(now.verdicts)} rows as in docs/scoreboard.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
