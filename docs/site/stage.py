"""Lay out what mkdocs reads: the documents, the headers and the sources to which they link, and
pages that are made from the command line and the packages.

stage.py SOURCE BUILD --server SERVER [--go GO] [--rustdoc FOLDER]

In BUILD come `pages/` and `mkdocs.yml`. The navigation is docs/README.md: its headings, and the
first link of each item. A document that it does not name is a warning of mkdocs, and
that a failure.
"""

import argparse
import pathlib
import re
import shutil
import sys

import yaml
from site_pages import commands, documents, headers, packages

INDEX = "docs/README.md"
DOCUMENTS = ("*.md", "docs/*.md", "tests/conformance/README.md")
# Beside what docs/README.md lists under Reference; the pages that are made here
REFERENCE = {
    "Command line": "reference/command_line.md",
    "Python package": "reference/python.md",
    "Go package": "reference/go.md",
    "Rust crates": "reference/rust.md",
}
LANGUAGES = {".c": "c", ".h": "c", ".go": "go", ".json": "json", ".py": "python", ".rs": "rust",
             ".toml": "toml", ".yml": "yaml", ".sh": "sh"}  # fmt: skip


def alone(section: dict[str, object]) -> dict[str, object]:
    """A section of one page is that page."""
    ((title, entries),) = section.items()
    if isinstance(entries, list) and len(entries) == 1:
        return {title: next(iter(entries[0].values()))}
    return section


class Stage:
    def __init__(self, source: pathlib.Path, pages: pathlib.Path) -> None:
        self._source = source
        self._pages = pages
        self._staged: set[str] = set()

    def write(self, name: str, text: str) -> None:
        file = self._pages / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def document(self, name: str) -> None:
        text = (self._source / name).read_text()
        self.write(name, documents.page_of(text, lambda target: self._link(name, target)))

    def _link(self, page: str, target: str) -> str:
        """As the page has to say it: a source becomes a page too."""
        path, hash_, fragment = target.partition("#")
        if not path or "://" in target or target.startswith("mailto:"):
            return target
        file = (self._source / page).parent.joinpath(path).resolve()
        name = str(file.relative_to(self._source))
        if file.suffix == ".md":
            return documents.relative(name, page) + hash_ + fragment
        return documents.relative(self._source_page(name), page)

    def _source_page(self, name: str) -> str:
        """The page of a file, or of a folder with its files; made once."""
        file = self._source / name
        if name.endswith((".schema.json", ".svg", ".png")):
            (self._pages / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, self._pages / name)
            return name
        page = f"{name}/index.md" if file.is_dir() else f"{name}.md"
        if page in self._staged:
            return page
        self._staged.add(page)
        if file.is_dir():
            files = sorted(path for path in file.iterdir() if path.is_file())
            named = [path.name for path in files if path.suffix != ".md"]
            links = [
                f"- [{own}]({documents.relative(self._source_page(f'{name}/{own}'), page)})"
                for own in named
            ]
            self.write(page, f"# {name}/\n\n" + "\n".join(links) + "\n")
        elif "/include/" in name:
            self.write(page, headers.page_of(name, file.read_text()))
        else:
            text = file.read_text().rstrip("\n")
            language = LANGUAGES.get(file.suffix, "text")
            self.write(page, f"# {file.name}\n\n`{name}`\n\n````{language}\n{text}\n````\n")
        return page

    def navigation(self) -> list[dict[str, object]]:
        """Of the index."""
        sections: list[dict[str, object]] = [{"Start": "README.md"}, {"Documents": INDEX}]
        entries: list[dict[str, str]] = []
        for line in (self._pages / INDEX).read_text().splitlines():
            if heading := re.fullmatch(r"## (.*)", line):
                entries = []
                sections.append({heading[1]: entries})
            elif (item := re.match(r"- \[([^]]+)\]\(([^)#]+)\)", line)) and item[2].endswith(".md"):
                path = documents.relative("docs/" + item[2], "README.md")
                entries.append({item[1]: path})
        sections = [alone(section) for section in sections]
        entries += [{title: page} for title, page in REFERENCE.items()]
        return sections


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--server", required=True)
    parser.add_argument("--go", default="go")
    parser.add_argument("--rustdoc", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    source, build = arguments.source.resolve(), arguments.build.resolve()
    pages = build / "pages"
    shutil.rmtree(pages, ignore_errors=True)
    stage = Stage(source, pages)
    for pattern in DOCUMENTS:
        for document in sorted(source.glob(pattern)):
            stage.document(str(document.relative_to(source)))
    stage.write("reference/command_line.md", commands.page(arguments.server))
    stage.write("reference/python.md", packages.python_page())
    stage.write("reference/go.md", packages.go_page(source / "bindings/go", arguments.go))
    stage.write("reference/rust.md", packages.RUST_PAGE)
    shutil.copytree(arguments.rustdoc, pages / "reference/rust")
    shutil.copy(source / "docs/site/site.css", pages / "site.css")
    settings = {
        "INHERIT": str(source / "docs/site/mkdocs.yml"),
        "docs_dir": str(pages),
        "site_dir": str(build / "html"),
        "nav": stage.navigation(),
    }
    (build / "mkdocs.yml").write_text(yaml.safe_dump(settings, sort_keys=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
