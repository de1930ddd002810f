"""What the module asks, answered by Synapse's own functions.

The methods are those of ``matrix_devices.Host``. All run on the reactor's thread, inside the
request's coroutine. What they raise beside a refusal goes back to Synapse (servlets.py).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synapse.api.errors import LimitExceededError, SynapseError
from synapse.http import get_request_user_agent

from .. import (
    BadData,
    Credentials,
    Deletion,
    Device,
    DeviceKey,
    DeviceQuery,
    DeviceUpdate,
    Flow,
    Forbidden,
    KeptSession,
    NewSession,
    Principal,
    Refusal,
    Refused,
    Replacement,
    SessionKey,
    UiaAttempt,
    UiaOperation,
    UnknownDevice,
    UnknownToken,
    UserLocked,
    Validation,
)
from . import compatibility
from .deletion import Deleting
from .logins import as_synapse_takes_it
from .reading import Reading
from .sessions import Sessions, identity_of
from .writing import Writing

if TYPE_CHECKING:
    from synapse.http.site import SynapseRequest
    from synapse.server import HomeServer

_TOKEN = re.compile(r"[!-~]+")  # what Synapse can read out of a header


@dataclass(frozen=True)
class Caller(Principal):
    """A principal, and what Synapse knows of it."""

    requester: Any = field(default=None, repr=False)
    request: Any = field(default=None, repr=False)


class SynapseHost:
    """One homeserver as the module sees it."""

    def __init__(self, hs: HomeServer, *, has_grace_period: bool) -> None:
        self._store: Any = hs.get_datastores().main
        self._auth = hs.get_auth()
        self._auth_handler = hs.get_auth_handler()
        self._login_is_delegated = compatibility.is_login_delegated(hs.config)
        self._has_grace_period = has_grace_period
        self._reading = Reading(hs)
        self._writing = Writing(hs)
        self.sessions = Sessions(hs)
        self._deleting = Deleting(hs, self.sessions)

    # Who is asking.

    async def authenticate(self, credentials: Credentials) -> Caller:
        """Synapse's own authentication, which also records last seen.

        What the contract has no refusal for (an expired account, too many requests) is Synapse's
        answer as it is, with its fields and headers: row A16.
        """
        request: SynapseRequest = credentials.request.context
        service = self._service_of(credentials.access_token)
        _say_as_the_module_understood(request, credentials, service)
        try:
            requester = await self._auth.get_user_by_req(request, allow_guest=True)
        except SynapseError as error:
            refusal = _refusal(error, service)
            if refusal is None:
                raise
            raise refusal from None
        return Caller(
            user_id=requester.user.to_string(),
            device_id=requester.device_id,
            token_id=_token_id(requester, credentials.access_token),
            service_id=service.id if service else None,
            guest=requester.is_guest,
            oauth=self._login_is_delegated and service is None,  # D3
            unlimited=service is not None and _is_unlimited(service, requester),
            validated_ms=await self._validated_ms(request, requester),
            requester=requester,
            request=request,
        )

    def _service_of(self, token: str) -> Any:
        """The application service whose token it is, or none. Raises UnknownToken."""
        if _TOKEN.fullmatch(token) is None:
            raise UnknownToken  # A4
        return self._store.get_app_service_by_token(token)

    async def _validated_ms(self, request: SynapseRequest, requester: Any) -> int | None:
        """For deletions only: it costs a query."""
        if not self._has_grace_period or request.method not in (b"DELETE", b"POST"):
            return None
        if requester.access_token_id is None:
            return None
        validated_ms: int = await self._store.get_access_token_last_validated(
            requester.access_token_id
        )
        return validated_ms

    async def mark_validated(self, principal: Caller, validation: Validation) -> None:
        """Where Synapse keeps it for its own ``ui_auth.session_timeout`` (U22), whose function for
        it takes another time than the one that was said."""
        token_id = principal.requester.access_token_id
        if token_id is not None:
            await self._store.db_pool.simple_update(
                table="access_tokens",
                keyvalues={"id": token_id},
                updatevalues={"last_validated": validation.validated_ms},
                desc="matrix_devices_mark_validated",
            )

    # Devices.

    async def list_devices(self, principal: Caller, query: DeviceQuery) -> list[Device]:
        """In the order of their IDs (G3)."""
        return await self._reading.list_devices(query.user_id)

    async def get_device(self, principal: Caller, key: DeviceKey) -> Device:
        """One device."""
        return await self._reading.get_device(key.user_id, key.device_id)

    async def rename_device(self, principal: Caller, update: DeviceUpdate) -> None:
        """A new name for a device that is there."""
        await self._writing.rename(update)

    async def put_device(self, principal: Caller, update: DeviceUpdate) -> bool:
        """For application services: create, or rename."""
        return await self._writing.put(update)

    async def delete_devices(self, principal: Caller, deletion: Deletion) -> None:
        """Those that are there."""
        await self._deleting.delete(deletion.user_id, deletion.device_ids)

    # User-Interactive Authentication.

    async def uia_flows(self, principal: Caller, operation: UiaOperation) -> list[Flow]:
        """One flow a type."""
        user = principal.requester.user
        types = await compatibility.ui_auth_types(self._auth_handler, user)
        params = compatibility.ui_auth_params(self._auth_handler, types)
        return [Flow((type,), {type: params[type]} if type in params else {}) for type in types]

    async def uia_create_session(self, principal: Caller, session: NewSession) -> str:
        """Keep a new session."""
        return await self.sessions.create(session)

    async def uia_load_session(self, principal: Caller, key: SessionKey) -> KeptSession:
        """The session of this ID."""
        return await self.sessions.load(key.session_id)

    async def uia_replace_session(self, principal: Caller, replacement: Replacement) -> None:
        """A new state in the place of the one that was loaded."""
        await self.sessions.replace(replacement)

    async def uia_check(self, principal: Caller, attempt: UiaAttempt) -> str | None:
        """Synapse's checkers, then its login: passwords, and what password providers offer."""
        await self._store.add_user_agent_ip_to_ui_auth_session(
            attempt.session_id, get_request_user_agent(principal.request), attempt.remote_addr
        )
        auth = as_synapse_takes_it(attempt)
        try:
            result = await compatibility.check_auth(self._auth_handler, auth, attempt.remote_addr)
        except LimitExceededError:
            raise
        except SynapseError as error:
            if error.code in (401, 403):
                raise Refused(error.msg) from None  # U4
            if error.code == 400:
                raise BadData(error.msg) from None  # U4a
            raise
        if not result:
            raise Refused
        return identity_of(result)


def _say_as_the_module_understood(
    request: SynapseRequest, credentials: Credentials, service: Any
) -> None:
    """Synapse reads header and query again: let it find the same there.

    The module takes `bearer` in any case (A1), of the names of `device_id` those that this Synapse
    takes (A14), and parameters of the query only, where Synapse would also look into a form in the
    body.
    """
    bearer = [b"Bearer " + credentials.access_token.encode()]
    if request.requestHeaders.getRawHeaders(b"Authorization") != bearer:
        request.requestHeaders.setRawHeaders(b"Authorization", bearer)
    arguments = request.args
    if arguments:
        for name in (b"access_token", b"user_id", b"device_id", b"org.matrix.msc3202.device_id"):
            arguments.pop(name, None)
    if service is None:
        return  # A15
    user_id, device_id = credentials.user_id, credentials.device_id
    if user_id is None and device_id is not None:
        user_id = service.sender.to_string()  # which Synapse would look up in a wrong type
    if user_id is not None:
        arguments[b"user_id"] = [user_id.encode()]
    if device_id is not None:
        arguments[b"device_id"] = [device_id.encode()]


def _refusal(error: SynapseError, service: Any) -> Refusal | None:
    """What the contract calls an error of Synapse's authentication."""
    if error.errcode == "M_UNKNOWN_TOKEN":  # A4, A5
        return UnknownToken(soft_logout=error.error_dict(None).get("soft_logout", False))
    if error.errcode == "M_USER_LOCKED":
        return UserLocked()  # A6
    if service is not None and error.code == 403:
        return Forbidden()  # A11
    if service is not None and error.code == 400:
        return UnknownDevice()  # A13
    return None


def _is_unlimited(service: Any, requester: Any) -> bool:
    """P6: by its registration, and whoever acts as its own sender."""
    return not service.is_rate_limited() or bool(requester.user == service.sender)


def _token_id(requester: Any, token: str) -> str:
    """A name for the token: needed where it belongs to no device."""
    if requester.access_token_id is not None:
        return str(requester.access_token_id)
    return hashlib.sha256(token.encode()).hexdigest()
