"""Planted bugs of User-Interactive Authentication: what it answers."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

from matrix_device_conformance.client import Response
from planted.bug import (
    Bug,
    Request,
    Sessions,
    Upstream,
    begun_session,
    error,
    members_of,
    of_rows,
    reply,
    with_members,
)


class NullAuth(Bug):
    """`auth: null` is 500."""

    name = "null_auth"
    peer = "Synapse before 1.100"
    rows = rows_of_accounts = of_rows("U1")
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
    rows = rows_of_accounts = of_rows("U3 –")
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
    rows = rows_of_accounts = of_rows("U4 U7 U14 –")
    got = "completed: None"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        nothing = response.status == 401 and members_of(response).get("completed") == []
        return with_members(response, completed=None) if nothing else response


class OddTypes(Bug):
    """An identifier that is no object, and a user that is no string, are 500."""

    name = "odd_types"
    peer = "Synapse"
    rows = rows_of_accounts = of_rows("U4a")
    got = "identifier a number: 500 "

    def answer(self, request: Request, server: Upstream) -> Response:
        identifier = request.auth.get("identifier", {})
        users = [request.auth.get("user", "")]
        if isinstance(identifier, dict):
            users.append(identifier.get("user", ""))
        elif identifier is not None:
            return error(500, "M_UNKNOWN")
        if any(not isinstance(user, str | None) for user in users):
            return error(500, "M_UNKNOWN")
        return server.send(request)


class PasswordOfAnother(Sessions, Bug):
    """Anybody's password will do, whoever's token it is."""

    name = "password_of_another"
    peer = "Conduit, Continuwuity"
    rows = rows_of_accounts = of_rows("U6")
    got = "(at once|with a session): 200 {}"
    # What the real server refuses counts as failures, and then it would refuse the bug too.
    config: ClassVar[dict[str, Any]] = {
        "limits": {"uia_failures": {"burst": 12, "interval_ms": 6000}}
    }

    def answer(self, request: Request, server: Upstream) -> Response:
        response = self.send(request, server)
        login, identifier = server.login_of(request), request.auth.get("identifier")
        if login is None or response.status != 403 or not isinstance(identifier, dict):
            return response
        of_another = identifier.get("user") != login.user_id
        begun = request.session is None or self.is_own(request)
        return server.authorise(request) if of_another and begun else response


class SessionAlone(Bug):
    """The session alone is 400."""

    name = "session_alone"
    peer = "Dendrite"
    rows = of_rows("U7 F3")
    rows_of_accounts = of_rows("U7")
    got = "before: 400 .*M_BAD_JSON"

    def answer(self, request: Request, server: Upstream) -> Response:
        if request.deletes and set(request.auth) == {"session"}:
            return error(400, "M_BAD_JSON")
        return server.send(request)


class FlowsInRandomOrder(Bug):
    """Flows come in another order on each call."""

    name = "flows_in_random_order"
    peer = "Synapse"
    rows = rows_of_accounts = of_rows("U16")
    got = "flows: .*m.login.password.*m.login.sso"

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
    rows = of_rows("U17")
    got = 'DELETE: 401 .*"flows": \\[\\]'

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        if request.deletes and not request.auth and response.errcode == "M_FORBIDDEN":
            return reply(401, {"flows": [], "params": {}, "session": secrets.token_urlsafe(16)})
        return response


class SessionIsQuoted(Bug):
    """The text of an error quotes the session."""

    name = "session_is_quoted"
    peer = "Synapse"
    rows = rows_of_accounts = of_rows("U18")
    got = "quotes the session"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        if request.deletes and response.status == 400 and request.session is not None:
            return error(400, "M_BAD_JSON", f"Not a session: {request.session}")
        return response


class SessionNoString(Bug):
    """A session that is no string is passed over, and the password alone will do."""

    name = "session_no_string"
    peer = "Dendrite"
    rows = rows_of_accounts = of_rows("U18")
    got = "session a number: 200 {}"

    def answer(self, request: Request, server: Upstream) -> Response:
        session: Any = request.session
        if request.deletes and session is not None and not isinstance(session, str):
            auth = {name: value for name, value in request.auth.items() if name != "session"}
            return server.send(request.with_members(auth=auth))
        return server.send(request)


class GuessesWithoutLimit(Bug):
    """Password guesses are not limited."""

    name = "guesses_without_limit"
    peer = "Synapse"
    rows = rows_of_accounts = of_rows("U23")
    got = "wrong passwords, 12 in turn: 12 refusals"
    config: ClassVar[dict[str, Any]] = {
        "limits": {"uia_failures": {"burst": 1_000_000, "interval_ms": 1}}
    }


class RetryAfterWithDecimals(Bug):
    """Retry-After is not in whole seconds."""

    name = "retry_after_with_decimals"
    peer = "any"
    rows = rows_of_accounts = of_rows("L1")
    got = r"Retry-After: \d+\.\d"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        wait_ms = members_of(response).get("retry_after_ms")
        if response.status == 429 and wait_ms is not None:
            response.headers.replace_header("Retry-After", f"{wait_ms / 1000:.1f}")
        return response


class NoRetryAfter(Bug):
    """A 429 says nothing of how long to wait."""

    name = "no_retry_after"
    peer = "any"
    rows = rows_of_accounts = of_rows("L1")
    got = "Retry-After: None"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        if response.status == 429 and "retry_after_ms" in members_of(response):
            del response.headers["Retry-After"]
        return response
