"""Write the manual page of `matrix-devices` to standard output, from what its commands say of
themselves. The package is on PYTHONPATH.
"""

import argparse
import os
import sys

sys.argv[0] = "matrix-devices"  # what it then calls itself
os.environ["COLUMNS"] = "76"

from matrix_devices import __version__  # noqa: E402
from matrix_devices.__main__ import _parser  # noqa: E402


def literally(text: str) -> str:
    """As it stands: no hyphenation, no request of roff."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.splitlines())


parser = _parser()
(commands,) = (
    action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)
)
summary = parser.description.removesuffix(".")
print(f'.TH MATRIX\\-DEVICES 1 "" "matrix\\-devices {__version__}"')
print(f".SH NAME\nmatrix\\-devices \\- {literally(summary[0].lower() + summary[1:])}")
for title, one in {"SYNOPSIS": parser, **commands}.items():
    print(f".SH {title.upper()}\n.nf\n{literally(one.format_help())}\n.fi")
print(
    ".SH SEE ALSO\nmatrix\\-devices\\-server(8), /usr/share/doc/libmatrix\\-devices/docs/python.md"
)
