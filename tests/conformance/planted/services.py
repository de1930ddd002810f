"""Planted bugs of application services and of OAuth."""

from __future__ import annotations

from dataclasses import replace

from matrix_device_conformance.client import Response, client_path
from planted.bug import Bug, Request, Upstream, error, members_of, of_rows, reply


class WrongCodeForUnknownDevice(Bug):
    """A service that acts as a device which is not there gets another errcode."""

    name = "wrong_code_for_unknown_device"
    peer = "Tuwunel"
    rows = of_rows("A13")
    got = "NONE: 400 .*M_INVALID_PARAM"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        unknown = response.errcode == "M_UNKNOWN_DEVICE"
        return error(400, "M_INVALID_PARAM") if unknown else response


class AliasDropped(Bug):
    """org.matrix.msc3202.device_id is not known any more."""

    name = "alias_dropped"
    peer = "Synapse"
    rows = rows_of_accounts = of_rows("A14")
    got = "alias, unknown: 200 .*MINE"
    got_of_accounts = "alias twice: 200 "

    def answer(self, request: Request, server: Upstream) -> Response:
        target = request.target.replace("org.matrix.msc3202.device_id=", "nobody_knows=")
        return server.send(replace(request, target=target))


class ServicesCannotBulkDelete(Bug):
    """With delegated authentication bulk deletion is off, also for services."""

    name = "services_cannot_bulk_delete"
    peer = "Synapse"
    rows = of_rows("D2")
    got = "POST: 404 .*M_UNRECOGNIZED"

    def answer(self, request: Request, server: Upstream) -> Response:
        of_service = server.login_of(request) is None and "user_id=" in request.query
        if request.deletes_in_bulk and of_service:
            return error(404, "M_UNRECOGNIZED")
        return server.send(request)


class LegacyTokensCannotDelete(Bug):
    """With delegated authentication deletion is off, also for the user's legacy tokens."""

    name = "legacy_tokens_cannot_delete"
    peer = "Synapse"
    rows = of_rows("D3")
    got = "legacy token on the same server: 404 .*M_UNRECOGNIZED"

    def __init__(self) -> None:
        self.delegated: set[str | None] = set()

    def answer(self, request: Request, server: Upstream) -> Response:
        login = server.login_of(request)
        if request.deletes and login is not None and login.user_id in self.delegated:
            return error(404, "M_UNRECOGNIZED")
        response = server.send(request)
        if request.deletes and response.errcode == "M_UNRECOGNIZED":
            whoami = Request("GET", client_path("/account/whoami"), request.headers, None)
            self.delegated.add(members_of(server.send(whoami)).get("user_id"))
        return response


class BareNotFoundForOAuth(Bug):
    """An OAuth user's deletion is a 404 that says nothing of where to go."""

    name = "bare_not_found_for_oauth"
    peer = "Synapse"
    rows = of_rows("D3")
    got = "in the text: Unrecognized request"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        bare = request.deletes and response.errcode == "M_UNRECOGNIZED"
        return error(404, "M_UNRECOGNIZED", "Unrecognized request") if bare else response


class NoPasswordPasses(Bug):
    """The password stage passes for a user who has no password."""

    name = "no_password_passes"
    peer = "conduwuit"
    rows = of_rows("U17")
    got = "DELETE with an empty one: 200 {}"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        of_login = server.login_of(request) is not None
        if request.deletes and not of_login and response.status == 403 and request.auth:
            return reply(200, {})
        return response
