"""A whole run at a homeserver that quotes secrets: none is in anything that the run leaves behind.

The suite runs as anybody runs it, in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hostile import WRITINGS, Hostile

from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.report import FORMATS

SUITE = Path(__file__).parent.parent
ACCOUNTS = {
    "alice": "correct horse; \"battery'/+&<> staple %41 ä",
    "bob": "Tr0ub4dor&3+and-more",
}


def test_no_secret_leaves(tmp_path: Path) -> None:
    """On the terminal, in tracebacks, in any form of the report; what was cut off included."""
    with Hostile(ACCOUNTS) as hostile:
        options = [f"--account={name}:{password}" for name, password in ACCOUNTS.items()]
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "matrix_device_conformance",
                hostile.url,
                *options,
                f"--report={tmp_path}",
            ],
            capture_output=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(SUITE)},
            timeout=300 * TIME_FACTOR,
            check=False,
        )
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 1, said
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert set(written) == {f"conformance.{name}" for name in FORMATS}
    outputs = {"the terminal": said, **written}
    assert len(hostile.secrets) > 50
    assert min(hostile.quoted.values()) > 20, "every writing was tried"
    leaks = [
        f"{where}: {secret!r} {name}"
        for where, text in outputs.items()
        for secret in hostile.secrets
        for name, writing in WRITINGS.items()
        if writing(secret).removesuffix("...") in text
    ]
    assert leaks == []
    for label in ("[token ", "[password ", "[session "):
        assert label in written["conformance.json"], "nothing was quoted"
