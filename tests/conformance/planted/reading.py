"""Planted bugs of routes, headers and reading."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from matrix_device_conformance.client import Response
from planted.bug import Bug, Request, Upstream, of_rows, with_body, without_headers


def with_devices(request: Request, response: Response, devices: list[dict[str, Any]]) -> Response:
    """The answer to a GET of one device or of the list, with these."""
    one = request.device_id is not None
    return with_body(response, devices[0] if one else {"devices": devices})


def devices_in(request: Request, response: Response) -> list[dict[str, Any]]:
    """The devices in the answer to a GET of one device or of the list."""
    if not request.reads or response.status != 200:
        return []
    return [response.json] if request.device_id is not None else response.json["devices"]


class RouteNotAnchored(Bug):
    """The route of bulk deletion is not anchored."""

    name = "route_not_anchored"
    peer = "Synapse"
    rows = rows_of_accounts = of_rows("R8")
    got = "POST /delete_devicesX: 401 .*flows"

    def answer(self, request: Request, server: Upstream) -> Response:
        head, route, _ = request.target.partition("/delete_devices")
        return server.send(replace(request, target=head + route))


class NoCors(Bug):
    """Responses have no CORS headers."""

    name = "no_cors"
    peer = "any"
    rows = rows_of_accounts = of_rows("R5 R12")
    got = "200: Allow-Origin: None"

    def answer(self, request: Request, server: Upstream) -> Response:
        return without_headers(server.send(request), "access-control-")


class NullForEmptyList(Bug):
    """`devices: null` for a user without devices."""

    name = "null_for_empty_list"
    peer = "Dendrite"
    rows = of_rows("G1")
    got = '200 {"devices": null}'

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        empty = request.reads and response.json == {"devices": []}
        return with_body(response, {"devices": None}) if empty else response


class NullForAbsent(Bug):
    """What is not known is null."""

    name = "null_for_absent"
    peer = "Synapse"
    rows = rows_of_accounts = of_rows("G2")
    got = "'display_name': None"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        devices = devices_in(request, response)
        nulls = dict.fromkeys(("display_name", "last_seen_ip", "last_seen_ts"))
        filled = [{**nulls, **device} for device in devices]
        return with_devices(request, response, filled) if devices else response


class InheritedName(Bug):
    """A device without a name inherits that of the row before."""

    name = "inherited_name"
    peer = "Dendrite"
    rows = rows_of_accounts = of_rows("G2")
    got = "an unnamed device: named by us"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        devices = devices_in(request, response)
        name = None
        for device in devices:
            name = device.get("display_name", name)
            if name is not None:
                device["display_name"] = name
        return with_devices(request, response, devices) if devices else response


class NoLastSeenOfDeviceActedAs(Bug):
    """A service's request as a device is nothing that this device was seen by."""

    name = "no_last_seen_of_device_acted_as"
    peer = "Synapse"
    rows = of_rows("A12")
    got = "last_seen_ts of the device acted on: not yet"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        devices = devices_in(request, response)
        if not devices or server.login_of(request) is not None:
            return response
        unseen = [
            {name: value for name, value in device.items() if not name.startswith("last_seen")}
            for device in devices
        ]
        return with_devices(request, response, unseen)


class ReplacedTokenIsGone(Bug):
    """A token that a refresh has replaced is answered as if its device were gone."""

    name = "replaced_token_is_gone"
    peer = "any"
    rows = rows_of_accounts = of_rows("A4a")
    got = "the replaced token: soft_logout: False"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        known = server.login_of(request) is not None
        if known and response.errcode == "M_UNKNOWN_TOKEN" and response.json.get("soft_logout"):
            return with_body(response, {**response.json, "soft_logout": False})
        return response
