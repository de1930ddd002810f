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
from facts.settings import CONFIGURATION, OPERATIONS
from facts.statuses import GUIDE, PYTHON
from facts.tree import HEADER
from facts.versions import COMPATIBILITY, VERSIONING

# Of one file, what is put in the place of what; and what the complaint has to name.
CHANGES = [
    (HEADER, "NOT_FOUND: it is gone, which saves that.", "", "uia_replace_session"),
    (HEADER, "/* M. One device.", "/* One device.", "mandatory callbacks"),
    ("module/host/uia_calls.cc", "bit(MXD_REFUSED) | ", "", "statuses of uia_check"),
    ("module/host/device_calls.cc", "bit(MXD_CREATED) | ", "", "statuses of put_device"),
    (GUIDE, "`USER_LOCKED` A6, ", "", "statuses of authenticate"),
    (PYTHON, "| `Conflict`, `NotFound` |", "| `NotFound` |", "statuses of uia_replace_session"),
    (GUIDE, "| `put_device` | optional |", "| `put_device` | mandatory |", "mandatory callbacks"),
    ("module/config/config.h", "grace_period_ms = 0;", "grace_period_ms = 1;", "grace_period_ms"),
    (
        "module/config/config.h",
        "device_creation{20, 2000}",
        "device_creation{20, 3000}",
        "creation",
    ),
    ("module/config/parse.cc", "1, 100'000);", "1, 200'000);", "max_display_name_length"),
    (
        "module/config/parse.cc",
        "max_sessions_per_user, 1, 10",
        "max_sessions_per_user, 2, 10",
        "range of uia.max_sessions_per_user",
    ),
    ("module/http/json_limits.h", "members = 128;", "members = 256;", "max_json_members"),
    (CONFIGURATION, '"uia_repeats": {"burst": 30', '"uia_repeats": {"burst": 31', "uia_repeats"),
    (CONFIGURATION, "| user and device | 30, one", "| user and device | 40, one", "uia_repeats"),
    (CONFIGURATION, "| 0 | creation by", "| 1 | creation by", "max_devices_per_user"),
    (CONFIGURATION, "| `server_name` |", "| `name` |", "settings"),
    (
        "bindings/server/settings.h",
        "max_connections = 10'000",
        "max_connections = 20'000",
        "max_connections",
    ),
    (
        "bindings/server/settings.h",
        "guest_lifetime = days(30)",
        "guest_lifetime = days(31)",
        "guest",
    ),
    (OPERATIONS, "| `--log-file FILE` |", "| `--logs FILE` |", "no option --logs"),
    ("bindings/server/command_line.cc", '"--metrics-listen"', '"--metrics"', "option --metrics"),
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
    (CONTRIBUTING, "| `memory/` |", "| nothing of ours |", "may not include module/memory/"),
    (CONTRIBUTING, "| `bindings/cpp/` | a", "| `bindings/c/` | a", "is in none of the rooms"),
    ("module/http/text.h", "#include <", '#include "module/host/ids.h"\n#include <', "host/ids.h"),
    ("README.md", "pip install . ", "pip install matrix-devices ", "installs from the index"),
    (GUIDE, "(convention 5)", "(convention 55)", "no convention 55"),
]


def control(root: pathlib.Path) -> list[str]:
    problems = []
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch) / "source"
        for part in ("abi", "module", "bindings", "docs", "tests"):
            shutil.copytree(root / part, copy / part, ignore=shutil.ignore_patterns("node_modules"))
        for file in (*root.glob("*.md"), root / "pyproject.toml"):
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
