"""The packages and switches that docs/building.md names, and those that there are."""

import functools
import pathlib
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


def check_switches(tree: Tree) -> None:
    """Those of CMakeLists.txt, with their defaults."""
    options = re.findall(
        r'^(?:cmake_dependent_)?option\((MXD_\w+) "[^"]*" (ON|OFF)|^set\((MXD_TESTS) (OFF) CACHE',
        tree.text("CMakeLists.txt"),
        re.M,
    )
    code = {name or other: default or otherwise for name, default, other, otherwise in options}
    table = {
        switch.strip("`"): default.split("`")[1]
        for switch, default, _ in table_after(tree.text(BUILDING), "switches")
    }
    tree.expect_equal("switches", code=sorted(code.items()), document=sorted(table.items()))


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


# In pieces, so that they are not here either.
REGISTRIES = [
    "pypi.",
    "pythonhosted.",
    "crates.",
    "npmjs.",
    "proxy.golang.",
    "deb.debian.",
    "ghcr.",
]
ENDS = ["org", "io", "com"]
HOST = re.compile(
    rf"\b(?:{'|'.join(re.escape(name + end) for name in REGISTRIES for end in ENDS)})\b"
)
ROOMS = ("abi", "bindings", "cmake", "docs", "module", "tests", ".ci", ".github")
NOT_OURS = {"node_modules", "Cargo.lock", "__pycache__"}  # git ignores them


@functools.cache
def registries_in(path: pathlib.Path, _changed_ns: int, _size: int) -> list[str]:
    """Read again where it has changed alone: check_facts_control.py changes a file at a time."""
    return HOST.findall(path.read_text(errors="ignore"))


def check_no_registry(tree: Tree) -> None:
    """Which registry a package comes from is the reader's own setting: no file names a host."""
    for path in tree.files("*", *(f"{room}/**/*" for room in ROOMS)):
        if path.is_file() and not NOT_OURS & set(path.parts):
            status = path.stat()
            for name in registries_in(path, status.st_mtime_ns, status.st_size):
                tree.problems.append(
                    f"{path.relative_to(tree.root)}: names a package registry's host: {name}"
                )
