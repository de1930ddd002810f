"""Where snippets run: a machine on which the project is installed, as far as a reader can see.

- A network of its own, so that the ports of the documents are free, and a /var/lib and its like in
  which nothing that is written stays (`isolate`).
- A prefix into which the build was installed; its programs are found, and so is its package file.
- The Python package of the build, with what pip would write beside it.
- A fresh directory for each document, in which the checkout seems to lie.
"""

import fcntl
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass

# Where the documents have an operator put things: each is covered by an empty layer.
SYSTEM_DIRECTORIES = ("/etc", "/srv", "/var/backups", "/var/lib", "/var/log")
ISOLATED = "MXD_SNIPPETS_ISOLATED"


def isolate() -> str | None:
    """Start this program again in namespaces of its own; returns in there. Where that is not
    allowed: why."""
    if ISOLATED in os.environ:
        set_up_namespaces()
        return None
    failure = ""
    for unshare in (["unshare", "-m", "-n"], ["unshare", "-r", "-m", "-n"]):
        try:
            tried = subprocess.run([*unshare, "true"], capture_output=True, text=True, check=False)
        except OSError as error:
            return str(error)
        if tried.returncode == 0:
            command = [*unshare, sys.executable, "-B", *sys.argv]
            os.execvpe(command[0], command, {**os.environ, ISOLATED: "1"})
        failure = tried.stderr.strip()
    return failure


def set_up_namespaces() -> None:
    up_and_running = 0x1 | 0x40  # IFF_UP, IFF_RUNNING
    set_flags = 0x8914  # SIOCSIFFLAGS
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh", b"lo", up_and_running))
    layers = pathlib.Path(tempfile.mkdtemp(prefix="mxd_snippets_layers."))
    mount("-t", "tmpfs", "none", layers)
    for directory in filter(os.path.isdir, SYSTEM_DIRECTORIES):
        name = directory.strip("/").replace("/", "_")
        upper, work = layers / name, layers / f"{name}.work"
        upper.mkdir(mode=0o755)
        work.mkdir()
        options = f"lowerdir={directory},upperdir={upper},workdir={work}"
        mount("-t", "overlay", "none", "-o", options, directory)
    subprocess.run(["umount", "--lazy", str(layers)], check=True)  # the overlays hold it
    layers.rmdir()


def mount(*arguments: object) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


@dataclass
class Build:
    """What is tried: a source tree and a build of it."""

    source: pathlib.Path
    directory: pathlib.Path
    cmake: str
    c_compiler: str
    cxx_compiler: str
    minimal_host: pathlib.Path
    module: pathlib.Path
    python: str | None  # the interpreter for which the package was built


class Place:
    def __init__(self, build: Build, work: pathlib.Path, *, isolated: bool) -> None:
        self.build = build
        self.isolated = isolated
        self._work = work
        prefix, programs, site = work / "prefix", work / "programs", work / "site"
        log = subprocess.run(
            [build.cmake, "--install", build.directory, "--prefix", prefix],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if log.returncode:
            raise SystemExit(f"cmake --install failed: {log.stdout}{log.stderr}")
        self.programs_of_prefix = prefix / "bin"
        programs.mkdir()
        for name, target in {
            "cc": build.c_compiler,
            "c++": build.cxx_compiler,
            "cmake": build.cmake,
            "python": build.python,
            "check_host.py": prefix / "share/matrix-devices/check_host.py",
        }.items():
            if target:
                (programs / name).symlink_to(target)
        package_file = next(prefix.rglob("matrix_devices.pc"))
        self.env = {
            **os.environ,
            "PATH": f"{programs}:{prefix / 'bin'}:{os.environ['PATH']}",
            "PKG_CONFIG_PATH": str(package_file.parent),
            "CMAKE_PREFIX_PATH": str(prefix),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(work),
        }
        if build.python:
            write_metadata(build.source, site, programs)
            self.env["PYTHONPATH"] = f"{site}:{build.directory / 'python'}"

    def directory_for(self, document: str) -> pathlib.Path:
        """A fresh one. What lies in the checkout lies there too."""
        directory = self._work / document.replace("/", "_")
        directory.mkdir()
        for entry in self.build.source.iterdir():
            if entry.name != "build" and not entry.name.startswith("."):
                (directory / entry.name).symlink_to(entry)
        (directory / "build").mkdir()
        (directory / "build/release").symlink_to(self.build.directory)
        return directory


def write_metadata(source: pathlib.Path, site: pathlib.Path, programs: pathlib.Path) -> None:
    """The plugin of pytest and the commands that pyproject.toml names, as pip makes them."""
    with (source / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    information = site / "matrix_devices-1.0.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1.0.0\n"
    )
    groups = dict(project.get("entry-points", {}))
    groups["console_scripts"] = scripts = project.get("scripts", {})
    (information / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in entries.items())
            for group, entries in groups.items()
        )
    )
    for name, target in scripts.items():
        module, _, function = target.partition(":")
        program = programs / name
        program.write_text(
            f"#!/bin/sh\nexec python -c 'import sys; from {module} import {function}; "
            f'sys.argv[0] = "{name}"; sys.exit({function}())\' "$@"\n'
        )
        program.chmod(0o755)
