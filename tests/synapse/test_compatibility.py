"""What the drop-in needs of Synapse stands in one file, and is looked for at start."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synapse_installation import REPOSITORY, Installation
from synapse_process import LISTENING
from synapse_server import Options, Synapse

pytestmark = pytest.mark.module

ADAPTER = REPOSITORY / "bindings" / "python" / "matrix_devices" / "synapse"
COMPATIBILITY = ADAPTER / "compatibility.py"
OTHERS = sorted(path.name for path in ADAPTER.glob("*.py") if path != COMPATIBILITY)
TAKES_AWAY = "takes_names_away.TakesNamesAway"

# Where the adapter keeps Synapse's objects, and what compatibility.py calls them.
HELD = {
    "_auth": "auth",
    "_auth_handler": "auth_handler",
    "_clock": "clock",
    "_db": "db_pool",
    "_devices": "device_handler",
    "_store": "store",
    "db_pool": "db_pool",
}
# Synapse's, and no function: an object to go on from, which `needed` finds by what it is asked for.
ON_THE_WAY = {"db_pool"}


def tree(path: Path) -> ast.Module:
    """A file's source."""
    return ast.parse(path.read_text(), str(path))


def needed() -> dict[str, set[str]]:
    """The names that compatibility.py looks for, by owner, without their parameters."""
    tables: dict[str, tuple[str, ...]] = {}
    for node in tree(COMPATIBILITY).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) in ("IMPORTED", "LIVE"):
            assert node.value is not None
            tables |= ast.literal_eval(node.value)
    return {owner: {each.partition("(")[0] for each in names} for owner, names in tables.items()}


def is_private(name: str) -> bool:
    """Begins with an underscore, and is none of Python's own."""
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def private_names(path: Path) -> Iterator[tuple[int, str]]:
    """Private names of others that a file touches, with their lines."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            of = node.value.id if isinstance(node.value, ast.Name) else ""
            if of not in ("self", "cls", "os"):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for name in (*(node.module or "").split("."), *(alias.name for alias in node.names)):
                if is_private(name):
                    yield node.lineno, name
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr"):
            literal = node.args[1]
            if isinstance(literal, ast.Constant) and is_private(literal.value):
                yield node.lineno, literal.value


@pytest.mark.parametrize("name", OTHERS)
def test_private_names_are_touched_in_one_file(name: str) -> None:
    """No other file of the adapter touches a name that Synapse keeps to itself."""
    assert list(private_names(ADAPTER / name)) == []


def test_private_names_are_listed() -> None:
    """Those that compatibility.py touches are those that it looks for."""
    touched = {name.rpartition(".")[2] for _, name in private_names(COMPATIBILITY)}
    names = {name.rpartition(".")[2] for names in needed().values() for name in names}
    names |= {part for owner in needed() for part in owner.split(".")}
    assert touched == {name for name in names if is_private(name)} != set()


@pytest.mark.parametrize("name", OTHERS)
def test_whatever_is_called_is_listed(name: str) -> None:
    """What a file imports from Synapse, and what it asks of Synapse's objects, is listed."""
    listed = needed()
    for node in ast.walk(tree(ADAPTER / name)):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for inner in ast.walk(node):
                inner.lineno = -1  # no import at run time
        elif isinstance(node, ast.ImportFrom) and node.lineno > 0:
            module = node.module or ""
            if node.level == 0 and module.partition(".")[0] == "synapse":
                for alias in node.names:
                    heads = {each.partition(".")[0] for each in listed.get(module, set())}
                    assert alias.name in heads, f"{name}:{node.lineno}: {module}.{alias.name}"
        elif isinstance(node, ast.Attribute) and node.attr not in ON_THE_WAY:
            holder = node.value.attr if isinstance(node.value, ast.Attribute) else ""
            if holder in HELD:
                where = f"{name}:{node.lineno}: {HELD[holder]}.{node.attr}"
                assert node.attr in listed[HELD[holder]], where


def test_each_name_is_looked_for(installed: Installation, tmp_path: Path) -> None:
    """Each listed name, taken away or wanting something else, refuses the start: the sentence has
    the name, this version and those that are known to work."""
    report = tmp_path / "report.json"
    reporting = {"module": TAKES_AWAY, "config": {"report": str(report)}}
    synapse = Synapse(tmp_path, installed, Options(module={}, later_modules=[reporting]))
    synapse.start()
    synapse.stop()
    lines = json.loads(report.read_text())
    for path, change, said in lines:
        assert said.startswith("Incompatible: "), f"{path} {change}: {said!r}"
        for part in (path, installed.version, "1.143 to 1.163"):
            assert part in said, f"{path} {change}: {said!r}"
    names = {f"{owner}.{name}" for owner, names in needed().items() for name in names}
    assert {path for path, change, _ in lines if change == "gone"} == names


@pytest.mark.parametrize(
    ("moment", "path", "named"),
    [
        (
            "before_import",
            "synapse.util.async_helpers:Linearizer",
            "synapse.util.async_helpers.Linearizer",
        ),
        (
            "before_import",
            "synapse.http.server:JsonResource._get_handler_for_request",
            "JsonResource._get_handler_for_request",
        ),
        (
            "before_start",
            "synapse.handlers.auth:AuthHandler._check_auth_dict",
            "auth_handler._check_auth_dict",
        ),
        (
            "before_start",
            "synapse.storage.databases.main.end_to_end_keys:"
            "EndToEndKeyWorkerStore._get_e2e_cross_signing_signatures_for_device",
            "store._get_e2e_cross_signing_signatures_for_device",
        ),
    ],
)
def test_a_missing_name_refuses_the_start(
    installed: Installation, tmp_path: Path, moment: str, path: str, named: str
) -> None:
    """Before anything listens, and in one line."""
    taking: dict[str, Any] = {"module": TAKES_AWAY, "config": {moment: [path]}}
    synapse = Synapse(tmp_path, installed, Options(module={}, other_modules=[taking]))
    process = synapse.main
    process.spawn()
    status = process.wait(60)
    output = process.output()
    assert status != 0, output
    assert "Traceback" not in output, output
    assert LISTENING.search(output) is None, output
    line = next(line for line in output.splitlines() if named in line)
    assert "1.143 to 1.163" in line, output
    assert installed.version in line, output
