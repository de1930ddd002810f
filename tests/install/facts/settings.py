"""Keys, defaults and ranges of the settings, the module's and the server's: those of the schema,
which check_schema.py compares with the code, and those that the documents tell."""

import json
import re
from typing import Any

from .tree import Tree, cells_of, found

CONFIGURATION = "docs/configuration.md"
OPERATIONS = "docs/operations.md"
SCHEMA = "docs/configuration.schema.json"
# Where the server has another default than the module, which docs/operations.md tells
OTHER_DEFAULTS = {"unknown_fields": ("null", "omit")}
SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def is_limit(schema: dict[str, Any]) -> bool:
    return "burst" in schema.get("properties", {})


def settings_in(schema: dict[str, Any], prefix: str = "") -> dict[str, dict[str, Any]]:
    """The schema of each setting, by its path; a limit is one."""
    settings: dict[str, dict[str, Any]] = {}
    for key, own in schema["properties"].items():
        if own.get("type") == "object" and not is_limit(own):
            settings |= settings_in(own, f"{prefix}{key}.")
        else:
            settings[prefix + key] = own
    return settings


def settings_of(tree: Tree, *, server: bool) -> dict[str, dict[str, Any]]:
    """The server's, or the module's."""
    schema = json.loads(tree.text(SCHEMA))
    of_server = schema["properties"].pop("server")
    settings = settings_in(of_server if server else schema)
    found(list(settings), SCHEMA, 8 if server else 20)
    return settings


def default_of(key: str, schema: dict[str, Any]) -> object:
    """None: there is none."""
    if is_limit(schema):
        return {name: own["default"] for name, own in schema["properties"].items()}
    default = schema.get("default")
    if key in OTHER_DEFAULTS and default == OTHER_DEFAULTS[key][0]:
        return OTHER_DEFAULTS[key][1]
    return default


def range_of(schema: dict[str, Any]) -> str:
    return f"{schema['minimum']} to {schema['maximum']}" if "minimum" in schema else ""


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
    settings = settings_of(tree, server=False)
    module = {key: (default_of(key, own), range_of(own)) for key, own in settings.items()}
    block = flatten(json_after(text, "config"))
    tables: dict[str, tuple[str, str]] = {}  # default and range, as written
    section = ""
    for line in text.splitlines():
        if heading := re.match(r"## `?(\w+)", line):
            section = {"limits": "limits.", "uia": "uia."}.get(heading[1], "")
        cells = cells_of(line)
        if not re.match(r"\| `[\w$]+` \| ", line):
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


def seconds_of(duration: str) -> int:
    return int(duration[:-1]) * SECONDS[duration[-1]]


def check_server_settings(tree: Tree) -> None:
    text = tree.text(OPERATIONS)
    block = flatten(json_after(text, "server config").get("server", {}))
    settings = settings_of(tree, server=True)
    tree.expect_equal("settings of the server", server=sorted(settings), block=sorted(block))
    for key, own in settings.items():
        default, written = default_of(key, own), block.get(key)
        if own.get("pattern"):  # a duration
            default, written = seconds_of(str(default)), seconds_of(str(written))
        tree.expect_equal(f"default of server.{key}", server=default, block=written)
        row = re.search(rf"^\| `{re.escape(key)}` \| ([^|]+) \| ([^|]+) \|", text, re.M)
        if not row:
            tree.problems.append(f"{OPERATIONS}: expected a row for {key}")
        elif is_limit(own):
            burst, count, unit = re.findall(r"^(\d+), one (?:in )?(?:a|(\d+)) (s)", row[2])[0]
            table = {"burst": int(burst), "interval_ms": int(count or 1) * 1000 * SECONDS[unit]}
            tree.expect_equal(f"default of server.{key}", server=default, table=table)
        else:
            tree.expect_equal(
                f"default of server.{key}",
                block=json.dumps(block.get(key)),
                table=row[2].strip("`"),
            )
            if own["type"] == "integer":
                most = "" if own["maximum"] == 2**63 - 1 else f" to {own['maximum']}"
                least = str(own["minimum"]) if most else f"from {own['minimum']}"
                tree.expect_equal(f"range of server.{key}", server=least + most, table=row[1])


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
