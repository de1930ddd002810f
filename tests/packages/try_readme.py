"""README's client test and its host in Python, pasted where only the package is installed.

try_readme.py README FOLDER    the files that they make go into FOLDER
"""

from __future__ import annotations

import itertools
import pathlib
import subprocess
import sys

from snippets.documents import Snippet, snippets_of
from snippets.output import compare


def python(folder: pathlib.Path, *arguments: str) -> str:
    """What this interpreter prints, started there."""
    command = [sys.executable, "-B", *arguments]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\nexpected {command} to succeed")
    return done.stdout


def pairs(snippets: list[Snippet]) -> list[tuple[Snippet, Snippet]]:
    """Each snippet in Python, and what it prints."""
    return [
        (one, shown)
        for one, shown in itertools.pairwise(snippets)
        if one.language == "python" and "output" in shown.marks
    ]


def main(readme: str, folder: pathlib.Path) -> None:
    document = pathlib.Path(readme)
    test, host = pairs(list(snippets_of(document.name, document.read_text(encoding="utf-8"))))
    (folder / test[0].marks["file"]).write_text(test[0].text, encoding="utf-8")
    command = test[1].marks["output"].split()
    assert command[0] == "python", command
    compare(test[1], python(folder, *command[1:]))
    compare(host[1], python(folder, "-c", host[0].text))
    print(f"{document.name}: both print what it shows")


main(sys.argv[1], pathlib.Path(sys.argv[2]))
