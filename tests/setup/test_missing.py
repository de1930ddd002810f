"""Where something is missing, configuring says all of it in one message."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parents[2]
CMAKE = os.environ.get("MXD_CMAKE") or shutil.which("cmake") or "cmake"
EVERYTHING = ["-DMXD_TESTS=ON", "-DMXD_PYTHON=ON", "-DMXD_POSTGRES=ON"]
SERVER = "the server (-DMXD_SERVER=OFF does without it)"
STORE = "the store, the server and Python (-DMXD_SQLITE=OFF does without them)"
POSTGRES = "the store in PostgreSQL (-DMXD_POSTGRES=OFF does without it)"
PYTHON = "the Python package (-DMXD_PYTHON=OFF does without it)"
TESTS = "the tests (-DMXD_TESTS=OFF does without them)"

Configure = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if key not in ("CC", "CXX")}
        return subprocess.run(
            [CMAKE, "-S", SOURCE, "-B", tmp_path / "build", "-G", "Ninja", *arguments],
            env=environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    return run


def disabled(*packages: str) -> list[str]:
    return [f"-DCMAKE_DISABLE_FIND_PACKAGE_{package}=ON" for package in packages]


def told(run: subprocess.CompletedProcess[str]) -> dict[str, dict[str, str]]:
    """What the one message says: by what it is for, each thing that is missing and its package."""
    assert run.returncode != 0, run.stdout
    assert run.stdout.count("CMake Error") == 1, run.stdout
    text = run.stdout.partition("Not all that is needed is here.\n")[2]
    assert text, run.stdout
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if match := re.fullmatch(r" +Missing for (.*):", line):
            section = found.setdefault(match[1], {})
        elif " installs all of it" in line or "On the right" in line:
            break
        elif line.strip():
            name, package = re.split(r" {2,}", line.strip())
            section[name] = package
    return found


def command(run: subprocess.CompletedProcess[str]) -> list[str]:
    match = re.search(r"installs all of it; then try again:\n +(.*)\n", run.stdout)
    assert match, run.stdout
    return match[1].split()


def without(tmp_path: Path, *programs: str) -> str:
    """A PATH on which these are not, but all else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for path in (Path("/usr/bin"), Path("/bin")):
        for program in path.iterdir():
            if not re.fullmatch("|".join(programs), program.name):
                link = folder / program.name
                if not link.is_symlink():
                    link.symlink_to(program)
    return str(folder)


def test_all_is_told_at_once(configure: Configure) -> None:
    run = configure(
        *EVERYTHING,
        *disabled("Boost", "absl", "SQLiteCpp", "PostgreSQL", "CLI11", "pybind11"),
        *disabled("GTest"),
    )
    found = told(run)
    assert {purpose: set(names) for purpose, names in found.items()} == {
        "everything": {"Boost 1.81 or later", "absl"},
        STORE: {"SQLiteCpp"},
        POSTGRES: {"PostgreSQL 14 or later"},
        SERVER: {"CLI11"},
        PYTHON: {"pybind11 2.10 or later"},
        TESTS: {"GTest"},
    }
    assert found["everything"]["absl"] == "libabsl-dev"
    assert found[POSTGRES]["PostgreSQL 14 or later"] == "libpq-dev"
    assert found["everything"]["Boost 1.81 or later"] in ("libboost-dev", "libboost1.81-dev")
    packages = {package for names in found.values() for package in names.values()}
    assert "apt-get" in command(run)
    assert packages <= set(command(run))


def test_modules_of_pkg_config_are_among_them(configure: Configure, tmp_path: Path) -> None:
    run = configure(*disabled("CLI11"), PKG_CONFIG_LIBDIR=str(tmp_path), PKG_CONFIG_PATH="")
    assert told(run) == {
        "everything": {"libsodium": "libsodium-dev"},
        SERVER: {"CLI11": "libcli11-dev", "libsystemd": "libsystemd-dev"},
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["--preset", "release", *disabled("GTest", "Python", "Python3", "pybind11")],
        ["-DMXD_SERVER=OFF", *disabled("CLI11", "prometheus-cpp", "yaml-cpp")],
        ["-DMXD_SQLITE=OFF", *disabled("SQLite3", "SQLiteCpp", "CLI11", "yaml-cpp")],
        ["-DMXD_POSTGRES=OFF", *disabled("PostgreSQL")],
        ["-DMXD_SQLITE=OFF", "-DMXD_TESTS=unit", *disabled("SQLiteCpp", "Python", "CLI11")],
    ],
)
def test_what_is_switched_off_is_not_asked_for(
    configure: Configure, arguments: list[str], tmp_path: Path
) -> None:
    run = subprocess.run(
        [CMAKE, "-B", tmp_path / "build", "-G", "Ninja", *arguments],
        cwd=SOURCE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "-Werror" not in (tmp_path / "build" / "compile_commands.json").read_text()


def test_the_preset_for_development_has_all(tmp_path: Path) -> None:
    run = subprocess.run(
        [CMAKE, "--preset", "dev", "-B", tmp_path, *disabled("GTest", "pybind11", "CLI11")],
        cwd=SOURCE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert set(told(run)) == {SERVER, PYTHON, TESTS}
    cache = (tmp_path / "CMakeCache.txt").read_text()
    assert "MXD_WERROR:BOOL=ON" in cache


@pytest.mark.parametrize("program", ["ninja", "pkg-config|pkgconf", r"(c\+\+|g\+\+|clang\+\+)"])
def test_tools_are_among_them(configure: Configure, tmp_path: Path, program: str) -> None:
    found = told(configure(PATH=without(tmp_path, program)))
    (name,) = found["everything"]
    assert re.search(program.strip("()") + "|C\\+\\+20", name.lower() + name)
    assert set(found) == {"everything"}


def test_without_tools_libraries_are_told_all_the_same(
    configure: Configure, tmp_path: Path
) -> None:
    """A machine on which there is nothing yet: headers are looked for in an empty root."""
    (tmp_path / "root").mkdir()
    path = without(tmp_path, "ninja", "pkg-config|pkgconf", r"(c|g|clang)\+\+", "cc|gcc|clang")
    run = configure(
        *EVERYTHING,
        f"-DCMAKE_FIND_ROOT_PATH={tmp_path / 'root'}",
        "-DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY",
        PATH=path,
    )
    found = told(run)
    assert set(found) == {"everything", STORE, POSTGRES, SERVER, PYTHON, TESTS}
    assert len(found["everything"]) == 6
    assert len(found[STORE]) == 3
    assert len(found[POSTGRES]) == 1
    assert len(found[SERVER]) == 4
    assert "pybind11 2.10 or later" in found[PYTHON]
    assert {"GTest", "gmock"} <= set(found[TESTS])


def test_a_compiler_that_is_too_old_is_among_them(configure: Configure, tmp_path: Path) -> None:
    old = tmp_path / "old-gcc"
    old.write_text('#!/bin/sh\nexec g++ -U__GNUC__ -D__GNUC__=11 "$@"\n')
    old.chmod(0o755)
    run = configure(f"-DCMAKE_CXX_COMPILER={old}", *disabled("Boost"))
    found = told(run)["everything"]
    (compiler,) = (name for name in found if "gcc 12" in name)
    assert f"{old} is 11." in compiler
    assert "Boost 1.81 or later" in found


def test_another_platform_is_refused(configure: Configure, tmp_path: Path) -> None:
    run = configure("-DCMAKE_SYSTEM_NAME=Darwin", *disabled("Boost"))
    assert run.returncode != 0
    assert "This is Darwin." in run.stdout
    assert "Boost" not in run.stdout


def test_a_folder_of_tests_that_is_not_there_is_refused(configure: Configure) -> None:
    run = configure("-DMXD_SQLITE=OFF", "-DMXD_TESTS=unti")
    assert run.returncode != 0
    assert "unti" in run.stdout


# ---- With pip ----


def defines() -> Iterable[str]:
    """What pyproject.toml switches on and off."""
    settings: dict[str, Any] = tomllib.loads((SOURCE / "pyproject.toml").read_text())
    for name, value in settings["tool"]["scikit-build"]["cmake"]["define"].items():
        yield f"-D{name}={value}"


def test_a_wheel_asks_for_what_it_holds_and_no_more(configure: Configure, tmp_path: Path) -> None:
    run = configure(
        "-DSKBUILD=2", *defines(), *disabled("Boost", "SQLiteCpp", "CLI11", "GTest", "yaml-cpp")
    )
    assert {purpose: set(names) for purpose, names in told(run).items()} == {
        "everything": {"Boost 1.81 or later"},
        "the store, the server and Python": {"SQLiteCpp"},  # nothing can be switched off
    }


def test_all_goes_into_the_source_distribution() -> None:
    """What the message needs, and whatever a document links to."""
    settings: dict[str, Any] = tomllib.loads((SOURCE / "pyproject.toml").read_text())
    assert not settings["tool"]["scikit-build"].get("sdist")


def test_a_wheel_may_hold_the_store_in_postgresql_too(configure: Configure) -> None:
    run = configure("-DSKBUILD=2", *defines(), "-DMXD_POSTGRES=ON", *disabled("PostgreSQL"))
    assert {purpose: set(names) for purpose, names in told(run).items()} == {
        "the store in PostgreSQL": {"PostgreSQL 14 or later"},
    }
