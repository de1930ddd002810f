"""What shells complete after `matrix-devices` is what its --help says."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from shells import (
    BOTH,
    Completion,
    commands_specified,
    options_specified,
    output,
    shell_that_is_here,
)

PACKAGING = Path(__file__).parents[2] / "bindings" / "python" / "packaging"
NAME = "matrix-devices"


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    """The --help of the command and of each that is in it."""
    texts = {"": output(sys.executable, "-m", "matrix_devices", "--help")}
    for word in words_in(texts[""]):
        texts[word] = output(sys.executable, "-m", "matrix_devices", word, "--help")
    assert texts.keys() == {"", "serve", "check", "version"}
    return texts


def words_in(text: str) -> list[str]:
    """Of a --help: the commands that have a line."""
    _, heading, rest = text.partition("\ncommands:\n")
    return re.findall(r"^    ([a-z]+) ", rest, re.MULTILINE) if heading else []


def options_in(text: str) -> set[str]:
    """Of a --help: the options that have a line."""
    lines = re.findall(r"^  (-h, --help|--[a-z-]+)", text, re.MULTILINE)
    return {option for line in lines for option in line.split(", ")}


@pytest.fixture
def completion(tmp_path: Path, request: pytest.FixtureRequest) -> Completion:
    """A shell that is here, and the file that it reads."""
    shell = shell_that_is_here(request.param)
    described = output(sys.executable, str(PACKAGING / "command_line.py"))
    file = tmp_path / f"completion.{shell}"
    file.write_text(output(os.environ["MXD_WRITE_COMPLETION"], shell, stdin=described))
    return Completion(shell, NAME, file)


@BOTH
def test_shells_offer_commands_and_options(completion: Completion, helps: dict[str, str]) -> None:
    """All that --help lists, at each command, and no others."""
    assert completion.offers("") == {"serve", "check", "version"}
    for words, text in helps.items():
        offered = completion.offers(*words.split(), "--")
        assert offered == options_in(text) - {"-h"}, words


@BOTH
def test_shells_offer_files(
    completion: Completion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one is to be named, and nowhere else."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "devices.db").touch()
    assert completion.offers("serve", "--database", "dev") == {"devices.db"}
    assert completion.offers("serve", "--server-name", "dev") == set()
    assert completion.offers("check", "dev") == {"devices.db"}
    assert completion.offers("version", "dev") == set()


@pytest.mark.parametrize("completion", ["zsh"], indirect=True)
def test_zsh_is_given_the_options(completion: Completion, helps: dict[str, str]) -> None:
    """What zsh's own _arguments gets, of each command, and the words that it looks at."""
    for words, text in helps.items():
        first, specs = completion.specifications(*words.split())
        assert first == (words or NAME)
        assert options_specified(specs) == options_in(text), words
        assert commands_specified(specs) == words_in(text)
