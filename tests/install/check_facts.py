"""The documents say what the code does, where both can be read by a program.

check_facts.py SOURCE    (check_facts_control.py sees to it that each comparison can fail)

- Statuses: what each callback of module.h lists, what the module takes as its answer, and the table
  of docs/host_guide.md; which callbacks are mandatory.
- Settings: keys, defaults and ranges of docs/configuration.md and of the module; those of
  docs/operations.md and of the server.
- The state of a session and the digest of a body: docs/contract.md and the module.
- Rows: each that a comment, a test or a document names is in docs/behaviour.md or docs/accounts.md.
- Conventions of module.h that the documents cite by number.
"""

import json
import pathlib
import re
import sys
from collections.abc import Callable, Iterator

HEADER = "abi/include/matrix_devices/module.h"
GUIDE = "docs/host_guide.md"
CONFIGURATION = "docs/configuration.md"
OPERATIONS = "docs/operations.md"
CONTRACT = "docs/contract.md"
ROWS = ("docs/behaviour.md", "docs/accounts.md")

# What every callback may be completed with (module.h, convention 7).
FOR_ALL = {"OK", "HOST_ERROR", "UNAVAILABLE", "TIMEOUT", "CANCELLED", "NO_MEMORY", "INTERNAL"}


class Tree:
    """The source tree, and what was found wrong with it."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.problems: list[str] = []

    def text(self, path: str) -> str:
        return (self.root / path).read_text()

    def expect_equal(self, what: str, **sides: object) -> None:
        if len({repr(side) for side in sides.values()}) != 1:
            shown = "; ".join(f"{name}: {side!r}" for name, side in sides.items())
            self.problems.append(f"{what}: expected the same everywhere, got {shown}")

    def files(self, *patterns: str) -> Iterator[pathlib.Path]:
        for pattern in patterns:
            yield from sorted(self.root.glob(pattern))


def found(matches: list, what: str, at_least: int) -> list:
    """So that a pattern that fits nothing any more is no test that can't fail."""
    if len(matches) < at_least:
        raise SystemExit(f"{what}: expected {at_least} or more to compare, found {len(matches)}")
    return matches


def table_after(text: str, marker: str) -> list[list[str]]:
    """The rows of the table after `<!-- marker -->`, without its head."""
    block = re.search(rf"<!-- {marker} -->\n((?:\|.*\n)+)", text)
    rows = block.group(1).splitlines()[2:] if block else []
    return [cells_of(row) for row in found(rows, marker, 5)]


def cells_of(row: str) -> list[str]:
    return [cell.strip() for cell in row.split("|")[1:-1]]


# ---- Statuses ----


def statuses_of_header(header: str) -> tuple[dict[str, set[str]], set[str]]:
    """What each question lists, and which callbacks are mandatory."""
    known = set(re.findall(r"#define MXD_(\w+) +\(?-?\d+\)?", header.split("---- Log levels")[0]))
    host = header[header.index("typedef struct mxd_host {") : header.index("} mxd_host;")]
    lists: dict[str, set[str]] = {}
    mandatory = set()
    comments = re.findall(r"/\*((?:(?!\*/).)*)\*/\s*[\w ]+\*?\(\*(\w+)\)\(([^)]*)\)", host, re.S)
    for comment, name, arguments in found(comments, HEADER, 15):
        if comment.startswith(" M. "):
            mandatory.add(name)
        if "mxd_op op, mxd_cookie principal" in " ".join(arguments.split()):
            lists[name] = (set(re.findall(r"\b[A-Z_]+\b", comment)) & known) - FOR_ALL
    return lists, mandatory


def statuses_of_module(tree: Tree) -> dict[str, set[str]]:
    """What the constructors of the questions in module/host/ say. One that has two callbacks
    chooses the name and the statuses by the same condition."""
    lists = {}
    for path in tree.files("module/host/*_call.cc", "module/host/*_calls.cc"):
        for arguments in re.findall(r"HostCall\(line,(.*?)WhenCancelled::", path.read_text(), re.S):
            names = re.findall(r'"(\w+)"', arguments)
            statuses = arguments[arguments.rindex('"') + 1 :].strip(", \n")
            parts = re.split(r"\?|(?<!:):(?!:)", statuses)[1:] if len(names) == 2 else [statuses]
            for name, part in zip(names, parts, strict=True):
                lists[name] = set(re.findall(r"MXD_(\w+)", part))
    return lists


def check_statuses(tree: Tree) -> None:
    header, mandatory = statuses_of_header(tree.text(HEADER))
    module = statuses_of_module(tree)
    guide: dict[str, set[str]] = {}
    mandatory_in_guide = set()
    for callbacks, kind, _emits, statuses in table_after(tree.text(GUIDE), "statuses"):
        for name in re.findall(r"`(\w+)`", callbacks):
            guide[name] = set(re.findall(r"`([A-Z_]+)`", statuses))
            if kind == "mandatory":
                mandatory_in_guide.add(name)
    tree.expect_equal("questions", header=sorted(header), module=sorted(module))
    for name in header:
        tree.expect_equal(
            f"statuses of {name}",
            header=sorted(header[name]),
            module=sorted(module.get(name, ())),
            guide=sorted(guide.get(name, ("not there",))),
        )
    refused = re.findall(
        r'\{"(\w+)", host_\.\1 != nullptr\}', tree.text("module/host/host_table.cc")
    )
    tree.expect_equal(
        "mandatory callbacks",
        header=sorted(mandatory),
        module=sorted(refused),
        guide=sorted(mandatory_in_guide),
    )


# ---- Settings ----


def number(expression: str) -> int:
    """An integer as C++ writes it."""
    expression = expression.strip().replace("'", "").replace("kDay", "86400000")
    expression = expression.replace("std::numeric_limits<int64_t>::max()", str(2**63 - 1))
    if not re.fullmatch(r"[\d* <]+", expression):
        raise SystemExit(f"expected an integer, got {expression!r}")
    return eval(expression)  # digits, "*" and "<<" only


def default_of(kind: str, field: str, sources: str, choices: list[str]) -> object:
    """What a field is initialised with, as JSON; None for an empty text."""
    match = re.search(rf"\b(?:std::)?[\w:<>]+ {field}(?: = ([^;]+)|\{{([^;]*)\}})?;", sources)
    if not match:
        raise SystemExit(f"expected a field {field}")
    value = match[1] or match[2] or ""
    if kind == "boolean":
        return value == "true"
    if kind == "integer":
        return number(value)
    if kind == "limit":
        burst, interval_ms = value.split(",")
        return {"burst": number(burst), "interval_ms": number(interval_ms)}
    if kind == "versions":
        return re.findall(r'"(\w+)"', value)
    if kind == "choice":
        index = {"false": 0, "true": 1, "BodyBinding::kStrict": 0, "BodyBinding::kLenient": 1}
        return choices[index[value]]
    return json.loads(value) if value else None  # url, text


def settings_of_module(tree: Tree) -> dict[str, tuple[object, str]]:
    """The default and the range of each key, by its path."""
    sources = tree.text("module/config/config.h") + tree.text("module/http/json_limits.h")
    parse = tree.text("module/config/parse.cc")
    reads = re.findall(
        r'(reader|limits|uia)\.(\w+)\("(\w+)", config\.(?:\w+\.)?(\w+)(?:, ([^;]+))?\);', parse
    )
    settings = {}
    for group, kind, key, field, rest in found(reads, "module/config/parse.cc", 20):
        choices = re.findall(r'"(\w+)"', rest)
        path = key if group == "reader" else f"{group}.{key}"
        limits = ""
        if kind == "integer":
            least, most = (number(bound) for bound in rest.split(","))
            limits = f"{least} to {most}"
        settings[path] = (default_of(kind, field, sources, choices), limits)
    return settings


def json_after(text: str, marker: str) -> dict:
    block = re.search(rf"<!-- {marker} -->\n```json\n(.*?)```", text, re.S)
    return json.loads(block.group(1)) if block else {}


def flatten(settings: dict, prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in settings.items():
        if isinstance(value, dict) and "burst" not in value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def check_module_settings(tree: Tree) -> None:
    text = tree.text(CONFIGURATION)
    module = settings_of_module(tree)
    block = flatten(json_after(text, "config"))
    tables: dict[str, tuple[str, str]] = {}  # default and range, as written
    section = ""
    for line in text.splitlines():
        if heading := re.match(r"## `?(\w+)", line):
            section = {"limits": "limits.", "uia": "uia."}.get(heading[1], "")
        cells = cells_of(line)
        if not re.match(r"\| `\w+` \| ", line):
            continue
        key = section + cells[0].strip("`")
        if section == "limits.":
            tables[key] = (cells[2], "")
        elif section == "uia.":
            _integer, comma, own = cells[1].partition(", ")
            tables[key] = (cells[2], own if comma else "")
        else:
            tables[key] = (cells[3], cells[2])
    tree.expect_equal("settings", module=sorted(module), table=sorted(tables))
    tree.expect_equal(
        "settings with a default",
        module=sorted(key for key, (default, _) in module.items() if default is not None),
        block=sorted(block),
    )
    for key, (default, limits) in module.items():
        written, written_range = tables.get(key, ("not there", ""))
        if default is None:
            tree.expect_equal(f"default of {key}", module="none", table=written)
            continue
        tree.expect_equal(f"default of {key}", module=default, block=block.get(key))
        if isinstance(default, dict):
            burst, interval_s = re.findall(r"\d+", written)
            tree.expect_equal(
                f"default of {key}",
                module=default,
                table={"burst": int(burst), "interval_ms": 1000 * int(interval_s)},
            )
        else:
            tree.expect_equal(
                f"default of {key}", module=json.dumps(default), table=written.strip("`")
            )
        if limits and not key.startswith("uia."):
            tree.expect_equal(f"range of {key}", module=limits, table=written_range)
        elif limits:  # the section says what holds where the table says nothing
            least, most = limits.split(" to ")
            own = re.findall(r"\d+", written_range)
            tree.expect_equal(
                f"range of {key}",
                module=[least, most],
                table=own if len(own) == 2 else [*(own or ["0"]), str(7 * 86400000)],
            )


def check_server_settings(tree: Tree) -> None:
    sources = tree.text("bindings/server/settings.h")
    seconds = {"hours": 3600, "days": 86400, "minutes": 60, "seconds": 1}
    text = tree.text(OPERATIONS)
    block = flatten(json_after(text, "server config").get("server", {}))
    reads = re.findall(
        r"(server|limits)\.(boolean|integer|limit|duration)\(\"(\w+)\", settings\.(?:\w+\.)?(\w+)",
        tree.text("bindings/server/configuration.cc"),
    )
    keys = []
    for group, kind, key, field in found(reads, "bindings/server/configuration.cc", 8):
        path = key if group == "server" else f"limits.{key}"
        keys.append(path)
        match = re.search(rf"\b{field}(?: = |\{{)([^;]*?)\}}?;", sources)
        value = match[1] if match else ""
        written = block.get(path)
        if kind == "boolean":
            default: object = value == "true"
        elif kind == "integer":
            default = number(value)
        elif kind == "limit":
            burst, unit, count = re.findall(r"(\d+), std::chrono::(\w+)\((\d+)\)", value)[0]
            default = {"burst": int(burst), "interval_ms": 1000 * seconds[unit] * int(count)}
        else:
            parts = re.fullmatch(r"(\w+)\((\d+)\)|(0)", value)
            default = seconds[parts[1]] * int(parts[2]) if parts and parts[1] else 0
            written = seconds[
                {"d": "days", "s": "seconds", "h": "hours", "m": "minutes"}[str(written)[-1]]
            ] * int(str(written)[:-1])
        tree.expect_equal(f"default of server.{path}", server=default, block=written)
        row = re.search(rf"^\| `{re.escape(path)}` \| [^|]+ \| ([^|]+) \|", text, re.M)
        if not row:
            tree.problems.append(f"{OPERATIONS}: expected a row for {path}")
        elif kind in ("boolean", "integer", "duration"):
            tree.expect_equal(
                f"default of server.{path}", block=json.dumps(block[path]), table=row[1].strip("`")
            )
    tree.expect_equal("settings of the server", server=sorted(keys), block=sorted(block))


# ---- Formats ----


def check_formats(tree: Tree) -> None:
    contract = tree.text(CONTRACT)
    session = tree.text("module/auth/session.cc")
    names = dict(re.findall(r'constexpr std::string_view (k\w+) = "(\w+)";', session))
    known = re.search(r"kKnown\[\] = \{(.*?)\}", session, re.S)
    members = [names[name] for name in re.findall(r"k\w+", known[1] if known else "")]
    table = [cells[0].strip("`") for cells in table_after(contract, "state")]
    tree.expect_equal("members of a state", module=sorted(members), contract=sorted(table))

    digest = tree.text("module/http/json_digest.cc")
    letters = re.findall(r"\b(?:tag|text|number)\('(\w)',", digest)
    described = []
    for _value, bytes_ in table_after(contract, "digest"):
        described += re.findall(r"`(\w)`", bytes_)
    tree.expect_equal("letters of a digest", module=sorted(letters), contract=sorted(described))


# ---- Rows and conventions ----


def check_rows(tree: Tree) -> None:
    rows: list[str] = []
    for path in ROWS:
        rows += re.findall(r"^\| ([A-Z]\d+[a-z]?) \|", tree.text(path), re.M)
    for row in sorted({row for row in found(rows, "rows", 100) if rows.count(row) > 1}):
        tree.problems.append(f"row {row} is there more than once")
    letters = "".join(sorted({row[0] for row in rows}))
    a_row = rf"(?<![\w\-+\"'/])([{letters}]\d{{1,2}}[a-z]?)\b(?![\"'+\-/.]\w)"
    cited = 0

    def cite(path: pathlib.Path, names: list[str]) -> None:
        nonlocal cited
        cited += len(names)
        for name in sorted(set(names) - set(rows)):
            tree.problems.append(f"{path.relative_to(tree.root)}: there is no row {name}")

    for path in tree.files(
        "module/**/*.cc", "module/**/*.h", "bindings/**/*.cc", "bindings/**/*.h"
    ):
        comments = " ".join(re.findall(r"//(.*)", path.read_text()))
        cite(path, re.findall(a_row, comments))
    for path in tree.files("tests/unit/**/*.cc", "tests/store/*.cc", "tests/server/*.cc"):
        cite(path, re.findall(rf"TEST\w*\(\w+,\s*([{letters}]\d{{1,2}}[a-z]?)_", path.read_text()))
    for path in tree.files("bindings/python/**/*.py", "tests/conformance/*.py"):
        text = path.read_text()
        cite(path, re.findall(rf"\brows? ([{letters}]\d{{1,2}}[a-z]?)\b", text))
        cite(path, re.findall(rf"\(([{letters}]\d{{1,2}}[a-z]?)\)", text))
    header = re.findall(a_row, tree.text(HEADER))
    cite(tree.root / HEADER, header)
    for path in tree.files("docs/*.md", "*.md"):
        prose = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)
        cite(path, re.findall(rf"(?<=[(, ])([{letters}]\d{{1,2}}[a-z]?)(?=[),.:;] ?)", prose))
    if cited < 500:
        raise SystemExit(f"rows: expected to find 500 references or more, found {cited}")


def check_conventions(tree: Tree) -> None:
    there = set(re.findall(r"^ \* +(\d+)\. ", tree.text(HEADER), re.M))
    for path in tree.files("docs/*.md"):
        for numbers in re.findall(
            r"[Cc]onventions? ((?:\d+(?:, | to | and )?)+)", path.read_text()
        ):
            for cited in sorted(set(re.findall(r"\d+", numbers)) - there):
                tree.problems.append(f"docs/{path.name}: module.h has no convention {cited}")


CHECKS: list[Callable[[Tree], None]] = [
    check_statuses,
    check_module_settings,
    check_server_settings,
    check_formats,
    check_rows,
    check_conventions,
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
