"""The snippets of a document, and the marks before them."""

import pathlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# Pictures, formats of files that a reader makes up, and what a program prints.
PROSE = ("", "text")
# Marks that a snippet may have; run_snippets.py says what each means.
MARKS = (
    "config",
    "file",
    "given",
    "output",
    "quote",
    "run",
    "server config",
    "serves",
    "sql",
    "test",
    "typed",
)
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w+-]*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S
)
COMMENT = re.compile(r"<!--\s*(.*?)\s*-->[ \n]*\Z", re.S)


class Problem(Exception):
    """A snippet that is not what a reader needs; the text says what was expected."""


@dataclass
class Snippet:
    document: str
    line: int
    language: str
    text: str
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def first_line(self) -> str:
        return self.text.strip().partition("\n")[0].strip()

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def mark_of(comment: str) -> tuple[str, str] | None:
    """A mark and what stands behind its colon; None for a comment that is no mark."""
    for name in sorted(MARKS, key=len, reverse=True):
        if comment == name or comment.startswith(name + ":"):
            return name, comment[len(name) + 1 :].strip()
    return None


def marks_before(text: str) -> dict[str, str]:
    """Those of the comments that end `text`."""
    marks: dict[str, str] = {}
    while match := COMMENT.search(text[text.rindex("<!--") :] if "<!--" in text else ""):
        if mark := mark_of(match[1]):
            marks.setdefault(*mark)
        text = text[: text.rindex("<!--")]
    return marks


def snippets_of(document: str, text: str) -> Iterator[Snippet]:
    for fence in FENCE.finditer(text):
        before = text[: fence.start()]
        marks = marks_before(before)
        if fence["language"] in PROSE and not marks:
            continue
        indent = fence["indent"]
        lines = [line.removeprefix(indent) for line in fence["text"].splitlines(keepends=True)]
        yield Snippet(document, before.count("\n") + 1, fence["language"], "".join(lines), marks)


def documents_of(source: pathlib.Path) -> list[pathlib.Path]:
    """All of the project's; not what lies in builds and the like."""
    found = [*source.glob("*.md")]
    for folder in ("abi", "bindings", "docs", "module", "tests"):
        found += (source / folder).rglob("*.md")
    return sorted(found)
