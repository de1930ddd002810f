"""The wheel, and that anybody can make it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

import matrix_devices
from conftest import BUILT, REPOSITORY


def environment(**more: str) -> dict[str, str]:
    """Without what leads a Python elsewhere."""
    return {key: os.environ[key] for key in os.environ if not key.startswith("PYTHON")} | more


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run it; what it printed. Anything but status 0 is a failure."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env or environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20000:]
    return done.stdout


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """What is in the wheel."""
    (wheel,) = (BUILT / "wheel").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def test_what_is_tested_here_is_the_wheel() -> None:
    assert Path(matrix_devices.__file__).is_relative_to(BUILT / "venv")


def test_it_holds_libraries_types_and_nothing_else(unpacked: Path) -> None:
    (metadata,) = unpacked.glob("*.dist-info")
    packages = {"matrix_devices", "pytest_matrix_devices"}
    assert {path.name for path in unpacked.iterdir()} == packages | {metadata.name}
    names = {path.name for path in (unpacked / "matrix_devices").iterdir()}
    libraries = {f"libmatrix_devices{engine}.so" for engine in ("", "_sqlite", "_postgres")}
    assert libraries | {"_core.pyi"} <= names
    assert all((unpacked / package / "py.typed").exists() for package in packages)
    kinds = {path.suffix for package in packages for path in (unpacked / package).rglob("*.*")}
    assert kinds == {".py", ".pyi", ".so", ".typed"}


def test_it_links_neither_library(unpacked: Path) -> None:
    (core,) = (unpacked / "matrix_devices").glob("_core.*.so")
    needed = run("readelf", "--dynamic", core, cwd=unpacked)
    assert "NEEDED" in needed
    assert "libmatrix_devices" not in needed


def test_a_clean_clone_installs_and_checks_itself(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    run("git", "clone", "--quiet", REPOSITORY, clone, cwd=tmp_path)
    run("/usr/bin/python3", "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    # Compiled where tests/peers/setup compiles, so that ccache knows most of it.
    env = environment(SKBUILD_BUILD_DIR=str(clone / "build" / "peers" / "wheel" / "build"))
    if shutil.which("ccache"):
        env |= {"CMAKE_C_COMPILER_LAUNCHER": "ccache", "CMAKE_CXX_COMPILER_LAUNCHER": "ccache"}
        env |= {"CCACHE_BASEDIR": str(clone), "CCACHE_NOHASHDIR": "1"}
    run(python, "-m", "pip", "install", ".", cwd=clone, env=env)
    shutil.rmtree(clone)
    print(run(python, "-m", "matrix_devices", "check", cwd=tmp_path))


def test_where_tools_are_missing_pip_ends_with_what_to_install(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    run("git", "clone", "--quiet", REPOSITORY, clone, cwd=tmp_path)
    run("/usr/bin/python3", "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    for program in Path("/usr/bin").iterdir():
        if not re.search(r"gcc|g\+\+|clang|^c\+\+|^cc|^c[89]9|pkg-?conf", program.name):
            (programs / program.name).symlink_to(program)
    install = [str(tmp_path / "venv" / "bin" / "python"), "-m", "pip", "install", "."]
    done = subprocess.run(
        install,
        cwd=clone,
        env=environment(PATH=str(programs)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode != 0
    assert done.stdout.count("Not all that is needed is here.") == 1, done.stdout
    end = "\n".join(done.stdout.splitlines()[-25:])
    assert re.search(r"compilers for C and C\+\+20: .* g\+\+$", end, re.M), done.stdout
    assert re.search(r"^ +pkg-config +pkg-config$", end, re.M), done.stdout
    assert re.search(r"apt-get install g\+\+ pkg-config$", end, re.M), done.stdout
