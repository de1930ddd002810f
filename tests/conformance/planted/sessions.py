"""Planted bugs of User-Interactive Authentication: what a session is good for."""

from __future__ import annotations

import secrets
import threading
from typing import Any

from matrix_device_conformance.client import Response
from planted.bug import Bug, Request, Sessions, Upstream, begun_session, error, of_rows

AT_THIS_MOMENT_S = 0.3


class MadeUpSession(Sessions, Bug):
    """A session that nobody has begun is passed over, and the password alone will do."""

    name = "made_up_session"
    peer = "Dendrite"
    rows = rows_of_accounts = of_rows("U9 U23")
    got = "session 'x': 200 {}"

    def answer(self, request: Request, server: Upstream) -> Response:
        session = request.session
        if request.deletes and isinstance(session, str) and session not in self.begun:
            auth = {name: value for name, value in request.auth.items() if name != "session"}
            return self.send(request.with_members(auth=auth), server)
        return self.send(request, server)


class SessionOfAnotherUser(Sessions, Bug):
    """Another user's session will do, with the own password."""

    name = "session_of_another_user"
    peer = "Synapse, Dendrite"
    rows = rows_of_accounts = of_rows("U10")
    got = "by another user, own password: 200 {}"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = self.send(request, server)
        session: Any = request.session
        begun_by = self.begun.get(session) if isinstance(session, str) else None
        login, theirs = server.login_of(request), server.logins.get(begun_by or "")
        if response.status != 403 or login is None or theirs is None:
            return response
        of_another = login.user_id != theirs.user_id
        return (
            server.authorise(request)
            if of_another and server.is_own_password(request)
            else response
        )


class SessionOfAnybody(Sessions, Bug):
    """A session works for another device than the one that it was begun by."""

    name = "session_of_anybody"
    peer = "Continuwuity"
    rows = rows_of_accounts = of_rows("U10")
    got = "by another device: 200 {}"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = self.send(request, server)
        session: Any = request.session
        begun = isinstance(session, str) and session in self.begun
        if begun and not self.is_own(request) and response.status == 403:
            return server.authorise(request)
        return response


class SessionForAnything(Sessions, Bug):
    """A session is bound to neither endpoint nor body."""

    name = "session_for_anything"
    peer = "Tuwunel, conduwuit, Continuwuity"
    rows = of_rows("U11 U12 U26")
    rows_of_accounts = of_rows("U11 U26")
    got = "another device ID: 200 {}"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = self.send(request, server)
        right = self.is_own(request) and server.is_own_password(request)
        return server.authorise(request) if right and response.status == 403 else response


class Finished(Sessions):
    """For a bug that has to know which sessions are finished."""

    def __init__(self) -> None:
        super().__init__()
        self.finished: set[str] = set()
        self.is_more = threading.Condition()

    def send(self, request: Request, server: Upstream) -> Response:
        """Have the real server answer, and remember a session that is finished."""
        response = super().send(request, server)
        session: Any = request.session
        if request.deletes and response.status == 200 and isinstance(session, str):
            with self.is_more:
                self.finished.add(session)
                self.is_more.notify_all()
        return response

    def is_finished(self, request: Request) -> bool:
        """Whether who asks has finished the session, or does so at this moment."""
        session: Any = request.session
        if not isinstance(session, str) or not self.is_own(request):
            return False
        with self.is_more:
            return self.is_more.wait_for(lambda: session in self.finished, AT_THIS_MOMENT_S)


class FinishedForAnything(Finished, Bug):
    """A finished authentication is good for other deletions too."""

    name = "finished_for_anything"
    peer = "Synapse"
    rows = of_rows("U11 U12 U26")
    rows_of_accounts = of_rows("U11 U26")
    got = "another DELETE, session alone: 200 {}"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = self.send(request, server)
        refused = response.status == 403 and self.is_finished(request)
        return server.authorise(request) if refused else response


class FinishedBulkForAnyList(Finished, Bug):
    """A finished session of a bulk deletion is good for any list."""

    name = "finished_bulk_for_any_list"
    peer = "Synapse"
    rows = of_rows("U11 U12 U26")
    rows_of_accounts = of_rows("U11 U26")
    got = "another POST, session alone: 200 {}"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = self.send(request, server)
        refused = response.status == 403 and self.is_finished(request)
        return server.authorise(request) if refused and request.deletes_in_bulk else response


class FinishedWithAWrongPassword(Finished, Bug):
    """So it is with a wrong password."""

    name = "finished_with_a_wrong_password"
    peer = "Synapse"
    rows = rows_of_accounts = of_rows("U11")
    got = "another POST, wrong password: 200 {}"

    def answer(self, request: Request, server: Upstream) -> Response:
        response = self.send(request, server)
        refused = response.status == 403 and self.is_finished(request)
        wrong = "password" in request.auth and not server.is_own_password(request)
        if refused and wrong and request.deletes_in_bulk:
            return server.authorise(request)
        return response


class QueryCompared(Bug):
    """A session is bound to the query string too."""

    name = "query_compared"
    peer = "Synapse"
    rows = rows_of_accounts = of_rows("U11")
    got = "another order, query and version: 403 "

    def __init__(self) -> None:
        self.begun: dict[str, str] = {}

    def answer(self, request: Request, server: Upstream) -> Response:
        session: Any = request.session
        begun_with = self.begun.get(session) if isinstance(session, str) else None
        if begun_with is not None and begun_with != request.query:
            return error(403, "M_FORBIDDEN")
        response = server.send(request)
        session = begun_session(request, response)
        if session is not None:
            self.begun[session] = request.query
        return response


class SessionsInMemory(Bug):
    """Sessions are gone after a restart."""

    name = "sessions_in_memory"
    peer = "Dendrite"
    rows = of_rows("U20")
    got = "DELETE with password after a restart: 401 "

    def __init__(self) -> None:
        self.begun: set[str] = set()  # since this proxy, and with it the server, was started

    def answer(self, request: Request, server: Upstream) -> Response:
        session: Any = request.session
        if request.deletes and isinstance(session, str) and session not in self.begun:
            auth = {**request.auth, "session": secrets.token_urlsafe(16)}
            request = request.with_members(auth=auth)
        response = server.send(request)
        begun = begun_session(request, response)
        if begun is not None:
            self.begun.add(begun)
        return response
