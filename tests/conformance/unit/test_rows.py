"""The suite's table of rows is docs/behaviour.md's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from matrix_device_conformance.rows import ROWS, row_of
from matrix_device_conformance.verdicts import OF_NO_ROW, OURS, SPECIFICATION

DOCUMENT = Path(__file__).parents[3] / "docs/behaviour.md"
TESTS = Path(__file__).parent.parent / "matrix_device_conformance/tests"


def rows_of_the_document() -> dict[str, str | None]:
    """The URL of each row's first section, None where the row is ours alone."""
    text = DOCUMENT.read_text()
    links = dict(re.findall(r"^\[([^\]]+)\]: (\S+)$", text, re.M))
    rows = re.findall(r"^\| ([A-Z]\d+[a-z]?) \|.*\| ([^|]*) \|$", text, re.M)
    sections = {}
    for row, cell in rows:
        labels = re.findall(r"\[([^\]]+)\]\[\]", cell)
        assert labels or "Ours" in cell, (row, cell)
        sections[row] = links[labels[0]] if labels else None
    return sections


def test_the_rows_are_the_documents() -> None:
    ours = {row.number: row.section for row in ROWS.values() if row.number != OF_NO_ROW}
    assert ours == rows_of_the_document()
    assert list(ours) == list(rows_of_the_document())


@pytest.mark.parametrize(
    ("name", "number", "basis"),
    [
        ("test_P4_unknown_device", "P4", SPECIFICATION),
        ("test_U4a_no_type[x]", "U4a", OURS),
        ("test_client_ruma", OF_NO_ROW, SPECIFICATION),
    ],
)
def test_the_row_of_a_test(name: str, number: str, basis: str) -> None:
    assert (row_of(name).number, row_of(name).basis) == (number, basis)


def test_every_row_has_a_test_or_says_why_not() -> None:
    text = "".join(path.read_text() for path in TESTS.glob("test_*.py"))
    tested = {row_of(name).number for name in re.findall(r"^def (test_\w+)", text, re.M)}
    inside = {row.number for row in ROWS.values() if row.inside}
    assert tested | inside == set(ROWS)
