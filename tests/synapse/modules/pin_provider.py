"""A module for Synapse: a login type of its own, in which every user's PIN is 1234."""

from __future__ import annotations

from typing import Any

LOGIN_TYPE = "org.example.pin"


class PinProvider:
    """A password provider."""

    def __init__(self, config: dict[str, Any], api: Any) -> None:
        self.qualify = api.get_qualified_user_id
        api.register_password_auth_provider_callbacks(
            auth_checkers={(LOGIN_TYPE, ("pin",)): self.check_pin}
        )

    async def check_pin(
        self, username: str, login_type: str, login_dict: dict[str, Any]
    ) -> tuple[str, None] | None:
        """The user whom it proves."""
        return (self.qualify(username), None) if login_dict["pin"] == "1234" else None
