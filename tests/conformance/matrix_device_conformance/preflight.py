"""What is wrong with the URL, the accounts, the limits, before any row is asked: a line of text."""

from __future__ import annotations

import http.client

from matrix_device_conformance.accounts import Accounts
from matrix_device_conformance.check import NotJudged
from matrix_device_conformance.client import Client, Response, client_path
from matrix_device_conformance.homeserver import (
    PASSWORD_STAGE,
    Homeserver,
    RegistrationClosed,
    Service,
    User,
)
from matrix_device_conformance.pacing import RateLimited

FEDERATION_VERSION = "/_matrix/federation/v1/version"
UNKNOWN = "unknown"
HAVE_ACCOUNTS = "--account NAME:PASSWORD, twice or more"


class PreflightError(Exception):
    """The homeserver cannot be tested; the text is one line, and says what to do."""


def preflight(homeserver: Homeserver) -> Accounts:
    """Look at everything that a run rests on; the users that it has."""
    look_at_url(homeserver.client)
    look_at_logins(homeserver.client)
    for service in homeserver.services.values():
        look_at_service(homeserver.client, service)
    for user in homeserver.accounts:
        if user in homeserver.accounts[:2]:
            log_in(user)
    accounts = Accounts(homeserver)
    try:
        accounts.prepare()
    except RegistrationClosed as closed:
        raise PreflightError(
            f"accounts: registration is not open (POST /register: {in_short(closed.answer)});"
            f" give {HAVE_ACCOUNTS}, or --hook new-user=…"
        ) from None
    except RateLimited as limited:
        raise PreflightError(
            f"limits: no account can be registered now, {limited}; come again then,"
            f" lift the limit, or give {HAVE_ACCOUNTS}"
        ) from None
    except NotJudged as failed:
        raise PreflightError(f"accounts: {failed}") from None
    return accounts


def asked(client: Client, target: str, token: str | None = None) -> Response:
    """GET, for what is only looked at."""
    try:
        return client.request("GET", target, token=token)
    except OSError as error:
        raise PreflightError(f"URL {client.base_url}: {reason_of(error)}") from None
    except http.client.HTTPException as error:
        raise PreflightError(
            f"URL {client.base_url}: what answers there speaks no HTTP ({type(error).__name__});"
            " is it https?"
        ) from None


def reason_of(error: OSError) -> str:
    """Why nothing came."""
    if isinstance(error, TimeoutError):
        return "no answer; is it the right host and port?"
    return f"nobody answers there ({error}); is the homeserver running?"


def look_at_url(client: Client) -> None:
    """A homeserver answers there."""
    answer = asked(client, "/_matrix/client/versions")
    if "versions" not in answer.members and "errcode" not in answer.members:
        raise PreflightError(
            f"URL {client.base_url}: no Client-Server API is there (GET /_matrix/client/versions:"
            f" {in_short(answer)}); give the base URL, which /_matrix/… comes after"
        )


def look_at_logins(client: Client) -> None:
    """Passwords are a way to log in."""
    answer = asked(client, client_path("/login"))
    flows = answer.members.get("flows")
    types = [flow.get("type") for flow in flows or [] if isinstance(flow, dict)]
    if answer.status == 200 and PASSWORD_STAGE not in types:
        offered = ", ".join(map(str, types)) or in_short(answer)
        raise PreflightError(
            f"accounts: the homeserver takes no passwords (GET /login offers: {offered});"
            " the suite needs accounts with passwords"
        )


def look_at_service(client: Client, service: Service) -> None:
    """The homeserver knows an application service's token."""
    answer = asked(client, client_path("/account/whoami"), token=service.as_token)
    if answer.status == 401:
        raise PreflightError(
            f"--appservice prefix={service.prefix}: the homeserver does not know its token"
            f" (GET /account/whoami: {in_short(answer)})"
        )


def log_in(user: User) -> None:
    """An account's password is right. The device is kept: to log in once more may cost too much."""
    name = user.user_id.rstrip(":")
    try:
        user.device()
    except RateLimited as limited:
        raise PreflightError(
            f"limits: {name} cannot log in now, {limited}; come again then, or lift the limit"
        ) from None
    except NotJudged as failed:
        raise PreflightError(f"account {name}: {failed}; are name and password right?") from None


def software(client: Client) -> tuple[str, str]:
    """Name and version of the homeserver, as far as it says."""
    answer = asked(client, FEDERATION_VERSION)
    server = answer.members.get("server")
    if isinstance(server, dict) and isinstance(server.get("name"), str):
        return server["name"], str(server.get("version", UNKNOWN))
    header = answer.headers.get("Server") or ""
    name, _, version = header.partition("/")
    return name.strip() or UNKNOWN, version.partition(" ")[0] or UNKNOWN


def in_short(answer: Response) -> str:
    """An answer, in a line."""
    return " ".join(str(answer).split())[:160]
