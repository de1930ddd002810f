"""Planted bugs of routes, reading, PUT, application services, limits and headers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, ClassVar

from matrix_device_conformance.client import Response
from planted.bug import Bug, Request, Upstream, error, reply, with_body, without_headers

LAST_SEEN_TS = 1_700_000_000_000


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
    test = "test_routes.py::test_R8_other_paths"
    got = "POST /delete_devicesX: 401 .*flows"

    def answer(self, request: Request, server: Upstream) -> Response:
        head, route, _ = request.target.partition("/delete_devices")
        return server.send(replace(request, target=head + route))


class NoCors(Bug):
    """Responses have no CORS headers."""

    name = "no_cors"
    peer = "any"
    test = "test_routes.py::test_R12_headers"
    got = "200: Allow-Origin: None"

    def answer(self, request: Request, server: Upstream) -> Response:
        return without_headers(server.send(request), "access-control-")


class NullForEmptyList(Bug):
    """`devices: null` for a user without devices."""

    name = "null_for_empty_list"
    peer = "Dendrite"
    test = "test_reading.py::test_G1_empty_list"
    got = '200 {"devices": null}'

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        empty = request.reads and response.json == {"devices": []}
        return with_body(response, {"devices": None}) if empty else response


class NullForAbsent(Bug):
    """What is not known is null."""

    name = "null_for_absent"
    peer = "Synapse"
    test = "test_reading.py::test_G2_only_what_is_known"
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
    test = "test_reading.py::test_G2_only_what_is_known"
    got = "{'device_id': 'B', 'display_name': 'named'}"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        devices = devices_in(request, response)
        name = None
        for device in devices:
            name = device.get("display_name", name)
            if name is not None:
                device["display_name"] = name
        return with_devices(request, response, devices) if devices else response


class PutOfNothing(Bug):
    """PUT {} on an unknown device is 200."""

    name = "put_of_nothing"
    peer = "Synapse"
    test = "test_put.py::test_P4_unknown_device"
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
    test = "test_put.py::test_P4_unknown_device"
    got = "PUT {'display_name': 'x'}: 200 {}"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        login = server.login_of(request)
        if not request.puts or response.status != 404 or request.body == b"{}" or login is None:
            return response
        new = {**login.auth, "device_id": request.device_id}
        path = "/_matrix/client/v3/login"
        created = server.send(Request("POST", path, (), json.dumps(new).encode()))
        return reply(200, {}) if created.status == 200 else created


class MissingNameClears(Bug):
    """PUT without a name clears it."""

    name = "missing_name_clears"
    peer = "Dendrite, Tuwunel, conduwuit, Continuwuity"
    test = "test_put.py::test_P2_no_name"
    got = "name after {}: $"

    def answer(self, request: Request, server: Upstream) -> Response:
        if request.puts and request.members.get("display_name") is None:
            return server.send(request.with_members(display_name=""))
        return server.send(request)


class AnyFieldIsWritten(Bug):
    """PUT writes every member of its body."""

    name = "any_field_is_written"
    peer = "Construct"
    test = "test_put.py::test_P11_unknown_keys"
    got = "6\\.6\\.6\\.6"

    def __init__(self) -> None:
        self.written: dict[str, dict[str, Any]] = {}

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        if request.puts and response.status == 200:
            self.written[request.device_id or ""] = request.members
        devices = devices_in(request, response)
        for device in devices:
            device.update(self.written.get(device["device_id"], {}))
        return with_devices(request, response, devices) if devices else response


class RenameStampsLastSeen(Bug):
    """A rename gives the renamed device a last seen."""

    name = "rename_stamps_last_seen"
    peer = "Tuwunel"
    test = "test_put.py::test_P12_rename_only"
    got = f"the renamed device: .*{LAST_SEEN_TS}"

    def __init__(self) -> None:
        self.renamed: set[str | None] = set()

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        if request.puts and response.status == 200:
            self.renamed.add(request.device_id)
        devices = devices_in(request, response)
        for device in devices:
            if device["device_id"] in self.renamed:
                device["last_seen_ts"] = LAST_SEEN_TS
        return with_devices(request, response, devices) if devices else response


class OkForCreated(Bug):
    """A service's PUT that creates a device is 200."""

    name = "ok_for_created"
    peer = "Continuwuity"
    test = "test_put.py::test_P5_create"
    got = "NAMED, first: 200 {}"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        return reply(200, {}) if response.status == 201 else response


class NoDeviceCap(Bug):
    """A user may have any number of devices."""

    name = "no_device_cap"
    peer = "Synapse"
    test = "test_put.py::test_P7_device_cap"
    got = "over the cap: 201 {}"
    config: ClassVar[dict[str, Any]] = {"max_devices_per_user": 0}


class WrongCodeForUnknownDevice(Bug):
    """A service that acts as a device which is not there gets another errcode."""

    name = "wrong_code_for_unknown_device"
    peer = "Tuwunel"
    test = "test_authentication.py::test_A13_service_on_an_unknown_device"
    got = "NONE: 400 .*M_INVALID_PARAM"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        unknown = response.errcode == "M_UNKNOWN_DEVICE"
        return error(400, "M_INVALID_PARAM") if unknown else response


class AliasDropped(Bug):
    """org.matrix.msc3202.device_id is not known any more."""

    name = "alias_dropped"
    peer = "Synapse"
    test = "test_authentication.py::test_A14_alias"
    got = "alias, unknown: 200 .*MINE"

    def answer(self, request: Request, server: Upstream) -> Response:
        target = request.target.replace("org.matrix.msc3202.device_id=", "nobody_knows=")
        return server.send(replace(request, target=target))


class ServicesCannotBulkDelete(Bug):
    """With delegated authentication bulk deletion is off, also for services."""

    name = "services_cannot_bulk_delete"
    peer = "Synapse"
    test = "test_deleting.py::test_D2_service"
    got = "POST: 404 .*M_UNRECOGNIZED"

    def answer(self, request: Request, server: Upstream) -> Response:
        if request.deletes_in_bulk and server.login_of(request) is None:
            return error(404, "M_UNRECOGNIZED")
        return server.send(request)


class LegacyTokensCannotDelete(Bug):
    """With delegated authentication deletion is off, also for legacy tokens."""

    name = "legacy_tokens_cannot_delete"
    peer = "Synapse"
    test = "test_deleting.py::test_D3_oauth_token"
    got = "legacy token on the same server: 404 .*M_UNRECOGNIZED"

    def answer(self, request: Request, server: Upstream) -> Response:
        if request.deletes and server.login_of(request) is not None:
            return error(404, "M_UNRECOGNIZED")
        return server.send(request)


class BareNotFoundForOAuth(Bug):
    """An OAuth user's deletion is a 404 that says nothing of where to go."""

    name = "bare_not_found_for_oauth"
    peer = "Synapse"
    test = "test_deleting.py::test_D3_account_management"
    got = "in the text: Unrecognized request"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        bare = request.deletes and response.errcode == "M_UNRECOGNIZED"
        return error(404, "M_UNRECOGNIZED", "Unrecognized request") if bare else response


class RetryAfterWithDecimals(Bug):
    """Retry-After is not in whole seconds."""

    name = "retry_after_with_decimals"
    peer = "any"
    test = "test_limits.py::test_L1_rate_limited"
    got = r"Retry-After: \d+\.\d"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        if response.status == 429:
            response.headers.replace_header(
                "Retry-After", f"{response.json['retry_after_ms'] / 1000:.1f}"
            )
        return response


class NoRetryAfter(Bug):
    """A 429 has no Retry-After."""

    name = "no_retry_after"
    peer = "any"
    test = "test_limits.py::test_L1_rate_limited"
    got = "Retry-After: None"

    def answer(self, request: Request, server: Upstream) -> Response:
        return without_headers(server.send(request), "retry-after")
