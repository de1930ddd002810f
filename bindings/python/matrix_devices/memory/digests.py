"""Secrets as the hosts in memory keep them: in no ``repr``, debugger or core file.

For tests, and not for the world: the hashes of passwords are cheap to compute.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from ..errors import Unavailable


def digest_of(secret: str) -> bytes:
    """The SHA-256 digest that a token or session is found by. Takes any text a client can send."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


class PasswordHash:
    """A salted scrypt hash with small parameters: some 0.1 ms, for tests and not for the world."""

    __slots__ = ("_hash", "_salt")

    def __init__(self, password: str) -> None:
        self._salt = secrets.token_bytes(16)
        self._hash = self._of(password)

    def matches(self, password: str) -> bool:
        """Whether it is this password. None has U+0000: to a hash those at an end are nothing."""
        return "\0" not in password and hmac.compare_digest(self._hash, self._of(password))

    def _of(self, password: str) -> bytes:
        data = password.encode("utf-8", "surrogatepass")
        try:
            return hashlib.scrypt(data, salt=self._salt, n=16, r=8, p=1, dklen=32)
        except ValueError as error:  # of parameters that are always the same: no memory (H6)
            raise Unavailable() from error
