"""An interpreter that runs the files named on its input, one after the other, in one namespace.

After each it prints a line: the name. It ends at the first that fails, as a script would.
"""

import contextlib
import pathlib
import sys


def main() -> None:
    namespace: dict[str, object] = {"__name__": "__main__"}
    for line in sys.stdin:
        file, output, name = line.rstrip("\n").split("\t")
        code = compile(pathlib.Path(file).read_text(), name, "exec")
        with open(output, "w") as stream, contextlib.redirect_stdout(stream):
            exec(code, namespace)
        print(name, flush=True)


main()
