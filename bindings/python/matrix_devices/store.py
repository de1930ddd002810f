"""``StoreHost``: a store and its accounts. No Python answers a question."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Self

from . import _contract, _core, _libraries
from .accounts import Identity, Login, Service, refuse_nul
from .clock import Clock, StoreClock
from .errors import (
    ClosedError,
    ConfigurationError,
    Forbidden,
    LimitExceeded,
    MatrixError,
    NotFound,
    StoreError,
    Unavailable,
    UnknownDevice,
    UnknownToken,
    UserLocked,
)
from .names import UserNames
from .records import Credentials

__all__ = ["StoreHost"]

DAY_MS = 24 * 3600 * 1000
_MOST_CONNECTIONS = 1000

logger = logging.getLogger("matrix_devices")


class StoreHost:
    """A host that keeps everything in a database, through the library of its engine, and accounts.

    For ``Module.open``, of one library at a time; implements ``Accounts``, whose methods block and
    may be called on any thread. Any number of processes may have one database open.
    """

    def __init__(
        self,
        url: str,
        *,
        server_name: str | None = None,
        access_token_ms: int = 0,
        refresh_token_lifetime_ms: int = 365 * DAY_MS,
        guest_lifetime_ms: int = 30 * DAY_MS,
        delete_devices_after_ms: int = 0,
        connections: int = 0,
        prepared_statements: bool = True,
        library: str | os.PathLike[str] | None = None,
    ) -> None:
        """Open the database of this URL, or make it: then it needs a ``server_name``.

        ``url`` is ``sqlite:PATH`` or the name of a file, ``postgresql://…`` or key words of libpq,
        or what another engine takes; it says which library is loaded. ``access_token_ms``: lifetime
        of refreshable access tokens, 0: 10 minutes. The three after it: for how long refresh
        tokens, guests and devices are kept that nobody uses; 0: for good. They are swept in the
        background (docs/accounts.md, T6 and T11). ``connections``: how many to the database, 0: as
        its engine does best. ``prepared_statements``: False behind a pooler such as PgBouncer.
        ``library``: a path; without it ``MATRIX_DEVICES_SQLITE_LIBRARY``, for SQLite, has it, else
        it is the package's own. Raises LoadError; ConfigurationError: not such a database, or of
        another server, or no server may have this name; StoreError: it is locked, or away.
        """
        for name, value in (
            ("access_token_ms", access_token_ms),
            ("refresh_token_lifetime_ms", refresh_token_lifetime_ms),
            ("guest_lifetime_ms", guest_lifetime_ms),
            ("delete_devices_after_ms", delete_devices_after_ms),
        ):
            if not isinstance(value, int) or not 0 <= value < 1 << 63:
                raise self._mistake(f"{name}: give milliseconds, 0 or more")
        if not isinstance(connections, int) or not 0 <= connections <= _MOST_CONNECTIONS:
            raise self._mistake(f"connections: give a number from 0 to {_MOST_CONNECTIONS}")
        if server_name is not None:
            UserNames(server_name)  # raises ConfigurationError
        loaded = _libraries.load_store(url, library)
        try:
            self._store: _core.Store | None = _core.Store(
                loaded,
                url,
                server_name or "",
                access_token_ms,
                connections,
                prepared_statements,
            )
            self._store.set_lifetimes(
                refresh_token_lifetime_ms, guest_lifetime_ms, delete_devices_after_ms
            )
        except _core.StatusError as error:
            status, text = error.args
            if status != _contract.INVALID_ARGUMENT:
                raise StoreError(f"{type(self).__name__}: {text}") from None
            if server_name is None and "server name" in text:  # that there is none
                text += ': server_name="example.org"'
            elif "belongs to the server" in text:
                text += "; correct server_name, or leave it out"
            raise self._mistake(text) from None
        self.server_name = self._store.server_name
        """What stands after the colon of user IDs."""
        self.clock: Clock = StoreClock(self._store)
        """The system's, unless it is turned: for tests."""
        self._names = UserNames(self.server_name)
        self._namespaces: dict[str, tuple[str, list[_core.Expression]]] = {}  # and the sender
        _open_hosts.add(self)

    def _mistake(self, text: str) -> ConfigurationError:
        return ConfigurationError(f"{type(self).__name__}: {text}")

    @property
    def store(self) -> _core.Store:
        """The open store. Raises ClosedError."""
        if self._store is None:
            raise ClosedError("this store is closed, or was opened before a fork(): open one")
        return self._store

    def close(self) -> None:
        """Close the database, once the modules that were opened with this host are closed too."""
        if self._store is not None:
            self._pass_on_log(self._store)
        self._store = None

    def forget(self) -> None:
        """This is a forked child: the parent's store is never touched."""
        _left_to_parents.append(self._store)
        self._store = None

    def add_user(
        self,
        name: str,
        password: str | None = None,
        *,
        guest: bool = False,
        service_id: str | None = None,
    ) -> str:
        """See ``Accounts``."""
        refuse_nul(password, "The password")
        flags = (_contract.ACCOUNT_GUEST if guest else 0) | (
            _contract.ACCOUNT_APPSERVICE if service_id else 0
        )
        return self._call(  # type: ignore[no-any-return]
            {
                _contract.BUSY: lambda: MatrixError(
                    400, "M_USER_IN_USE", "This user name is taken. Choose another."
                ),
                _contract.FORBIDDEN: lambda: MatrixError(
                    400,
                    "M_EXCLUSIVE",
                    "This user name is not in the application service's namespaces."
                    if service_id
                    else "This user name belongs to an application service.",
                ),
            },
            "M_INVALID_USERNAME",
            self.store.add_account,
            name,
            password or "",
            flags,
            service_id or "",
        )

    def set_password(self, name: str, password: str) -> None:
        """See ``Accounts``."""
        refuse_nul(password, "The password")
        self._call(_OF_ACCOUNTS, "M_WEAK_PASSWORD", self.store.set_password, name, password)

    def set_locked(self, name: str, locked: bool) -> None:
        """See ``Accounts``."""
        self._set_flag(name, _contract.ACCOUNT_LOCKED, locked)

    def set_suspended(self, name: str, suspended: bool) -> None:
        """See ``Accounts``."""
        self._set_flag(name, _contract.ACCOUNT_SUSPENDED, suspended)

    def deactivate(self, name: str) -> None:
        """See ``Accounts``."""
        self._set_flag(name, _contract.ACCOUNT_DEACTIVATED, True)

    def _set_flag(self, name: str, flag: int, value: bool) -> None:
        self._call(
            _OF_ACCOUNTS,
            "M_INVALID_PARAM",
            self.store.change_account,
            name,
            flag if value else 0,
            0 if value else flag,
        )

    def check_password(self, name: str, password: str) -> str:
        """See ``Accounts``."""
        return self._call(  # type: ignore[no-any-return]
            {_contract.FORBIDDEN: Forbidden},
            "M_FORBIDDEN",
            self.store.check_password,
            name,
            password,
        )

    def resolve_name(self, name: str) -> str | None:
        """See ``Accounts``."""
        try:
            return self._call(  # type: ignore[no-any-return]
                {}, "M_INVALID_USERNAME", self.store.resolve_name, name
            )
        except MatrixError:
            return None

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
        """See ``Accounts``."""
        refuse_nul(display_name, "The device's name")
        if device_id == "":
            raise MatrixError(
                400, "M_INVALID_PARAM", "device_id is empty: leave it out, and one is made."
            )
        return Login(
            *self._call(
                _OF_LOGINS,
                "M_INVALID_PARAM",
                self.store.login,
                name,
                device_id or "",
                display_name or "",
                (_contract.LOGIN_REFRESHABLE if refreshable else 0)
                | (_contract.LOGIN_OAUTH if oauth else 0),
                -1 if lifetime_ms is None else lifetime_ms,
                max_devices,
            )
        )

    def refresh(self, refresh_token: str) -> Login:
        """See ``Accounts``."""
        return Login(*self._call(_OF_TOKENS, "M_INVALID_PARAM", self.store.refresh, refresh_token))

    def identify(self, credentials: Credentials) -> Identity:
        """See ``Accounts``."""
        user_id, device_id, flags = self._call(
            _OF_TOKENS,
            "M_INVALID_PARAM",
            self.store.identify,
            credentials.access_token,
            credentials.user_id,
            credentials.device_id,
            credentials.remote_addr,
        )
        return Identity(
            user_id,
            device_id,
            guest=bool(flags & _contract.IDENTITY_GUEST),
            appservice=bool(flags & _contract.IDENTITY_APPSERVICE),
            suspended=bool(flags & _contract.IDENTITY_SUSPENDED),
        )

    def logout(self, access_token: str, *, all_devices: bool = False) -> None:
        """See ``Accounts``."""
        self._call(_OF_TOKENS, "M_INVALID_PARAM", self.store.logout, access_token, all_devices)

    def add_service(self, service: Service) -> None:
        """See ``Accounts``. Not kept in the database: to be told again after each opening."""
        try:
            self.store.add_service(
                service.id,
                service.as_token,
                service.sender_localpart,
                [(namespace.regex, namespace.exclusive) for namespace in service.user_namespaces],
                service.rate_limited,
            )
        except _core.StatusError as error:
            status, text = error.args
            if status == _contract.INVALID_ARGUMENT:
                raise ConfigurationError(text) from None
            raise StoreError(text) from None
        self._namespaces[service.id] = (
            f"@{service.sender_localpart}:{self.server_name}",
            [_core.Expression(namespace.regex) for namespace in service.user_namespaces],
        )

    def find_service(self, as_token: str) -> str | None:
        """See ``Accounts``."""
        return self.store.find_service(as_token)

    def covers(self, service_id: str, user_id: str) -> bool:
        """See ``Accounts``."""
        if service_id not in self._namespaces or not self._names.is_local(user_id):
            return False
        sender, namespaces = self._namespaces[service_id]
        return user_id == sender or any(users.matches_start_of(user_id) for users in namespaces)

    def _call(
        self,
        refusals: Mapping[int, Callable[[], Exception]],
        errcode: str,
        function: Any,
        *arguments: Any,
    ) -> Any:
        """Call the store; ``errcode`` is for an argument that it does not take."""
        try:
            return function(*arguments)
        except _core.StatusError as error:
            status, text = error.args
            if status in refusals:
                raise refusals[status]() from None
            if status == _contract.INVALID_ARGUMENT:
                raise MatrixError(400, errcode, text) from None
            if status == _contract.UNAVAILABLE:
                raise Unavailable(text) from None
            raise StoreError(text) from None
        finally:
            self._pass_on_log(self.store)

    def _pass_on_log(self, store: _core.Store) -> None:
        levels = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.ERROR)
        for level, message in store.drain_log():
            logger.log(levels[level], "%s", message)

    def __enter__(self) -> Self:
        """Closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        """The server's name."""
        return f"<{type(self).__name__} {self.server_name}{'' if self._store else ' closed'}>"


_OF_ACCOUNTS: Mapping[int, Callable[[], Exception]] = {
    _contract.NOT_FOUND: NotFound,
    _contract.USER_LOCKED: UserLocked,
    _contract.FORBIDDEN: lambda: MatrixError(
        403, "M_USER_DEACTIVATED", "This account has been deactivated."
    ),
}
_OF_LOGINS: Mapping[int, Callable[[], Exception]] = {
    **_OF_ACCOUNTS,
    _contract.LIMIT_EXCEEDED: LimitExceeded,
}
_OF_TOKENS: Mapping[int, Callable[[], Exception]] = {
    _contract.UNKNOWN_TOKEN: UnknownToken,
    _contract.TOKEN_EXPIRED: lambda: UnknownToken(soft_logout=True),
    _contract.USER_LOCKED: UserLocked,
    _contract.FORBIDDEN: Forbidden,
    _contract.UNKNOWN_DEVICE: UnknownDevice,
}

_open_hosts: weakref.WeakSet[StoreHost] = weakref.WeakSet()
_left_to_parents: list[_core.Store | None] = []  # closing them would wait for threads of theirs


def _forget_all() -> None:
    for host in list(_open_hosts):
        host.forget()


os.register_at_fork(after_in_child=_forget_all)
