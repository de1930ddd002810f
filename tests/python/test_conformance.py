"""The conformance suite against the ASGI application, run by uvicorn."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import matrix_devices

HERE = Path(__file__).parent
SUITE = HERE.parent / "conformance"


@contextmanager
def uvicorn(host: str, folder: Path) -> Iterator[str]:
    """A running homeserver; its URL."""
    pytest.importorskip("uvicorn", reason="python3-uvicorn is not installed")
    log = folder / "uvicorn.log"
    path = [str(HERE), str(Path(matrix_devices.__file__).parents[1])]
    environment = os.environ | {
        "MXD_HOST": host,
        "MXD_FOLDER": str(folder),
        "PYTHONPATH": os.pathsep.join(path),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "account_app:app", "--port", "0"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 60
        while not (found := re.search(r"running on (http://\S+)\s", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.01)
        yield found[1]
    finally:
        process.terminate()
        status = process.wait(30)
    assert status in (0, -15), log.read_text()
    assert "Traceback" not in log.read_text(), log.read_text()


@pytest.mark.parametrize("host", ["memory", "async", "sqlite"])
def test_every_row_holds(host: str, tmp_path: Path) -> None:
    with uvicorn(host, tmp_path) as url:
        suite = subprocess.run(
            [
                *(sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-q"),
                *(
                    f"--base-url={url}",
                    f"--report={tmp_path / 'report'}",
                    "--fail-on-ours",
                    str(SUITE),
                ),
            ],
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
    assert suite.returncode == 0, suite.stdout[-20000:]
    print(suite.stdout.splitlines()[-1])
