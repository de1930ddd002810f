"""Write the command line of `matrix-devices` to standard output, from what its parser says of
itself: JSON, as bindings/description/write_completion reads it. The package is on PYTHONPATH.
"""

import argparse
import json
import sys
from typing import Any

sys.argv[0] = "matrix-devices"  # what it then calls itself

from matrix_devices.__main__ import _parser  # noqa: E402


def option(action: argparse.Action) -> dict[str, Any]:
    value = action.metavar or action.dest.upper()
    return {
        "names": action.option_strings or [value],
        "value": "" if action.nargs == 0 else value,
        "choices": list(map(str, action.choices or ())),
        "text": action.help,
        "is_repeatable": isinstance(action, argparse._AppendAction),
    }


def command(words: str, parser: argparse.ArgumentParser) -> dict[str, Any]:
    actions = [one for one in parser._actions if not isinstance(one, argparse._SubParsersAction)]
    return {
        "words": words,
        "text": parser.description,
        "options": [option(one) for one in actions if one.option_strings],
        "arguments": [option(one) for one in actions if not one.option_strings],
    }


parser = _parser()
(commands,) = (
    action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)
)
described = [command(words, one) for words, one in {"": parser, **commands}.items()]
json.dump({"name": parser.prog, "commands": described}, sys.stdout, indent=2)
