"""That check_facts.py can fail: changes one side of each comparison in a copy of the tree, one
after the other, and expects each change to be named.

check_facts_control.py SOURCE
"""

import pathlib
import shutil
import sys
import tempfile

from check_facts import check
from facts.formats import CONTRACT
from facts.packages import BUILDING, PACKAGES
from facts.rooms import CONTRIBUTING
from facts.settings import CONFIGURATION, OPERATIONS, SCHEMA
from facts.statuses import GUIDE, PYTHON
from facts.tree import HEADER
from facts.versions import COMPATIBILITY, IMAGE, VERSIONING

# Of one file, what is put in the place of what; and what the complaint has to name.
CHANGES = [
    (HEADER, "NOT_FOUND: it is gone, which saves that.", "", "uia_replace_session"),
    (HEADER, "/* M. One device.", "/* One device.", "mandatory callbacks"),
    ("module/host/uia_calls.cc", "bit(MXD_REFUSED) | ", "", "statuses of uia_check"),
    ("module/host/device_calls.cc", "bit(MXD_CREATED) | ", "", "statuses of put_device"),
    (GUIDE, "`USER_LOCKED` A6, ", "", "statuses of authenticate"),
    (PYTHON, "| `Conflict`, `NotFound` |", "| `NotFound` |", "statuses of uia_replace_session"),
    (GUIDE, "| `put_device` | optional |", "| `put_device` | mandatory |", "mandatory callbacks"),
    (SCHEMA, '"session_lifetime_ms": {', '"session_life_ms": {', "settings"),
    (SCHEMA, '"maximum": 1000,', '"maximum": 2000,', "range of server.database_connections"),
    (SCHEMA, '"maximum": 256,', '"maximum": 257,', "range of max_json_depth"),
    (SCHEMA, '"default": 60\n', '"default": 61\n', "limits.uia_challenges"),
    (SCHEMA, '"default": "30d"', '"default": "31d"', "default of server.guest_lifetime"),
    (SCHEMA, '"default": 10000\n', '"default": 10001\n', "server.limits.registration_address"),
    (CONFIGURATION, '"uia_repeats": {"burst": 30', '"uia_repeats": {"burst": 31', "uia_repeats"),
    (CONFIGURATION, "| user and device | 30, one", "| user and device | 40, one", "uia_repeats"),
    (CONFIGURATION, "| 0 | creation by", "| 1 | creation by", "max_devices_per_user"),
    (CONFIGURATION, "| `server_name` |", "| `name` |", "settings"),
    (OPERATIONS, "| `--log-file FILE` |", "| `--logs FILE` |", "no option --logs"),
    ("bindings/server/command_line.cc", '"--metrics-listen"', '"--metrics"', "option --metrics"),
    (OPERATIONS, "| 30, one in 2 s |", "| 30, one in 3 s |", "server.limits.login_user"),
    (OPERATIONS, '"login_user": {"burst": 30', '"login_user": {"burst": 31', "login_user"),
    (OPERATIONS, '| `"30d"` |', '| `"40d"` |', "guest_lifetime"),
    ("module/auth/session.cc", '"form_token"', '"page_token"', "members of a state"),
    (CONTRACT, "| `dead` |", "| `gone` |", "members of a state"),
    ("module/http/json_digest.cc", "tag('n', 0)", "tag('z', 0)", "letters of a digest"),
    (CONTRACT, "| `b`, 1 or 0 |", "| `t`, 1 or 0 |", "letters of a digest"),
    ("docs/behaviour.md", "\n| U12 |", "\n| U92 |", "no row U12"),
    ("docs/accounts.md", "\n| T13 |", "\n| T12 |", "row T12 is there more than once"),
    ("module/auth/session.h", "the body. U11", "the body. U91", "no row U91"),
    ("docs/operations.md", "(row D3)", "(row D93), (D93)", "no row D93"),
    (COMPATIBILITY, "BEFORE = (1, 164)", "BEFORE = (1, 165)", "versions of Synapse"),
    ("tests/synapse/versions.txt", "\n1.143.0", "\n1.144.0", "tested Synapses"),
    (VERSIONING, "| CPython 3.11 and 3.13 |", "| CPython 3.11 and 3.14 |", "Pythons"),
    (PACKAGES, "libsodium-dev ", "libsodium23 ", "packages of module"),
    (BUILDING, "`re2-devel`, `sqlite-devel`", "`sqlite-devel`", "packages of store"),
    (BUILDING, "| `MXD_POSTGRES` | `OFF`", "| `MXD_POSTGRES` | `ON`", "switches"),
    (CONTRIBUTING, "| `memory/` |", "| nothing of ours |", "may not include module/memory/"),
    (CONTRIBUTING, "| `bindings/cpp/` | a", "| `bindings/c/` | a", "is in none of the rooms"),
    ("module/http/text.h", "#include <", '#include "module/host/ids.h"\n#include <', "host/ids.h"),
    (
        "README.md",
        "`pip install .` in",
        "`pip install matrix-devices` in",
        "installs from the index",
    ),
    (
        PACKAGES,
        "# make test-platforms",
        "# crates." + "io\n# make",
        "a package registry's host: crates.",
    ),
    (IMAGE, "SYNAPSE=v1.163", "SYNAPSE=v1.162", "the newest Synapse"),
    (GUIDE, "(convention 5)", "(convention 55)", "no convention 55"),
]


def control(root: pathlib.Path) -> list[str]:
    problems = []
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch) / "source"
        for part in ("abi", "module", "bindings", "docs", "tests"):
            shutil.copytree(root / part, copy / part, ignore=shutil.ignore_patterns("node_modules"))
        for file in (
            *root.glob("*.md"),
            root / IMAGE,
            root / "pyproject.toml",
            root / "CMakeLists.txt",
        ):
            shutil.copy(file, copy)
        shutil.copytree(root / ".ci", copy / ".ci")
        for path, old, new, named in CHANGES:
            file = copy / path
            before = file.read_text()
            if before.count(old) < 1:
                problems.append(f"control: {path} has no {old!r} to change")
                continue
            file.write_text(before.replace(old, new, 1))
            if not any(named in problem for problem in check(copy)):
                problems.append(f"control: {path}: {old!r} as {new!r} was not noticed")
            file.write_text(before)
    return problems


def main() -> int:
    problems = control(pathlib.Path(sys.argv[1]).resolve())
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(CHANGES)} changes, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
