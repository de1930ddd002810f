"""README.md as the description of the package: for scikit-build-core, which calls it.

Its links lead to files of the repository, and nowhere where the package is shown. With
MATRIX_DEVICES_REPOSITORY=https://… they lead there; without, they are plain text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

README = Path(__file__).parents[3] / "README.md"
# Code has brackets of its own.
LINK_OR_CODE = re.compile(
    r"(?P<code>^```.*?^```|`[^`\n]*`(?!\]))|\[(?P<text>[^\]]+)\]\((?P<target>[^)\s]+)\)",
    re.MULTILINE | re.DOTALL,
)


def described(text: str, repository: str) -> str:
    """The text, with links that hold outside the repository."""

    def replace(link: re.Match[str]) -> str:
        if link["code"] or "://" in link["target"]:
            return link[0]
        if not repository:
            return link["text"]
        target = link["target"]
        place = f"{repository}/{target}" if target[0] == "#" else f"{repository}/blob/main/{target}"
        return f"[{link['text']}]({place})"

    return LINK_OR_CODE.sub(replace, text)


def dynamic_metadata(field: str, settings: Mapping[str, Any], *_: Any) -> dict[str, str]:
    """What scikit-build-core asks for."""
    if field != "readme" or settings:
        raise ValueError("package_description is for the readme, and has no settings")
    repository = os.environ.get("MATRIX_DEVICES_REPOSITORY", "").rstrip("/")
    text = described(README.read_text(encoding="utf-8"), repository)
    return {"content-type": "text/markdown", "text": text}
