"""PostgreSQL's programs, wherever they are installed, and the user that may run them."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

DEBIAN = Path("/usr/lib/postgresql")  # VERSION/bin, which is not in the PATH
USER = "postgres"
SERVER = ("postgres", "initdb", "psql")


def found(name: str) -> str | None:
    """The path of a program, of the newest version that has it."""
    versions = [folder for folder in DEBIAN.glob("*") if folder.name.isdigit()]
    for folder in sorted(versions, key=lambda folder: int(folder.name), reverse=True):
        if (folder / "bin" / name).exists():
            return str(folder / "bin" / name)
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


def program(name: str) -> str:
    """The path of a program that is there."""
    path = found(name)
    if path is None:
        raise FileNotFoundError(f"{name}: install the packages of .ci/setup databases")
    return path


def missing(*names: str) -> str:
    """Why these can't be run here; empty if they can."""
    for name in names or SERVER:
        if found(name) is None:
            return f"there is no {name} here: .ci/setup databases installs it"
    if os.getuid() == 0 and USER not in (user.pw_name for user in pwd.getpwall()):
        return f"root may not run PostgreSQL, and there is no user {USER}: .ci/setup databases"
    return ""


def as_user() -> list[str]:
    """What to put before a command: PostgreSQL refuses root."""
    if os.getuid() != 0:
        return []
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]


def give(path: Path) -> None:
    """Let the user that runs the programs have it."""
    if os.getuid() == 0:
        shutil.chown(path, USER, USER)
