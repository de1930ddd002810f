"""Keys, defaults and ranges of the settings, the module's and the server's."""

import json
import re

from .tree import Tree, cells_of, found

CONFIGURATION = "docs/configuration.md"
OPERATIONS = "docs/operations.md"


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


def check_options(tree: Tree) -> None:
    text = tree.text(OPERATIONS)
    code = re.findall(r'"(--[a-z][a-z-]+)', tree.text("bindings/server/command_line.cc"))
    options = set(found(code, "bindings/server/command_line.cc", 10)) | {"--help"}
    start = text[text.index("## Start") : text.index("### Signals")]
    in_table = set(re.findall(r"^\| `(--[a-z-]+)", start, re.M))
    for option in sorted(in_table - options):
        tree.problems.append(f"{OPERATIONS}: the server has no option {option}")
    for option in sorted(options - set(re.findall(r"--[a-z][a-z-]+", text))):
        tree.problems.append(f"{OPERATIONS}: does not name the option {option}")
