"""conformance.json, for programs. docs/conformance.md describes it; schema.json is its schema."""

from __future__ import annotations

import json

from matrix_device_conformance.report.document import Document


def render(document: Document) -> str:
    """The whole file."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
