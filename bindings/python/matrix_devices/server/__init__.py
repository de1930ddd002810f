"""A homeserver of accounts and devices, for tests and demonstrations: ``Server``.

``AccountApi`` has its account endpoints without HTTP, for a server of another kind;
``AttemptLimits`` says what is limited before anybody is authenticated.
"""

from .account_api import AccountApi
from .attempt_limits import AttemptLimits, Bucket
from .http_server import Server

__all__ = ["AccountApi", "AttemptLimits", "Bucket", "Server"]
