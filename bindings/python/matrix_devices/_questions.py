"""A question of the module: the arguments for the host's method, and its result on the way back.

``CALLBACKS`` has an entry a callback, in the order of ``mxd_host`` (and of ``Callback`` in
core/exchange.h): the only place that knows both the host's records and the contract's functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from . import _contract, _explain, errors
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
    raise WrongAnswer(_explain.wrong_result(result, expected))


_NOT_TAKEN = (TypeError, OverflowError, UnicodeEncodeError)


def _blame_field(record: object) -> None:
    """Raise WrongAnswer if it is a field of this record that was not taken."""
    wrong = _explain.wrong_field(record)
    if wrong is not None:
        raise WrongAnswer(f"returned {wrong}") from None


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
    try:
        library.emit_principal(
            op,
            result.user_id,
            result.device_id,
            result.token_id,
            result.service_id,
            flags,
            result.validated_ms,
        )
    except _NOT_TAKEN:
        _blame_field(result)
        raise
    return _contract.OK


def _emit_device(library: Library, op: int, result: object) -> int:
    if not isinstance(result, Device):
        _wrong(result, "a Device")
    return _emit_devices(library, op, [result])


def _emit_devices(library: Library, op: int, result: object) -> int:
    if not isinstance(result, Iterable) or isinstance(result, str | bytes):
        _wrong(result, "an iterable of Device")
    devices = result if type(result) is list else list(result)
    try:
        library.emit_devices(op, devices, Device)
    except _NOT_TAKEN:
        for device in devices:
            if not isinstance(device, Device):
                came = _explain.a(device)
                raise WrongAnswer(
                    f"returned {came} among the devices; each must be a Device"
                ) from None
            _blame_field(device)
        raise
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
            raise WrongAnswer(f"returned {_explain.a(flow)} among the flows; each must be a Flow")
        if isinstance(flow.stages, str):
            raise WrongAnswer("returned a Flow whose stages is a str; it must be a tuple of str")
        for stage in flow.stages:
            if not isinstance(stage, str):
                came = _explain.a(stage)
                raise WrongAnswer(f"returned a Flow with {came} among its stages; each is a str")
            params = _params_of(flow, stage)
            library.emit_stage(op, number, stage, stage in flow.proves_nobody, params)
    return _contract.OK


def _params_of(flow: Flow, stage: str) -> bytes:
    if stage not in flow.params:
        return b""
    try:
        return _to_json(flow.params[stage])
    except (TypeError, ValueError) as error:
        raise WrongAnswer(
            f"returned a Flow whose params for {stage} are no JSON: {error}"
        ) from None


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
    try:
        library.emit_session(op, result.revision, result.state)
    except _NOT_TAKEN:
        _blame_field(result)
        raise
    for stage in result.completed:
        if not isinstance(stage, CompletedStage):
            came = _explain.a(stage)
            raise WrongAnswer(f"returned {came} among the completed stages; each: CompletedStage")
        try:
            library.emit_completed(op, stage.type, stage.identity)
        except _NOT_TAKEN:
            _blame_field(stage)
            raise
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
    """What goes with a refusal. Raises WrongAnswer where a field of it is wrong."""
    if isinstance(refusal, errors.MatrixError):
        wait_ms = refusal.retry_after_ms
        _blame_value(refusal, "status", int)
        _blame_value(refusal, "errcode", str)
        _blame_value(refusal, "text", str)
        if wait_ms is not None:
            _blame_value(refusal, "retry_after_ms", int)
        try:
            extra = _to_json(refusal.extra) if refusal.extra else b""
        except (TypeError, ValueError) as error:
            raise WrongAnswer(
                f"raised a MatrixError with members that are no JSON: {error}"
            ) from None
        library.emit_error(
            op,
            refusal.status,
            -1 if wait_ms is None else wait_ms,
            refusal.errcode,
            refusal.text,
            extra,
        )
    elif isinstance(refusal, errors.LimitExceeded):
        _blame_value(refusal, "retry_after_ms", int)
        if refusal.retry_after_ms > 0:
            library.emit_retry_after(op, refusal.retry_after_ms)
    elif isinstance(refusal, errors.Refused | errors.BadData) and refusal.reason is not None:
        _blame_value(refusal, "reason", str)
        if refusal.reason:
            library.emit_reason(op, refusal.reason)


def _blame_value(refusal: errors.Refusal, name: str, kind: type) -> None:
    value = getattr(refusal, name)
    if not isinstance(value, kind):
        raise WrongAnswer(
            f"raised {_explain.a(refusal)} whose {name} is {_explain.a(value)}; "
            f"it must be {kind.__name__}"
        )
