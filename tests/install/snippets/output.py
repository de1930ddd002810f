"""What a snippet printed, beside what its document shows. `…` stands for anything."""

import json
import re
from typing import Any

from .documents import Problem, Snippet

ANYTHING = "…"


def matches_text(shown: str, printed: str) -> bool:
    lines = []
    for line in shown.strip().splitlines():
        if line == ANYTHING:  # by itself on a line: any number of lines
            lines.append("(?s:.*?)")
        else:  # columns are as wide as what is in them
            words = re.split(" +", line)
            lines.append(" +".join(re.escape(word).replace(ANYTHING, ".*?") for word in words))
    return re.fullmatch("\n".join(lines), printed.strip()) is not None


def matches_json(shown: Any, printed: Any) -> bool:
    if shown == ANYTHING:
        return True
    if isinstance(shown, str) and isinstance(printed, str):
        return matches_text(shown, printed)
    if isinstance(shown, dict) and isinstance(printed, dict):
        return shown.keys() == printed.keys() and all(
            matches_json(value, printed[key]) for key, value in shown.items()
        )
    if isinstance(shown, list) and isinstance(printed, list):
        return len(shown) == len(printed) and all(map(matches_json, shown, printed))
    return shown == printed


def compare(snippet: Snippet, printed: str) -> None:
    if snippet.language == "json":
        try:
            same = matches_json(json.loads(snippet.text), json.loads(printed))
        except ValueError as error:
            raise Problem(f"expected JSON: {error}; printed was:\n{printed}") from error
    else:
        same = matches_text(snippet.text, printed)
    if not same:
        raise Problem(f"expected this output:\n{snippet.text}\ngot:\n{printed[-4000:]}")
