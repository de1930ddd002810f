"""Which rows a run looks at."""

from __future__ import annotations

from collections.abc import Iterable

from matrix_device_conformance.rows import ROWS
from matrix_device_conformance.verdicts import OF_NO_ROW

CLIENTS = "clients"  # what known clients send, which has no row


class UnknownRowError(ValueError):
    """There is no such row."""


def selected(names: Iterable[str]) -> set[str]:
    """The rows that `D8`, `U` (all of a section) and `clients` mean."""
    rows: set[str] = set()
    for name in names:
        found = {row for row in ROWS if name in (row, row[:1])}
        if name == CLIENTS:
            found = {OF_NO_ROW}
        if not found or name == "":
            raise UnknownRowError(
                f"there is no row {name!r}: give rows of behaviour.md such as D8, letters such as"
                f" U for all of a section, or {CLIENTS}"
            )
        rows |= found
    return rows
