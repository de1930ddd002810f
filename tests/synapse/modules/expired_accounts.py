"""A module for Synapse: accounts whose names begin with a prefix have expired."""

from __future__ import annotations

from typing import Any


class ExpiredAccounts:
    """Answers Synapse's account validity callback."""

    def __init__(self, config: dict[str, Any], api: Any) -> None:
        self.prefix = config["prefix"]
        api.register_account_validity_callbacks(is_user_expired=self.is_expired)

    async def is_expired(self, user_id: str) -> bool | None:
        """Whether this user's account has expired."""
        return user_id.startswith(f"@{self.prefix}")
