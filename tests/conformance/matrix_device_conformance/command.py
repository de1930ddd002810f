"""matrix-device-conformance: the suite as a program, pytest inside it."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from matrix_device_conformance import __version__, plugin
from matrix_device_conformance.hooks import HOOKS
from matrix_device_conformance.report.console import NOTHING_JUDGED

PACKAGE = Path(__file__).parent
URL_OPTION = "--base-url"  # of the plugin

EPILOG = """\
hooks, of which {user_id}, {localpart} and {url} are the user's and the homeserver's:
HOOKS

examples:
  matrix-device-conformance http://127.0.0.1:8008
      registration is open there: the suite makes users of its own
  MXD_ACCOUNTS='alice:PASSWORD bob:PASSWORD' matrix-device-conformance https://matrix.example.org
      with these accounts; in the environment no other user of this machine sees their passwords
  matrix-device-conformance https://matrix.example.org --rows D8,U --report /tmp/report
      row D8 and all rows of section U only
  matrix-device-conformance --server build/matrix-devices-server
      starts that server and reaches every row

exit status:
  0    every judged row keeps the specification (--fail-on-ours: and what is ours)
  1    some row is not kept
  2    a wrong option, a homeserver that cannot be tested, or nothing could be judged
  3    a fault of the suite itself: the report says in which row
  130  interrupted; the report is about what was judged until then

What a homeserver must offer for which rows, and what the verdicts mean: docs/conformance.md of
the project matrix-devices.
"""


class Group:
    """Takes the options of the suite's pytest plugin, as pytest's own parser does."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._group = parser.add_argument_group("what is tested, and how")
        self.actions: list[argparse.Action] = []

    def getgroup(self, *_names: str) -> Group:
        """One group is all that there is."""
        return self

    def addoption(self, *names: str, **settings: Any) -> None:
        """An option that is passed on. That for the URL is not shown: the command takes it bare."""
        if names == (URL_OPTION,):
            settings["help"] = argparse.SUPPRESS
        self.actions.append(self._group.add_argument(*names, **settings))

    def arguments(self, given: argparse.Namespace) -> list[str]:
        """Those that were given, as pytest takes them."""
        arguments = []
        for action in self.actions:
            value = getattr(given, action.dest)
            name = action.option_strings[0]
            if value is True:
                arguments.append(name)
            elif value not in (None, False):
                values = value if isinstance(value, list) else [value]
                arguments += [f"{name}={each}" for each in values]
        return arguments


def hooks() -> str:
    """What each does, in lines."""
    indent = " " * 21
    return "\n".join(
        textwrap.fill(what, 98, initial_indent=f"  {name:19}", subsequent_indent=indent)
        for name, what in HOOKS.items()
    )


def parse(argv: Sequence[str]) -> list[str]:
    """The arguments for pytest; ends the program where they are wrong."""
    parser = argparse.ArgumentParser(
        prog="matrix-device-conformance",
        description="Asks a Matrix homeserver, over HTTP, whether its device management is what"
        " the specification asks for.",
        epilog=EPILOG.replace("HOOKS", hooks()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("url", metavar="URL", nargs="?", help="where its Client-Server API is")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    group = Group(parser)
    plugin.pytest_addoption(group)  # type: ignore[arg-type]
    parser.set_defaults(report="conformance-report")
    given = parser.parse_args(argv)
    starts = given.server is not None or (given.url is None and "MXD_SERVER" in os.environ)
    if (given.url is not None) == starts:
        parser.error("give either the URL of a homeserver or --server, to start one")
    given.base_url = given.url
    return group.arguments(given)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite; its exit status."""
    arguments = parse(sys.argv[1:] if argv is None else argv)
    # Neither the settings nor the plugins of where one happens to be have a say.
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.dont_write_bytecode = True
    status = pytest.main(
        [
            f"--rootdir={PACKAGE}",
            f"--confcutdir={PACKAGE}",
            f"-c{os.devnull}",
            "-pno:cacheprovider",
            f"-p{plugin.__name__}",
            "-qq",
            *arguments,
            str(PACKAGE / "tests"),
        ]
    )
    if status in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED):
        return NOTHING_JUDGED
    return int(status)
