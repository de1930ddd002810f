"""Every relative link of the documents leads to a file, and to a heading where it names one.

check_links.py SOURCE
"""

import pathlib
import re
import sys

from snippets.documents import documents_of


def anchor(heading: str) -> str:
    """As the common renderers make them."""
    text = re.sub(r"`|\*|\[|\]\([^)]*\)", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def anchors(text: str) -> set[str]:
    return {anchor(line) for line in re.findall(r"^#+ +(.*)$", without_code(text), flags=re.M)}


def problems_of(source: pathlib.Path, document: pathlib.Path) -> list[str]:
    problems = []
    text = document.read_text()
    name = document.relative_to(source)
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, fragment = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        if not file.exists():
            problems.append(f"{name}: expected {target} to be there")
        elif fragment and file.suffix == ".md" and fragment not in anchors(file.read_text()):
            problems.append(f"{name}: expected a heading for {target}")
    return problems


source = pathlib.Path(sys.argv[1]).resolve()
documents = documents_of(source)
problems = [problem for document in documents for problem in problems_of(source, document)]
for problem in problems:
    print(problem, file=sys.stderr)
print(f"{len(documents)} documents, {len(problems)} problems")
sys.exit(1 if problems else 0)
