"""What shells complete, by the files that they read."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

BOTH = pytest.mark.parametrize("completion", ["bash", "fish"], indirect=True)


def output(*command: str, stdin: str | None = None) -> str:
    """What a command prints; it ends with 0."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Completion:
    """A shell, and the file by which it completes a program."""

    def __init__(self, shell: str, program: str, file: Path) -> None:
        self.shell = shell
        self.program = program
        self.file = file

    @property
    def _function(self) -> str:
        return "_" + self.program.replace("-", "_")

    def offers(self, *words: str) -> set[str]:
        """What bash and fish offer for the last of these words after the program."""
        if self.shell == "bash":
            line = shlex.join((self.program, *words))
            script = (
                f"source {shlex.quote(str(self.file))}; COMP_WORDS=({line}); "
                f'COMP_CWORD={len(words)}\n{self._function}; printf "%s\\n" "${{COMPREPLY[@]}}"'
            )
            return set(output("bash", "--norc", "-c", script).split())
        assert self.shell == "fish"
        line = " ".join((self.program, *words))
        script = f'source {self.file}; complete -C "{line}"'
        lines = output("fish", "--no-config", "-c", script).splitlines()
        return {line.split("\t")[0] for line in lines}

    def specifications(self, *words: str) -> tuple[str, list[str]]:
        """What zsh's own _arguments gets: the first word that it looks at, and the rest."""
        assert self.shell == "zsh"
        typed = (self.program, *words, "")
        script = (
            f"compdef() {{ :; }}; source {self.file}\n"
            '_arguments() { print -rl -- "$words[1]" "$@" $commands }\n'
            f"words=({shlex.join(typed)}); CURRENT={len(typed)}\n"
            f"{self._function}"
        )
        first, *specs = output("zsh", "--no-rcs", "-c", script).splitlines()
        return first, specs


def shell_that_is_here(shell: str) -> str:
    """Skips the test if it is not."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    return shell


def options_specified(specs: list[str]) -> set[str]:
    """The options among zsh's specifications."""
    return {spec.lstrip("*").split("[")[0].rstrip("=") for spec in specs if "[" in spec}


def commands_specified(specs: list[str]) -> list[str]:
    """The commands among them."""
    return [spec.split(":")[0] for spec in specs if spec[0].islower()]
