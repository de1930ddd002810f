"""Images without a container engine: the steps of a Dockerfile, done in folders.

A base image is a bare Debian of tests/platforms/make_root; a step is a command in it, as root or as
the Dockerfile's user. Images that no Debian stands for are told to `Builder`.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dockerfile import Stage, Step, stages_of

REPOSITORY = Path(__file__).resolve().parents[2]
PLATFORMS = REPOSITORY / "tests" / "platforms"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "matrix-devices/platforms"
DEBIAN = {"debian:trixie-slim": "trixie", "debian:bookworm-slim": "bookworm"}

# How this machine's pip gets at its index, and whom this machine trusts: not the image's business.
THIS_MACHINES = ["/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt"]


@dataclass
class Image:
    """A root, and what its Dockerfile says of it."""

    root: Path
    stage: Stage
    volumes: dict[str, Path] = field(default_factory=dict)  # made at the first use of each

    def enter(
        self,
        command: Sequence[str],
        *,
        user: str = "",
        folder: str = "/",
        environment: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> list[str]:
        """The command that runs this one in the root."""
        words = [str(PLATFORMS / "in_root"), str(self.root), *options, "env", f"--chdir={folder}"]
        words += [f"{key}={value}" for key, value in (environment or {}).items()]
        if user and user != "root":
            uid, _, gid = user.partition(":")
            words += ["setpriv", f"--reuid={uid}", f"--regid={gid or uid}", "--clear-groups"]
        return [*words, *command]

    def started(self, command: Sequence[str]) -> list[str]:
        """As `docker run --read-only` starts it: only the volumes can be written."""
        options = []
        for volume in self.stage.volumes:
            options += ["--share", f"{self.volume(volume)}:{volume}"]
        return self.enter(
            command,
            user=self.stage.user,
            folder=self.stage.folder,
            environment=self.stage.environment,
            options=options,
        )

    def volume(self, inside: str) -> Path:
        """A new one has what lies there in the image, and its owner."""
        if inside not in self.volumes:
            self.volumes[inside] = self.root.with_name(f"volume{len(self.volumes)}")
            run(["cp", "-a", str(self.root) + inside, str(self.volumes[inside])])
        return self.volumes[inside]


class Builder:
    """Builds Dockerfiles of this checkout, as it is in the work tree, in a folder of their own."""

    def __init__(
        self,
        work: Path,
        others: Mapping[str, Callable[[Path], None]] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`others`: how to make the root of an image that is no Debian's, by its name;
        `environment`: what these images have set."""
        self.work = work
        self.others = others or {}
        self.environment = environment or {}
        self.context = work / "context"
        self.context.mkdir()
        files = subprocess.run(
            ["git", "-C", str(REPOSITORY), "ls-files", "-z"], check=True, capture_output=True
        ).stdout
        pack = ["tar", "-C", str(REPOSITORY), "-c", "--null", "-T", "-"]
        packed = subprocess.run(pack, input=files, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-C", str(self.context), "-x"], input=packed, check=True)

    def build(self, dockerfile: str) -> Image:
        """All its stages; the image of the last."""
        built: dict[str, Image] = {}
        stages = stages_of(REPOSITORY / dockerfile)
        for stage in stages:
            say(f"{dockerfile}: FROM {stage.base} AS {stage.name}")
            image = Image(self.base_of(stage, is_last=stage is stages[-1]), stage)
            for step in stage.steps:
                say(f"{step.name} {' '.join(step.words)}")
                self.do(image, step, built)
            built[stage.name] = image
        return built[stages[-1].name]

    def base_of(self, stage: Stage, *, is_last: bool) -> Path:
        """A root of its own."""
        root = self.work / f"{stage.base.split('/')[-1].split(':')[0]}-{stage.name}" / "root"
        root.parent.mkdir()
        if stage.base in self.others:
            self.others[stage.base](root)
        elif stage.base in DEBIAN:
            copy_debian(DEBIAN[stage.base], root, [] if is_last else ["ccache"])
        else:
            raise SystemExit(f"nothing here stands for {stage.base}: versions.txt has another")
        return root

    def do(self, image: Image, step: Step, built: Mapping[str, Image]) -> None:
        """One step."""
        if step.name == "RUN":
            with at_home(image.root):
                run(
                    image.enter(
                        ["/bin/sh", "-c", step.words[0]],
                        user=step.user,
                        folder=step.folder,
                        environment={**reached(), **self.environment, **step.environment},
                        options=["--writable", "--share", f"{cache_folder()}:/ccache"],
                    )
                )
        elif step.name == "WORKDIR":
            (image.root / step.words[0].lstrip("/")).mkdir(parents=True, exist_ok=True)
        else:
            source = built[step.source].root if step.source else self.context
            copy(source, step.words[:-1], image.root, step.folder, step.words[-1])


def copy_debian(suite: str, root: Path, packages: Sequence[str] = ()) -> None:
    """A bare one, in a folder that is not there yet."""
    name = "-".join(["container", suite, *packages[-1:]])
    made = subprocess.run(
        [str(PLATFORMS / "make_root"), name, suite, *packages],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.strip()
    run(["cp", "-a", "--reflink=auto", made, str(root)])


def copy(source: Path, names: Sequence[str], root: Path, folder: str, target: str) -> None:
    """COPY: what a folder has goes into the target, a file into it or in its place."""
    to = root / str(Path(folder) / target).lstrip("/")
    for name in names:
        origin = source / name.lstrip("/")
        is_into = target.endswith("/") or target == "." or len(names) > 1
        if origin.is_dir():
            to.mkdir(parents=True, exist_ok=True)
            run(["cp", "-a", "--no-preserve=ownership", f"{origin}/.", str(to)])
        else:
            place = to / origin.name if is_into else to
            place.parent.mkdir(parents=True, exist_ok=True)
            run(["cp", "-a", "--no-preserve=ownership", str(origin), str(place)])


@contextlib.contextmanager
def at_home(root: Path) -> Iterator[None]:
    """A root that reaches this machine's index of Python packages for the time of a step."""
    before = {}
    for name in THIS_MACHINES:
        inside = root / name.lstrip("/")
        before[inside] = inside.read_bytes() if inside.exists() else None
        if Path(name).exists():
            shutil.copyfile(name, inside)
    try:
        yield
    finally:
        for inside, content in before.items():
            if content is not None:
                inside.write_bytes(content)
            else:
                inside.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Of ccache, for all roots."""
    folder = CACHE / "ccache"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def reached() -> dict[str, str]:
    """What a step may use of this machine: its way to packages, its compiler cache, its cores."""
    found = {"CMAKE_C_COMPILER_LAUNCHER": "ccache", "CMAKE_CXX_COMPILER_LAUNCHER": "ccache"}
    found |= {"CCACHE_DIR": "/ccache", "CCACHE_BASEDIR": "/src", "CCACHE_NOHASHDIR": "1"}
    found |= {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    return {**found, "CMAKE_BUILD_PARALLEL_LEVEL": os.environ.get("JOBS", str(os.cpu_count()))}


def install_with_pip(root: Path, packages: Sequence[str], environment: Mapping[str, str]) -> None:
    """For the whole root."""
    command = ["python3", "-m", "pip", "install", "--quiet", *packages]
    image = Image(root, Stage("", ""))
    environment = {**reached(), **environment}
    run(image.enter(command, environment=environment, options=["--writable"]))


def run(command: Sequence[str]) -> None:
    """Run it; show what it says only where it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        text = done.stdout.decode(errors="replace")
        raise SystemExit(f"{text}\nstatus {done.returncode}: {shlex.join(command)}")


def say(text: str) -> None:
    """What is done now."""
    print(f"==> {text}", flush=True, file=sys.stderr)
