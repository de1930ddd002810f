"""The homeservers on the board, and the files that pin their versions."""

from __future__ import annotations

import re

from board import REPOSITORY, Homeserver

SYNAPSES = REPOSITORY / "tests" / "synapse" / "versions.txt"  # newest first
DENDRITE = REPOSITORY / "tests" / "dendrite" / "version.txt"
OURS = REPOSITORY / "CMakeLists.txt"
WITH_MODULE = " with the module"


def lines_of(text: str) -> list[str]:
    """Without comments and blank lines."""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def homeservers() -> dict[str, Homeserver]:
    """By key, in the order of the board."""
    synapses = [line.split()[0] for line in lines_of(SYNAPSES.read_text())]
    dendrite = lines_of(DENDRITE.read_text())[0].removeprefix("v")
    found = re.search(r"project\(matrix_devices VERSION (\S+)", OURS.read_text())
    assert found is not None
    ours = found[1]
    listed = [
        Homeserver("server_sqlite", "matrix-devices-server on SQLite", ours),
        Homeserver("server_postgres", "matrix-devices-server, two on PostgreSQL", ours),
        Homeserver("rust", "The example in Rust", ours),
        Homeserver("go", "The example in Go", ours),
    ]
    for age, version in (("newest", synapses[0]), ("oldest", synapses[-1])):
        name = f"Synapse {version}"
        listed.append(Homeserver(f"synapse_{age}_module", name + WITH_MODULE, version))
        listed.append(Homeserver(f"synapse_{age}", name, version))
    name = f"Dendrite {dendrite}"
    listed.append(Homeserver("dendrite_module", name + WITH_MODULE, dendrite))
    listed.append(Homeserver("dendrite", name, dendrite))
    return {each.key: each for each in listed}
