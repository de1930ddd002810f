"""The documents are true where a program can tell.

check_docs.py SOURCE MINIMAL_HOST MODULE

- A fenced C block that follows `<!-- quote: FILE TAG -->` is the part of FILE between
  `/* TAG: begin */` and `/* TAG: end */`.
- Every relative link leads to a file, and to a heading where it names one.
- Every JSON block parses; those after `<!-- config -->` are accepted by the module.
- The SQL blocks after `<!-- sql -->` of one document run, one after the other.
"""

import json
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import textwrap

source, minimal_host, module = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
problems: list[str] = []


def anchor(heading: str) -> str:
    """As the common renderers make them."""
    text = re.sub(r"`|\*|\[|\]\([^)]*\)", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(text: str) -> set[str]:
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return {anchor(line) for line in re.findall(r"^#+ +(.*)$", prose, flags=re.M)}


def region(path: pathlib.Path, tag: str) -> str:
    match = re.search(
        rf"^ */\* {tag}: begin \*/\n(.*?)^ */\* {tag}: end \*/", path.read_text(), re.M | re.S
    )
    if not match:
        raise SystemExit(f"{path}: expected a region {tag}")
    return textwrap.dedent(match.group(1))


def check_config(where: str, block: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(block)
        file.flush()
        run = subprocess.run(
            [minimal_host, module, file.name], capture_output=True, text=True, check=False
        )
    if run.returncode != 0:
        problems.append(f"{where}: expected the module to accept the settings: {run.stderr}")


def check_sql(where: str, blocks: list[str]) -> None:
    with sqlite3.connect(":memory:") as database:
        for block in blocks:
            arguments = dict.fromkeys(re.findall(r":(\w+)", block), 0)
            try:
                database.execute(block, arguments)
            except sqlite3.Error as error:
                problems.append(f"{where}: expected SQL that runs: {error}: {block}")


documents = [*sorted(source.glob("*.md")), *sorted((source / "docs").glob("**/*.md"))]
for document in documents:
    text = document.read_text()
    name = str(document.relative_to(source))

    for file, tag, block in re.findall(
        r"<!-- quote: (\S+) (\S+) -->\n```c\n(.*?)^```", text, flags=re.M | re.S
    ):
        if block != region(source / file, tag):
            problems.append(f"{name}: expected the block to be the region {tag} of {file}")

    for marker, block in re.findall(
        r"^(<!-- config -->\n)?```json\n(.*?)^```", text, flags=re.M | re.S
    ):
        try:
            json.loads(block)
        except ValueError as error:
            problems.append(f"{name}: expected JSON: {error}: {block}")
            continue
        if marker:
            check_config(name, block)

    check_sql(name, re.findall(r"^<!-- sql -->\n```sql\n(.*?)^```", text, flags=re.M | re.S))

    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, fragment = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        if not file.exists():
            problems.append(f"{name}: expected {target} to be there")
        elif fragment and file.suffix == ".md" and fragment not in anchors(file.read_text()):
            problems.append(f"{name}: expected a heading for {target}")

for problem in problems:
    print(problem, file=sys.stderr)
print(f"{len(documents)} documents, {len(problems)} problems")
sys.exit(1 if problems else 0)
