"""The packages that docs/building.md names, and those of .ci/packages.txt."""

import re

from .tree import Tree, table_after

BUILDING = "docs/building.md"
PACKAGES = ".ci/packages.txt"


def check_packages(tree: Tree) -> None:
    groups: dict[str, tuple[list[str], list[str]]] = {}
    for line in tree.text(PACKAGES).splitlines():
        if match := re.match(r"([a-z]+) +([^;]+?) *; *(\S+)$", line):
            debian, fedora = groups.setdefault(match[1], ([], []))
            debian += [alternative.split()[0] for alternative in match[2].split("|")]
            fedora.append(match[3])
    table = {
        group: (re.findall(r"`(\S+)`", debian), re.findall(r"`(\S+)`", fedora))
        for group, debian, fedora in table_after(tree.text(BUILDING), "packages")
    }
    tree.expect_equal("groups of packages", list=sorted(groups), document=sorted(table))
    for group, named in groups.items():
        tree.expect_equal(f"packages of {group}", list=named, document=table.get(group))


def check_no_index(tree: Tree) -> None:
    """Nobody holds the name on the index of Python packages yet: whoever took it would be installed
    by what the documents say. From a checkout, or from a file."""
    from_index = re.compile(
        r"\b(?:pip3?|pipx|uv)\b[^\n`]*? (?:install|add|run)\b[^\n`]*?[ '\"]matrix[-_]device"
    )
    for path in tree.files("*.md", "docs/**/*.md", "tests/**/*.md", "bindings/**/*.py"):
        for command in from_index.findall(path.read_text()):
            tree.problems.append(
                f"{path.relative_to(tree.root)}: installs from the index: {command}"
            )
