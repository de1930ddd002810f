"""The suite as a wheel: built offline, installed where this repository is not, run from nowhere.

It needs python3-pip, python3-setuptools and python3-wheel, and no registry.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from matrix_device_conformance import __version__
from matrix_device_conformance.client import TIME_FACTOR, Client
from matrix_device_conformance.server import Server, server_binary
from matrix_device_conformance.verdicts import COLUMNS, NOT_KEPT

SUITE = Path(__file__).parent.parent
PROJECT = SUITE.parent.parent
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")


def run(*command: str | Path, cwd: Path, status: int = 0) -> str:
    """What the command says, if it ends so. Nothing of this repository is on its path."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PYTEST", "MXD_", "PIP_"))
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300 * TIME_FACTOR,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that the sources stay clean."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(SUITE, folder / "suite", ignore=LEFT_OUT)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    offline = ("--no-deps", "--no-index", "--no-build-isolation")
    run(*pip, "wheel", "--quiet", *offline, "--wheel-dir", folder, folder / "suite", cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def script(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console script in an environment that has pytest, and nothing else of this project."""
    environment = tmp_path_factory.mktemp("environment")
    run(
        *(sys.executable, "-m", "venv", "--without-pip", "--system-site-packages"),
        environment,
        cwd=environment,
    )
    python = environment / "bin" / "python"
    run(
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python),
        *("install", "--quiet", "--no-deps", "--no-index", wheel),
        cwd=environment,
    )
    return environment / "bin" / "matrix-device-conformance"


@pytest.fixture(scope="module")
def homeserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A homeserver with open registration."""
    binary = server_binary(None)
    if binary is None:
        raise pytest.UsageError("env MXD_SERVER names no matrix-devices-server")
    folder = tmp_path_factory.mktemp("homeserver")
    server = Server(binary, folder, ["--open-registration", "--no-rate-limits"]).start()
    yield server.client
    server.stop()


def test_it_has_the_rows_and_nothing_of_its_own_tests(wheel: Path) -> None:
    """Every module and every part of the page; no planted bug, no unit test."""
    package = SUITE / "matrix_device_conformance"
    wanted = {
        str(path.relative_to(SUITE))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == wanted


def test_its_version_is_the_projects(script: Path, tmp_path: Path) -> None:
    """One number for all that is released together."""
    cmake = (PROJECT / "CMakeLists.txt").read_text()
    found = re.search(r"VERSION (\d+\.\d+\.\d+)", cmake)
    assert found is not None
    assert found[1] == __version__
    said = run(script, "--version", cwd=tmp_path)
    assert said == f"matrix-device-conformance {__version__}\n"


def test_it_runs_from_an_empty_folder(script: Path, homeserver: Client, tmp_path: Path) -> None:
    """Three rows at a URL. It leaves its report there, and nothing else anywhere."""
    installed = script.parent.parent / "lib"
    before = sorted(installed.rglob("*"))
    said = run(script, homeserver.base_url, "--rows", "D8,U1,R6", cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["conformance-report"]
    written = sorted(path.name for path in (tmp_path / "conformance-report").iterdir())
    assert written == [f"conformance.{form}" for form in ("html", "json", "md", "xml")]
    assert "Report: conformance-report/conformance.html" in said
    made = json.loads((tmp_path / "conformance-report" / "conformance.json").read_text())
    assert [row["row"] for row in made["rows"]] == ["D8", "R6", "U1"]
    assert NOT_KEPT not in {row[column] for row in made["rows"] for column in COLUMNS}
    assert sorted(installed.rglob("*")) == before


def test_the_settings_of_where_one_is_have_no_say(
    script: Path, homeserver: Client, tmp_path: Path
) -> None:
    """Somebody runs it in a project with a pytest of its own."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (tmp_path / "conftest.py").write_text("raise SystemExit('loaded')\n")
    said = run(script, homeserver.base_url, "--rows", "D8", "--report", "r", cwd=tmp_path)
    assert "Report: r/conformance.html" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give either the URL of a homeserver or --server"),
        (["http://127.0.0.1:1", "--server", "x"], "give either the URL"),
        (["http://127.0.0.1:1"], "http://127.0.0.1:1: nobody answers there"),
        (["http://127.0.0.1:1", "--rows", "Z99"], "Z99"),
        (["http://127.0.0.1:1", "--account", "alice"], "expected NAME:PASSWORD"),
        (["http://127.0.0.1:1", "--no-such-option"], "--no-such-option"),
    ],
)
def test_what_cannot_run_says_why(
    script: Path, tmp_path: Path, arguments: list[str], says: str
) -> None:
    """In few lines, without a traceback, with status 2, and without a report."""
    said = run(script, *arguments, cwd=tmp_path, status=2)
    assert says in said
    assert "Traceback" not in said
    assert len(said.splitlines()) < 15, said
    assert list(tmp_path.iterdir()) == []
