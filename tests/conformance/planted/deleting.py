"""Planted bugs of deletion."""

from __future__ import annotations

import threading
import time
from typing import ClassVar

from matrix_device_conformance.client import Response, client_path
from planted.bug import Bug, Request, Upstream, error, members_of, of_rows, reply

BULK_PART = 100
MANY = 1000
READS = 8
READERS_LIMIT_S = 1.0


def listed(request: Request, server: Upstream) -> list[str]:
    """The devices of who asks."""
    listing = Request("GET", client_path("/devices"), request.headers, None)
    devices = members_of(server.send(listing)).get("devices", [])
    return [device["device_id"] for device in devices]


def others(request: Request, server: Upstream) -> list[str]:
    """All devices of who asks but their own."""
    own = server.logins[request.token or ""].device_id
    return [device_id for device_id in listed(request, server) if device_id != own]


class EmptyBulkBody(Bug):
    """Bulk deletion with an empty body is 500."""

    name = "empty_bulk_body"
    peer = "Synapse"
    rows = rows_of_accounts = of_rows("D7")
    got = "no body: 500 "

    def answer(self, request: Request, server: Upstream) -> Response:
        of_login = server.login_of(request) is not None  # an OAuth token is looked at before
        if request.deletes_in_bulk and of_login and not request.body:
            return error(500, "M_UNKNOWN")
        return server.send(request)


class MissingListDeletesAll(Bug):
    """Bulk deletion without a list takes every device for meant, where the password is right."""

    name = "missing_list_deletes_all"
    peer = "Dendrite"
    rows = rows_of_accounts = of_rows("D7")
    got = "devices that must still be there: 200 "

    def answer(self, request: Request, server: Upstream) -> Response:
        no_list = request.has_object and request.members.get("devices") is None
        right = request.session is None and server.is_own_password(request)
        if request.deletes_in_bulk and no_list and right:
            return server.send(request.with_members(devices=others(request, server)))
        return server.send(request)


class EmptyListDeletesAll(Bug):
    """`{"devices": []}` deletes every device; and a challenge has an empty `completed`."""

    name = "empty_list_deletes_all"
    peer = "Dendrite"
    rows = rows_of_accounts = of_rows("D8")
    got = "devices that must still be there: 200 "

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        empty = request.deletes_in_bulk and request.members.get("devices") == []
        if empty and response.status == 200:
            server.authorise(request.with_members(devices=others(request, server)))
        if empty and response.status == 401 and "flows" in members_of(response):
            return reply(401, {**response.json, "completed": []})
        return response


class BulkDeletesAPart(Bug):
    """Of a long list only the first are deleted."""

    name = "bulk_deletes_a_part"
    peer = "any"
    rows = rows_of_accounts = of_rows("D10")
    got = "devices that must be gone: 200 "

    def answer(self, request: Request, server: Upstream) -> Response:
        devices = request.members.get("devices") if request.deletes_in_bulk else None
        if isinstance(devices, list) and len(devices) > BULK_PART:
            return server.send(request.with_members(devices=devices[:BULK_PART]))
        return server.send(request)


class CountsReads:
    """For a bug that shows for a moment only: the moment lasts until somebody has read."""

    def __init__(self) -> None:
        self.reads = 0
        self.is_more = threading.Condition()

    def count(self, request: Request) -> None:
        """Somebody has read."""
        if request.reads:
            with self.is_more:
                self.reads += 1
                self.is_more.notify_all()

    def wait_for_readers(self) -> None:
        """Until some have read, also those who had begun before."""
        with self.is_more:
            enough = self.reads + READS
            self.is_more.wait_for(lambda: self.reads >= enough, READERS_LIMIT_S)


class HalfDeleted(CountsReads, Bug):
    """A long list goes in two parts, and who reads meanwhile sees the second."""

    name = "half_deleted"
    peer = "Synapse"
    rows = rows_of_accounts = of_rows("D10")
    got = "lists that were read meanwhile: \\d+ of \\d+ with a part"

    def answer(self, request: Request, server: Upstream) -> Response:
        devices = request.members.get("devices") if request.deletes_in_bulk else None
        if not isinstance(devices, list) or len(devices) < MANY:
            response = server.send(request)
            self.count(request)
            return response
        of_login = server.login_of(request) is not None
        if of_login and not server.is_own_password(request):
            return server.send(request)
        part = request.with_members(devices=devices[: len(devices) // 2])
        if of_login:
            server.authorise(part)
        else:
            server.send(part)
        self.wait_for_readers()
        return server.send(request)


class UnknownDevicesAreSlow(Bug):
    """Each unknown ID takes its time: 2,000 take minutes."""

    name = "unknown_devices_are_slow"
    peer = "Dendrite"
    rows = rows_of_accounts = of_rows("D10")
    got = "delete_devices: no answer within 10 s: none"
    # Of the suite's limits: 10 s for that list in place of 20, and 15 s for the server's start.
    time_factor: ClassVar[float] = 0.5
    seconds: ClassVar[float] = 0.0065  # for an ID; Dendrite 0.15 took five times that

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        if request.deletes_in_bulk and response.status == 200:
            listed = request.members.get("devices", [])
            unknown = sum(each.startswith("UNKNOWN") for each in listed)
            time.sleep(min(unknown, 2 * MANY) * self.seconds)
        return response


class TokensOutliveDevices(Bug):
    """The token of a deleted device goes on working."""

    name = "tokens_outlive_devices"
    peer = "Synapse, Dendrite"
    rows = rows_of_accounts = of_rows("D11 D12")
    got = 'token of the deleted device: 200 {"devices": '

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        known = server.login_of(request) is not None
        gone = members_of(response).get("soft_logout") is False
        if request.reads and known and gone:
            return reply(200, {"devices": []})
        return response


class TokensGoLater(CountsReads, Bug):
    """Device rows go first and their tokens a little later."""

    name = "tokens_go_later"
    peer = "Synapse"
    rows = rows_of_accounts = of_rows("D12")
    got = "not in the list any more: [1-9]\\d* more lists came"

    def __init__(self) -> None:
        super().__init__()
        self.going = 0

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        if request.deletes and response.status == 200 and server.login_of(request) is not None:
            self.going += 1
            self.wait_for_readers()
            self.going -= 1
        self.count(request)
        known = server.login_of(request) is not None
        if self.going and request.reads and known and response.status == 401:
            return reply(200, {"devices": []})
        return response
