"""What a run leaves behind, in four forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from matrix_device_conformance.report import html, json, junit, markdown
from matrix_device_conformance.report.document import Document, Run, document

# By the ending of conformance.…
FORMATS: Mapping[str, Callable[[Document], str]] = {
    "html": html.render,
    "json": json.render,
    "md": markdown.render,
    "xml": junit.render,
}

__all__ = ["FORMATS", "Document", "Run", "document", "write"]


def write(folder: Path, made: Document, formats: Iterable[str] = tuple(FORMATS)) -> list[Path]:
    """Write the report in these forms; where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in formats:
        path = folder / f"conformance.{name}"
        path.write_text(FORMATS[name](made), encoding="utf-8")
        paths.append(path)
    return paths
