"""The manual page and the completions say what the command line takes: `describe`."""

from __future__ import annotations

import re
import shutil
import subprocess
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

NAME = "matrix-devices-server"


def options_in(text: str) -> set[str]:
    """Of a --help: the options that have a line."""
    lines = re.findall(r"^  (-[-\w,]+)", text, re.MULTILINE)
    return {option for line in lines for option in line.split(",")}


def words_in(text: str) -> list[str]:
    """Of a --help: the commands that have a line."""
    _, heading, rest = text.partition("\nSubcommands:\n")
    return re.findall(r"^  ([a-z-]+) ", rest, re.MULTILINE) if heading else []


@pytest.fixture(scope="module")
def helps(binary: str) -> dict[str, str]:
    """The --help of the server and of each of its commands and groups, by its words."""
    texts = {"": output(binary, "--help")}
    for word in words_in(texts[""]):
        texts[word] = output(binary, word, "--help")
        for inner in words_in(texts[word]):
            texts[f"{word} {inner}"] = output(binary, word, inner, "--help")
    assert {"user", "device", "token", "user add", "check"} <= set(texts)
    return texts


def groups_in(helps: dict[str, str]) -> set[str]:
    """Of these, what only leads to commands."""
    return {words for words, text in helps.items() if words and words_in(text)}


@pytest.fixture
def completion(binary: str, tmp_path: Path, request: pytest.FixtureRequest) -> Completion:
    """A shell that is here, and the file that it reads."""
    shell = shell_that_is_here(request.param)
    file = tmp_path / f"completion.{shell}"
    file.write_text(output(binary, "describe", shell))
    return Completion(shell, NAME, file)


@BOTH
def test_shells_offer_the_commands(completion: Completion, helps: dict[str, str]) -> None:
    """After the program, and after a group: its commands; also behind an option and its value."""
    for group in ("", *groups_in(helps)):
        offered = completion.offers(*group.split(), "")
        assert offered == set(words_in(helps[group])), group
        behind = completion.offers("--database", "token", *group.split(), "")
        assert behind == offered


@BOTH
def test_shells_offer_the_options(completion: Completion, helps: dict[str, str]) -> None:
    """All that --help lists, of each command, and no others."""
    for words, text in helps.items():
        if words in groups_in(helps):
            continue
        offered = completion.offers(*words.split(), "--")
        wanted = {option for option in options_in(text) if option.startswith("--")}
        assert offered == wanted, words


@BOTH
def test_shells_offer_files_and_choices(
    completion: Completion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file where one is to be named, in a name with spaces too; the forms of `describe`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "devices.db").touch()
    assert completion.offers("user", "list", "--database", "dev") == {"devices.db"}
    assert completion.offers("backup", "dev") == {"devices.db"}
    assert completion.offers("user", "add", "--server-name", "dev") == set()
    assert completion.offers("user", "show", "dev") == set()
    assert completion.offers("describe", "") >= {"man", "bash", "zsh", "fish"}


@pytest.mark.parametrize("completion", ["zsh"], indirect=True)
def test_zsh_is_given_the_options(completion: Completion, helps: dict[str, str]) -> None:
    """What zsh's own _arguments gets, of each command, and the words that it looks at."""
    for words, text in helps.items():
        first, specs = completion.specifications(*words.split())
        assert first == (NAME, *words.split())[-1]
        if words not in groups_in(helps):
            assert options_specified(specs) == options_in(text), words
        assert commands_specified(specs) == words_in(text)


def test_the_manual_page_has_all(binary: str, helps: dict[str, str]) -> None:
    """Each command with its options, argument and examples; those of serving."""
    page = output(binary, "describe", "man").replace("\\-", "-").replace("\\(aq", "'")
    serving, _, rest = page.partition(".SH COMMANDS\n")
    commands = dict(
        section.split('"\n', 1) for section in re.split(r'^\.SS "', rest, flags=re.M)[1:]
    )
    assert commands.keys() == helps.keys() - {"", *groups_in(helps)}
    for words, section in {"": serving, **commands}.items():
        named = {
            option
            for line in re.findall(r"^\\fB(-.*)", section, re.M)
            for option in re.findall(r"(?:^|\\fB)(--?[a-z-]+)\\fR", line)
        }
        assert named == options_in(helps[words]), words
        for example in re.findall(rf"^  ({NAME} .*)", helps[words], re.M):
            assert example in section
        for argument in re.findall(r"^  ([A-Z]+) ", helps[words], re.M):
            assert f"\\fI{argument}\\fR" in section
    assert helps["sweep"].rstrip().splitlines()[-1].partition(": ")[2] in page


def test_the_manual_page_is_read_without_a_warning(binary: str, tmp_path: Path) -> None:
    """By the formatter of man."""
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    page = tmp_path / f"{NAME}.8"
    page.write_text(output(binary, "describe", "man"))
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z", str(page)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
