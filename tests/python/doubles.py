"""Hosts of a few lines, to be bent by tests."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from matrix_devices import (
    Credentials,
    Deletion,
    Device,
    DeviceKey,
    DeviceQuery,
    DeviceUpdate,
    Flow,
    Host,
    KeptSession,
    MatrixError,
    NewSession,
    NotFound,
    Principal,
    Replacement,
    Request,
    SessionKey,
    UiaAttempt,
    UiaOperation,
    UnknownToken,
)

USER = "@alice:example.org"
TOKEN = "letmein"
AUTHORIZED = (("Authorization", f"Bearer {TOKEN}"),)
DEVICES = "/_matrix/client/v3/devices"
# No Content-Length is any of these, much of which Python takes for the number 8.
BAD_LENGTHS = [
    *(b"+8", b"-8", b"8_0", b" 8", b"8 ", b"8\n", b"", b"8, 8", b"8.0", b"0x8", b"1e1", b"x"),
    *("\u0665".encode(), b"\xb2", b"\x008", b"\xff"),
]


class SmallHost(Host):
    """One user with some devices, whose password is never asked: her token was validated."""

    def __init__(self, count: int = 2) -> None:
        self.devices = {f"D{number}": Device(f"D{number}") for number in range(count)}
        self.deleted: list[list[str]] = []

    def authenticate(self, credentials: Credentials) -> Principal:
        if credentials.access_token != TOKEN:
            raise UnknownToken
        return Principal(USER, "D0", service_id="bridge")  # a service deletes without a password

    def list_devices(self, principal: Principal, query: DeviceQuery) -> list[Device]:
        return list(self.devices.values())

    def get_device(self, principal: Principal | None, key: DeviceKey) -> Device:
        try:
            return self.devices[key.device_id]
        except KeyError:
            raise NotFound from None

    def rename_device(self, principal: Principal, update: DeviceUpdate) -> None:
        self.get_device(principal, DeviceKey(update.user_id, update.device_id))

    def delete_devices(self, principal: Principal, deletion: Deletion) -> None:
        self.deleted.append(list(deletion.device_ids))
        for device_id in deletion.device_ids:
            self.devices.pop(device_id, None)

    def uia_flows(self, principal: Principal | None, operation: UiaOperation) -> list[Flow]:
        raise MatrixError(400, "M_UNKNOWN", "There is no such authentication here.")

    def uia_create_session(self, principal: Principal | None, session: NewSession) -> None:
        raise NotImplementedError

    def uia_load_session(self, principal: Principal | None, key: SessionKey) -> KeptSession:
        raise NotFound

    def uia_replace_session(self, principal: Principal | None, replacement: Replacement) -> None:
        raise NotFound

    def uia_check(self, principal: Principal | None, attempt: UiaAttempt) -> str | None:
        raise NotImplementedError


def bent(method: str, replacement: Callable[..., Any]) -> SmallHost:
    """A SmallHost one of whose methods is this function, which gets the arguments but self."""

    def call(self: SmallHost, *arguments: Any) -> Any:
        return replacement(*arguments)

    async def acall(self: SmallHost, *arguments: Any) -> Any:
        return await replacement(*arguments)

    implementation = acall if inspect.iscoroutinefunction(replacement) else call
    kind = type("BentHost", (SmallHost,), {method: implementation})
    return kind()  # type: ignore[no-any-return]


def get(path: str = "", **fields: Any) -> Request:
    """GET of the list, or of one device."""
    return Request("GET", DEVICES + path, AUTHORIZED, **fields)


def delete(*device_ids: str) -> Request:
    """POST /delete_devices."""
    import json

    return Request(
        "POST",
        "/_matrix/client/v3/delete_devices",
        AUTHORIZED,
        json.dumps({"devices": device_ids}).encode(),
    )
