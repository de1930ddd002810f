"""What is in a release, as CycloneDX has it: .ci/release/bill_of_materials.py."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from conftest import REPOSITORY

RELEASE = REPOSITORY / ".ci" / "release"
EPOCH = "1795000000"

METADATA = {
    "workspace_members": ["ours", "sys"],
    "packages": [
        {"id": "ours", "name": "matrix-devices", "version": "1.0.0", "license": "Apache-2.0"},
        {"id": "sys", "name": "matrix-devices-sys", "version": "1.0.0", "license": "Apache-2.0"},
        {"id": "http", "name": "http", "version": "1.2.3", "license": "MIT/Apache-2.0"},
        {"id": "deep", "name": "deep", "version": "0.1.0", "license": "ISC"},
        {"id": "test", "name": "only-in-tests", "version": "9.0.0", "license": "MIT"},
    ],
    "resolve": {
        "nodes": [
            {"id": "ours", "deps": [
                {"pkg": "sys", "dep_kinds": [{"kind": None}]},
                {"pkg": "http", "dep_kinds": [{"kind": None}, {"kind": "dev"}]},
                {"pkg": "test", "dep_kinds": [{"kind": "dev"}]},
            ]},
            {"id": "sys", "deps": []},
            {"id": "http", "deps": [{"pkg": "deep", "dep_kinds": [{"kind": None}]}]},
            {"id": "deep", "deps": []},
            {"id": "test", "deps": []},
        ]
    },
}  # fmt: skip


def written(tmp_path: Path, name: str = "bill.json") -> str:
    """The bill of one artefact."""
    folder = tmp_path / "dist"
    folder.mkdir(exist_ok=True)
    (folder / "a.tar.gz").write_bytes(b"source")
    (tmp_path / "cargo.json").write_text(json.dumps(METADATA))
    command = [sys.executable, "-B", str(RELEASE / "bill_of_materials.py"), "--version", "1.0.0"]
    command += ["--commit", "abc", "--artefacts", str(folder), "--out", str(tmp_path / name)]
    done = subprocess.run(
        [*command, "--cargo", str(tmp_path / "cargo.json")],
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return (tmp_path / name).read_text()


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The whole of it."""
    return written(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def components(text: str) -> dict[str, dict[str, Any]]:
    """By name."""
    return {each["name"]: each for each in json.loads(text)["components"]}


def test_it_is_what_its_schema_asks_for(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    broken = text.replace('"type": "library"', '"type": "librarian"', 1)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(broken) is not None


def test_every_file_is_there_with_its_sum(components: dict[str, dict[str, Any]]) -> None:
    (found,) = components["a.tar.gz"]["hashes"]
    assert found == {"alg": "SHA-256", "content": hashlib.sha256(b"source").hexdigest()}


def test_every_library_of_the_packages_is_there(components: dict[str, dict[str, Any]]) -> None:
    """Those with headers that anything but tests is built with."""
    lines = (REPOSITORY / ".ci" / "packages.txt").read_text()
    groups = "module|store|postgres|server|python"
    wanted = set(re.findall(rf"^(?:{groups}) +(\S+-dev)\b", lines, re.M)) - {"python3-dev"}
    assert len(wanted) >= 12
    urls = [each.get("purl", "") for each in components.values()]
    bought = {url.split("/")[2].split("@")[0] for url in urls if url.startswith("pkg:deb")}
    assert {re.sub(r"boost[\d.]*", "boost", name) for name in bought} == wanted
    for each in components.values():
        if each["type"] == "library":
            assert each["licenses"], each


def test_crates_are_there_but_for_those_of_tests(components: dict[str, dict[str, Any]]) -> None:
    crates = {name for name, each in components.items() if "pkg:cargo" in each.get("purl", "")}
    assert crates == {"http", "deep"}
    assert components["http"]["licenses"] == [{"expression": "MIT OR Apache-2.0"}]


def test_the_same_is_written_twice(text: str, tmp_path: Path) -> None:
    assert written(tmp_path) == text
