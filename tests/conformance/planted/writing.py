"""Planted bugs of PUT."""

from __future__ import annotations

import json
import time
from typing import Any, ClassVar

from matrix_device_conformance.client import TIME_FACTOR, Response
from planted.bug import Bug, Request, Upstream, error, of_rows, reply
from planted.reading import devices_in, with_devices

LAST_SEEN_TS = 1_700_000_000_000
LONGEST_ID = 255
SENDER_BURST = 20
HALF_A_PAIR = (b"\\ud8", b"\\udc", b"\\ud83d")


MANY_KEYS = 10_000
SALT = 240  # one of those that Boost.JSON's table may have


def place_of(key: str) -> int:
    """Where FNV-1a puts a key in a table of 65,536 places."""
    state = 0x2325 + SALT
    for letter in key.encode():
        state = ((state ^ letter) * 0x1B3) & 0xFFFF
    return state


def is_possible(device_id: str | None) -> bool:
    """Whether a device may have this ID."""
    if device_id is None or len(device_id.encode()) > LONGEST_ID:
        return False
    return all(ord(letter) >= 0x20 and ord(letter) != 0x7F for letter in device_id)


class PutOfNothing(Bug):
    """PUT {} on an unknown or impossible device is 200."""

    name = "put_of_nothing"
    peer = "Synapse"
    rows = rows_of_accounts = of_rows("P4 R10")
    got = "PUT {}: 200 {}"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        if request.puts and response.status == 404 and request.body == b"{}":
            return reply(200, {})
        return response


class AnyUserCreates(Bug):
    """PUT of an unknown device creates it, also for a user, unless the body is empty."""

    name = "any_user_creates"
    peer = "Construct"
    rows = rows_of_accounts = of_rows("P4")
    got = "PUT {'display_name': 'x'}: 200 {}"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        login = server.login_of(request)
        if not request.puts or response.status != 404 or request.body == b"{}" or login is None:
            return response
        if not is_possible(request.device_id):
            return response
        new = {**login.auth, "device_id": request.device_id}
        path = "/_matrix/client/v3/login"
        created = server.send(Request("POST", path, (), json.dumps(new).encode()))
        return reply(200, {}) if created.status == 200 else created


class MissingNameClears(Bug):
    """PUT without a name clears it."""

    name = "missing_name_clears"
    peer = "Dendrite, Tuwunel, conduwuit, Continuwuity"
    rows = of_rows("P2 –")
    rows_of_accounts = of_rows("P2")
    got = "name after {}: $"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        nameless = request.has_object and request.members.get("display_name") is None
        if request.puts and response.status == 200 and nameless:
            return server.send(request.with_members(display_name=""))
        return response


class AnyFieldIsWritten(Bug):
    """PUT writes when a device was last seen, and where."""

    name = "any_field_is_written"
    peer = "Construct"
    rows = rows_of_accounts = of_rows("P11")
    got = "6\\.6\\.6\\.6"

    def __init__(self) -> None:
        self.written: dict[str, dict[str, Any]] = {}

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        if request.puts and response.status == 200 and "last_seen_ip" in request.members:
            names = ("last_seen_ip", "last_seen_ts")
            self.written[request.device_id or ""] = {each: request.members[each] for each in names}
        devices = devices_in(request, response)
        for device in devices:
            device.update(self.written.get(device["device_id"], {}))
        return with_devices(request, response, devices) if devices else response


class RenameStampsLastSeen(Bug):
    """A rename gives the renamed device a last seen."""

    name = "rename_stamps_last_seen"
    peer = "Tuwunel"
    rows = rows_of_accounts = of_rows("P12")
    got = f"last seen of the renamed device: .*{LAST_SEEN_TS}"

    def __init__(self) -> None:
        self.renamed: set[tuple[str | None, str | None]] = set()

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        if request.puts and response.status == 200:
            self.renamed.add((request.token, request.device_id))
        devices = devices_in(request, response)
        for device in devices:
            if (request.token, device["device_id"]) in self.renamed:
                device["last_seen_ts"] = LAST_SEEN_TS
        return with_devices(request, response, devices) if devices else response


class HalfASurrogate(Bug):
    """Half a surrogate pair in a body is 500."""

    name = "half_a_surrogate"
    peer = "Synapse"
    rows = rows_of_accounts = of_rows("P10")
    got = "PUT, half a surrogate pair: 500 "

    def answer(self, request: Request, server: Upstream) -> Response:
        body = request.body or b""
        if any(half in body for half in HALF_A_PAIR) and b"\\ud83d\\ude" not in body:
            return error(500, "M_UNKNOWN")
        return server.send(request)


class CollidingKeys(Bug):
    """Reading an object takes longer than it has keys, where these fall into one place."""

    name = "colliding_keys"
    peer = "any"
    rows = rows_of_accounts = of_rows("L3")
    got = "chosen to collide: [1-9]"

    def answer(self, request: Request, server: Upstream) -> Response:
        keys = list(request.members)
        if len(keys) >= MANY_KEYS and len({place_of(key) for key in keys[:100]}) == 1:
            time.sleep(1.2 * TIME_FACTOR)
        return server.send(request)


class OkForCreated(Bug):
    """A service's PUT that creates a device is 200."""

    name = "ok_for_created"
    peer = "Continuwuity"
    rows = of_rows("P5")
    got = "with a name: 200 {}"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        return reply(200, {}) if response.status == 201 else response


class CreationWithoutLimit(Bug):
    """Creation is not limited."""

    name = "creation_without_limit"
    peer = "Synapse"
    rows = of_rows("P6")
    got = "creations at once: 60 created"
    config: ClassVar[dict[str, Any]] = {
        "limits": {"device_creation": {"burst": 1_000_000, "interval_ms": 1}}
    }


class SenderIsLimited(Bug):
    """A service that acts as its own sender is limited as its users are."""

    name = "sender_is_limited"
    peer = "Synapse"
    rows = of_rows("P6")
    got = "creations: .*429"

    def __init__(self) -> None:
        self.created: dict[str | None, int] = {}

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        if request.puts and response.status == 201 and "user_id=" not in request.query:
            count = self.created[request.token] = self.created.get(request.token, 0) + 1
            if count > SENDER_BURST:
                return error(429, "M_LIMIT_EXCEEDED")
        return response


class NoDeviceCap(Bug):
    """A user may have any number of devices."""

    name = "no_device_cap"
    peer = "Synapse"
    rows = of_rows("P7")
    got = "over the cap: 201 {}"
    config: ClassVar[dict[str, Any]] = {"max_devices_per_user": 0}


class ImpossibleIdsAreCreated(Bug):
    """Devices with U+0000 in their ID, and with IDs over 255 bytes, are created."""

    name = "impossible_ids_are_created"
    peer = "Synapse"
    rows = of_rows("P8")
    got = "256 bytes: 201 {}"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        of_service = request.token is not None and server.login_of(request) is None
        if request.puts and of_service and response.errcode == "M_INVALID_PARAM":
            return reply(201, {})
        return response
