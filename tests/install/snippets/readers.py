"""What reads a snippet: a shell, an interpreter, the module, the server, systemd, SQLite."""

import json
import pathlib
import re
import shutil
import sqlite3
import subprocess
import textwrap
from typing import Any

from .documents import Problem, Snippet
from .output import compare
from .place import SYSTEM_DIRECTORIES, Place
from .sessions import Interpreter, Shell

# Keys beside the module's own in homeserver.yaml (docs/synapse.md).
KEYS_OF_SYNAPSE = ("library", "allow_untested_synapse")


class Skipped(Exception):
    """This machine lacks something; the text says what."""

    def __init__(self, reason: str, *, and_what_follows: bool = False) -> None:
        super().__init__(reason)
        self.and_what_follows = and_what_follows  # in that document: it may need what was skipped


class Reader:
    """Reads one document from its first snippet to its last."""

    def __init__(self, place: Place, document: str) -> None:
        self._place = place
        self._directory = place.directory_for(document)
        self._shell: Shell | None = None
        self._interpreter: Interpreter | None = None
        self._database = sqlite3.connect(":memory:")
        self._printed: str | None = None
        self._printing_was_skipped = False

    def close(self) -> None:
        self._database.close()
        if self._interpreter:
            self._interpreter.close()
        if self._shell:
            try:
                self._shell.stop_server()
            finally:
                self._shell.close()

    def read(self, snippet: Snippet) -> None:
        if not self._place.isolated and (path := system_path(snippet.text)):
            raise Skipped(
                f"{path} would be written to, and there is no namespace for it",
                and_what_follows=True,
            )
        if given := snippet.marks.get("given"):
            self._shell_here().run(given)
        for mark in snippet.marks:
            if method := getattr(self, "_" + mark.replace(" ", "_"), None):
                method(snippet)
                return
        method = getattr(self, "_of_" + snippet.language, None)
        if not method:
            raise Problem(
                f"nothing here reads {snippet.language}: give it a mark (run_snippets.py), or an "
                "entry with its reason in snippets_not_run.txt"
            )
        method(snippet)

    # ---- By mark ----

    def _output(self, snippet: Snippet) -> None:
        if command := snippet.marks["output"]:
            self._printed = self._shell_here().run(command)
        elif self._printing_was_skipped:
            raise Skipped("so was what prints it")
        if self._printed is None:
            raise Problem("expected a snippet before, of which this is the output")
        compare(snippet, self._printed)

    def _file(self, snippet: Snippet) -> None:
        file = self._directory / snippet.marks["file"]
        if not file.parent.is_dir():
            raise Problem(f"expected the reader to have made the directory of {file.name}")
        if not file.parent.resolve().is_relative_to(self._directory.resolve()):
            raise Problem(f"expected a file of the reader's own: {file} is in the checkout")
        file.unlink(missing_ok=True)  # not through a link into the checkout
        file.write_text(snippet.text)
        if snippet.language == "json":
            parse_json(snippet.text)
        elif snippet.language == "yaml":
            self._of_yaml(snippet)
        elif snippet.language == "ini":
            self._verify_unit(file)

    def _serves(self, snippet: Snippet) -> None:
        self._need_what_is_named(snippet)
        self._shell_here().serve(snippet.text, snippet.marks["serves"])

    def _quote(self, snippet: Snippet) -> None:
        path, tag = snippet.marks["quote"].split()
        text = (self._place.build.source / path).read_text()
        opens, closes = ("// ", "") if path.endswith((".go", ".rs")) else ("/* ", " */")
        begin, end = f"{opens}{tag}: begin{closes}\n", f"{opens}{tag}: end{closes}\n"
        if begin not in text:
            raise Problem(f"expected {begin.strip()} in {path}")
        region = text.partition(begin)[2].partition(end)[0].rpartition("\n")[0].strip("\n") + "\n"
        if snippet.text != textwrap.dedent(region):
            raise Problem(f"expected the part of {path} that is marked {tag}")
        if path.endswith(("_test.go", ".rs")):
            return  # of the packages in Go and Rust: tests/peers/check_go, check_rust
        examples = (self._place.build.source / "tests/install/CMakeLists.txt").read_text()
        if pathlib.Path(path).stem not in examples:
            raise Problem(f"expected tests/install/CMakeLists.txt to build and run {path}")

    def _config(self, snippet: Snippet) -> None:
        module = self._place.build.module
        if other := snippet.marks["config"]:
            module = module.with_name(other)
        self._create_with(parse_json(snippet.text), module)

    def _server_config(self, snippet: Snippet) -> None:
        (self._directory / "server_config.json").write_text(snippet.text)
        shell = self._shell_here()
        shell.serve(
            "matrix-devices-server --listen unix:config.sock --config server_config.json "
            "--database server_config.db --server-name example.org",
            f"unix:{self._directory}/config.sock",
        )
        shell.stop_server()

    def _sql(self, snippet: Snippet) -> None:
        arguments = dict.fromkeys(re.findall(r":(\w+)", snippet.text), 0)
        try:
            self._database.execute(snippet.text, arguments)
        except sqlite3.Error as error:
            raise Problem(f"expected SQL that runs: {error}") from error

    def _test(self, snippet: Snippet) -> None:
        file = f"test_{snippet.marks['test']}.py"
        (self._directory / file).write_text(snippet.text)
        self._need_python()
        self._shell_here().run(f"python -m pytest -p no:cacheprovider -q --rootdir . {file} >&2")

    def _run(self, snippet: Snippet) -> None:
        file = f"{snippet.marks['run']}.py"
        (self._directory / file).write_text(snippet.text)
        self._need_python()
        self._printed = self._shell_here().run(f"python {file}")

    # ---- By language ----

    def _of_sh(self, snippet: Snippet) -> None:
        self._need_what_is_named(snippet)
        self._printing_was_skipped = False
        self._printed = self._shell_here().run(snippet.text, snippet.marks.get("typed", ""))

    def _of_python(self, snippet: Snippet) -> None:
        self._need_python()
        if not self._interpreter:
            self._interpreter = Interpreter(self._directory, self._place.env)
        self._printed = self._interpreter.run(snippet.text, str(snippet))

    def _of_yaml(self, snippet: Snippet) -> None:
        try:
            import yaml
        except ImportError:
            raise Skipped("python3-yaml is not installed") from None
        try:
            parsed = yaml.safe_load(textwrap.dedent(snippet.text))
        except yaml.YAMLError as error:
            raise Problem(f"expected YAML: {error}") from error
        for config in configs_in(parsed):
            settings = {key: value for key, value in config.items() if key not in KEYS_OF_SYNAPSE}
            self._create_with(settings, self._place.build.module)

    # ---- What they share ----

    def _shell_here(self) -> Shell:
        if not self._shell:
            self._shell = Shell(self._directory, self._place.env)
        return self._shell

    def _need_what_is_named(self, snippet: Snippet) -> None:
        if re.search(r"(?<![\w/.-])(python3?|matrix-devices)(?![\w/-])", snippet.text):
            self._need_python()

    def _need_python(self) -> None:
        if not self._place.build.python:
            self._printing_was_skipped = True
            raise Skipped("built without the Python package")

    def _create_with(self, settings: Any, module: pathlib.Path) -> None:
        file = self._directory / "config_of_the_module.json"
        file.write_text(json.dumps(settings))
        created = subprocess.run(
            [self._place.build.minimal_host, module, file],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if created.returncode:
            raise Problem(f"expected the module to accept the settings: {created.stderr}")

    def _verify_unit(self, unit: pathlib.Path) -> None:
        """As it would be on a machine with the programs in /usr/local/bin."""
        if not shutil.which("systemd-analyze"):
            raise Skipped("systemd-analyze is not here")
        if not self._place.isolated:
            raise Skipped("without a namespace systemd-analyze would look into /usr/local/bin")
        script = (
            'mount -t tmpfs none /usr/local && ln -s "$1" /usr/local/bin && shift && '
            'exec systemd-analyze verify "$@"'
        )
        units = [unit, *unit.parent.glob("*.service")]
        verified = subprocess.run(
            ["unshare", "-m", "sh", "-c", script, "sh", self._place.programs_of_prefix, *units],
            capture_output=True, text=True, check=False, cwd=self._directory,
        )  # fmt: skip
        if said := [line for line in verified.stderr.splitlines() if unit.stem in line]:
            raise Problem(f"expected systemd-analyze to find nothing, got: {said}")
        if verified.returncode:
            raise Problem(f"systemd-analyze verify: {verified.stderr}")


def parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Problem(f"expected JSON: {error}") from error


def configs_in(parsed: object) -> list[dict[str, Any]]:
    """The value of each key `config`, at whatever depth."""
    if isinstance(parsed, list):
        return [config for element in parsed for config in configs_in(element)]
    if not isinstance(parsed, dict):
        return []
    found = [parsed["config"]] if isinstance(parsed.get("config"), dict) else []
    return found + [config for value in parsed.values() for config in configs_in(value)]


def system_path(text: str) -> str | None:
    match = re.search(rf"(?<![\w.])(?:{'|'.join(SYSTEM_DIRECTORIES)})/[\w/.-]+", text)
    return match[0] if match else None
