"""Every relative link of the documents leads to a file, and to a heading where it names one; and
docs/README.md, from which the site has its navigation, leads to every document of docs/.

And the description of the package, which is README elsewhere, has no relative one.

check_links.py SOURCE
"""

import importlib.util
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


def not_listed(source: pathlib.Path) -> list[str]:
    index = source / "docs/README.md"
    listed = set(re.findall(r"^- \[[^]]+\]\(([^)#]+)", index.read_text(), flags=re.M))
    return [
        f"docs/README.md: expected a line for {document.name}: `- [Title]({document.name}): …`"
        for document in sorted(index.parent.glob("*.md"))
        if document != index and document.name not in listed
    ]


def problems_of_description(source: pathlib.Path) -> list[str]:
    file = source / "bindings/python/packaging/package_description.py"
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    readme = module.README.read_text()
    links = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
    kept = links.findall(without_code(readme))
    problems = []
    for repository in ("", "https://example.org/matrix-devices"):
        targets = links.findall(without_code(module.described(readme, repository)))
        relative = [target for target in targets if "://" not in target]
        problems += [f"description: expected no relative link, got {target}" for target in relative]
        if repository and len(targets) != len(kept):
            problems.append(f"description: expected {len(kept)} links, got {len(targets)}")
    return problems


source = pathlib.Path(sys.argv[1]).resolve()
documents = documents_of(source)
problems = [problem for document in documents for problem in problems_of(source, document)]
problems += not_listed(source)
problems += problems_of_description(source)
for problem in problems:
    print(problem, file=sys.stderr)
print(f"{len(documents)} documents, {len(problems)} problems")
sys.exit(1 if problems else 0)
