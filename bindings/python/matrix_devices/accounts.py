"""What a homeserver keeps about its accounts beside the device endpoints.

``MemoryHost``, ``AsyncMemoryHost`` and ``StoreHost`` implement ``Accounts``; the HTTP server, the
account endpoints and the pytest plugin are written against it. A host of your own that implements
it can be served by them too.

Refusals of these functions, unless one says otherwise:

- ``NotFound``: there is no such account;
- ``UserLocked``: the account is locked;
- ``MatrixError``: the answer that a client gets, with a text that says what to do next: 400
  ``M_USER_IN_USE``, ``M_INVALID_USERNAME``, ``M_EXCLUSIVE``, ``M_INVALID_PARAM``,
  ``M_WEAK_PASSWORD``, or 403 ``M_USER_DEACTIVATED``;
- ``Unavailable``: the store can't do it now; nothing was changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from .errors import MatrixError
from .records import Credentials


@dataclass(frozen=True, slots=True)
class Login:
    """A device, and the tokens it was given. ``repr`` shows none of them."""

    user_id: str
    device_id: str
    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in_ms: int | None = None  # of the access token, from now; None: never


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom an access token belongs to."""

    user_id: str  # with masquerading, the user acted as
    device_id: str | None = None  # None: the token belongs to no device
    guest: bool = False
    appservice: bool = False
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Namespace:
    """Users of an application service.

    ``regex`` is an expression of RE2, matched from the start of full user IDs and not to their end
    (docs/accounts.md, T9). ``exclusive``: nobody else may register such a user.
    """

    regex: str
    exclusive: bool = True


@dataclass(frozen=True, slots=True)
class Service:
    """The registration of an application service, as far as devices are concerned."""

    id: str
    as_token: str = field(repr=False)
    sender_localpart: str
    user_namespaces: tuple[Namespace, ...] = ()
    rate_limited: bool = True  # False: exempt from all limits (row P6)


@runtime_checkable
class Accounts(Protocol):
    """Accounts, logins and application services. Every method may be called on any thread.

    ``name`` is a localpart or a full user ID of this server, as people type it: the account that
    has exactly this name is meant, else the one of its lower case (docs/accounts.md, T3). Methods
    that read a password take their time over it in StoreHost (Argon2id, some 50 ms).
    """

    @property
    def server_name(self) -> str:
        """What stands after the colon of user IDs."""

    def add_user(
        self,
        name: str,
        password: str | None = None,
        *,
        guest: bool = False,
        service_id: str | None = None,
    ) -> str:
        """Add an account; returns the full user ID.

        The name is registered in lower case. Without a password nobody can prove to be this user
        (row U17). A guest may have an empty name: one is made up. With ``service_id`` the name must
        be in that service's namespaces, and may be a historical one, with capitals and more.
        """

    def set_password(self, name: str, password: str) -> None:
        """Give the account another password. Its devices stay logged in."""

    def set_locked(self, name: str, locked: bool) -> None:
        """Lock the account or unlock it (row A6). Its tokens stay, and are of no use meanwhile."""

    def set_suspended(self, name: str, suspended: bool) -> None:
        """Suspend the account or end that (row A7)."""

    def deactivate(self, name: str) -> None:
        """End the account for good: no password, devices, tokens or sessions are left."""

    def check_password(self, name: str, password: str) -> str:
        """Whose password this is: the full user ID.

        Refusals: ``Forbidden`` for a wrong name or password, an account without a password or a
        deactivated one. It takes as long for an account that is not there.
        """

    def resolve_name(self, name: str) -> str | None:
        """The full user ID that a name means; where it means no account, the one in lower case.

        So there is one for all ways to write a name. None: it can be nobody's here.
        """

    def login(
        self,
        name: str,
        *,
        device_id: str | None = None,
        display_name: str | None = None,
        refreshable: bool = False,
        oauth: bool = False,
        lifetime_ms: int | None = None,
        max_devices: int = 0,
    ) -> Login:
        """Log in: on a new device, or on one that is there, whose old tokens die.

        No password is asked. ``display_name`` is for a new device only. ``refreshable``: with a
        refresh token, and an access token that expires. ``lifetime_ms``, 0 or more, is that of the
        access token; 0: it has expired already; None: for ever, or the store's if refreshable.
        ``max_devices``: a new device is refused at this many; 0: no cap. Refusal:
        ``LimitExceeded`` for that (T12).
        """

    def refresh(self, refresh_token: str) -> Login:
        """New tokens for a refresh token; the old pair dies when a new one is first used (T1).

        Refusals: ``UnknownToken``, with ``soft_logout`` while its device is there (T2);
        ``UserLocked``.
        """

    def identify(self, credentials: Credentials) -> Identity:
        """Whose token this is, as ``Host.authenticate``, with its refusals."""

    def logout(self, access_token: str, *, all_devices: bool = False) -> None:
        """Delete the device of this token with all that goes with it, or all of the user's.

        Also if the token has expired or the account is locked. Refusals: ``UnknownToken``.
        """

    def add_service(self, service: Service) -> None:
        """Make an application service known, and register its sender.

        ``ConfigurationError``: a bad expression, an ID or token that is there already, an empty
        field, a sender that is not a valid name.
        """

    def find_service(self, as_token: str) -> str | None:
        """The ID of the service with this token; None if there is none."""

    def covers(self, service_id: str, user_id: str) -> bool:
        """Whether the service may act as this user, registered or not: of a namespace or sender."""


def refuse_nul(text: str | None, what: str) -> None:
    """U+0000 is in no password (U4) and in no device's name (P13). ``MatrixError``."""
    if text is not None and "\0" in text:
        raise MatrixError(400, "M_INVALID_PARAM", f"{what} has U+0000 in it. Leave it out.")
