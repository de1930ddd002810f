"""bindings/go/dendrite/install: into a tree of either path, and not into what it does not know."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from dendrite_server import REPOSITORY

INSTALL = REPOSITORY / "bindings" / "go" / "dendrite" / "install"
MAIN = "\trsAPI.SetUserAPI(userAPI)\n\tbasepkg.WaitForShutdown(processCtx)\n"


def tree(folder: Path, module: str, main: str = MAIN) -> Path:
    """What install looks at."""
    (folder / "cmd" / "dendrite").mkdir(parents=True)
    (folder / "go.mod").write_text(f"module {module}\n\ngo 1.21\n")
    (folder / "cmd" / "dendrite" / "main.go").write_text(main)
    return folder


def install(where: Path) -> subprocess.CompletedProcess[str]:
    """Run it."""
    return subprocess.run([INSTALL, where], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("owner", ["matrix-org", "element-hq"])
def test_imports_are_those_of_the_tree(owner: str, tmp_path: Path) -> None:
    path = f"github.com/{owner}/dendrite"
    for _ in range(2):  # again, as for an upgrade
        done = install(tmp_path if (tmp_path / "go.mod").exists() else tree(tmp_path, path))
        assert done.returncode == 0, done.stderr
    target = tmp_path / "cmd" / "dendrite-matrix-devices"
    sources = "".join(each.read_text() for each in target.glob("*.go"))
    imported = set(re.findall(r'"(github\.com/[^/"]+/dendrite)/', sources))
    assert imported == {path}
    assert f'"{path}/cmd/dendrite-matrix-devices/matrixdevices"' in sources
    assert '"matrixdevices"' not in sources
    main = (target / "main.go").read_text().splitlines()
    assert main[1].startswith("\tdeviceEndpoints := startDevices(cfg, cm, userAPI,")
    assert main[2] == "\twaitForShutdown(processCtx, deviceEndpoints)"
    assert not list(target.rglob("*_test.go"))
    assert (target / "matrixdevices/include/matrix_devices/module.h").exists()


@pytest.mark.parametrize(
    ("module", "main", "says"),
    [
        ("github.com/matrix-org/dendrite", MAIN.replace("userAPI", "users"), "is not known"),
        ("github.com/matrix-org/dendrite", MAIN * 2, "is not known"),
        ("github.com/matrix-org/other", MAIN, "not a Dendrite"),
    ],
)
def test_another_tree_is_refused(module: str, main: str, says: str, tmp_path: Path) -> None:
    done = install(tree(tmp_path, module, main))
    assert done.returncode == 1
    assert says in done.stderr
    assert not (tmp_path / "cmd" / "dendrite-matrix-devices" / "main.go").exists()


def test_a_folder_that_is_no_tree_is_refused(tmp_path: Path) -> None:
    done = install(tmp_path)
    assert done.returncode == 1
    assert "no Dendrite tree" in done.stderr
