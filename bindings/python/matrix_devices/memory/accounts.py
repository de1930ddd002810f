"""The account functions of the hosts in memory: what ``Accounts`` promises, on dictionaries."""

from __future__ import annotations

import secrets
import string

from .._core import Expression
from ..accounts import Identity, Login, Service, refuse_nul
from ..clock import Clock
from ..errors import (
    ConfigurationError,
    Forbidden,
    LimitExceeded,
    MatrixError,
    NotFound,
    UnknownDevice,
    UnknownToken,
    UserLocked,
)
from ..names import is_valid_device_id
from ..records import Credentials, Principal
from .digests import PasswordHash, digest_of
from .state import (
    REPLACED_MS,
    AccessToken,
    AccountRow,
    MemoryState,
    ServiceRow,
)

DEFAULT_ACCESS_TOKEN_MS = 10 * 60 * 1000

_NOBODY = PasswordHash(secrets.token_hex())  # compared with where there is no account


def _letters(count: int, alphabet: str) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(count))


class MemoryAccounts:
    """Implements ``Accounts``, in memory only. Any thread."""

    def __init__(
        self,
        server_name: str = "example.org",
        *,
        clock: Clock | None = None,
        access_token_ms: int = DEFAULT_ACCESS_TOKEN_MS,
    ) -> None:
        """A homeserver of this name, without accounts.

        ``access_token_ms``: how long refreshable access tokens live. ConfigurationError: no server
        may have this name.
        """
        self.clock = clock or Clock()
        self._access_token_ms = access_token_ms
        self._state = MemoryState(server_name, self.clock)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.server_name}, {len(self._state.accounts)} accounts>"

    @property
    def server_name(self) -> str:
        """What stands after the colon of user IDs."""
        return self._state.names.server_name

    # ---- Accounts ----

    def add_user(
        self,
        name: str,
        password: str | None = None,
        *,
        guest: bool = False,
        service_id: str | None = None,
    ) -> str:
        """See ``Accounts.add_user``."""
        if guest and not name:
            name = "guest-" + _letters(16, string.ascii_lowercase)
        refuse_nul(password, "The password")
        hashed = PasswordHash(password) if password else None
        with self._state.lock:
            return self._add_account(name, hashed, guest, service_id).user_id

    def set_password(self, name: str, password: str) -> None:
        """See ``Accounts.set_password``."""
        if not password:
            raise MatrixError(400, "M_WEAK_PASSWORD", "The password is empty.")
        refuse_nul(password, "The password")
        hashed = PasswordHash(password)
        with self._state.lock:
            account = self._account(name)
            if account.deactivated:
                raise _deactivated()
            account.password = hashed

    def set_locked(self, name: str, locked: bool) -> None:
        """See ``Accounts.set_locked``."""
        with self._state.lock:
            self._account(name).locked = locked

    def set_suspended(self, name: str, suspended: bool) -> None:
        """See ``Accounts.set_suspended``."""
        with self._state.lock:
            self._account(name).suspended = suspended

    def deactivate(self, name: str) -> None:
        """See ``Accounts.deactivate``."""
        with self._state.lock:
            account = self._account(name)
            for row in list(account.devices.values()):
                self._state.drop_device(row)
            self._state.sessions.drop(account.user_id)
            account.deactivated = True
            account.password = None

    def check_password(self, name: str, password: str) -> str:
        """See ``Accounts.check_password``."""
        with self._state.lock:
            account = self._state.account_of(name)
            hashed = account.password if account is not None else None
        if not (hashed or _NOBODY).matches(password) or hashed is None or account is None:
            raise Forbidden()
        return account.user_id

    def resolve_name(self, name: str) -> str | None:
        """See ``Accounts.resolve_name``."""
        with self._state.lock:
            account = self._state.account_of(name)
        if account is not None:
            return account.user_id
        return next(reversed(self._state.names.user_ids(name)), None)

    # ---- Tokens ----

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
        """See ``Accounts.login``."""
        refuse_nul(display_name, "The device's name")
        if device_id and not is_valid_device_id(device_id):
            text = "A device ID has 255 bytes at most, and no control characters in it."
            raise MatrixError(400, "M_INVALID_PARAM", text)
        if lifetime_ms is not None and lifetime_ms < 0:
            raise ValueError("login: lifetime_ms is 0 or more, or None for a token without end")
        if refreshable and lifetime_ms is None:
            lifetime_ms = self._access_token_ms
        state = self._state
        with state.lock:
            account = self._account(name)
            if account.deactivated:
                raise _deactivated()
            if account.locked:
                raise UserLocked()
            while not device_id:
                made = _letters(10, string.ascii_uppercase)
                device_id = None if made in account.devices else made
            row = account.devices.get(device_id)
            if row is None:
                if max_devices and len(account.devices) >= max_devices:
                    raise LimitExceeded()  # T12
                row = state.add_device(account, device_id, display_name or None)
            else:
                state.drop_tokens(row)
            access_token, refresh_token = state.add_tokens(
                row, oauth=oauth, lifetime_ms=lifetime_ms, refreshable=refreshable
            )
        return Login(account.user_id, device_id, access_token, refresh_token, lifetime_ms)

    def refresh(self, refresh_token: str) -> Login:
        """See ``Accounts.refresh``."""
        state = self._state
        with state.lock:
            pair = state.pairs.get(digest_of(refresh_token))
            if pair is None:
                raise UnknownToken()
            account = pair.row.account
            if account.locked:
                raise UserLocked()
            if pair.spent:
                raise UnknownToken(soft_logout=True)  # T2
            state.settle(pair)
            access_token, new_refresh_token = state.add_tokens(
                pair.row,
                oauth=pair.oauth,
                lifetime_ms=self._access_token_ms,
                refreshable=True,
                replaces=pair,
            )
            device_id = pair.row.device.device_id
        return Login(
            account.user_id, device_id, access_token, new_refresh_token, self._access_token_ms
        )

    def identify(self, credentials: Credentials) -> Identity:
        """See ``Accounts.identify``."""
        with self._state.lock:
            principal = self._principal(credentials)
            account = self._state.accounts[principal.user_id]
            return Identity(
                principal.user_id,
                principal.device_id,
                guest=principal.guest,
                appservice=principal.service_id is not None,
                suspended=account.suspended,
            )

    def logout(self, access_token: str, *, all_devices: bool = False) -> None:
        """See ``Accounts.logout``."""
        state = self._state
        with state.lock:
            token = state.access_tokens.get(digest_of(access_token))
            if token is None:
                raise UnknownToken()
            if token.expires_ms == REPLACED_MS:
                raise UnknownToken(soft_logout=True)  # T2
            account = token.row.account
            for row in list(account.devices.values()) if all_devices else [token.row]:
                state.drop_device(row)

    # ---- Application services ----

    def add_service(self, service: Service) -> None:
        """See ``Accounts.add_service``."""
        if not (service.id and service.as_token and service.sender_localpart):
            raise ConfigurationError(
                "a service needs an id, an as_token and a sender_localpart that are not empty"
            )
        namespaces = []
        for namespace in service.user_namespaces:
            try:
                namespaces.append((Expression(namespace.regex), namespace.exclusive))
            except ValueError as error:
                raise ConfigurationError(
                    f"service {service.id}: the expression {namespace.regex} is not valid: {error}"
                ) from error
        state = self._state
        sender = state.names.new_user_id(service.sender_localpart, historical=True)
        if sender is None:
            raise ConfigurationError(
                f"service {service.id}: the sender_localpart is not a valid name: use a-z, 0-9 and"
                " ._=-/+"
            )
        digest = digest_of(service.as_token)
        with state.lock:
            if state.service_of(service.id) is not None:
                raise ConfigurationError(f"two services have the id {service.id}")
            if digest in state.services:
                raise ConfigurationError(
                    f"service {service.id} has the as_token of another service"
                )
            state.services[digest] = ServiceRow(service, sender, tuple(namespaces))
            state.accounts.setdefault(sender, AccountRow(sender, None, False, service.id))

    def find_service(self, as_token: str) -> str | None:
        """See ``Accounts.find_service``."""
        with self._state.lock:
            row = self._state.services.get(digest_of(as_token))
        return None if row is None else row.service.id

    def covers(self, service_id: str, user_id: str) -> bool:
        """See ``Accounts.covers``."""
        with self._state.lock:
            row = self._state.service_of(service_id)
        return row is not None and self._state.names.is_local(user_id) and row.covers(user_id)

    # ---- What others of the host need as well; the caller holds the lock ----

    def _account(self, name: str) -> AccountRow:
        account = self._state.account_of(name)
        if account is None:
            raise NotFound()
        return account

    def _add_account(
        self, name: str, password: PasswordHash | None, guest: bool, service_id: str | None
    ) -> AccountRow:
        state = self._state
        user_id = state.names.new_user_id(name, historical=service_id is not None)
        if user_id is None:
            raise MatrixError(
                400,
                "M_INVALID_USERNAME",
                "A user name is made of a-z, 0-9 and ._=-/+ and, with its server, of 255 bytes at"
                f" most; a full ID ends in :{self.server_name}.",
            )
        service = state.service_of(service_id)
        if service_id is not None and (service is None or not service.covers(user_id)):
            text = "This user name is not in the application service's namespaces."
            raise MatrixError(400, "M_EXCLUSIVE", text)
        if state.reserved(user_id, service_id):
            text = "This user name belongs to an application service. Choose another."
            raise MatrixError(400, "M_EXCLUSIVE", text)
        if user_id in state.accounts:
            text = "This user name is taken. Choose another."
            raise MatrixError(400, "M_USER_IN_USE", text)
        account = state.accounts[user_id] = AccountRow(user_id, password, guest, service_id)
        return account

    def _principal(self, credentials: Credentials) -> Principal:
        digest = digest_of(credentials.access_token)
        token = self._state.access_tokens.get(digest)
        if token is not None:
            return self._principal_of_user(token, credentials.remote_addr)
        service = self._state.services.get(digest)
        if service is None:
            raise UnknownToken()  # A4
        return self._principal_of_service(service, credentials)

    def _principal_of_user(self, token: AccessToken, address: str) -> Principal:
        now_ms = self.clock.now_ms()
        if token.expires_ms is not None and token.expires_ms <= now_ms:
            raise UnknownToken(soft_logout=True)  # A5, A4a
        account = token.row.account
        if account.locked:
            raise UserLocked()  # A6
        if token.pair is not None and token.pair.replaces is not None:
            self._state.settle(token.pair)
        self._state.note_seen(token.row, address, now_ms)
        if token.principal is None:
            token.principal = Principal(
                account.user_id,
                token.row.device.device_id,
                guest=account.guest,
                oauth=token.oauth,
                validated_ms=token.row.validated_ms,
            )
        return token.principal

    def _principal_of_service(self, service: ServiceRow, credentials: Credentials) -> Principal:
        user_id = credentials.user_id if credentials.user_id is not None else service.sender
        account = self._state.accounts.get(user_id)
        if not service.covers(user_id) or account is None or account.deactivated:
            raise Forbidden()  # A11
        if account.locked:
            raise UserLocked()
        device_id = credentials.device_id
        if device_id is not None:
            row = account.devices.get(device_id)
            if row is None:
                raise UnknownDevice()  # A13
            self._state.note_seen(row, credentials.remote_addr, self.clock.now_ms())  # A12
        return Principal(
            user_id,
            device_id,
            token_id=service.service.id,
            service_id=service.service.id,
            unlimited=user_id == service.sender or not service.service.rate_limited,  # P6
        )


def _deactivated() -> MatrixError:
    return MatrixError(403, "M_USER_DEACTIVATED", "This account has been deactivated.")
