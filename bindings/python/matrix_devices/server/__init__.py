"""A homeserver of accounts and devices, for tests and demonstrations: ``Server``.

``AccountApi`` has its account endpoints without HTTP, for a server of another kind.
"""

from .account_api import AccountApi
from .http_server import Server

__all__ = ["AccountApi", "Server"]
