"""docs/conformance.md names what there is: options, hooks, capabilities, members of the JSON."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path

import matrix_device_conformance
from matrix_device_conformance import plugin
from matrix_device_conformance.command import Group
from matrix_device_conformance.hooks import HOOKS

PACKAGE = Path(matrix_device_conformance.__file__).resolve().parent
PROJECT = PACKAGE.parents[2]
TEXT = (PROJECT / "docs" / "conformance.md").read_text()
CODE = set(re.findall(r"`([^`\n]+)`", TEXT))
WORDS = {word for code in CODE for word in re.findall(r"[\w-]+", code)}


def test_options_are_described() -> None:
    """Each but the one that the URL is for; and none that is not there."""
    group = Group(argparse.ArgumentParser())
    plugin.pytest_addoption(group)  # type: ignore[arg-type]
    options = {name for action in group.actions for name in action.option_strings}
    described = {word for code in CODE for word in re.findall(r"^--[a-z-]+", code)}
    assert options - described == {"--base-url"}
    of_the_server = {"--config"}  # that the suite starts, as are all within a longer command line
    assert described - options <= of_the_server


def test_hooks_are_described() -> None:
    """With what they are called by."""
    assert set(HOOKS) - WORDS == set()
    placeholders = {name for text in HOOKS.values() for name in re.findall(r"\{(\w+)\}", text)}
    assert {f"{{{name}}}" for name in placeholders} - CODE == set()


def test_capabilities_are_described() -> None:
    """Those that tests name, and no others."""
    named = {
        name
        for path in (PACKAGE / "tests").glob("*.py")
        for name in re.findall(r'capability\("(\w+)"\)', path.read_text())
    }
    (sentence,) = re.findall(r"one of these capabilities: (.*)\.", TEXT)
    assert set(re.findall(r"`(\w+)`", sentence)) == named


def members(schema: object) -> Iterator[str]:
    """The names of all members that a schema describes."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        yield from properties if isinstance(properties, dict) else ()
        for value in schema.values():
            yield from members(value)


def test_members_of_the_json_are_described() -> None:
    """Each of the schema."""
    schema = json.loads((PACKAGE / "report" / "schema.json").read_text())
    assert set(members(schema)) - WORDS == set()
