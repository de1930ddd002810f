"""Planted bugs of deletion and of User-Interactive Authentication."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

from matrix_device_conformance.client import Response, client_path
from planted.bug import Bug, Request, Upstream, error, reply, with_body

BULK_PART = 100


def with_members(response: Response, **members: Any) -> Response:
    """The same answer with other members."""
    return with_body(response, {**response.json, **members})


def begun_session(request: Request, response: Response) -> str | None:
    """The session that this answer is the first to name."""
    if request.deletes and response.status == 401 and "session" in response.json:
        session = response.json["session"]
        return session if session != request.session else None
    return None


class EmptyBulkBody(Bug):
    """Bulk deletion with an empty body is 500."""

    name = "empty_bulk_body"
    peer = "Synapse"
    test = "test_deleting.py::test_D7_no_devices"
    got = "no body: 500 "

    def answer(self, request: Request, server: Upstream) -> Response:
        if request.deletes_in_bulk and not request.body:
            return error(500, "M_UNKNOWN")
        return server.send(request)


def others(request: Request, server: Upstream) -> list[str]:
    """All devices of who asks but their own."""
    listing = Request("GET", client_path("/devices"), request.headers, None)
    own = server.logins[request.token or ""].device_id
    ids = [device["device_id"] for device in server.send(listing).json["devices"]]
    return [device_id for device_id in ids if device_id != own]


class MissingListDeletesAll(Bug):
    """Bulk deletion without a list takes every device for meant."""

    name = "missing_list_deletes_all"
    peer = "Dendrite"
    test = "test_deleting.py::test_D7_no_devices"
    got = "devices: None: 401 .*flows"

    def answer(self, request: Request, server: Upstream) -> Response:
        if request.deletes_in_bulk and request.body and request.members.get("devices") is None:
            return server.send(request.with_members(devices=others(request, server)))
        return server.send(request)


class EmptyListDeletesAll(Bug):
    """`{"devices": []}` deletes every device."""

    name = "empty_list_deletes_all"
    peer = "Dendrite"
    test = "test_deleting.py::test_D8_empty_list"
    got = "devices: {'[^',]*'}"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        if request.deletes_in_bulk and response.status == 200 and request.members["devices"] == []:
            server.authorise(request.with_members(devices=others(request, server)))
        return response


class BulkDeletesAPart(Bug):
    """Of a long list only the first are deleted."""

    name = "bulk_deletes_a_part"
    peer = "any"
    test = "test_deleting.py::test_D10_many"
    got = "deleted: {"

    def answer(self, request: Request, server: Upstream) -> Response:
        devices = request.members.get("devices") if request.deletes_in_bulk else None
        if isinstance(devices, list) and len(devices) > BULK_PART:
            return server.send(request.with_members(devices=devices[:BULK_PART]))
        return server.send(request)


class TokensOutliveDevices(Bug):
    """The token of a deleted device goes on working."""

    name = "tokens_outlive_devices"
    peer = "Synapse, Dendrite"
    test = "test_deleting.py::test_D12_tokens_go"
    got = 'access token: 200 {"devices": '

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        known = server.login_of(request) is not None
        if request.reads and known and response.errcode == "M_UNKNOWN_TOKEN":
            return reply(200, {"devices": []})
        return response


class NullAuth(Bug):
    """`auth: null` is 500."""

    name = "null_auth"
    peer = "Synapse"
    test = "test_uia.py::test_U1_challenge"
    got = "DELETE, auth null: 500 "

    def answer(self, request: Request, server: Upstream) -> Response:
        members = request.members
        if request.deletes and "auth" in members and members["auth"] is None:
            return error(500, "M_UNKNOWN")
        return server.send(request)


class SessionOfAFirstTry(Bug):
    """The session of a first try that failed is not stored."""

    name = "session_of_a_first_try"
    peer = "Tuwunel, conduwuit, Continuwuity"
    test = "test_uia.py::test_U3_password_at_once"
    got = "right with the session of the failure: 401 "

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        first_try = "type" in request.auth and request.session is None
        if first_try and begun_session(request, response) is not None:
            return with_members(response, session=secrets.token_urlsafe(16))
        return response


class NullCompleted(Bug):
    """`completed: null` while nothing is."""

    name = "null_completed"
    peer = "Dendrite"
    test = "test_uia.py::test_U4_wrong_password"
    got = "completed: None"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        nothing = response.status == 401 and response.json.get("completed") == []
        return with_members(response, completed=None) if nothing else response


class PasswordOfAnother(Bug):
    """Anybody's password will do, whoever's token it is."""

    name = "password_of_another"
    peer = "Continuwuity"
    test = "test_uia.py::test_U6_password_of_another"
    got = "with a session: 200 {}"

    def answer(self, request: Request, server: Upstream) -> Response:
        of_another = any(
            login.user_id == request.auth.get("identifier", {}).get("user")
            and login.password == request.auth.get("password")
            for login in server.logins.values()
        )
        if request.deletes and of_another:
            return server.authorise(request)
        return server.send(request)


class SessionAlone(Bug):
    """The session alone is 400."""

    name = "session_alone"
    peer = "Dendrite"
    test = "test_uia.py::test_U7_session_alone"
    got = "before: 400 .*M_BAD_JSON"

    def answer(self, request: Request, server: Upstream) -> Response:
        if request.deletes and set(request.auth) == {"session"}:
            return error(400, "M_BAD_JSON")
        return server.send(request)


class SessionOfAnybody(Bug):
    """A session works for another device than the one that it was begun by."""

    name = "session_of_anybody"
    peer = "Continuwuity"
    test = "test_uia.py::test_U10_session_of_another"
    got = "by another device: 200 {}"

    def __init__(self) -> None:
        self.begun: dict[str, str | None] = {}

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        session = begun_session(request, response)
        if session is not None:
            self.begun[session] = request.token
        of_another = self.begun.get(request.session or "", request.token) != request.token
        return server.authorise(request) if of_another else response


class SessionForAnything(Bug):
    """A session is bound to neither endpoint nor body."""

    name = "session_for_anything"
    peer = "Tuwunel, conduwuit, Continuwuity"
    test = "test_uia.py::test_U11_other_operation"
    got = "another device ID: 200 {}"

    def __init__(self) -> None:
        self.begun: dict[str, str | None] = {}

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        session = begun_session(request, response)
        if session is not None:
            self.begun[session] = request.token
        own = self.begun.get(request.session or "") == request.token
        return server.authorise(request) if own and response.status == 403 else response


class FinishedForAnything(Bug):
    """A finished authentication is good for other deletions too."""

    name = "finished_for_anything"
    peer = "Synapse"
    test = "test_uia.py::test_U11_after_completion"
    got = "another DELETE, password: 200 {}"

    def __init__(self) -> None:
        self.finished: set[str | None] = set()

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        if request.deletes and response.status == 200:
            self.finished.add(request.session)
        if response.status == 403 and request.session in self.finished:
            return server.authorise(request)
        return response


class FinishedForAnyList(FinishedForAnything):
    """Where the body may change before a session is finished, it may change after."""

    name = "finished_for_any_list"
    test = "test_uia.py::test_U12_lenient"
    got = "another list after: 200 {}"


class QueryCompared(Bug):
    """A session is bound to the query string too."""

    name = "query_compared"
    peer = "Synapse"
    test = "test_uia.py::test_U11_what_is_not_compared"
    got = "another order, query and version: 403 "

    def __init__(self) -> None:
        self.begun: dict[str, str] = {}

    def answer(self, request: Request, server: Upstream) -> Response:
        if self.begun.get(request.session or "", request.query) != request.query:
            return error(403, "M_FORBIDDEN")
        response = server.send(request)
        session = begun_session(request, response)
        if session is not None:
            self.begun[session] = request.query
        return response


class FlowsInRandomOrder(Bug):
    """Flows come in another order on each call."""

    name = "flows_in_random_order"
    peer = "Synapse"
    test = "test_uia.py::test_U16_order_of_flows"
    got = "flows: \\[.*m.login.sso.*m.login.password"

    def __init__(self) -> None:
        self.password_first = False

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        if begun_session(request, response) is None:
            return response
        self.password_first = not self.password_first
        flows = [*response.json["flows"], {"stages": ["m.login.sso"]}]
        return with_members(response, flows=flows if self.password_first else flows[::-1])


class NoFlows(Bug):
    """A user with no way to authenticate gets a challenge with `flows: []`."""

    name = "no_flows"
    peer = "Synapse"
    test = "test_uia.py::test_U17_no_flow"
    got = 'DELETE: 401 .*"flows": \\[\\]'

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        if request.deletes and not request.auth and response.errcode == "M_FORBIDDEN":
            return reply(401, {"flows": [], "params": {}, "session": secrets.token_urlsafe(16)})
        return response


class GuessesWithoutLimit(Bug):
    """Password guesses are not limited."""

    name = "guesses_without_limit"
    peer = "Synapse"
    test = "test_uia_life.py::test_U23_guessing"
    got = "guess 4: 401 .*M_FORBIDDEN"
    config: ClassVar[dict[str, Any]] = {
        "limits": {"uia_failures": {"burst": 1_000_000, "interval_ms": 1}}
    }
