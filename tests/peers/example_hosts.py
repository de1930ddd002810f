"""The homeservers to copy, in Rust and in Go, and the conformance suite at them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.server import LISTENING, SERVER_NAME, ServerError, poll
from matrix_device_conformance.services import Service

REPOSITORY = Path(__file__).resolve().parents[2]
SUITE = REPOSITORY / "tests" / "conformance"
RUST = REPOSITORY / "build" / "rust" / "release" / "examples" / "homeserver"  # by check_rust
GO = REPOSITORY / "build" / "peers" / "go_host" / "homeserver"  # by check_go
START_S = 30
STOP_S = 30 * TIME_FACTOR

# What a host in memory, with passwords alone, cannot be asked.
UNJUDGED = {"A4a", "A5", "A6", "A7", "A8", "A16", "D3", "F1", "F2", "F3", "L4", "L5", "P7"}
UNJUDGED |= {"U5", "U12", "U17", "U20", "U27"}


def services() -> list[Service]:
    """One of each kind."""
    return [Service("limited", True), Service("unlimited", False)]


@contextlib.contextmanager
def rust_host(library: Path, given: Sequence[Service], folder: Path) -> Iterator[str]:
    """Its URL."""
    config = folder / "config.json"
    config.write_text(
        json.dumps(
            {
                "services": [
                    {
                        "id": each.name,
                        "as_token": each.as_token,
                        "sender": f"{each.name}_bot",
                        "prefix": each.prefix,
                        "rate_limited": each.rate_limited,
                    }
                    for each in given
                ]
            }
        )
    )
    with running([RUST, library, "127.0.0.1:0", config], folder / "log") as url:
        yield url


@contextlib.contextmanager
def go_host(library: Path, given: Sequence[Service], folder: Path) -> Iterator[str]:
    """Its URL."""
    settings = folder / "settings.json"
    settings.write_text("{}")
    registrations = []
    for each in given:
        users = {"exclusive": True, "regex": f"@{each.prefix}.*:{re.escape(SERVER_NAME)}"}
        path = folder / f"{each.name}.json"
        path.write_text(
            json.dumps(
                {
                    "id": each.name,
                    "as_token": each.as_token,
                    "sender_localpart": f"{each.name}_bot",
                    "rate_limited": each.rate_limited,
                    "namespaces": {"users": [users]},
                }
            )
        )
        registrations.append(path)
    with running([GO, library, "127.0.0.1:0", settings, *registrations], folder / "log") as url:
        yield url


@contextlib.contextmanager
def running(command: Sequence[str | Path], log: Path) -> Iterator[str]:
    """Start it, and stop it as an operator does."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield poll(lambda: LISTENING.search(log.read_text()), START_S, "the host listens")[1]
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(STOP_S)
    if status != 0 or "misbehaving" in log.read_text():
        raise ServerError(f"it ended with {status}\n{log.read_text()}")


def run_suite(url: str, given: Sequence[Service], report: Path) -> subprocess.CompletedProcess[str]:
    """Every row; what the suite printed."""
    tokens = {f"TOKEN_{each.name}": each.as_token for each in given}
    options = [
        f"--appservice=token-env=TOKEN_{each.name},prefix={each.prefix},sender={each.sender}"
        f",rate-limited={'yes' if each.rate_limited else 'no'}"
        for each in given
    ]
    command = [sys.executable, "-B", "-m", "matrix_device_conformance", url]
    return subprocess.run(
        [*command, f"--report={report}", *options],
        env=os.environ | tokens | {"PYTHONPATH": str(SUITE)},
        capture_output=True,
        text=True,
        timeout=900 * TIME_FACTOR,
        check=False,
    )


def verdicts_of(report: Path) -> dict[str, set[Any]]:
    """Both columns of each row."""
    rows = json.loads((report / "conformance.json").read_text())["rows"]
    return {row["row"]: {row["specification"], row["ours"]} for row in rows}


def unjudged(verdicts: dict[str, set[Any]]) -> set[str]:
    """The rows with no verdict in either column."""
    return {row for row, found in verdicts.items() if not found & {"kept", "not kept"}}
