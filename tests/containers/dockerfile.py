"""What a Dockerfile says, stage by stage, in the words that `docker build` reads."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from dockerfile_parse import DockerfileParser

VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
HEALTH_OPTIONS = {"interval", "timeout", "start-period"}


class UnknownInstructionError(ValueError):
    """Something that is not done here: then nothing is, rather than something else."""


@dataclass(frozen=True)
class Step:
    """An instruction that makes files: RUN, COPY or WORKDIR, as it is to be done at that point."""

    name: str
    words: tuple[str, ...]  # of COPY: sources and target; of RUN: the command for /bin/sh -c
    user: str
    folder: str
    environment: Mapping[str, str]
    source: str = ""  # COPY --from


@dataclass
class Stage:
    """From one FROM to the next, and what the image says of itself at its end."""

    base: str
    name: str
    steps: list[Step] = field(default_factory=list)
    user: str = "root"
    folder: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    volumes: list[str] = field(default_factory=list)
    ports: list[str] = field(default_factory=list)
    stop_signal: str = ""
    health: list[str] = field(default_factory=list)
    entry_point: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)

    @property
    def uid(self) -> int:
        """Of the user that it ends with."""
        return 0 if self.user == "root" else int(self.user.split(":")[0])


def stages_of(path: Path) -> list[Stage]:
    """Read it. Throws UnknownInstructionError."""
    parser = DockerfileParser(fileobj=path.open("rb"), env_replace=False)
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for each in parser.structure:
        name, value = each["instruction"], each["value"]
        if name == "COMMENT":
            continue
        if name == "FROM":
            base, _, named = with_values(value, arguments).partition(" AS ")
            stages.append(Stage(base.strip(), named.strip() or str(len(stages))))
        elif not stages:
            if name != "ARG":
                raise UnknownInstructionError(f"{name} before FROM")
            key, _, default = value.partition("=")
            arguments[key] = default
        else:
            take(stages[-1], name, value)
    return stages


def take(stage: Stage, name: str, value: str) -> None:
    """One instruction of a stage."""
    known = {**stage.environment}
    if name in ("RUN", "COPY", "WORKDIR"):
        step = Step(name, (value,), stage.user, stage.folder, dict(stage.environment))
        if name == "RUN":
            if value.startswith(("[", "--", "<<")):
                raise UnknownInstructionError(f"RUN {value}")
        else:
            options, words = options_of(with_values(value, known))
            step = replace(step, words=tuple(words), source=options.pop("from", ""))
            if options:
                raise UnknownInstructionError(f"{name} --{', --'.join(options)}")
            if name == "WORKDIR":
                stage.folder = step.words[0]
        stage.steps.append(step)
    elif name == "ENV":
        stage.environment |= pairs(with_values(value, known))
    elif name == "LABEL":
        stage.labels |= pairs(value)
    elif name == "USER":
        stage.user = value
    elif name == "VOLUME":
        stage.volumes += value.split()
    elif name == "EXPOSE":
        stage.ports += value.split()
    elif name == "STOPSIGNAL":
        stage.stop_signal = value
    elif name == "ENTRYPOINT":
        stage.entry_point = json.loads(value)
    elif name == "CMD":
        stage.command = json.loads(value)
    elif name == "HEALTHCHECK":
        before, _, command = value.partition("CMD ")
        options, rest = options_of(before)
        if rest or not set(options) <= HEALTH_OPTIONS:
            raise UnknownInstructionError(f"HEALTHCHECK {value}")
        stage.health = json.loads(command)
    else:
        raise UnknownInstructionError(name)


def options_of(value: str) -> tuple[dict[str, str], list[str]]:
    """--name=value before the words."""
    words = shlex.split(value)
    options = {}
    while words and words[0].startswith("--"):
        key, _, given = words.pop(0)[2:].partition("=")
        options[key] = given
    return options, words


def pairs(value: str) -> dict[str, str]:
    """name=value …"""
    return dict(split_pairs(shlex.split(value)))


def split_pairs(words: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Each at its first =."""
    for word in words:
        key, separator, given = word.partition("=")
        if not separator:
            raise UnknownInstructionError(f"{word} without =")
        yield key, given


def with_values(text: str, values: Mapping[str, str]) -> str:
    """$NAME and ${NAME}: of ARG and ENV."""
    return VARIABLE.sub(lambda found: values[found[1] or found[2]], text)
