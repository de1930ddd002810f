"""What readers of JSON take and refuse: tests/json/texts.json, which explains itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

_FILE = Path(__file__).resolve().parent.parent / "json" / "texts.json"


class JsonText(NamedTuple):
    """A text, and what it is read as: ``object``, or the fault."""

    name: str
    text: bytes
    result: str


def json_texts() -> list[JsonText]:
    """All of the table."""
    table = json.loads(_FILE.read_text(encoding="utf-8"))
    return [
        JsonText(entry["name"], b"".join(map(_part, entry["text"])), entry["result"])
        for entry in table["texts"]
    ]


def _part(part: Any) -> bytes:
    if isinstance(part, str):
        return part.encode()
    if "hex" in part:
        return bytes.fromhex(part["hex"])
    if "members" in part:
        return ",".join(f'"k{number}":0' for number in range(part["members"])).encode()
    text: str = part["repeat"]
    return text.encode() * int(part["times"])
