"""The endpoints that give a client its token and keep it, without any HTTP of their own.

``/versions``, and under ``v3`` and ``r0`` ``/login``, ``/register``, ``/refresh``, ``/logout``,
``/logout/all``, ``/account/whoami``: what a client needs to get at the device endpoints. They
behave as those of ``matrix-devices-server``. After the module, before what else there is:

    response = module.handle(request) or account_api.handle(request)
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .. import _core, _explain
from ..accounts import Accounts
from ..errors import (
    ConfigurationError,
    Forbidden,
    LimitExceeded,
    MatrixError,
    Timeout,
    Unavailable,
    UnknownDevice,
    UnknownToken,
    UserLocked,
    is_starvation,
)
from ..records import Credentials, Request, Response
from .account_context import AccountContext, DeviceWish, tokens_of
from .attempt_limits import DEFAULT_LIMITS, AttemptLimiter, AttemptLimits
from .json_answers import (
    Fields,
    RefusedRequest,
    busy_response,
    error_response,
    json_response,
    limited_response,
    path_of,
    preflight_response,
    query_parameter,
    refuse,
)
from .registration import APPLICATION_SERVICE, Registration

logger = logging.getLogger("matrix_devices.server")

VERSIONS = (
    *("r0.5.0", "r0.6.0", "r0.6.1"),
    *(f"v1.{minor}" for minor in range(1, 18)),
)
PASSWORD = "m.login.password"

_PREFIX = "/_matrix/client/"
_FUNCTIONS = [name for name in vars(Accounts) if not name.startswith("_")]
_Endpoint = Callable[[Request], Response]


class AccountApi:
    """The endpoints, on anything that implements ``Accounts``. Any thread; may block."""

    def __init__(
        self,
        accounts: Accounts,
        *,
        open_registration: bool = True,
        limits: AttemptLimits | None = DEFAULT_LIMITS,
        config: Mapping[str, Any] | None = None,
        now_ms: Callable[[], int] | None = None,
    ) -> None:
        """``open_registration``: anybody may register accounts and guests.

        ``limits``: on attempts before anybody is authenticated; None: there are none, which is for
        test servers. ``config``: that of the module (docs/configuration.md), to which these
        endpoints keep too where it concerns them. ``now_ms``: the clock of limits and of
        registrations, ms since the epoch; by default that of the accounts where they have one
        (``clock``), else the system's. ConfigurationError: these are no accounts, or no limits.
        """
        missing = [name for name in _FUNCTIONS if not hasattr(accounts, name)]
        if missing:
            raise ConfigurationError(
                f"accounts is {_explain.a(accounts)} without {', '.join(missing)}: implement "
                "matrix_devices.Accounts, or write these endpoints yourself"
            )
        self._accounts = accounts
        clock = getattr(accounts, "clock", None)
        now_ms = now_ms or (_system_ms if clock is None else clock.now_ms)
        self._context = AccountContext(accounts, config, AttemptLimiter(limits, now_ms), now_ms)
        registration = Registration(self._context, open_registration)
        self._routes: dict[str, dict[str, _Endpoint]] = {
            "login": {"GET": self._get_login, "POST": self._post_login},
            "register": {"POST": registration.post},
            "refresh": {"POST": self._post_refresh},
            "logout": {"POST": lambda request: self._log_out(request, False)},
            "logout/all": {"POST": lambda request: self._log_out(request, True)},
            "account/whoami": {"GET": self._get_whoami},
        }

    def handle(self, request: Request) -> Response | None:
        """The answer; None if the path is not one of these. For HEAD the body is that of GET."""
        request = replace(request, target=_core.normal_target(request.target))  # R13
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
        except LimitExceeded as limited:
            return limited_response(limited.retry_after_ms)
        except Unavailable:
            return busy_response()
        except Timeout:
            text = "The server took too long. Send the request again."
            return error_response(504, "M_UNKNOWN", text)
        except Exception as error:
            if not is_starvation(error):
                raise
            logger.error("%s failed for want of memory or threads", request.method, exc_info=error)
            return busy_response()  # H6

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
        wish = self._context.wish_of(fields)
        if kind == PASSWORD:
            return self._log_in_with_password(request, name, fields, wish)
        return self._log_in_as_service(request, name, wish)

    def _log_in_with_password(
        self, request: Request, name: str, fields: Fields, wish: DeviceWish
    ) -> Response:
        password = fields.text("password")
        if password is None:
            refuse(400, "M_MISSING_PARAM", '"password" is missing.')
        try:
            with self._context.limiter.guess(request.remote_addr, self._context.meant_by(name)):
                if "\0" in name or "\0" in password:  # as U4
                    raise Forbidden()
                user_id = self._accounts.check_password(name, password)
        except Forbidden:
            return error_response(403, "M_FORBIDDEN", "The user name or the password is wrong.")
        return self._context.log_in(user_id, wish)

    def _log_in_as_service(self, request: Request, name: str, wish: DeviceWish) -> Response:
        try:
            service_id = self._accounts.find_service(self._context.token_of(request))
        except (RefusedRequest, UnknownToken):
            service_id = None
        if service_id is None:
            text = "Send the as_token of a registered application service."
            refuse(403, "M_FORBIDDEN", text)
        user_id = self._context.meant_by(name)
        if not self._accounts.covers(service_id, user_id):
            text = "This user is not in the application service's namespaces."
            refuse(403, "M_EXCLUSIVE", text)
        return self._context.log_in(user_id, wish)

    # ---- Sessions ----

    def _post_refresh(self, request: Request) -> Response:
        token = Fields.of_body(request).text("refresh_token")
        if token is None:
            refuse(400, "M_MISSING_PARAM", '"refresh_token" is missing.')
        try:
            return json_response(200, tokens_of(self._accounts.refresh(token)))
        except UnknownToken as error:
            if not error.soft_logout:
                self._context.limiter.refresh_unknown(request.remote_addr)  # T6
            raise

    def _log_out(self, request: Request, all_devices: bool) -> Response:
        token = self._context.token_of(request)
        if self._accounts.find_service(token) is not None:
            text = "An as_token cannot be logged out. Delete the device instead."
            refuse(403, "M_FORBIDDEN", text)
        self._accounts.logout(token, all_devices=all_devices)
        return json_response(200, {})

    def _get_whoami(self, request: Request) -> Response:
        token = self._context.token_of(request)
        user_id = query_parameter(request, "user_id")
        device_id = query_parameter(request, "device_id")
        # The name from before it was in the specification; bridges still send it.
        if self._context.config["device_id_alias"]:
            alias = query_parameter(request, "org.matrix.msc3202.device_id")
            device_id = alias if device_id is None else device_id
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
