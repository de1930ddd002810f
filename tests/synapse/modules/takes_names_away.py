"""A module for Synapse that takes names away from it, as a later version of it might.

``config`` has one of

- ``before_import`` or ``before_start``: a list of names, as compatibility.py lists them, with the
  module or the class in front: they are gone when the drop-in is imported, or built;
- ``report``: a file. Each name that the drop-in needs is taken away and put back, then each
  function is made to want something else; the file tells what the drop-in said to it.

Put it before the drop-in in the list of modules, to report: behind.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


class TakesNamesAway:
    """Built by Synapse at its start."""

    def __init__(self, config: dict[str, Any], api: Any) -> None:
        take_away(config.get("before_start", []))
        if "report" in config:
            Path(config["report"]).write_text(json.dumps(report(api)))

    @staticmethod
    def parse_config(config: dict[str, Any]) -> dict[str, Any]:
        """Synapse calls it before it imports the modules that are listed later."""
        take_away(config.get("before_import", []))
        return config


def take_away(paths: list[str]) -> None:
    """For good."""
    for path in paths:
        module, _, names = path.partition(":")
        *owners, name = names.split(".")
        delattr(functools.reduce(getattr, owners, importlib.import_module(module)), name)


def report(api: Any) -> list[tuple[str, str, str]]:
    """Of each name that is needed: what was done to it, and what the drop-in said."""
    from matrix_devices.synapse import compatibility

    def check() -> None:
        compatibility.check_imported()
        compatibility.check_live(api)

    check()
    owners = {name: importlib.import_module(name) for name in compatibility.IMPORTED}
    owners |= compatibility.live_objects(api)
    found = []
    for owner, names in {**compatibility.IMPORTED, **compatibility.LIVE}.items():
        for each in names:
            path, parenthesis, _ = each.partition("(")
            for change in (gone, another) if parenthesis else (gone,):
                with change(owners[owner], path):
                    said = what_it_says(check)
                found.append((f"{owner}.{path}", change.__name__, said))
    check()
    return found


def what_it_says(check: Callable[[], None]) -> str:
    """The error, or nothing."""
    try:
        check()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


@contextlib.contextmanager
def gone(owner: Any, path: str) -> Iterator[None]:
    """A name is not there, also in no class above."""
    *owners, name = path.split(".")
    owner = functools.reduce(getattr, owners, owner)
    classes = inspect.getmro(owner if isinstance(owner, type) else type(owner))
    holders = [each for each in (owner, *classes) if name in getattr(each, "__dict__", {})]
    kept = {id(holder): vars(holder)[name] for holder in holders}
    for holder in dict.fromkeys(holders):
        delattr(holder, name)
    yield
    for holder in holders:
        setattr(holder, name, kept[id(holder)])


@contextlib.contextmanager
def another(owner: Any, path: str) -> Iterator[None]:
    """A function wants something that it is not given."""
    *owners, name = path.split(".")
    owner = functools.reduce(getattr, owners, owner)
    with gone(owner, name):
        setattr(owner, name, wants_something_else)
        yield
        delattr(owner, name)


def wants_something_else(*, something_else: object) -> None:
    """In the place of one of Synapse's functions."""
