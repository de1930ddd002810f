"""The host in Go (bindings/go/examples/homeserver): every row of the conformance suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from example_hosts import GO, UNJUDGED, go_host, run_suite, services, unjudged, verdicts_of

LIBRARY = Path(os.environ.get("MXD_SERVER", "")).parent / "libmatrix_devices.so"

# What net/http answers by itself, as text, before any handler runs (docs/go.md).
NET_HTTP = {
    "R5": "OPTIONS with a broken escape in the path is 400",
    "R9": "so is any other method",
    "R12": "and those answers have headers of its own",
}


def test_every_row_holds(tmp_path: Path) -> None:
    if not GO.exists():
        pytest.skip(f"there is no {GO}: tests/peers/check_go builds it, where there is a Go")
    given, report = services(), tmp_path / "report"
    with go_host(LIBRARY, given, tmp_path) as url:
        suite = run_suite(url, given, report)
    assert suite.returncode == 0, suite.stdout[-20_000:]
    verdicts = verdicts_of(report)
    missed = {row for row, found in verdicts.items() if "not kept" in found}
    assert missed == set(NET_HTTP), suite.stdout[-20_000:]
    assert unjudged(verdicts) == UNJUDGED, suite.stdout[-20_000:]
