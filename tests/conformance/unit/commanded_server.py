#!/usr/bin/env python3
"""What somebody who runs a matrix-devices-server would have hooks do.

    commanded_server.py FOLDER start
    commanded_server.py FOLDER lock URL NAME

Each server has a folder named after its port, with its command line and process ID in it, so that
commands find the right one by its URL.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from matrix_device_conformance.client import Client
from matrix_device_conformance.homeserver import Homeserver, Service
from matrix_device_conformance.server import SERVER_NAME, Server, poll

BINARY = os.environ["MXD_SERVER"]
SERVICES = {"limited": True, "unlimited": False}  # names, and whether there are limits


def services(folder: Path) -> list[Service]:
    """The application services; all servers know the same."""
    tokens = folder / "tokens.json"
    if not tokens.exists():
        made = {name: Service(name, limited).as_token for name, limited in SERVICES.items()}
        tokens.write_text(json.dumps(made))
    known = json.loads(tokens.read_text())
    return [Service(name, SERVICES[name], as_token=known[name]) for name in SERVICES]


def serve(folder: Path, settings: dict[str, object]) -> tuple[Server, Path]:
    """A new server, and its folder."""
    own = folder / f"starting-{os.getpid()}"
    own.mkdir()
    config = own / "config.json"
    config.write_text(json.dumps({"unknown_fields": "omit", **settings}))
    arguments = ["--open-registration", "--no-rate-limits", "--config", str(config)]  # for guests
    for service in services(folder):
        arguments += ["--appservice", str(service.write(own))]
    server = Server(BINARY, own, arguments).start()
    place = folder / str(server.client.port)
    place.symlink_to(own)
    remember(place, server)
    return server, place


def remember(place: Path, server: Server) -> None:
    """For commands that come later."""
    assert server.process is not None
    facts = {"pid": server.process.pid, "options": server.options, "runs": server.runs}
    (place / "facts.json").write_text(json.dumps(facts))


def found(folder: Path, url: str) -> tuple[Server, Path, int]:
    """The server at a URL, its folder and its process."""
    parts = urlsplit(url)
    place = folder / str(parts.port)
    facts = json.loads((place / "facts.json").read_text())
    server = Server(
        BINARY, place.resolve(), facts["options"], listen=f"{parts.hostname}:{parts.port}"
    )
    server.runs = facts["runs"]
    return server, place, facts["pid"]


def ended(pid: int) -> None:
    """Stop a process that may be another one's child."""
    os.kill(pid, signal.SIGTERM)

    def is_gone() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except (FileNotFoundError, ProcessLookupError):
            return True

    poll(is_gone, 20, "the server ends")


def configure(folder: Path, path: str) -> None:
    """Serve one with these settings until SIGTERM."""
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    server, _place = serve(folder, json.loads(Path(path).read_text()))
    print(server.client.base_url, flush=True)
    over.wait()
    server.stop()


def main() -> int:
    """The exit status."""
    folder, command, *arguments = sys.argv[1:]
    base = Path(folder)
    if command == "start":
        server, _place = serve(base, {})
        print(server.client.base_url)
        return 0
    if command == "configure":
        configure(base, *arguments)
        return 0
    url, *words = arguments
    server, place, pid = found(base, url)
    if command == "stop":
        ended(pid)
    elif command == "restart":
        ended(pid)
        server.start()
        remember(place, server)
    elif command == "new-user":
        server.command("user", "add", *words, stdin=sys.stdin.read())
        print(f"@{words[0]}:{SERVER_NAME}")
    elif command == "passwordless-user":
        unlimited = services(base)[1]
        Homeserver(Client(url), services=[unlimited])
        user_id = unlimited.new_user()
        issued = server.command("token", "issue", user_id, "--device", "ONLY")
        print(user_id, issued.stdout.strip(), "ONLY")
    elif command == "expired-token":
        print(server.command("token", "issue", *words, "--lifetime", "0s").stdout)
    elif command == "oauth-token":
        name, device_id = words
        done = server.command("token", "issue", name, "--oauth", "--device", device_id)
        print(done.stdout)
    else:
        server.command("user", command, *words)
    return 0


if __name__ == "__main__":
    sys.exit(main())
