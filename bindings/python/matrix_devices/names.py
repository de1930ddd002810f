"""User names as people type them, and what may be a name. docs/accounts.md, T3 and T10."""

from __future__ import annotations

import re
import string

from . import _explain
from .errors import ConfigurationError

__all__ = ["MAX_ID_BYTES", "UserNames", "is_valid_device_id"]

MAX_ID_BYTES = 255

# Specification, appendices: "Server Name" and "User Identifiers".
_SERVER_NAME = re.compile(r"(?:[0-9A-Za-z.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_LOCALPART = re.compile(r"[a-z0-9._=\-/+]+")
_HISTORICAL_LOCALPART = re.compile(r"[!-9;-~]+")  # printable ASCII but the colon
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class UserNames:
    """The user names of one server."""

    def __init__(self, server_name: str) -> None:
        """ConfigurationError: no server may have this name."""
        if not isinstance(server_name, str):
            raise ConfigurationError(
                f'server_name is {_explain.a(server_name)}; give a str such as "example.org"'
            )
        if not _SERVER_NAME.fullmatch(server_name) or len(server_name) > MAX_ID_BYTES:
            raise ConfigurationError(
                f"{server_name!r} is no server name: give a host name, an IPv4 address or an IPv6 "
                "address in brackets, and perhaps a port, such as example.org:8448"
            )
        self.server_name = server_name

    def user_ids(self, name: str) -> tuple[str, ...]:
        """Whom a name may mean, the exact one first, then the one in lower case; none: nobody here.

        It is a localpart or a full ID; the server's name in it is compared without case.
        """
        localpart, colon, server = name.removeprefix("@").partition(":")
        if colon and server.translate(_LOWER) != self.server_name.translate(_LOWER):
            return ()
        exact = f"@{localpart}:{self.server_name}"
        if not _HISTORICAL_LOCALPART.fullmatch(localpart) or len(exact) > MAX_ID_BYTES:
            return ()
        lower = f"@{localpart.translate(_LOWER)}:{self.server_name}"
        return (exact,) if exact == lower else (exact, lower)

    def new_user_id(self, name: str, *, historical: bool = False) -> str | None:
        """The ID under which this name is registered; None: it can't be.

        In lower case, but for the ``historical`` ones that application services may register.
        """
        user_ids = self.user_ids(name)
        if not user_ids or historical:
            return user_ids[0] if user_ids else None
        localpart = user_ids[-1][1 : -len(self.server_name) - 1]
        return user_ids[-1] if _LOCALPART.fullmatch(localpart) else None

    def is_local(self, user_id: str) -> bool:
        """Whether it is a full ID of this server."""
        localpart, _colon, server = user_id.partition(":")
        return localpart.startswith("@") and server == self.server_name


def is_valid_device_id(device_id: str) -> bool:
    """Whether a device may have it: 1 to 255 bytes, no control characters (row P8)."""
    size = len(device_id.encode("utf-8", "surrogatepass"))
    return 0 < size <= MAX_ID_BYTES and not _CONTROL.search(device_id)
