"""Module: what cannot be opened says why, in one line."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import matrix_devices
from doubles import SmallHost, get
from matrix_devices import ConfigurationError, LoadError, Module
from matrix_devices._libraries import module_path


def test_a_library_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"nothing\.so") as raised:
        Module.open(SmallHost(), library=tmp_path / "nothing.so")
    assert "\n" not in str(raised.value)


def test_a_library_that_is_another() -> None:
    with pytest.raises(LoadError, match="matrix_devices_module_v1"):
        Module.open(SmallHost(), library="/lib/x86_64-linux-gnu/libm.so.6")


def test_a_file_that_is_no_library(tmp_path: Path) -> None:
    path = tmp_path / "text.so"
    path.write_text("no library")
    with pytest.raises(LoadError, match=r"text\.so"):
        Module.open(SmallHost(), library=path)


def test_the_environment_names_a_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MATRIX_DEVICES_LIBRARY", str(tmp_path / "other.so"))
    with pytest.raises(LoadError, match=r"other\.so"):
        Module.open(SmallHost())


def test_a_second_library_beside_the_first(tmp_path: Path) -> None:
    copy = tmp_path / "libmatrix_devices.so"
    copy.write_bytes(Path(module_path()).read_bytes())
    with Module.open(SmallHost()) as first, Module.open(SmallHost(), library=copy) as second:
        assert second.library_path == str(copy)
        for module in (first, second):
            response = module.handle(get())
            assert response is not None
            assert response.status == 200


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"max_body_bites": 1}, "max_body_bites"),
        ({"uia": {"grace_period_ms": 1000}}, "mark_validated"),
        ({"max_body_bytes": object()}, "JSON"),
    ],
)
def test_a_wrong_setting(config: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Module.open(SmallHost(), config)


def test_a_host_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match=r"object.*matrix_devices\.Host"):
        Module.open(object())  # type: ignore[arg-type]


def test_reloading_the_package_is_harmless() -> None:
    with Module.open(SmallHost()) as module:
        importlib.reload(matrix_devices)
        response = module.handle(get())
    assert response is not None
    assert response.status == 200
