"""Start a PostgreSQL from a shell. `run` until Control-C:

    PYTHONPATH=tests/conformance python3 tests/postgres/start.py run

`share FILE` is for CTest: until the process that called it ends; FILE has the folder until then.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from pathlib import Path

from cluster import Cluster
from programs import missing

SKIPPED = 77  # for CTest


def share(path: Path) -> int:
    """Start one in the background, until the calling process ends."""
    if reason := missing():
        print(reason)
        return SKIPPED
    owner = os.pidfd_open(os.getppid())
    reading, writing = os.pipe()
    if os.fork() != 0:
        os.close(writing)
        with os.fdopen(reading) as started:
            text = started.read()
        print(text)
        return 0 if path.exists() else 1
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    with os.fdopen(writing, "w") as started, contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(Cluster())
        except Exception as error:
            started.write(str(error))
            raise
        path.write_text(f"{cluster.folder}\n")
        stack.callback(path.unlink)
        started.write(f"in {cluster.folder}")
        started.close()
        select.select([owner], [], [])
    return 0


def run() -> int:  # until Control-C
    with Cluster() as cluster, contextlib.suppress(KeyboardInterrupt):
        print(cluster.url(), flush=True)
        signal.pause()
    return 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["share", file]:
            sys.exit(share(Path(file)))
        case ["run"]:
            sys.exit(run())
        case _:
            sys.exit(__doc__)
