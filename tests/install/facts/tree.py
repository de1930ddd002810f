"""The source tree, and how its tables are read."""

import pathlib
import re
from collections.abc import Iterator

HEADER = "abi/include/matrix_devices/module.h"


class Tree:
    """The source tree, and what was found wrong with it."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.problems: list[str] = []

    def text(self, path: str) -> str:
        return (self.root / path).read_text()

    def expect_equal(self, what: str, **sides: object) -> None:
        if len({repr(side) for side in sides.values()}) != 1:
            shown = "; ".join(f"{name}: {side!r}" for name, side in sides.items())
            self.problems.append(f"{what}: expected the same everywhere, got {shown}")

    def files(self, *patterns: str) -> Iterator[pathlib.Path]:
        for pattern in patterns:
            yield from sorted(self.root.glob(pattern))


def found(matches: list, what: str, at_least: int) -> list:
    """So that a pattern that fits nothing any more is no test that can't fail."""
    if len(matches) < at_least:
        raise SystemExit(f"{what}: expected {at_least} or more to compare, found {len(matches)}")
    return matches


def table_after(text: str, marker: str) -> list[list[str]]:
    """The rows of the table after `<!-- marker -->`, without its head."""
    block = re.search(rf"<!-- {marker} -->\n((?:\|.*\n)+)", text)
    rows = block.group(1).splitlines()[2:] if block else []
    return [cells_of(row) for row in found(rows, marker, 5)]


def cells_of(row: str) -> list[str]:
    return [cell.strip() for cell in row.split("|")[1:-1]]
