"""Which rows `--rows` means."""

from __future__ import annotations

import pytest

from matrix_device_conformance.rows import ROWS
from matrix_device_conformance.selection import UnknownRowError, selected


def test_rows_and_sections() -> None:
    """A row is not those that begin like it."""
    assert selected(["D1", "A4a"]) == {"D1", "A4a"}
    section = selected(["U"])
    assert section == {row for row in ROWS if row.startswith("U")}
    assert {"U1", "U4a", "U27"} <= section
    assert selected(["clients", "D8"]) == {"–", "D8"}


@pytest.mark.parametrize("name", ["Z1", "d8", "Da", ""])
def test_what_is_no_row_is_refused(name: str) -> None:
    """And the text says what would be right."""
    with pytest.raises(UnknownRowError, match="such as D8"):
        selected([name])
