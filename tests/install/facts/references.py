"""Rows and conventions that comments, tests and documents name by number."""

import pathlib
import re

from .tree import HEADER, Tree, found

ROWS = ("docs/behaviour.md", "docs/accounts.md")


def check_rows(tree: Tree) -> None:
    rows: list[str] = []
    for path in ROWS:
        rows += re.findall(r"^\| ([A-Z]\d+[a-z]?) \|", tree.text(path), re.M)
    for row in sorted({row for row in found(rows, "rows", 100) if rows.count(row) > 1}):
        tree.problems.append(f"row {row} is there more than once")
    letters = "".join(sorted({row[0] for row in rows}))
    a_row = rf"(?<![\w\-+\"'/])([{letters}]\d{{1,2}}[a-z]?)\b(?![\"'+\-/.]\w)"
    cited = 0

    def cite(path: pathlib.Path, names: list[str]) -> None:
        nonlocal cited
        cited += len(names)
        for name in sorted(set(names) - set(rows)):
            tree.problems.append(f"{path.relative_to(tree.root)}: there is no row {name}")

    for path in tree.files(
        "module/**/*.cc", "module/**/*.h", "bindings/**/*.cc", "bindings/**/*.h"
    ):
        comments = " ".join(re.findall(r"//(.*)", path.read_text()))
        cite(path, re.findall(a_row, comments))
    for path in tree.files("tests/unit/**/*.cc", "tests/store/**/*.cc", "tests/server/*.cc"):
        cite(path, re.findall(rf"TEST\w*\(\w+,\s*([{letters}]\d{{1,2}}[a-z]?)_", path.read_text()))
    for path in tree.files("bindings/python/**/*.py", "tests/conformance/**/*.py"):
        text = path.read_text()
        cite(path, re.findall(rf"\brows? ([{letters}]\d{{1,2}}[a-z]?)\b", text))
        cite(path, re.findall(rf"\(([{letters}]\d{{1,2}}[a-z]?)\)", text))
    header = re.findall(a_row, tree.text(HEADER))
    cite(tree.root / HEADER, header)
    for path in tree.files("docs/*.md", "*.md"):
        prose = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)
        cite(path, re.findall(rf"(?<=[(, ])([{letters}]\d{{1,2}}[a-z]?)(?=[),.:;] ?)", prose))
    if cited < 500:
        raise SystemExit(f"rows: expected to find 500 references or more, found {cited}")


def check_conventions(tree: Tree) -> None:
    there = set(re.findall(r"^ \* +(\d+)\. ", tree.text(HEADER), re.M))
    for path in tree.files("docs/*.md"):
        for numbers in re.findall(
            r"[Cc]onventions? ((?:\d+(?:, | to | and )?)+)", path.read_text()
        ):
            for cited in sorted(set(re.findall(r"\d+", numbers)) - there):
                tree.problems.append(f"docs/{path.name}: module.h has no convention {cited}")
