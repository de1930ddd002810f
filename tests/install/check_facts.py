"""The documents say what the code does, where both can be read by a program.

check_facts.py SOURCE    (check_facts_control.py sees to it that each comparison can fail)

- Statuses: what each callback of module.h lists, what the module takes as its answer, and the
  tables of docs/host_guide.md and docs/python.md; which callbacks are mandatory.
- Settings: keys, defaults and ranges of docs/configuration.md, docs/operations.md and of their
  schema, which check_schema.py compares with the code; the options of the command line.
- The state of a session and the digest of a body: docs/contract.md and the module.
- Rows: each that a comment, a test or a document names is in docs/behaviour.md or docs/accounts.md.
- Conventions of module.h that the documents cite by number.
- No document installs from the index of Python packages, and no file names a registry's host.
- Rooms of CONTRIBUTING.md: each #include is one that the room may have.
- Versions of Synapse and Python; the packages and switches of docs/building.md.
"""

import pathlib
import sys
from collections.abc import Callable

from facts.formats import check_formats
from facts.packages import check_no_index, check_no_registry, check_packages, check_switches
from facts.references import check_conventions, check_rows
from facts.rooms import check_rooms as check_includes
from facts.settings import check_module_settings, check_options, check_server_settings
from facts.statuses import check_statuses
from facts.tree import Tree
from facts.versions import check_versions

CHECKS: list[Callable[[Tree], None]] = [
    check_statuses,
    check_module_settings,
    check_server_settings,
    check_options,
    check_formats,
    check_rows,
    check_conventions,
    check_versions,
    check_packages,
    check_switches,
    check_includes,
    check_no_index,
    check_no_registry,
]


def check(root: pathlib.Path) -> list[str]:
    tree = Tree(root)
    for compare in CHECKS:
        compare(tree)
    return tree.problems


def main() -> int:
    problems = check(pathlib.Path(sys.argv[1]).resolve())
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(CHECKS)} comparisons, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
