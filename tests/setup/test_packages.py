""".ci/setup, with an apt-get, a dpkg and a sudo that only pretend."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2]
# The real ones
TOOLS = "awk bash cat dirname env grep head id readlink sed seq sort true uniq xargs"
PACKAGES = """\
one  compiler            ; compiler-fedora
one  lib-dev (>= 1.81) | lib1.81-dev  ; lib-fedora
two  tool
"""
APT_GET = """\
output=pipe
[ ! -t 1 ] || output=terminal
echo "$output $*" >>"$FAKES/apt-get.log"
case " $* " in
  *" update "*) [ ! -e "$FAKES/no-network" ] || { echo 'E: no network' >&2; exit 100; } ;;
  *" install "*)
    [ ! -e "$FAKES/no-room" ] || { echo 'E: there is no room' >&2; exit 100; }
    echo '0 upgraded, 3 newly installed'
    echo 'Need to get 12 MB of archives.'
    echo 'After this operation, 34 MB of additional disk space will be used.'
    for number in $(seq 100); do echo "Unpacking package-$number"; done
    ;;
esac
"""
SUDO = """\
[ ! -e "$FAKES/wrong-password" ] || exit 1
echo "$*" >>"$FAKES/sudo.log"
exec "$@"
"""
APT_CACHE = """\
while read -r name version; do
  [ "$name" != "$2" ] || printf '%s:\\n  Candidate: %s\\n' "$name" "$version"
done <"$FAKES/candidates"
"""
# dpkg --compare-versions A ge B
DPKG = '[ "$(printf "%s\\n" "$2" "$4" | sort -V | head -n 1)" = "$4" ]'


@dataclass
class System:
    """A machine of which only packages are known."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    def fake(self, name: str, script: str) -> None:
        (self.bin / name).unlink(missing_ok=True)
        (self.bin / name).write_text(f"#!{shutil.which('bash')}\n{script}\n")
        (self.bin / name).chmod(0o755)

    def has_installed(self, *packages: str) -> None:
        lines = "\n".join(f"{package.replace('=', ' installed ')}" for package in packages)
        (self.folder / "installed").write_text(lines + "\n")

    def offers(self, *packages: str) -> None:
        lines = "\n".join(package.replace("=", " ") for package in packages)
        (self.folder / "candidates").write_text(lines + "\n")

    def has(self, what: str) -> None:
        (self.folder / what).touch()

    def is_not_root(self) -> None:
        self.fake("id", "echo 1000")

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": str(self.bin), "FAKES": str(self.folder)}

    @property
    def command(self) -> str:
        return str(self.folder / ".ci" / "setup")

    def setup(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.command, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def log(self, name: str) -> list[str]:
        path = self.folder / f"{name}.log"
        return path.read_text().splitlines() if path.exists() else []

    def installations(self) -> list[list[str]]:
        """The packages that apt-get was asked for, each time."""
        return [
            [word for word in line.split(" install ")[1].split() if not word.startswith("-")]
            for line in self.log("apt-get")
            if " install " in line
        ]


def bare_system(folder: Path) -> System:
    system = System(folder)
    system.bin.mkdir()
    for tool in TOOLS.split():
        path = shutil.which(tool)
        assert path is not None, tool
        (system.bin / tool).symlink_to(path)
    (folder / ".ci").mkdir()
    shutil.copy(SOURCE / ".ci" / "setup", folder / ".ci" / "setup")
    (folder / ".ci" / "packages.txt").write_text(PACKAGES)
    system.fake("id", "echo 0")
    system.has_installed()
    system.offers()
    return system


@pytest.fixture
def debian(tmp_path: Path) -> System:
    system = bare_system(tmp_path)
    system.fake("apt-get", APT_GET)
    system.fake("apt-cache", APT_CACHE)
    system.fake("dpkg", DPKG)
    system.fake("dpkg-query", 'cat "$FAKES/installed"')
    system.offers("compiler=12", "lib-dev=1.83", "tool=1")
    return system


def test_nothing_is_asked_for_where_all_is_there(debian: System) -> None:
    debian.is_not_root()  # and there is no sudo
    debian.has_installed("compiler=12", "lib1.81-dev=1.81", "tool=1")
    run = debian.setup("one", "two")
    assert (run.returncode, run.stdout) == (0, "==> Packages: nothing missing (one two)\n")
    assert debian.log("apt-get") == []


def test_what_is_missing_is_installed_and_shown(debian: System) -> None:
    debian.has_installed("tool=1")
    run = debian.setup("one", "two")
    assert run.returncode == 0, run.stdout
    assert debian.installations() == [["compiler", "lib-dev"]]
    assert "2 of 3 are missing" in run.stdout
    assert "installing compiler lib-dev" in run.stdout
    for told in ("3 newly installed", "Need to get 12 MB", "34 MB of additional disk space"):
        assert told in run.stdout
    assert 1 <= run.stdout.count("Unpacking") <= 3  # of a hundred, at once
    assert run.stdout.endswith("==> Packages: installed\n")


def test_a_group_installs_no_other(debian: System) -> None:
    assert debian.setup("two").returncode == 0
    assert debian.installations() == [["tool"]]


def test_a_terminal_sees_apt_get_itself(debian: System) -> None:
    keeper, terminal = pty.openpty()
    with os.fdopen(keeper, "rb"):
        subprocess.run(
            [debian.command, "two"],
            env=debian.environment,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            check=True,
        )
        os.close(terminal)
    install = debian.log("apt-get")[-1]
    assert install.startswith("terminal ")
    assert " -q" not in install


def test_it_is_told_first_that_root_is_needed(debian: System) -> None:
    debian.is_not_root()
    debian.fake("sudo", SUDO)
    run = debian.setup("one")
    assert run.returncode == 0, run.stdout
    assert run.stdout.index("sudo may ask for your password") < run.stdout.index("apt-get update")
    assert [line for line in debian.log("sudo") if "apt-get" in line and " install " in line]
    assert debian.installations() == [["compiler", "lib-dev"]]


@pytest.mark.parametrize("refused", [False, True])
def test_without_root_the_command_is_printed(debian: System, refused: bool) -> None:
    debian.is_not_root()
    if refused:
        debian.fake("sudo", SUDO)
        debian.has("wrong-password")
    run = debian.setup("one")
    assert run.returncode == 1
    assert "apt-get update && apt-get install compiler lib-dev\n" in run.stdout
    assert debian.log("apt-get") == []


def test_a_failure_says_why_and_what_to_do(debian: System) -> None:
    debian.has("no-room")
    run = debian.setup("one")
    assert run.returncode == 1
    assert "E: there is no room" in run.stdout
    assert run.stdout.endswith("\n  apt-get update && apt-get install compiler lib-dev\n")


def test_lists_that_cannot_be_updated_are_no_reason_to_stop(debian: System) -> None:
    debian.has("no-network")
    run = debian.setup("one")
    assert run.returncode == 0
    assert "E: no network" in run.stdout
    assert debian.installations() == [["compiler", "lib-dev"]]


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["lib-dev=1.83"], "lib-dev"),
        (["lib-dev=1.74", "lib1.81-dev=1.81"], "lib1.81-dev"),
        (["lib-dev=(none)", "lib1.81-dev=1.81"], "lib1.81-dev"),
        (["lib-dev=1.90", "lib1.81-dev=1.81"], "lib-dev"),
    ],
)
def test_the_first_alternative_that_is_new_enough_is_taken(
    debian: System, offered: list[str], chosen: str
) -> None:
    debian.has_installed("compiler=12")
    debian.offers(*offered)
    assert debian.setup("one").returncode == 0
    assert debian.installations() == [[chosen]]


def test_boost_1_74_is_to_be_removed_by_hand(debian: System) -> None:
    packages = debian.folder / ".ci" / "packages.txt"
    packages.write_text("one  libboost-dev (>= 1.81) | libboost1.81-dev\n")
    debian.has_installed("libboost1.74-dev=1.74", "libboost-dev=1.74")
    debian.offers("libboost-dev=1.74", "libboost1.81-dev=1.81")
    run = debian.setup("one")
    assert run.returncode == 1
    assert "  apt-get remove libboost1.74-dev\n" in run.stdout
    assert debian.installations() == []


def test_elsewhere_nothing_is_installed(tmp_path: Path) -> None:
    run = bare_system(tmp_path).setup("one")
    assert run.returncode == 0
    assert "this is not Debian" in run.stdout


@pytest.mark.parametrize("arguments", [(), ("none",)])
def test_a_wrong_group_is_refused(debian: System, arguments: tuple[str, ...]) -> None:
    run = debian.setup(*arguments)
    assert run.returncode == 2
    assert "one" in run.stdout
    assert debian.log("apt-get") == []


# ---- --print, for CMake ----


def test_the_command_and_the_names_are_printed(debian: System) -> None:
    debian.is_not_root()
    run = debian.setup("--print", "lib-dev", "tool")
    assert run.stdout.splitlines() == [
        "sudo apt-get update && sudo apt-get install lib-dev tool",
        "lib-dev",
        "tool",
    ]
    assert debian.log("apt-get") == []


def test_what_apt_does_not_know_yet_is_named_after_the_release(debian: System) -> None:
    debian.offers()
    is_debian_12 = 'VERSION_ID="12"' in Path("/etc/os-release").read_text()
    run = debian.setup("--print", "lib-dev")
    assert run.stdout.splitlines()[1] == ("lib1.81-dev" if is_debian_12 else "lib-dev")


def test_fedora_has_its_own_names(tmp_path: Path) -> None:
    system = bare_system(tmp_path)
    system.fake("dnf", "exit 1")
    run = system.setup("--print", "compiler", "lib-dev")
    assert run.stdout.splitlines() == [
        "dnf install compiler-fedora lib-fedora",
        "compiler-fedora",
        "lib-fedora",
    ]


def test_other_systems_have_no_names(tmp_path: Path) -> None:
    run = bare_system(tmp_path).setup("--print", "compiler")
    assert (run.returncode, run.stdout) == (1, "")
