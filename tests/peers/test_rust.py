"""The host in Rust (bindings/rust/matrix-devices/examples): every row of the conformance suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from example_hosts import RUST, UNJUDGED, run_suite, rust_host, services, unjudged, verdicts_of

LIBRARY = Path(os.environ.get("MXD_SERVER", "")).parent / "libmatrix_devices.so"


def test_every_row_holds(tmp_path: Path) -> None:
    if not RUST.exists():
        pytest.skip(f"there is no {RUST}: tests/peers/check_rust builds it, where cargo is")
    given, report = services(), tmp_path / "report"
    with rust_host(LIBRARY, given, tmp_path) as url:
        suite = run_suite(url, given, report)
    verdicts = verdicts_of(report)
    missed = {row for row, found in verdicts.items() if "not kept" in found}
    assert not missed, suite.stdout[-20_000:]
    assert suite.returncode == 0, suite.stdout[-20_000:]
    assert unjudged(verdicts) == UNJUDGED, suite.stdout[-20_000:]
