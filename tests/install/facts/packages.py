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
