"""A matrix-devices-server with a bug: a proxy that has it, before the real one. Run by `server`."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from matrix_device_conformance.server import Server  # noqa: E402
from planted import BUGS, Proxy  # noqa: E402


def with_config(options: list[str], config: dict[str, object], folder: Path) -> list[str]:
    """The options, with these settings of the module beside the given ones."""
    if not config:
        return options
    options = list(options)
    settings = {}
    if "--config" in options:
        place = options.index("--config")
        settings = json.loads(Path(options[place + 1]).read_text())
        del options[place : place + 2]
    path = folder / "config.json"
    path.write_text(json.dumps({**settings, **config}))
    return [*options, "--config", str(path)]


def take(options: list[str], name: str) -> str:
    """Take an option with its value out of the options."""
    place = options.index(name)
    value = options[place + 1]
    del options[place : place + 2]
    return value


def main() -> int:
    """The exit status."""
    binary, bug = os.environ["MXD_SERVER"], BUGS[os.environ["MXD_PLANTED"]]
    options = sys.argv[1:]
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    database, name = take(options, "--database"), take(options, "--server-name")
    port = int(take(options, "--listen").rpartition(":")[2])
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        options = with_config(options, bug.config, folder)
        server = Server(binary, folder, options, database=database, server_name=name)
        server.start()
        proxy = Proxy(server.client, bug(), port)
        print(f"listening on {proxy.client.base_url}", flush=True)
        ended.wait()
        proxy.close()
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
