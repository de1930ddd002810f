"""A question of the module: the arguments for the host's method, and its result on the way back.

``CALLBACKS`` has an entry a callback, in the order of ``mxd_host`` (and of ``Callback`` in
core/exchange.h): the only place that knows both the host's records and the contract's functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from . import _contract, errors
from .records import (
    CompletedStage,
    Credentials,
    Deletion,
    Device,
    DeviceKey,
    DeviceQuery,
    DeviceUpdate,
    Flow,
    KeptSession,
    Limit,
    LimitRequest,
    NewSession,
    Principal,
    Replacement,
    Request,
    SessionKey,
    UiaAttempt,
    UiaOperation,
    Validation,
)

if TYPE_CHECKING:
    from ._core import Library

__all__ = ["CALLBACKS", "Callback", "WrongAnswer", "emit_refusal", "status_of_refusal"]


class WrongAnswer(TypeError):
    """A host's method returned what it must not; the text says what it should have."""


def _wrong(result: object, expected: str) -> NoReturn:
    raise WrongAnswer(f"returned {_name(result)}; it must return {expected}")


def _name(result: object) -> str:
    return "None" if result is None else f"a {type(result).__name__}"


_Fields = tuple[Any, ...]
_Arguments = Callable[[Request, Principal | None, _Fields], tuple[Any, ...]]

# From the module: the fields of its struct become the arguments of the host's method.


def _credentials(request: Request, _: Principal | None, fields: _Fields) -> tuple[Any, ...]:
    access_token, user_id, device_id, remote_addr = fields
    return (Credentials(access_token, user_id, device_id, remote_addr, request),)


def _record(kind: type) -> _Arguments:
    return lambda _, principal, fields: (principal, kind(*fields))


def _limits(_: Request, principal: Principal | None, fields: _Fields) -> tuple[Any, ...]:
    limits, units = fields
    return (principal, LimitRequest([Limit(*limit) for limit in limits], units))


# To the module: the host's result is emitted; the status to complete with.


def _emit_principal(library: Library, op: int, result: object) -> int:
    if not isinstance(result, Principal):
        _wrong(result, "a Principal")
    flags = 0
    if result.guest:
        flags |= _contract.PRINCIPAL_GUEST
    if result.oauth:
        flags |= _contract.PRINCIPAL_OAUTH
    if result.unlimited:
        flags |= _contract.PRINCIPAL_UNLIMITED
    library.emit_principal(
        op,
        result.user_id,
        result.device_id,
        result.token_id,
        result.service_id,
        flags,
        result.validated_ms,
    )
    return _contract.OK


def _emit_device(library: Library, op: int, result: object) -> int:
    if not isinstance(result, Device):
        _wrong(result, "a Device")
    library.emit_device(
        op,
        result.device_id,
        result.display_name,
        result.last_seen_ip,
        result.last_seen_ts_ms,
    )
    return _contract.OK


def _emit_devices(library: Library, op: int, result: object) -> int:
    if not isinstance(result, Iterable) or isinstance(result, str | bytes):
        _wrong(result, "an iterable of Device")
    emit = library.emit_device
    for device in result:
        if not isinstance(device, Device):
            raise WrongAnswer(f"returned {_name(device)} among the devices; each must be a Device")
        emit(
            op,
            device.device_id,
            device.display_name,
            device.last_seen_ip,
            device.last_seen_ts_ms,
        )
    return _contract.OK


def _emit_nothing(_library: Library, _op: int, result: object) -> int:
    if result is not None:
        _wrong(result, "None")
    return _contract.OK


def _emit_created(_library: Library, _op: int, result: object) -> int:
    if not isinstance(result, bool):
        _wrong(result, "True (created) or False (renamed)")
    return _contract.CREATED if result else _contract.OK


def _emit_flows(library: Library, op: int, result: object) -> int:
    if not isinstance(result, Sequence) or isinstance(result, str | bytes):
        _wrong(result, "a sequence of Flow")
    for number, flow in enumerate(result):
        if not isinstance(flow, Flow):
            raise WrongAnswer(f"returned {_name(flow)} among the flows; each must be a Flow")
        if isinstance(flow.stages, str):
            raise WrongAnswer("returned a Flow whose stages are a str; give a tuple of str")
        for stage in flow.stages:
            library.emit_stage(
                op,
                number,
                stage,
                stage in flow.proves_nobody,
                _to_json(flow.params[stage]) if stage in flow.params else b"",
            )
    return _contract.OK


def _to_json(members: Mapping[str, Any]) -> bytes:
    return json.dumps(dict(members)).encode()


def _emit_session_id(library: Library, op: int, result: object) -> int:
    if result is None:
        return _contract.OK
    if not isinstance(result, str) or not result:
        _wrong(result, "the session's ID, a str that is not empty, or None for the proposed one")
    library.emit_session_id(op, result)
    return _contract.OK


def _emit_session(library: Library, op: int, result: object) -> int:
    if not isinstance(result, KeptSession):
        _wrong(result, "a KeptSession")
    library.emit_session(op, result.revision, result.state)
    for stage in result.completed:
        if not isinstance(stage, CompletedStage):
            raise WrongAnswer(
                f"returned {_name(stage)} among the completed stages; each must be a CompletedStage"
            )
        library.emit_completed(op, stage.type, stage.identity)
    return _contract.OK


def _emit_identity(library: Library, op: int, result: object) -> int:
    if result is not None and not isinstance(result, str):
        _wrong(result, "the user ID that was proved, or None")
    library.emit_identity(op, result or "")
    return _contract.OK


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback with an operation."""

    method: str
    """Its name, in the contract as in ``Host``."""
    arguments: _Arguments
    emit: Callable[[Library, int, object], int]
    refusals: tuple[type[errors.Refusal], ...] = ()
    """Beside those that every callback may use."""


CALLBACKS: tuple[Callback, ...] = (
    Callback(
        "authenticate",
        _credentials,
        _emit_principal,
        (errors.UnknownToken, errors.UserLocked, errors.Forbidden, errors.UnknownDevice),
    ),
    Callback("list_devices", _record(DeviceQuery), _emit_devices),
    Callback("get_device", _record(DeviceKey), _emit_device, (errors.NotFound,)),
    Callback("rename_device", _record(DeviceUpdate), _emit_nothing, (errors.NotFound,)),
    Callback("delete_devices", _record(Deletion), _emit_nothing),
    Callback("uia_flows", _record(UiaOperation), _emit_flows),
    Callback("uia_create_session", _record(NewSession), _emit_session_id),
    Callback("uia_load_session", _record(SessionKey), _emit_session, (errors.NotFound,)),
    Callback(
        "uia_replace_session",
        _record(Replacement),
        _emit_nothing,
        (errors.Conflict, errors.NotFound),
    ),
    Callback("uia_check", _record(UiaAttempt), _emit_identity, (errors.Refused, errors.BadData)),
    Callback("put_device", _record(DeviceUpdate), _emit_created, (errors.LimitExceeded,)),
    Callback("mark_validated", _record(Validation), _emit_nothing),
    Callback("take_limit", _limits, _emit_nothing, (errors.LimitExceeded,)),
)

_EVERYWHERE = (errors.Unavailable, errors.Timeout, errors.MatrixError)

_STATUSES: dict[type[errors.Refusal], int] = {
    errors.UserLocked: _contract.USER_LOCKED,
    errors.Forbidden: _contract.FORBIDDEN,
    errors.UnknownDevice: _contract.UNKNOWN_DEVICE,
    errors.NotFound: _contract.NOT_FOUND,
    errors.Conflict: _contract.CONFLICT,
    errors.LimitExceeded: _contract.LIMIT_EXCEEDED,
    errors.Refused: _contract.REFUSED,
    errors.BadData: _contract.BAD_DATA,
    errors.Unavailable: _contract.UNAVAILABLE,
    errors.Timeout: _contract.TIMEOUT,
    errors.MatrixError: _contract.HOST_ERROR,
}


def status_of_refusal(callback: Callback, refusal: errors.Refusal) -> int | None:
    """The status that stands for it; ``None`` if this callback must not refuse so."""
    if not isinstance(refusal, callback.refusals + _EVERYWHERE):
        return None
    if isinstance(refusal, errors.UnknownToken):
        return _contract.TOKEN_EXPIRED if refusal.soft_logout else _contract.UNKNOWN_TOKEN
    for kind in type(refusal).__mro__:
        if kind in _STATUSES:
            return _STATUSES[kind]
    return None


def emit_refusal(library: Library, op: int, refusal: errors.Refusal) -> None:
    """What goes with a refusal. Raises TypeError, ValueError where a field of it is wrong."""
    if isinstance(refusal, errors.MatrixError):
        library.emit_error(
            op,
            refusal.status,
            -1 if refusal.retry_after_ms is None else refusal.retry_after_ms,
            refusal.errcode,
            refusal.text,
            _to_json(refusal.extra) if refusal.extra else b"",
        )
    elif isinstance(refusal, errors.LimitExceeded):
        if refusal.retry_after_ms > 0:
            library.emit_retry_after(op, refusal.retry_after_ms)
    elif isinstance(refusal, errors.Refused | errors.BadData) and refusal.reason:
        library.emit_reason(op, refusal.reason)
