"""The contract as Python sees it: module.h, store.h, and what hosts have in common
(bindings/common). Private to this package.

`op`, `token` are the contract's numbers; statuses are MXD_* of module.h. Nothing here calls back
into Python, and nothing that runs on a thread of the store takes the GIL.
"""

from collections.abc import Sequence
from typing import Any

__version__: str
"""Of the package, "1.0.0": the project's when it was built."""

class StatusError(Exception):
    """(status, text): what the module or the store refused."""

class Library:
    def __init__(self, path: str) -> None: ...
    @property
    def path(self) -> str: ...
    @property
    def product_version(self) -> str: ...
    @property
    def abi_minor(self) -> int: ...
    @property
    def capabilities(self) -> int: ...
    def emit_principal(
        self,
        op: int,
        user_id: str,
        device_id: str | None,
        token_id: str | None,
        service_id: str | None,
        flags: int,
        validated_ms: int | None,
        /,
    ) -> int: ...
    def emit_devices(self, op: int, devices: list[Any], kind: type, /) -> None:
        """Each must be of that kind, ``records.Device``; it is known by its attributes."""
    def emit_stage(
        self, op: int, flow: int, type: str, proves_nobody: bool, params: bytes, /
    ) -> int: ...
    def emit_session_id(self, op: int, session_id: str, /) -> int: ...
    def emit_session(self, op: int, revision: int, state: bytes, /) -> int: ...
    def emit_completed(self, op: int, type: str, identity: str | None, /) -> int: ...
    def emit_identity(self, op: int, user_id: str, /) -> int: ...
    def emit_reason(self, op: int, reason: str, /) -> int: ...
    def emit_retry_after(self, op: int, retry_after_ms: int, /) -> int: ...
    def emit_error(
        self,
        op: int,
        http_status: int,
        retry_after_ms: int,
        errcode: str,
        text: str,
        extra_json: bytes,
        /,
    ) -> int: ...

class Wakeup:
    """A queue of keys behind a file descriptor that an event loop watches."""

    def fileno(self) -> int: ...
    def drain(self) -> list[int]: ...

class Exchange:
    """One request on its way."""

    def take(self) -> tuple[int, int, tuple[object, ...]] | None:
        """(number of the callback, op, fields of the struct): asked since the last call."""
    def response(self) -> tuple[int, tuple[tuple[str, str], ...], bytes] | None: ...
    def wait(self, timeout_ms: int, /) -> bool: ...
    def notify(self, wakeup: Wakeup, key: int) -> bool:
        """Push the key once there is something; False if there is already."""
    def token(self) -> int: ...

def engine_of(database: str) -> str:
    """Which library opens it: "sqlite", "postgres", or the scheme of its URL."""

def holds_password(database: str) -> bool:
    """Whether a URL or key words of libpq hold one."""

class StoreLibrary:
    def __init__(self, path: str) -> None: ...
    @property
    def path(self) -> str: ...

class Store:
    def __init__(
        self,
        library: StoreLibrary,
        url: str,
        server_name: str,
        access_token_ms: int,
        connections: int,
        prepared_statements: bool,
    ) -> None: ...
    @property
    def server_name(self) -> str: ...
    @property
    def now_ms(self) -> int: ...
    def set_clock_offset(self, offset_ms: int, /) -> None: ...
    def set_lifetimes(self, refresh_token_ms: int, guest_ms: int, device_ms: int, /) -> None: ...
    def add_service(
        self,
        id: str,
        as_token: str,
        sender_localpart: str,
        namespaces: Sequence[tuple[str, bool]],
        rate_limited: bool,
        /,
    ) -> None: ...
    def find_service(self, as_token: str, /) -> str | None: ...
    def resolve_name(self, name: str, /) -> str: ...
    def add_account(self, name: str, password: str, flags: int, service_id: str, /) -> str: ...
    def change_account(self, name: str, set: int, clear: int, /) -> None: ...
    def set_password(self, name: str, password: str, /) -> None: ...
    def check_password(self, name: str, password: str, /) -> str: ...
    def login(
        self,
        name: str,
        device_id: str,
        display_name: str,
        flags: int,
        lifetime_ms: int,
        max_devices: int,
        /,
    ) -> tuple[str, str, str, str | None, int | None]: ...
    def refresh(self, refresh_token: str, /) -> tuple[str, str, str, str | None, int | None]: ...
    def identify(
        self, access_token: str, user_id: str | None, device_id: str | None, remote_addr: str, /
    ) -> tuple[str, str | None, int]: ...
    def logout(self, access_token: str, all_devices: bool, /) -> None: ...
    def drain_log(self) -> list[tuple[int, str]]: ...

class Engine:
    """An instance of the module."""

    def __init__(
        self,
        library: Library,
        config: bytes,
        store: Store | None,
        *,
        put_device: bool,
        mark_validated: bool,
        take_limit: bool,
        clock: bool,
    ) -> None: ...
    # `now_ms`: what the module is told of the time first; None: the system's clock counts.
    def begin(
        self,
        now_ms: int | None,
        method: str,
        target: str,
        headers: Sequence[tuple[str | bytes, str | bytes]],
        body: bytes,
        remote_addr: str,
        body_too_large: bool,
        /,
    ) -> Exchange | None: ...
    def match(self, method: str | bytes, target: str | bytes, /) -> int: ...
    def complete(self, now_ms: int | None, op: int, status: int, is_long: bool, /) -> bool:
        """Whether there are lines for the log. `is_long`: release the GIL meanwhile, which costs
        more than most completions."""
    def cancel(self, now_ms: int | None, token: int, /) -> int: ...
    def shut_down(self) -> None: ...
    def notify_closed(self, wakeup: Wakeup, key: int) -> bool:
        """After shut_down(): push the key once all is answered; False if it is already."""
    def close(self, timeout_ms: int, /) -> bool:
        """After shut_down(): whether all is answered; waits, and then frees the instance."""
    def abandon(self) -> None: ...
    def forget(self) -> None: ...
    @property
    def is_usable(self) -> bool: ...
    @property
    def max_body_bytes(self) -> int: ...
    def routes(self) -> list[tuple[str, str]]: ...
    def has_log(self) -> bool: ...
    def drain_log(self) -> list[tuple[int, str]]: ...

class JsonError(Exception):
    """(errcode, text): a client's text is no JSON object, or none that is taken."""

def read_json_object(text: bytes, *, max_depth: int = 32, max_members: int = 128) -> dict[str, Any]:
    """The JSON object of a client (docs/behaviour.md, P10, L3). Raises JsonError."""

def normal_target(target: str | bytes, /) -> str:
    """A request target as every router takes it (docs/behaviour.md, R13): the origin form.

    A ``str`` stands for bytes, a character a byte, as in ``Request``.
    """

class Expression:
    """A regular expression of RE2. ValueError: it is none; the text says why."""

    def __init__(self, text: str, /) -> None: ...
    @property
    def text(self) -> str: ...
    def matches_start_of(self, text: str, /) -> bool:
        """From the start of the text, not to its end (docs/accounts.md, T9)."""
