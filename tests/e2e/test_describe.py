"""The manual page and the completions say what the command line takes: `describe`."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

NAME = "matrix-devices-server"


def output(*command: str, **settings: str | None) -> str:
    """What a command prints; it ends with 0."""
    done = subprocess.run(
        command, input=settings.get("stdin"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


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
def completion(binary: str, tmp_path: Path, request: pytest.FixtureRequest) -> tuple[str, Path]:
    """A shell that is here, and the file that it reads."""
    shell: str = request.param
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    file = tmp_path / f"completion.{shell}"
    file.write_text(output(binary, "describe", shell))
    return shell, file


def completed(completion: tuple[str, Path], *words: str) -> set[str]:
    """What the shell offers for the last of these words after the program."""
    shell, file = completion
    if shell == "bash":
        line = " ".join(map(shlex.quote, (NAME, *words)))
        script = (
            f"source {shlex.quote(str(file))}; COMP_WORDS=({line}); COMP_CWORD={len(words)}\n"
            '_matrix_devices_server; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        return set(output("bash", "--norc", "-c", script).split())
    assert shell == "fish"
    line = " ".join((NAME, *words))
    lines = output("fish", "--no-config", "-c", f'source {file}; complete -C "{line}"').splitlines()
    return {line.split("\t")[0] for line in lines}


SHELLS = pytest.mark.parametrize("completion", ["bash", "fish"], indirect=True)


@SHELLS
def test_shells_offer_the_commands(completion: tuple[str, Path], helps: dict[str, str]) -> None:
    """After the program, and after a group: its commands; also behind an option and its value."""
    for group in ("", *groups_in(helps)):
        offered = completed(completion, *group.split(), "")
        assert offered == set(words_in(helps[group])), group
        behind = completed(completion, "--database", "token", *group.split(), "")
        assert behind == offered


@SHELLS
def test_shells_offer_the_options(completion: tuple[str, Path], helps: dict[str, str]) -> None:
    """All that --help lists, of each command, and no others."""
    for words, text in helps.items():
        if words in groups_in(helps):
            continue
        offered = completed(completion, *words.split(), "--")
        wanted = {option for option in options_in(text) if option.startswith("--")}
        assert offered == wanted, words


@SHELLS
def test_shells_offer_files_and_choices(
    completion: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file where one is to be named, in a name with spaces too; the forms of `describe`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "devices.db").touch()
    assert completed(completion, "user", "list", "--database", "dev") == {"devices.db"}
    assert completed(completion, "backup", "dev") == {"devices.db"}
    assert completed(completion, "user", "add", "--server-name", "dev") == set()
    assert completed(completion, "user", "show", "dev") == set()
    assert completed(completion, "describe", "") >= {"man", "bash", "zsh", "fish"}


@pytest.mark.parametrize("completion", ["zsh"], indirect=True)
def test_zsh_is_given_the_options(completion: tuple[str, Path], helps: dict[str, str]) -> None:
    """What zsh's own _arguments gets, of each command, and the words that it looks at."""
    for words, text in helps.items():
        typed = (NAME, *words.split(), "")
        script = (
            f"compdef() {{ :; }}; source {completion[1]}\n"
            '_arguments() { print -rl -- "$words[1]" "$@" $commands }\n'
            f"words=({' '.join(map(shlex.quote, typed))}); CURRENT={len(typed)}\n"
            "_matrix_devices_server"
        )
        first, *specs = output("zsh", "--no-rcs", "-c", script).splitlines()
        assert first == typed[-2]
        given = {spec.lstrip("*").split("[")[0].rstrip("=") for spec in specs if "[" in spec}
        if words not in groups_in(helps):
            assert given == options_in(text), words
        assert [spec.split(":")[0] for spec in specs if spec[0].islower()] == words_in(text)


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
