"""snippets_not_run.txt: what cannot run, and why. A snippet is named by its document and its first
line; the lines of the reason are indented."""

import pathlib
from dataclasses import dataclass

from .documents import Snippet


@dataclass
class Entry:
    document: str
    first_line: str
    reason: str = ""
    matches: int = 0


class NotRun:
    def __init__(self, path: pathlib.Path) -> None:
        self._name = path.name
        self._entries: list[Entry] = []
        for line in path.read_text().splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            if line.startswith(" "):
                self._entries[-1].reason += " " + line.strip()
            else:
                document, _, first_line = line.partition(": ")
                self._entries.append(Entry(document, first_line.strip()))

    def lists(self, snippet: Snippet) -> bool:
        for entry in self._entries:
            if (entry.document, entry.first_line) == (snippet.document, snippet.first_line):
                entry.matches += 1
                return True
        return False

    def stale(self) -> list[str]:
        """What is wrong with the list itself, after all documents were read."""
        problems = []
        for entry in self._entries:
            if entry.matches != 1:
                problems.append(
                    f"{self._name}: {entry.document} has {entry.matches} snippets that begin with "
                    f"{entry.first_line!r}, not one: mend the entry, or take it out"
                )
            if not entry.reason:
                problems.append(f"{self._name}: expected a reason for {entry.first_line!r}")
        return problems
