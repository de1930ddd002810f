"""What the targets of the Makefile install and build."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2]
ALL_GROUPS = {
    *("module", "store", "postgres", "server", "python"),
    *("gtest", "suite", "test", "databases", "browser"),
}


def commands(*arguments: str) -> str:
    """What make would do for who has set nothing: not the make, nor the CI, that runs this."""
    clean = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    return subprocess.run(
        ["make", "--no-print-directory", "-n", *arguments],
        cwd=SOURCE,
        env=clean,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def groups(text: str) -> set[str]:
    lines = re.findall(r"^\.ci/setup (.*)$", text.replace("\\\n", ""), re.M)
    return {group for line in lines for group in line.split()}


def known_groups() -> set[str]:
    lines = (SOURCE / ".ci" / "packages.txt").read_text().splitlines()
    return {line.split()[0] for line in lines if line and not line.startswith("#")}


def switches(text: str) -> dict[str, str]:
    return dict(re.findall(r"-DMXD_(\w+)=(\S+)", text))


def rooms() -> list[str]:
    match = re.search(r"^rooms := (.*)$", (SOURCE / "Makefile").read_text(), re.M)
    assert match
    return match[1].split()


def test_units_need_a_compiler_and_gtest() -> None:
    text = commands("test", "ONLY=unit")
    assert groups(text) == {"module", "gtest"}
    assert switches(text) == {
        "SQLITE": "OFF",
        "POSTGRES": "OFF",
        "SERVER": "ON",
        "PYTHON": "OFF",
        "TESTS": "unit",
        "WERROR": "OFF",
    }
    assert "--target tests/unit/all\n" in text
    assert "-R '^unit'" in text


def test_a_test_of_a_folder_needs_what_the_folder_needs() -> None:
    text = commands("test", "ONLY=store.sqlite.Migration")
    assert groups(text) == {"module", "store", "postgres", "gtest", "databases"}
    assert "-R '^store.sqlite.Migration'" in text


@pytest.mark.parametrize("only", [".", "uia", "python.cost", "unit|store"])
def test_any_other_pattern_needs_all(only: str) -> None:
    text = commands("test", f"ONLY={only}")
    assert groups(text) == ALL_GROUPS
    assert switches(text) == {
        "SQLITE": "ON",
        "POSTGRES": "ON",
        "SERVER": "ON",
        "PYTHON": "ON",
        "TESTS": "ON",
        "WERROR": "OFF",
    }
    assert "--target" not in text
    assert f"-R '{only}'" in text


@pytest.mark.parametrize("target", ["test", "test-asan", "test-tsan"])
@pytest.mark.parametrize("room", rooms())
def test_each_folder_has_what_it_takes(room: str, target: str) -> None:
    assert (SOURCE / "tests" / room / "CMakeLists.txt").exists()
    text = commands(target, f"ONLY={room}")
    assert {"module"} <= groups(text) < ALL_GROUPS
    assert "browser" not in groups(text)
    assert switches(text)["TESTS"] == room
    assert "--target " in text


def test_a_server_needs_no_tests() -> None:
    text = commands("serve")
    assert groups(text) == {"module", "store", "server"}
    assert "--target matrix-devices-server\n" in text
    assert switches(text) == {"SQLITE": "ON", "POSTGRES": "OFF", "SERVER": "ON", "WERROR": "OFF"}


def test_every_group_is_there() -> None:
    text = (SOURCE / "Makefile").read_text()
    targets = re.findall(r"^([a-z-]+):.* ## ", text, re.M)
    used = groups(commands(*(name for name in targets if name not in ("clean", "help"))))
    assert ALL_GROUPS < used <= known_groups()


def test_ci_takes_warnings_for_errors() -> None:
    assert re.search(r"^export WERROR=ON$", (SOURCE / ".ci" / "run").read_text(), re.M)
    assert switches(commands("test", "WERROR=ON"))["WERROR"] == "ON"
