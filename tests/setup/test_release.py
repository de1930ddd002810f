"""What `make release` refuses, and what it says then; what a public CI runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
WORKFLOW = REPOSITORY / ".github" / "workflows" / "ci.yml"
HEADING = "## [Unreleased]"


def git(folder: Path, *arguments: str) -> None:
    """Run it as somebody."""
    who = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files that decide, committed, with a section for the version."""
    folder = tmp_path / "clone"
    for name in (
        ".ci/release",
        "CMakeLists.txt",
        "bindings/rust/Cargo.toml",
        "bindings/rust/matrix-devices/Cargo.toml",
        "tests/conformance/matrix_device_conformance/__init__.py",
    ):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        copy(REPOSITORY / name, target)
    found = re.search(r"matrix_devices VERSION (\S+)", (folder / "CMakeLists.txt").read_text())
    assert found is not None
    (folder / "CHANGELOG.md").write_text(f"{HEADING}\n\n## [{found[1]}] - 2026-11-28\n")
    git(folder, "init", "-q")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    """All that is there."""
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "x")


def checked(folder: Path) -> subprocess.CompletedProcess[str]:
    """`.ci/release/run --check`"""
    return subprocess.run(
        [folder / ".ci/release/run", "--check"], capture_output=True, text=True, check=False
    )


def expect_refused(folder: Path, *texts: str) -> None:
    done = checked(folder)
    assert done.returncode == 1, done
    for text in texts:
        assert text in done.stderr, done.stderr


def test_what_is_committed_and_in_the_changelog_can_be_released(clone: Path) -> None:
    done = checked(clone)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_dirty_tree_is_refused(clone: Path) -> None:
    (clone / "CHANGELOG.md").write_text((clone / "CHANGELOG.md").read_text() + "more\n")
    expect_refused(clone, "not committed", " M CHANGELOG.md", "Commit it, or move it away")


def test_a_file_that_git_does_not_know_is_refused(clone: Path) -> None:
    (clone / "new.txt").write_text("")
    expect_refused(clone, "?? new.txt", ".gitignore")


def test_a_version_without_a_section_is_refused(clone: Path) -> None:
    (clone / "CHANGELOG.md").write_text(f"{HEADING}\n")
    commit(clone)
    expect_refused(clone, "CHANGELOG.md has no section for", 'Rename its "## [Unreleased]" to')


def test_a_section_without_a_date_is_refused(clone: Path) -> None:
    text = re.sub(r" - \d{4}-\d\d-\d\d", "", (clone / "CHANGELOG.md").read_text())
    (clone / "CHANGELOG.md").write_text(text)
    commit(clone)
    expect_refused(clone, "CHANGELOG.md has no section for")


@pytest.mark.parametrize(
    "name",
    [
        "bindings/rust/Cargo.toml",
        "bindings/rust/matrix-devices/Cargo.toml",
        "tests/conformance/matrix_device_conformance/__init__.py",
    ],
)
def test_another_version_elsewhere_is_refused(clone: Path, name: str) -> None:
    path = clone / name
    path.write_text(re.sub(r'(version(?:__)? = )"=?[^"]+"', r'\1"9.9.9"', path.read_text()))
    commit(clone)
    expect_refused(clone, f"{name} has another version than CMakeLists.txt", "Write ")


def test_no_clone_is_refused(clone: Path) -> None:
    shutil.rmtree(clone / ".git")
    expect_refused(clone, "this is no clone", "Clone the repository")


def pack(folder: Path, archive: Path) -> bytes:
    """As `make release` packs the site and the suite's sdist."""
    subprocess.run(
        [REPOSITORY / ".ci/release/pack_folder", folder, archive],
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
        check=True,
    )
    return archive.read_bytes()


def test_a_folder_is_packed_alike_whoever_made_it_and_when(tmp_path: Path) -> None:
    long = "n" * 200
    texts = {"index.html": "start", "docs/ä b": "a", "assets/x.js": "x", long: "", ".empty": ""}
    archives = []
    for number, names in enumerate((list(texts), list(reversed(texts)))):
        folder = tmp_path / str(number)
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[name])
            path.chmod(0o600 if number else 0o664)
            os.utime(path, (number, number))
            if os.geteuid() == 0:
                os.chown(path, 1000 + number, 1000 + number)
        (folder / "docs").chmod(0o700 if number else 0o775)
        (tmp_path / f"to{number}").mkdir()
        archives.append(pack(folder, tmp_path / f"to{number}" / "site-1.0.tar.gz"))
    assert archives[0] == archives[1]
    with tarfile.open(tmp_path / "to0" / "site-1.0.tar.gz") as archive:
        files = {member.name: member for member in archive if member.isfile()}
        assert {f"site-1.0/{name}" for name in texts} == set(files)
        first_level = [name for name in archive.getnames() if name.count("/") == 1]
        assert first_level == sorted(first_level)
        for member in archive:
            assert (member.uid, member.gid, member.mtime) == (0, 0, 1700000000)
            assert member.mode == (0o644 if member.isfile() else 0o755), member.name
        read = archive.extractfile("site-1.0/docs/ä b")
        assert read is not None
        assert read.read() == b"a"


def test_a_public_CI_runs_what_ci_run_runs_and_nothing_else() -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    commands = [step["run"] for step in steps if "run" in step]
    prepared, run = commands[:-1], commands[-1]
    assert run == ".ci/run"
    assert (REPOSITORY / run).exists()
    for command in prepared:
        assert re.match(r"apt-get update && apt-get install |git config ", command), command
    for step in steps:
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"]), "pinned by its commit"


def test_a_public_CI_may_change_nothing() -> None:
    assert yaml.safe_load(WORKFLOW.read_text())["permissions"] == {"contents": "read"}


def test_no_file_of_the_repository_is_kept_from_the_images() -> None:
    listed = subprocess.run(
        ["git", "-C", REPOSITORY, "ls-files", "-ci", "--exclude-from=.dockerignore"],
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip(f"this is no clone: {listed.stderr}")
    assert listed.stdout == ""
