"""The endpoints that give a client its token and keep it, without any HTTP of their own.

``/versions``, and under ``v3`` and ``r0`` ``/login``, ``/register``, ``/refresh``, ``/logout``,
``/logout/all``, ``/account/whoami``: what a client needs to get at the device endpoints. They
behave as those of ``matrix-devices-server``. Behind the module, before what else there is:

    response = module.handle(request) or account_api.handle(request)
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..accounts import Accounts, Login
from ..errors import (
    Forbidden,
    LimitExceeded,
    MatrixError,
    NotFound,
    Timeout,
    Unavailable,
    UnknownDevice,
    UnknownToken,
    UserLocked,
)
from ..records import Credentials, Request, Response
from .json_answers import (
    Fields,
    RefusedRequest,
    access_token,
    busy_response,
    error_response,
    json_response,
    limited_response,
    path_of,
    preflight_response,
    query_parameter,
    refuse,
)
from .login_limiter import LoginLimiter

VERSIONS = (
    *("r0.5.0", "r0.6.0", "r0.6.1"),
    *(f"v1.{minor}" for minor in range(1, 18)),
)
MAX_DISPLAY_NAME = 100  # code points, as for a rename
PASSWORD = "m.login.password"
APPLICATION_SERVICE = "m.login.application_service"
DUMMY = "m.login.dummy"

_PREFIX = "/_matrix/client/"
_Endpoint = Callable[[Request], Response]


@dataclass(frozen=True, slots=True)
class _DeviceWish:
    """What a login and a registration ask for beside the account."""

    device_id: str | None = None
    display_name: str | None = None
    refresh_token: bool = False
    inhibit_login: bool = False

    @classmethod
    def of(cls, fields: Fields) -> _DeviceWish:
        wish = cls(
            fields.text("device_id"),
            fields.text("initial_device_display_name"),
            fields.flag("refresh_token"),
        )
        if len(wish.display_name or "") > MAX_DISPLAY_NAME:
            text = f'"initial_device_display_name" may have {MAX_DISPLAY_NAME} characters at most.'
            refuse(400, "M_TOO_LARGE", text)
        return wish


class AccountApi:
    """The endpoints, on anything that implements ``Accounts``. Any thread; may block."""

    def __init__(
        self,
        accounts: Accounts,
        *,
        open_registration: bool = True,
        now_ms: Callable[[], int] | None = None,
    ) -> None:
        """``open_registration``: anybody may register accounts and guests.

        ``now_ms``: the clock of the limit on password guesses, ms since the epoch; by default that
        of the accounts where they have one (``clock``), else the system's.
        """
        self._accounts = accounts
        self._open_registration = open_registration
        clock = getattr(accounts, "clock", None)
        self._now_ms = now_ms or (_system_ms if clock is None else clock.now_ms)
        self._limiter = LoginLimiter()
        self._routes: dict[str, dict[str, _Endpoint]] = {
            "login": {"GET": self._get_login, "POST": self._post_login},
            "register": {"POST": self._post_register},
            "refresh": {"POST": self._post_refresh},
            "logout": {"POST": lambda request: self._log_out(request, False)},
            "logout/all": {"POST": lambda request: self._log_out(request, True)},
            "account/whoami": {"GET": self._get_whoami},
        }

    def handle(self, request: Request) -> Response | None:
        """The answer; None if the path is not one of these. For HEAD the body is that of GET."""
        route = self._route(path_of(request))
        if route is None:
            return None
        if request.method == "OPTIONS":
            return preflight_response()
        endpoint = route.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            get = ["GET", "HEAD"] if "GET" in route else []
            allow = ", ".join([*get, *sorted(route.keys() - {"GET"}), "OPTIONS"])
            return error_response(
                405, "M_UNRECOGNIZED", f"This endpoint knows {allow}.", headers=(("Allow", allow),)
            )
        try:
            return endpoint(request)
        except RefusedRequest as refused:
            return refused.response
        except MatrixError as error:
            return _response_of(error)
        except UnknownToken as error:
            return _unknown_token_response(error.soft_logout)
        except UserLocked:
            return _locked_response()
        except Unavailable:
            return busy_response()
        except Timeout:
            text = "The server took too long. Send the request again."
            return error_response(504, "M_UNKNOWN", text)

    def _route(self, path: str) -> dict[str, _Endpoint] | None:
        if not path.startswith(_PREFIX):
            return None
        path = path[len(_PREFIX) :]
        if path == "versions":
            return {"GET": _get_versions}
        return self._routes.get(path[3:]) if path[:3] in ("v3/", "r0/") else None

    # ---- Login ----

    def _get_login(self, _request: Request) -> Response:
        return json_response(200, {"flows": [{"type": PASSWORD}, {"type": APPLICATION_SERVICE}]})

    def _post_login(self, request: Request) -> Response:
        fields = Fields.of_body(request)
        kind = fields.text("type")
        if kind is None:
            text = '"type" is missing; GET /login lists the types.'
            refuse(400, "M_MISSING_PARAM", text)
        if kind not in (PASSWORD, APPLICATION_SERVICE):
            text = "This type of login is not known here; GET /login lists the types."
            refuse(400, "M_UNKNOWN", text)
        name = _login_name(fields)
        wish = _DeviceWish.of(fields)
        if kind == PASSWORD:
            return self._log_in_with_password(request, name, fields, wish)
        return self._log_in_as_service(request, name, wish)

    def _log_in_with_password(
        self, request: Request, name: str, fields: Fields, wish: _DeviceWish
    ) -> Response:
        password = fields.text("password")
        if password is None:
            refuse(400, "M_MISSING_PARAM", '"password" is missing.')
        user_id = self._user_id(name)
        try:
            self._limiter.take(request.remote_addr, user_id, self._now_ms())
        except LimitExceeded as limited:
            return limited_response(limited.retry_after_ms)
        try:
            self._accounts.check_password(name, password)
        except Forbidden:
            return error_response(403, "M_FORBIDDEN", "The user name or the password is wrong.")
        except Unavailable:  # a guess that was not tried
            self._limiter.give_back(request.remote_addr, user_id, self._now_ms())
            raise
        self._limiter.give_back(request.remote_addr, user_id, self._now_ms())
        return self._log_in(name, wish)

    def _log_in_as_service(self, request: Request, name: str, wish: _DeviceWish) -> Response:
        try:
            service_id = self._accounts.find_service(access_token(request))
        except RefusedRequest:
            service_id = None
        if service_id is None:
            text = "Send the as_token of a registered application service."
            refuse(403, "M_FORBIDDEN", text)
        if not self._accounts.covers(service_id, self._user_id(name)):
            text = "This user is not in the application service's namespaces."
            refuse(403, "M_EXCLUSIVE", text)
        return self._log_in(name, wish)

    def _log_in(self, name: str, wish: _DeviceWish) -> Response:
        try:
            login = self._accounts.login(
                name,
                device_id=wish.device_id or None,
                display_name=wish.display_name or None,
                refreshable=wish.refresh_token,
            )
        except NotFound:
            return error_response(403, "M_FORBIDDEN", "There is no such account.")
        body = {
            "user_id": login.user_id,
            "home_server": self._accounts.server_name,
            "device_id": login.device_id,
        }
        return json_response(200, {**body, **_tokens(login)})

    # ---- Registration ----

    def _post_register(self, request: Request) -> Response:
        kind = query_parameter(request, "kind") or "user"
        if kind not in ("user", "guest"):
            refuse(400, "M_INVALID_PARAM", "The query parameter kind is user or guest.")
        fields = Fields.of_body(request)
        wish = _DeviceWish.of(fields)
        if fields.flag("inhibit_login"):
            wish = replace(wish, inhibit_login=True)
        if fields.text("type") == APPLICATION_SERVICE:
            return self._register_for_service(request, fields, wish)
        if not self._open_registration:
            text = "Registration is closed here. Ask the server's administrator."
            refuse(403, "M_FORBIDDEN", text)
        if kind == "guest":  # all but the name is ignored for guests
            user_id = self._accounts.add_user("", guest=True)
            return self._log_in(user_id, _DeviceWish(display_name=wish.display_name))
        return self._register_user(fields, wish)

    def _register_for_service(
        self, request: Request, fields: Fields, wish: _DeviceWish
    ) -> Response:
        service_id = self._accounts.find_service(access_token(request))
        if service_id is None:
            return _unknown_token_response(False)
        name = fields.text("username")
        if not name:
            refuse(400, "M_MISSING_PARAM", '"username" is missing.')
        return self._registered(self._accounts.add_user(name, service_id=service_id), wish)

    def _register_user(self, fields: Fields, wish: _DeviceWish) -> Response:
        name, password = fields.text("username"), fields.text("password")
        auth = fields.object("auth")
        if not auth:
            return _challenge(refused=False)
        if auth.text("type") != DUMMY:
            return _challenge(refused=True)
        if password is None:
            refuse(400, "M_MISSING_PARAM", '"password" is missing.')
        if not password:
            refuse(400, "M_WEAK_PASSWORD", "The password is empty.")
        user_id = self._accounts.add_user(name or "u" + secrets.token_hex(6), password)
        return self._registered(user_id, wish)

    def _registered(self, user_id: str, wish: _DeviceWish) -> Response:
        if wish.inhibit_login:
            return json_response(200, {"user_id": user_id})
        return self._log_in(user_id, wish)

    # ---- Sessions ----

    def _post_refresh(self, request: Request) -> Response:
        token = Fields.of_body(request).text("refresh_token")
        if token is None:
            refuse(400, "M_MISSING_PARAM", '"refresh_token" is missing.')
        return json_response(200, _tokens(self._accounts.refresh(token)))

    def _log_out(self, request: Request, all_devices: bool) -> Response:
        token = access_token(request)
        if self._accounts.find_service(token) is not None:
            text = "An as_token cannot be logged out. Delete the device instead."
            refuse(403, "M_FORBIDDEN", text)
        self._accounts.logout(token, all_devices=all_devices)
        return json_response(200, {})

    def _get_whoami(self, request: Request) -> Response:
        token = access_token(request)
        user_id = query_parameter(request, "user_id")
        device_id = query_parameter(request, "device_id")
        # The name from before it was in the specification; bridges still send it.
        alias = query_parameter(request, "org.matrix.msc3202.device_id")
        if device_id is None:
            device_id = alias
        credentials = Credentials(token, user_id, device_id, request.remote_addr, request)
        try:
            identity = self._accounts.identify(credentials)
        except Forbidden:
            text = "This is no registered user of the application service."
            return error_response(403, "M_FORBIDDEN", text)
        except UnknownDevice:
            text = "The user does not have this device."
            return error_response(400, "M_UNKNOWN_DEVICE", text)
        body: dict[str, Any] = {"user_id": identity.user_id, "is_guest": identity.guest}
        if identity.device_id is not None:
            body["device_id"] = identity.device_id
        return json_response(200, body)

    def _user_id(self, name: str) -> str:
        return name if name.startswith("@") else f"@{name}:{self._accounts.server_name}"


def _get_versions(_request: Request) -> Response:
    return json_response(200, {"versions": VERSIONS, "unstable_features": {}})


def _login_name(fields: Fields) -> str:
    """The account that is meant: ``identifier``, or ``user`` as it was before."""
    identifier = fields.object("identifier")
    if identifier is None:
        name = fields.text("user")
    else:
        kind = identifier.text("type")
        name = identifier.text("user")
        if kind != "m.id.user":
            refuse(400, "M_UNKNOWN", "Only identifiers of the type m.id.user are known here.")
    if not name:
        text = 'Say who logs in: "identifier": {"type": "m.id.user", "user": "alice"}.'
        refuse(400, "M_MISSING_PARAM", text)
    return name


def _challenge(*, refused: bool) -> Response:
    """A client finds out from this that m.login.dummy is all that is asked.

    The session is not kept: there is nothing between its beginning and its end to remember.
    """
    body: dict[str, Any] = {
        "flows": [{"stages": [DUMMY]}],
        "params": {},
        "session": secrets.token_hex(16),
    }
    if refused:
        body["completed"] = []
        body["errcode"] = "M_FORBIDDEN"
        body["error"] = f"Only the stage {DUMMY} is offered here."
    return json_response(401, body)


def _tokens(login: Login) -> dict[str, Any]:
    tokens: dict[str, Any] = {"access_token": login.access_token}
    if login.refresh_token is not None:
        tokens["refresh_token"] = login.refresh_token
    if login.expires_in_ms is not None:
        tokens["expires_in_ms"] = login.expires_in_ms
    return tokens


def _unknown_token_response(soft_logout: bool) -> Response:
    text = (
        "The token has expired. Refresh it, or log in again on the same device."
        if soft_logout
        else "The token is not known here. Log in again."
    )
    return error_response(401, "M_UNKNOWN_TOKEN", text, {"soft_logout": soft_logout})


def _locked_response() -> Response:
    text = "This account is locked. Ask the server's administrator."
    return error_response(401, "M_USER_LOCKED", text, {"soft_logout": True})


def _response_of(error: MatrixError) -> Response:
    if error.status == 429:
        return limited_response(error.retry_after_ms or 0)
    return error_response(error.status, error.errcode, error.text, error.extra)


def _system_ms() -> int:
    return time.time_ns() // 1_000_000
