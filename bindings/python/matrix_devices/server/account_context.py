"""What the account endpoints share: the accounts, the settings they keep to, and a login."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..accounts import Accounts, Login, refuse_nul
from ..errors import LimitExceeded, NotFound
from ..names import is_valid_device_id
from ..records import Request, Response
from .attempt_limits import AttemptLimiter
from .json_answers import Fields, access_token, error_response, json_response, refuse

_DEFAULTS: Mapping[str, Any] = {  # of the module's settings that concern these endpoints
    "allow_query_token": True,  # A2
    "device_id_alias": True,  # A14
    "max_display_name_length": 100,  # T4
    "max_devices_per_user": 0,  # T12
    "user_limit_info_uri": None,
}


@dataclass(frozen=True, slots=True)
class DeviceWish:
    """What a login and a registration ask for beside the account."""

    device_id: str | None = None
    display_name: str | None = None
    refresh_token: bool = False
    inhibit_login: bool = False


class AccountContext:
    """Any thread; may block."""

    def __init__(
        self,
        accounts: Accounts,
        config: Mapping[str, Any] | None,
        limiter: AttemptLimiter,
        now_ms: Callable[[], int],
    ) -> None:
        """``config`` is the module's."""
        self.accounts = accounts
        self.config: Mapping[str, Any] = {**_DEFAULTS, **(config or {})}
        self.limiter = limiter
        self.now_ms = now_ms

    def token_of(self, request: Request) -> str:
        """The access token; see ``access_token``."""
        return access_token(request, in_query=self.config["allow_query_token"])

    def meant_by(self, name: str) -> str:
        """One text for all ways to write a user's name; empty: it can be nobody's here."""
        return self.accounts.resolve_name(name) or ""

    def wish_of(self, fields: Fields) -> DeviceWish:
        """What a body asks for; refused where no device can have it."""
        device_id = fields.text("device_id") or None
        if device_id is not None and not is_valid_device_id(device_id):
            text = "A device ID has 255 bytes at most, and no control characters in it."
            refuse(400, "M_INVALID_PARAM", text)
        name = fields.text("initial_device_display_name") or ""
        refuse_nul(name, "The device's name")
        return DeviceWish(
            device_id,
            name[: self.config["max_display_name_length"]] or None,  # T4
            fields.flag("refresh_token"),
            fields.flag("inhibit_login"),
        )

    def log_in(self, user_id: str, wish: DeviceWish) -> Response:
        """Who it is has been proved: a device and its tokens."""
        try:
            login = self.accounts.login(
                user_id,
                device_id=wish.device_id,
                display_name=wish.display_name,
                refreshable=wish.refresh_token,
                max_devices=self.config["max_devices_per_user"],
            )
        except NotFound:
            return error_response(403, "M_FORBIDDEN", "There is no such account.")
        except LimitExceeded:  # T12
            uri = self.config["user_limit_info_uri"]
            text = "This user has as many devices as are allowed. Delete some first."
            extra = {} if uri is None else {"info_uri": uri}
            return error_response(403, "M_USER_LIMIT_EXCEEDED", text, extra)
        body = {
            "user_id": login.user_id,
            "home_server": self.accounts.server_name,
            "device_id": login.device_id,
        }
        return json_response(200, {**body, **tokens_of(login)})


def tokens_of(login: Login) -> dict[str, Any]:
    """As an answer names them."""
    tokens: dict[str, Any] = {"access_token": login.access_token}
    if login.refresh_token is not None:
        tokens["refresh_token"] = login.refresh_token
    if login.expires_in_ms is not None:
        tokens["expires_in_ms"] = login.expires_in_ms
    return tokens
