"""Makes Synapse seem to be another version than the one installed: MXD_PRETENDED_SYNAPSE."""

from __future__ import annotations

import importlib.metadata
import os

_real = importlib.metadata.version


def _version(name: str) -> str:
    if name.replace("_", "-").lower() == "matrix-synapse":
        return os.environ["MXD_PRETENDED_SYNAPSE"]
    return _real(name)


importlib.metadata.version = _version
