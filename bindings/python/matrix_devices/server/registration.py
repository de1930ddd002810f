"""POST /register: for application services, guests, and users by way of ``m.login.dummy``."""

from __future__ import annotations

import secrets
from typing import Any

from ..errors import UnknownToken
from ..records import Request, Response
from .account_context import AccountContext, DeviceWish
from .json_answers import Fields, json_response, query_parameter, refuse
from .registration_sessions import RegistrationSession, RegistrationSessions

APPLICATION_SERVICE = "m.login.application_service"
DUMMY = "m.login.dummy"
MAX_REMEMBERED = 4096  # characters of a registration's parameters


class Registration:
    """The endpoint, and the sessions that it has given out."""

    def __init__(self, context: AccountContext, open_registration: bool) -> None:
        """``open_registration``: anybody may register accounts and guests."""
        self._context = context
        self._accounts = context.accounts
        self._open_registration = open_registration
        self._sessions = RegistrationSessions()

    def post(self, request: Request) -> Response:
        """The answer."""
        kind = query_parameter(request, "kind") or "user"
        if kind not in ("user", "guest"):
            refuse(400, "M_INVALID_PARAM", "The query parameter kind is user or guest.")
        fields = Fields.of_body(request)
        wish = self._context.wish_of(fields)
        if fields.text("type") == APPLICATION_SERVICE:
            return self._register_for_service(request, fields, wish)
        self._context.limiter.register(request.remote_addr)  # T6
        if not self._open_registration:
            text = "Registration is closed here. Ask the server's administrator."
            refuse(403, "M_FORBIDDEN", text)
        if kind == "guest":  # all but the name is ignored for guests
            user_id = self._accounts.add_user("", guest=True)
            return self._context.log_in(user_id, DeviceWish(display_name=wish.display_name))
        return self._register_user(fields)

    def _register_for_service(self, request: Request, fields: Fields, wish: DeviceWish) -> Response:
        service_id = self._accounts.find_service(self._context.token_of(request))
        if service_id is None:
            raise UnknownToken()
        name = fields.text("username")
        if not name:
            refuse(400, "M_MISSING_PARAM", '"username" is missing.')
        return self._registered(self._accounts.add_user(name, service_id=service_id), wish)

    def _register_user(self, fields: Fields) -> Response:
        """The stage, with a session or without one; before it the parameters are kept (T8)."""
        auth = fields.object("auth")
        if not auth:
            return _challenge(self._begin(fields))
        session_id, stage = auth.text("session"), auth.text("type")
        session = None
        if session_id is not None:
            session = self._sessions.take(session_id, self._context.now_ms())
            if session is None:
                text = "This session is over or never was. Go on with the one that is given here."
                return _challenge(self._begin(fields), refusal=text)
        registered = False
        try:
            if stage == DUMMY:
                asked = fields if session is None else fields.or_of(session.parameters)
                response = self._add_user(asked)
                registered = True
                return response
        finally:
            if session is not None and not registered:
                self._sessions.give_back(session)
        session = session or self._begin(fields)
        text = f"Only the stage {DUMMY} is offered here."
        return _challenge(session, completed=True, refusal=None if stage is None else text)

    def _begin(self, fields: Fields) -> RegistrationSession:
        name, password = fields.text("username") or "", fields.text("password") or ""
        if len(name) + len(password) > MAX_REMEMBERED:
            text = f"Name and password have {MAX_REMEMBERED} characters at most together."
            refuse(400, "M_TOO_LARGE", text)
        keys = ("username", "password", "device_id", "refresh_token", "inhibit_login")
        parameters = fields.only(*keys)
        parameters["initial_device_display_name"] = self._context.wish_of(fields).display_name
        return self._sessions.begin(parameters, self._context.now_ms())

    def _add_user(self, fields: Fields) -> Response:
        name, password = fields.text("username"), fields.text("password")
        wish = self._context.wish_of(fields)
        if password is None:
            refuse(400, "M_MISSING_PARAM", '"password" is missing.')
        if not password:
            refuse(400, "M_WEAK_PASSWORD", "The password is empty.")
        user_id = self._accounts.add_user(name or "u" + secrets.token_hex(6), password)
        return self._registered(user_id, wish)

    def _registered(self, user_id: str, wish: DeviceWish) -> Response:
        if wish.inhibit_login:
            return json_response(200, {"user_id": user_id})
        return self._context.log_in(user_id, wish)


def _challenge(
    session: RegistrationSession, *, completed: bool = False, refusal: str | None = None
) -> Response:
    """A client finds out from this that m.login.dummy is all that is asked."""
    body: dict[str, Any] = {
        "flows": [{"stages": [DUMMY]}],
        "params": {},
        "session": session.session_id,
    }
    if completed:
        body["completed"] = []
    if refusal is not None:
        body["errcode"] = "M_FORBIDDEN"
        body["error"] = refusal
    return json_response(401, body)
