#!/usr/bin/env python3
"""The whole suite with every planted bug, at the whole server and at a URL with accounts only.

    MXD_SERVER=…/matrix-devices-server tests/conformance/planted/sweep.py [BUG…]

Says which rows each fails. Exit status 1: one fails others than its entry names.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from planted import BUGS  # noqa: E402
from planted.bug import Bug  # noqa: E402
from planted.harness import MODES, expected, run  # noqa: E402

AT_A_TIME = 4  # most of a run is waiting


def report(bug: type[Bug], mode: str) -> list[str]:
    """What is not as the entry has it; nothing where all is."""
    found = run(bug, mode)
    named = expected(bug, mode)
    lines = [f"fails {row}: {found.of(row)[:3]}" for row in sorted(found.not_kept - named)]
    lines += [f"does not fail {row}" for row in sorted(named - found.not_kept)]
    state = "as named" if not lines else "OTHERWISE"
    print(
        f"{bug.name}, {mode}: {' '.join(sorted(found.not_kept)) or 'nothing'}: {state}", flush=True
    )
    for line in lines:
        print(f"    {line}", flush=True)
    return lines


def main() -> int:
    """The exit status."""
    names = sys.argv[1:] or [name for name, bug in BUGS.items() if bug.is_about_rows]
    runs = [(BUGS[name], mode) for name in names for mode in MODES]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        wrong = [lines for lines in pool.map(lambda each: report(*each), runs) if lines]
    print(f"{len(runs)} runs, {len(wrong)} of them otherwise than named")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
