"""Synapse with the drop-in and without it, turn by turn: tests/synapse/bench.py does it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from parts.figures import Figure, Progress
from parts.site import Build

TESTS = Path(__file__).resolve().parents[2]
BENCH = TESTS / "synapse" / "bench.py"
AT_MOST = {"GET /devices": 0.75, "PUT": 0.90}


def install() -> None:
    """A Synapse, and the wheel of this tree in it; nothing where they are there."""
    peers = TESTS / "peers" / "setup"
    wheel = subprocess.run([peers, "--wheel"], check=True, stdout=subprocess.PIPE, text=True).stdout
    subprocess.run([TESTS / "synapse" / "setup", "--wheel", wheel.strip()], check=True)


def measure(build: Build, progress: Progress) -> list[Figure]:
    """Milliseconds a request, as a client sees them."""
    progress("installing one, where there is none")
    install()
    with tempfile.NamedTemporaryFile(suffix=".json", dir=build.scratch) as out:
        command = [sys.executable, "-B", str(BENCH), "--turns", "1500", "--requests", "5000"]
        done = subprocess.run(
            [*command, "--out", out.name], capture_output=True, text=True, check=False
        )
        text = Path(out.name).read_text()
    if not text:
        raise SystemExit(f"tests/synapse/bench.py: {done.stdout}{done.stderr}")
    medians = json.loads(text)["median_ms"]
    return [
        Figure(
            *("in Synapse", what, "ms", "Synapse's own", rounds["with"], rounds["without"]),
            at_most=AT_MOST[what],
        )
        for what, rounds in medians.items()
    ]
