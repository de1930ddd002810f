"""The versions of Synapse that this drop-in knows, and where they differ."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Mapping
from typing import Any

OLDEST = (1, 143)
"""The oldest Synapse that the drop-in knows, as (major, minor)."""

BEFORE = (1, 164)
"""The first Synapse that it does not know yet."""

_TOKENS_GO_FIRST = (1, 154)


def synapse_version() -> str:
    """The version of the Synapse that is installed, as its package says: ``1.163.2``."""
    return importlib.metadata.version("matrix-synapse")


def major_and_minor(version: str) -> tuple[int, int]:
    """``(1, 163)`` of ``1.163.2``, ``1.163.0rc1`` and ``1.163.2+debian``; else ``(0, 0)``."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def why_unknown(version: str) -> str | None:
    """Why this version is outside the known range, in one line; ``None`` if it is inside."""
    if OLDEST <= major_and_minor(version) < BEFORE:
        return None
    known = f"{OLDEST[0]}.{OLDEST[1]} to {BEFORE[0]}.{BEFORE[1] - 1}"
    return (
        f"matrix-devices knows Synapse {known}, and this is {version}: install a version of "
        "matrix-devices that knows it, or set allow_untested_synapse: true"
    )


def leaves_refreshable_tokens_cached(version: str) -> bool:
    """Whether Synapse deletes refresh tokens before their access tokens.

    The database then takes the access tokens along, unseen, and they stay in Synapse's cache:
    they would go on working (Synapse's issue 19483).
    """
    return major_and_minor(version) < _TOKENS_GO_FIRST


def unwritten_connections(
    store: Any,
) -> Mapping[tuple[str, str, str], tuple[str, str | None, int]]:
    """What this process will write down of its clients within seconds.

    By user, access token and address: user agent, device and the time in milliseconds. Only the
    process that writes them has any, and only here are they to be had, as of 1.163.
    """
    unwritten: Mapping[tuple[str, str, str], tuple[str, str | None, int]] = (
        store._batch_row_update if store._update_on_this_worker else {}
    )
    return unwritten


def is_of_service(requester: Any) -> bool:
    """Whether an application service is asking. Its name changed within the known range."""
    return bool(
        getattr(requester, "app_service_id", None) or getattr(requester, "app_service", None)
    )


def is_login_delegated(config: Any) -> bool:
    """Whether users log in through an OAuth 2.0 server (MAS), by either of its two settings."""
    msc3861 = getattr(config.experimental, "msc3861", None)  # gone in later versions
    return bool(config.mas.enabled or (msc3861 is not None and msc3861.enabled))
