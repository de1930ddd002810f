#!/usr/bin/python3
"""matrix-devices-server as tests/conformance and tests/e2e start it, but it is our Python server.

    MXD_PYTHON_HOST=memory|async|sqlite pytest tests/conformance --server=…/conformance_server.py

So the suite has its application services, configurations and the command line here too, and skips
nothing. A command (``user lock``, ``token issue``) reaches the serving process through a Unix
socket beside the database, since a host in memory is in that process only.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from matrix_devices import (
    AsyncMemoryHost,
    Error,
    MemoryHost,
    Namespace,
    Refusal,
    Service,
    SqliteHost,
)
from matrix_devices.server import AttemptLimits, Server

AnyHost = MemoryHost | AsyncMemoryHost | SqliteHost
UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000}


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", type=Path, required=True)
    if "user" in sys.argv[1:2]:
        parser.add_argument("command", nargs=2)
        parser.add_argument("name", nargs="?")
        return ask(parser.parse_args())
    if "token" in sys.argv[1:2]:
        parser.add_argument("command", nargs=2)
        parser.add_argument("name")
        parser.add_argument("--device")
        parser.add_argument("--oauth", action="store_true")
        parser.add_argument("--lifetime", type=milliseconds)
        return ask(parser.parse_args())
    parser.add_argument("--listen")
    parser.add_argument("--server-name")
    parser.add_argument("--open-registration", action="store_true")
    parser.add_argument("--no-rate-limits", action="store_true")  # there are none
    parser.add_argument("--appservice", type=Path, action="append", default=[])
    parser.add_argument("--config", type=Path)
    parser.add_argument("--access-token-lifetime", type=milliseconds, default=600_000)
    return serve(parser.parse_args())


def milliseconds(text: str) -> int:
    """Of ``10m``."""
    return int(text[:-1]) * UNITS_MS[text[-1]]


# ---- The serving process ----


def serve(options: argparse.Namespace) -> int:
    """Serve until SIGTERM."""
    stop_signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    host = make_host(options)
    for path in options.appservice:
        host.add_service(read_registration(path.read_text()))
    config = json.loads(options.config.read_text()) if options.config else {}
    settings = config.pop("server", {"limits": {"enabled": False}})  # all the suite has one address
    address, _, port = options.listen.rpartition(":")
    server = Server(
        host,
        config,
        (address.strip("[]"), int(port)),
        open_registration=options.open_registration,
        limits=AttemptLimits.of_settings(settings.get("limits", {})),
    )
    control = socket_path(options.database)
    control.unlink(missing_ok=True)
    with server, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(control))
        listener.listen()
        threading.Thread(target=obey, args=(listener, host), daemon=True).start()
        print(f"listening on {server.url}", flush=True)
        signal.sigwait(stop_signals)
    if isinstance(host, SqliteHost):
        host.close()
    return 0


def make_host(options: argparse.Namespace) -> AnyHost:
    """The kind of host that the environment names."""
    kind = os.environ.get("MXD_PYTHON_HOST", "memory")
    lifetime_ms = options.access_token_lifetime
    if kind == "sqlite":
        return SqliteHost(
            options.database, server_name=options.server_name, access_token_ms=lifetime_ms
        )
    host = {"memory": MemoryHost, "async": AsyncMemoryHost}[kind]
    return host(options.server_name, access_token_ms=lifetime_ms)


def read_registration(text: str) -> Service:
    """As the suites write it: one key a line, one namespace."""
    values = dict(re.findall(r"^ *-? ?(\w+): *'?([^'\n]*)'?$", text, re.MULTILINE))
    namespace = Namespace(values["regex"], values["exclusive"] == "true")
    return Service(
        values["id"],
        values["as_token"],
        values["sender_localpart"],
        (namespace,),
        values.get("rate_limited", "true") == "true",
    )


def obey(listener: socket.socket, host: AnyHost) -> None:
    """Answer commands, one a connection."""
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rw") as stream:
            try:
                answer = {"output": obeyed(host, **json.loads(stream.readline()))}
            except (Error, Refusal) as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            stream.write(json.dumps(answer) + "\n")


def obeyed(host: AnyHost, command: list[str], name: str, **rest: Any) -> str:
    """What a command prints."""
    match command:
        case ["user", "add"]:
            return host.add_user(name, rest["password"])
        case ["user", "lock" | "unlock" as action]:
            host.set_locked(name, action == "lock")
        case ["user", "suspend" | "unsuspend" as action]:
            host.set_suspended(name, action == "suspend")
        case ["user", "deactivate"]:
            host.deactivate(name)
        case ["token", "issue"]:
            return host.login(
                name, device_id=rest["device"], oauth=rest["oauth"], lifetime_ms=rest["lifetime"]
            ).access_token
        case _:
            raise Error(f"unknown command {command}")
    return ""


# ---- The command line ----


def ask(options: argparse.Namespace) -> int:
    """Pass a command on."""
    command = vars(options)
    database = command.pop("database")
    if options.command == ["user", "add"]:
        command["password"] = sys.stdin.readline().rstrip("\r\n")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(socket_path(database)))
        with connection.makefile("rw") as stream:
            stream.write(json.dumps(command) + "\n")
            stream.flush()
            answer = json.loads(stream.readline())
    if "error" in answer:
        print(answer["error"], file=sys.stderr)
        return 1
    print(answer["output"])
    return 0


def socket_path(database: Path) -> Path:
    """Beside the database."""
    return database.with_suffix(".control")


if __name__ == "__main__":
    sys.exit(main())
