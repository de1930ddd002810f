"""Put the licences of what a repaired wheel carries into it.

add_licences.py WHEEL FOLDER    the wheel with them goes into FOLDER

Of the libraries that auditwheel has copied in, and of what is compiled in from headers or archives,
Debian's packages say their copyright; pybind11, which pip brings, says it itself. The licence of
the wheel becomes that of all in it (.ci/release/libraries.txt). Fails if one of them says nothing.
"""

from __future__ import annotations

import importlib.metadata
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# Files by which dpkg tells the package, of what leaves no library in the wheel
COMPILED_IN = ("*/boost/json.hpp", "*/SQLiteCpp/SQLiteCpp.h")
LIBRARIES = pathlib.Path(__file__).parents[3] / ".ci/release/libraries.txt"
# Debian's texts refer to these files, which other systems do not have.
COMMON = re.compile(r"/usr/share/common-licenses/[\w.-]*\w")


def output(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def package_of(pattern: str) -> str:
    """Debian's package that has a file of this pattern."""
    lines = output("dpkg", "-S", pattern).splitlines()
    owners = {line.partition(":")[0] for line in lines if not line.startswith("diversion ")}
    if len(owners) != 1:
        sys.exit(f"add_licences: {pattern}: expected one package to have it, got {owners}")
    return owners.pop()


def names_of(libraries: pathlib.Path) -> set[str]:
    """Of what was copied in, the names that Debian gives: auditwheel has put a hash into them."""
    return {re.sub(r"-[0-9a-f]{8,}(?=\.so)", "", path.name) for path in libraries.iterdir()}


def licences_of(packages: set[str]) -> set[str]:
    """As SPDX names them, those of Debian's packages for development."""
    rows = [line.split(maxsplit=3) for line in LIBRARIES.read_text(encoding="utf-8").splitlines()]
    known = {row[0]: row[2] for row in rows if row}
    # Boost's has its version in its name.
    names = {re.sub(r"\d+\.\d+-dev$", "-dev", package) for package in packages}
    if missing := names - known.keys():
        sys.exit(f"add_licences: {LIBRARIES} has no {', '.join(sorted(missing))}: add its licence")
    return {known[name] for name in names}


def set_licence(metadata: pathlib.Path, others: set[str]) -> None:
    """The expression for all that is in the wheel: its own licence, and these."""
    text = (metadata / "METADATA").read_text(encoding="utf-8")
    before, key, after = text.partition("\nLicense-Expression: ")
    own, newline, after = after.partition("\n")
    expression = " AND ".join(sorted({own, *others}))
    (metadata / "METADATA").write_text(before + key + expression + newline + after, "utf-8")


def add(metadata: pathlib.Path, name: str, text: str) -> None:
    """A licence, as PEP 639 has it: a file, and a line that names it."""
    file = metadata / "licenses" / "carried" / f"{name}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    for place in dict.fromkeys(COMMON.findall(text)):
        text += f"\n---- {place} ----\n\n{pathlib.Path(place).read_text(encoding='utf-8')}"
    file.write_text(text, encoding="utf-8")
    lines = (metadata / "METADATA").read_text(encoding="utf-8")
    head, blank, body = lines.partition("\n\n")
    head += f"\nLicense-File: carried/{name}.txt"
    (metadata / "METADATA").write_text(head + blank + body, encoding="utf-8")


def main(wheel: str, folder: str) -> None:
    """Unpack it, add them, and pack it again."""
    with tempfile.TemporaryDirectory() as work:
        output("wheel", "unpack", wheel, "--dest", work)
        (tree,) = pathlib.Path(work).iterdir()
        (metadata,) = tree.glob("*.dist-info")
        (libraries,) = tree.glob("*.libs")
        names = names_of(libraries)
        compiled_in = {package_of(pattern) for pattern in COMPILED_IN}
        packages = compiled_in | {package_of(f"*/{name}") for name in names}
        for package in sorted(packages):
            copyright_ = pathlib.Path("/usr/share/doc", package, "copyright")
            add(metadata, package, copyright_.read_text(encoding="utf-8"))
        licence = next(
            path
            for path in importlib.metadata.files("pybind11") or ()
            if path.name.startswith("LICENSE")
        )
        add(metadata, "pybind11", licence.read_text(encoding="utf-8"))
        linked = {package_of(f"*/{name.partition('.so')[0]}.so") for name in names}
        set_licence(metadata, licences_of(compiled_in | linked | {"pybind11-dev"}))
        output("wheel", "pack", str(tree), "--dest-dir", folder)
        shutil.rmtree(tree)
    print(f"{len(packages) + 1} licences: {', '.join(sorted(packages))}, pybind11")


main(*sys.argv[1:])
