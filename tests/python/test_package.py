"""What the package shows of itself: its parts, its version, its metadata, its documents."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import matrix_devices
from matrix_devices import AsyncMemoryHost, MemoryHost, Module, Request

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
ON_DEMAND = ("asgi", "server", "wsgi")


def run(code: str) -> str:
    """The output of a fresh interpreter."""
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


# ---- Its parts ----


@pytest.mark.parametrize("name", ON_DEMAND)
def test_a_part_is_there_after_the_package_is_imported(name: str) -> None:
    code = f"import sys, matrix_devices; assert 'matrix_devices.{name}' not in sys.modules; "
    assert run(code + f"print(matrix_devices.{name}.__name__)") == f"matrix_devices.{name}\n"
    assert name in dir(matrix_devices)
    assert name in matrix_devices.__all__
    assert run(f"from matrix_devices import *; print({name}.__name__)").strip().endswith(name)


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'matrix_devices' has no attribute 'asgj'"):
        matrix_devices.asgj  # noqa: B018


def test_importing_it_loads_no_server() -> None:
    loaded = run("import sys, matrix_devices; print(*sys.modules)").split()
    assert "http.server" not in loaded


def test_everything_that_it_names_is_there() -> None:
    for name in matrix_devices.__all__:
        assert getattr(matrix_devices, name) is not None
    assert len(set(matrix_devices.__all__)) == len(matrix_devices.__all__)


# ---- Version and metadata ----


def test_the_version_is_the_projects() -> None:
    text = (ROOT / "CMakeLists.txt").read_text()
    found = re.search(r"VERSION (\d+\.\d+\.\d+)\s+LANGUAGES", text)
    assert found is not None
    assert matrix_devices.__version__ == found[1]


def test_the_metadata_is_whole() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    assert [(ROOT / path).is_file() for path in PROJECT["license-files"]] == [True]
    assert PROJECT["scripts"] == {"matrix-devices": "matrix_devices.__main__:main"}
    assert PROJECT["keywords"]
    classifiers = PROJECT["classifiers"]
    assert "Framework :: Pytest" in classifiers
    for minor in (11, 12, 13):
        assert f"Programming Language :: Python :: 3.{minor}" in classifiers
    assert not [each for each in classifiers if each.startswith("License ::")]  # PEP 639
    for package in ("matrix_devices", "pytest_matrix_devices"):
        assert (ROOT / "bindings" / "python" / package / "py.typed").is_file()


def test_no_document_installs_it_from_an_index() -> None:
    """Until the name is held there, it could be somebody else's."""
    by_name = re.compile(
        r"(pip3?|pipx|uv|poetry)\b[^\n`]*\b(install|add)\b[^\n`]*[\s'\"]matrix-devices"
    )
    assert by_name.search("pip install matrix-devices")
    assert by_name.search("/x/pip install --upgrade 'matrix-devices[synapse]'")
    assert not by_name.search("pip install '/path/to/matrix-devices[synapse]'")
    for path in DOCUMENTS:
        found = by_name.search(path.read_text())
        assert found is None, f"{path.relative_to(ROOT)}: {found}"


# ---- docs/python.md, "Step by step" ----


def step_by_step() -> Any:
    """The function of the document."""
    text = (ROOT / "docs" / "python.md").read_text().split("## Step by step")[1]
    block = re.search(r"```python\n(.*?)\nresponse = ", text, re.DOTALL)
    assert block is not None
    names: dict[str, Any] = {"Module": Module}
    exec(block[1], names)
    return names["answer"]


@pytest.mark.parametrize("kind", [MemoryHost, AsyncMemoryHost])
@pytest.mark.parametrize(("path", "status"), [("", 200), ("/NOWHERE", 404)])
def test_step_by_step_is_for_plain_and_async_hosts(kind: Any, path: str, status: int) -> None:
    host = kind("example.org")
    host.add_user("alice")
    token = host.login("alice").access_token
    request = Request(
        "GET", f"/_matrix/client/v3/devices{path}", {"Authorization": f"Bearer {token}"}
    )
    response = asyncio.run(step_by_step()(host, request))
    assert response.status == status
