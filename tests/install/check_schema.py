"""The JSON schema of the settings is the code's: what docs/configuration.schema.json says is what
the server prints, and both accept and refuse the same.

check_schema.py SOURCE SERVER

- Each settings of a document (marks `config` and `server config`, `config` of a YAML) is valid.
- From the schema: each setting at its least and at its most, and each choice, is accepted by the
  schema and by the server; each of a wrong type, out of its range or of a wrong form, and a key
  that nobody knows in each object, is refused by the schema and by the server, which names the key.
"""

import itertools
import json
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from snippets.documents import documents_of, snippets_of
from snippets.readers import KEYS_OF_SYNAPSE, configs_in

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"skipped: python3-{missing.name} is not installed")
    sys.exit(77)

STORED = "docs/configuration.schema.json"
# Of a text that is not any text: by the pattern that the schema has for it, or a part of that
GOOD_TEXTS = {"https?": "https://example.org/", "[0-9]+d": "1d12h", "^[^": "example.org"}
BAD_TEXTS = {
    "https?": ["ftp://example.org", "https://example.org/a b", "https://example.org/\x7f", ""],
    "[0-9]+d": ["1 day", "", "d", "-1s", "5"],
    "^[^": ["", "a b", "a\tb"],
}

Path = tuple[str, ...]


def nested(path: Path, value: object) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    assert isinstance(value, dict)
    return value


def settings_in(schema: dict[str, Any], path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each setting and each object, with its path."""
    yield path, schema
    for key, own in schema.get("properties", {}).items():
        yield from settings_in(own, (*path, key))


def by_pattern(texts: dict[str, Any], schema: dict[str, Any]) -> Any:
    return next(value for part, value in texts.items() if part in schema["pattern"])


def good_values(schema: dict[str, Any]) -> list[object]:
    if "enum" in schema:
        return list(schema["enum"])
    kind = schema["type"]
    if kind == "integer":
        return [schema["minimum"], schema["maximum"], schema["default"]]
    if kind == "boolean":
        return [True, False]
    if kind == "array":
        return [["v3"] * schema["minItems"], ["v3"] * schema["maxItems"]]
    if kind == "object":
        return [{}]
    if "pattern" not in schema:
        return [""]
    most = ["x" * schema["maxLength"]] if "maxLength" in schema else []
    return [by_pattern(GOOD_TEXTS, schema), *most]


def bad_values(schema: dict[str, Any]) -> list[object]:
    if "enum" in schema:
        return ["neither", True, 1]
    kind = schema["type"]
    if kind == "integer":
        return [schema["minimum"] - 1, schema["maximum"] + 1, "1", 1.5, True]
    if kind == "boolean":
        return ["true", 1, None]
    if kind == "array":
        return [[], ["v3"] * (schema["maxItems"] + 1), "v3", [3], [""],
                *([f"a{mark}b"] for mark in "/?#% \t")]  # fmt: skip
    if kind == "object":
        return [{"nobody_knows": 1}, [], "text"]
    too_long = ["x" * (schema["maxLength"] + 1)] if "maxLength" in schema else []
    return [1, None, *too_long, *(by_pattern(BAD_TEXTS, schema) if "pattern" in schema else [])]


class Server:
    """Started with settings, and stopped again."""

    def __init__(self, program: str, folder: pathlib.Path) -> None:
        self._file = folder / "settings.json"
        self._command = [program, "--config", str(self._file), "--server-name", "example.org",
                         "--database", str(folder / "devices.db"),
                         "--listen", "127.0.0.1:0"]  # fmt: skip

    def refusal(self, settings: object) -> str:
        """Empty: it serves."""
        self._file.write_text(json.dumps(settings))
        with subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout
            serves = server.stdout.readline()  # the address, or the end of a refused one
            server.terminate()
            errors = server.communicate(timeout=60)[1]
        return "" if serves else errors


def examples_in(source: pathlib.Path) -> Iterator[tuple[str, object]]:
    """What the documents show, with where."""
    for document in documents_of(source):
        name = str(document.relative_to(source))
        for snippet in snippets_of(name, document.read_text()):
            if snippet.marks.get("config") == "" or "server config" in snippet.marks:
                yield str(snippet), json.loads(snippet.text)
            elif snippet.language == "yaml":
                for config in configs_in(yaml.safe_load(snippet.text)):
                    yield (
                        str(snippet),
                        {key: own for key, own in config.items() if key not in KEYS_OF_SYNAPSE},
                    )


def check_examples(source: pathlib.Path, validator: Any) -> Iterator[str]:
    examples = list(examples_in(source))
    if len(examples) < 5:
        yield f"expected 5 examples of settings or more in the documents, found {len(examples)}"
    for where, settings in examples:
        for error in validator.iter_errors(settings):
            yield f"{where}: {error.json_path}: {error.message}"


def check_accepted(schema: dict[str, Any], validator: Any, server: Server) -> Iterator[str]:
    """The first good value of each setting, all of them at once; then the next of each, …"""
    leaves = [(path, good_values(own)) for path, own in settings_in(schema) if path]
    for turn in range(max(len(good) for _, good in leaves)):
        settings = merged(nested(path, good[min(turn, len(good) - 1)]) for path, good in leaves)
        for error in validator.iter_errors(settings):
            yield f"{settings}: expected the schema to accept it: {error.message}"
        if refusal := server.refusal(settings):
            yield f"{settings}: expected the server to accept it: {refusal}"


def merged(parts: Iterator[dict[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            both = isinstance(value, dict) and isinstance(whole.get(key), dict)
            whole[key] = merged(iter([whole[key], value])) if both else value
    return whole


def check_refused(schema: dict[str, Any], validator: Any, server: Server) -> Iterator[str]:
    tried = itertools.count()
    for path, own in settings_in(schema):
        for value in bad_values(own):
            settings = nested(path, value) if path else value
            next(tried)
            if validator.is_valid(settings):
                yield f"{settings}: expected the schema to refuse it"
            refusal = server.refusal(settings)
            named = "nobody_knows" if value == {"nobody_knows": 1} else ".".join(path)
            if not refusal or named not in refusal:
                yield f"{settings}: expected the server to refuse it and name {named}: {refusal!r}"
    if (count := next(tried)) < 150:
        yield f"expected 150 wrong settings or more to try, got {count}"


def check(source: pathlib.Path, program: str) -> Iterator[str]:
    printed = subprocess.run(
        [program, "config", "schema"], capture_output=True, text=True, check=True
    ).stdout
    if printed != (source / STORED).read_text():
        yield f"{STORED}: the settings have changed: matrix-devices-server config schema >{STORED}"
    schema = json.loads(printed)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    yield from check_examples(source, validator)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(program, pathlib.Path(folder))
        yield from check_accepted(schema, validator, server)
        yield from check_refused(schema, validator, server)


def main() -> int:
    source, program = sys.argv[1:]
    problems = list(check(pathlib.Path(source).resolve(), program))
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
