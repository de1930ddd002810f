"""The versions of Synapse that this drop-in knows, where they differ, and what it needs of them.

Whatever the drop-in calls in Synapse is listed below, with its arguments, and looked for at start.
Names that Synapse keeps to itself are used in this file only.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

OLDEST = (1, 143)
"""The oldest Synapse that the drop-in knows, as (major, minor)."""

BEFORE = (1, 164)
"""The first Synapse that it does not know yet."""

_TOKENS_GO_FIRST = (1, 154)
_ALIAS_IS_GONE = (1, 161)


class Incompatible(Exception):
    """This Synapse lacks what the drop-in needs; the text is one line for its operator."""


# Versions.


def synapse_version() -> str:
    """The version of the Synapse that is installed, as its package says: ``1.163.2``."""
    return importlib.metadata.version("matrix-synapse")


def known_versions() -> str:
    """The range that the drop-in knows: ``1.143 to 1.163``."""
    return f"{OLDEST[0]}.{OLDEST[1]} to {BEFORE[0]}.{BEFORE[1] - 1}"


def major_and_minor(version: str) -> tuple[int, int]:
    """``(1, 163)`` of ``1.163.2``, ``1.163.0rc1`` and ``1.163.2+debian``; else ``(0, 0)``."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def why_unknown(version: str) -> str | None:
    """Why this version is outside the known range, in one line; ``None`` if it is inside."""
    if OLDEST <= major_and_minor(version) < BEFORE:
        return None
    return (
        f"matrix-devices knows Synapse {known_versions()}, and this is {version}: install a "
        "version of matrix-devices that knows it, or set allow_untested_synapse: true"
    )


def leaves_refreshable_tokens_cached(version: str) -> bool:
    """Whether Synapse deletes refresh tokens before their access tokens.

    The database then takes the access tokens along, unseen, and they stay in Synapse's cache:
    they would go on working (Synapse's issue 19483).
    """
    return major_and_minor(version) < _TOKENS_GO_FIRST


def takes_device_id_alias(version: str) -> bool:
    """Whether Synapse's other endpoints take ``org.matrix.msc3202.device_id`` for ``device_id``.

    None of the known versions has a setting for it.
    """
    return major_and_minor(version) < _ALIAS_IS_GONE


# What is needed: a name, and how it is called where it is; after `*` by keyword, as in Python.

IMPORTED: Mapping[str, Sequence[str]] = {
    "synapse.api.errors": (
        "LimitExceededError",
        "NotFoundError",
        "StoreError",
        "SynapseError.error_dict(config)",
        "UnrecognizedRequestError(*, code)",
    ),
    "synapse.appservice": ("ApplicationService.is_rate_limited()",),
    "synapse.handlers.device": ("DeviceWriterHandler",),
    "synapse.handlers.ui_auth": ("UIAuthSessionDataConstants.REQUEST_USER_ID",),
    "synapse.http": ("get_request_user_agent(request)",),
    "synapse.http.server": (
        "JsonResource._get_handler_for_request(request)",
        "respond_with_json_bytes(request, code, json_bytes)",
        "set_cors_headers(request)",
    ),
    "synapse.http.site": ("SynapseRequest.get_client_ip_if_available()", "SynapseSite"),
    "synapse.logging.context": ("make_deferred_yieldable(deferred)",),
    "synapse.module_api": ("ModuleApi.delayed_background_call(msec, f, *, desc)",),
    "synapse.module_api.errors": ("ConfigError",),
    "synapse.rest.client.devices": (
        "DeleteDevicesRestServlet.on_POST(request)",
        "DeviceRestServlet.on_DELETE(request, device_id)",
        "DeviceRestServlet.on_GET(request, device_id)",
        "DeviceRestServlet.on_PUT(request, device_id)",
        "DevicesRestServlet.on_GET(request)",
        "DevicesRestServlet.register(http_server)",
    ),
    "synapse.storage.database": (
        "LoggingTransaction.call_after(callback)",
        "LoggingTransaction.database_engine",
        "LoggingTransaction.execute(sql, parameters)",
        "LoggingTransaction.fetchall()",
        "LoggingTransaction.fetchone()",
    ),
    "synapse.storage.databases.main.ui_auth": (
        "UIAuthSessionData.session_id",
        "UIAuthSessionData.uri",
    ),
    "synapse.storage.engines": ("PostgresEngine",),
    "synapse.storage.engines._base": ("IsolationLevel",),
    "synapse.types": (
        "Requester.access_token_id",
        "Requester.device_id",
        "Requester.is_guest",
        "Requester.user",
    ),
    "synapse.util.async_helpers": (
        "Linearizer(name, *, clock)",
        "Linearizer.queue(key)",
        "delay_cancellation(awaitable)",
    ),
    "synapse.util.iterutils": ("batch_iter(iterable, size)",),
}
"""By module. Looked for before anything else of Synapse's is imported."""

LIVE: Mapping[str, Sequence[str]] = {
    "api": ("_hs",),
    "auth": ("get_user_by_req(request, *, allow_guest)",),
    "auth_handler": (
        "_auth_dict_for_flows(flows, session_id)",
        "_check_auth_dict(authdict, clientip)",
        "_get_available_ui_auth_types(user)",
        "delete_access_tokens_for_devices(user_id, device_ids)",
        "set_session_data(session_id, key, value)",
    ),
    "clock": ("time_msec()",),
    "config": ("auth.ui_auth_session_timeout", "mas.enabled"),
    "device_handler": (
        "delete_devices(user_id, device_ids)",
        "update_device(user_id, device_id, content)",
        "upsert_device(user_id, device_id, display_name)",
    ),
    "db_pool": (
        "runInteraction(desc, func, *, isolation_level)",
        "simple_delete_many_txn(txn, table, column, values, keyvalues)",
        "simple_insert_txn(txn, table, values)",
        "simple_select_list(*, table, keyvalues, retcols, desc)",
        "simple_select_list_txn(txn, table, keyvalues, retcols)",
        "simple_select_many_batch"
        "(*, table, column, iterable, retcols, keyvalues, desc, batch_size)",
        "simple_select_one(*, table, keyvalues, retcols, allow_none, desc)",
        "simple_update(*, table, keyvalues, updatevalues, desc)",
        "simple_update_txn(txn, table, keyvalues, updatevalues)",
    ),
    "store": (
        "_batch_row_update",
        "_get_e2e_cross_signing_signatures_for_device(user_id_and_device_id)",
        "_invalidate_cache_and_stream_bulk(txn, cache_func, key_tuples)",
        "_send_invalidation_to_replication_bulk(txn, cache_name, key_tuples)",
        "_update_on_this_worker",
        "add_user_agent_ip_to_ui_auth_session(session_id, user_agent, ip)",
        "count_devices_by_users(user_ids)",
        "create_ui_auth_session(clientdict, uri, method, description)",
        "get_access_token_last_validated(token_id)",
        "get_app_service_by_token(token)",
        "get_completed_ui_auth_stages(session_id)",
        "get_device(user_id, device_id)",
        "get_ui_auth_session(session_id)",
        "get_user_by_access_token(token)",
        "try_acquire_lock(lock_name, lock_key)",
    ),
}
"""By the homeserver's object, whose class depends on version and configuration. Looked for when the
homeserver is there, before it listens."""


def check_imported() -> None:
    """Look for what is imported. Raises Incompatible."""
    for module_name, needed in IMPORTED.items():
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError:
            raise _missing(module_name) from None
        _check(module_name, module, needed)


def check_live(api: Any) -> None:
    """Look for the rest, on the objects of a homeserver. Raises Incompatible."""
    _check("api", api, LIVE["api"])
    for name, owner in live_objects(api).items():
        _check(name, owner, LIVE[name])


def live_objects(api: Any) -> dict[str, Any]:
    """Those of ``LIVE``, of the homeserver behind Synapse's module API."""
    hs = homeserver_of(api)
    store = hs.get_datastores().main
    return {
        "api": api,
        "auth": hs.get_auth(),
        "auth_handler": hs.get_auth_handler(),
        "clock": hs.get_clock(),
        "config": hs.config,
        "device_handler": hs.get_device_handler(),
        "db_pool": store.db_pool,
        "store": store,
    }


def _check(owner_name: str, owner: Any, needed: Sequence[str]) -> None:
    for each in needed:
        path, _, parameters = each.partition("(")
        if path == "_batch_row_update" and not getattr(owner, "_update_on_this_worker", True):
            continue  # it is there only where it is written
        found = owner
        for name in path.split("."):
            found = getattr(found, name, _MISSING)
        if found is _MISSING:
            raise _missing(f"{owner_name}.{path}")
        if parameters and not _takes(found, parameters.rstrip(")").split(", ")):
            raise _unlike(f"{owner_name}.{path}", f"{owner_name}.{each}", found)


_MISSING = object()


def _takes(function: Callable[..., Any], expected: Sequence[str]) -> bool:
    """Whether it can be called in this way, and nothing else has to be given."""
    parameters = dict(inspect.signature(function).parameters)
    parameters.pop("self", None)  # of a method that is looked at on its class, or is cached
    kinds = {parameter.kind for parameter in parameters.values()}
    places = [name for name, each in parameters.items() if each.kind in _PLACES]
    by_position, by_keyword = _split(expected)
    given = {*by_position, *by_keyword}
    return (
        places[: len(by_position)] == by_position[: len(places)]
        and (len(places) >= len(by_position) or inspect.Parameter.VAR_POSITIONAL in kinds)
        and (parameters.keys() >= set(by_keyword) or inspect.Parameter.VAR_KEYWORD in kinds)
        and all(name in given or _is_optional(each) for name, each in parameters.items())
    )


_PLACES = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _split(expected: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is given by position, and what by keyword."""
    names = [name for name in expected if name]
    star = names.index("*") if "*" in names else len(names)
    return names[:star], names[star + 1 :]


def _is_optional(parameter: inspect.Parameter) -> bool:
    return parameter.kind in _REST or parameter.default is not inspect.Parameter.empty


def _missing(path: str) -> Incompatible:
    return Incompatible(f"{_this_synapse()} has no {path}, which matrix-devices needs. {_ADVICE}")


def _unlike(path: str, wanted: str, found: Callable[..., Any]) -> Incompatible:
    return Incompatible(
        f"{_this_synapse()} has {path}{inspect.signature(found)}, which matrix-devices calls as "
        f"{wanted}. {_ADVICE}"
    )


def _this_synapse() -> str:
    return f"this Synapse ({synapse_version()})"


_ADVICE = (
    f"It works with Synapse {known_versions()}: install a version of matrix-devices that knows "
    "this one"
)


# Names that Synapse keeps to itself.


def homeserver_of(api: Any) -> Any:
    """The homeserver behind Synapse's module API."""
    return api._hs


def handler_for(resource: Any, request: Any) -> Any:
    """What a resource of Synapse's would run for a request. Raises Synapse's 404."""
    callback, _, _ = resource._get_handler_for_request(request)
    return callback


def unwritten_connections(
    store: Any,
) -> Mapping[tuple[str, str, str], tuple[str, str | None, int]]:
    """What this process will write down of its clients within seconds.

    By user, access token and address: user agent, device and the time in milliseconds. Only the
    process that writes them has any, and only here are they to be had, as of 1.163.
    """
    unwritten: Mapping[tuple[str, str, str], tuple[str, str | None, int]] = (
        store._batch_row_update if store._update_on_this_worker else {}
    )
    return unwritten


async def ui_auth_types(auth_handler: Any, user: Any) -> list[str]:
    """The types of User-Interactive Authentication that this user can do, sorted: Synapse has them
    in a set (U16)."""
    return sorted(await auth_handler._get_available_ui_auth_types(user))


def ui_auth_params(auth_handler: Any, types: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
    """What a client has to know for these types, by type."""
    params: Mapping[str, Mapping[str, Any]] = auth_handler._auth_dict_for_flows(
        [[type] for type in types], ""
    )["params"]
    return params


async def check_auth(auth_handler: Any, auth: Mapping[str, Any], remote_addr: str) -> Any:
    """Try credentials; what they prove, false if nothing. Raises Synapse's errors."""
    return await auth_handler._check_auth_dict(auth, remote_addr)


def read_committed() -> int:
    """The isolation level in which a write waits for another of the same rows, and goes on."""
    from synapse.storage.engines._base import IsolationLevel

    return int(IsolationLevel.READ_COMMITTED)


def forget_tokens_txn(txn: Any, store: Any, tokens: Iterable[str]) -> None:
    """Take access tokens out of the caches of all processes."""
    store._invalidate_cache_and_stream_bulk(
        txn, store.get_user_by_access_token, [(token,) for token in tokens]
    )


def forget_signatures_txn(txn: Any, store: Any, user_id: str, device_ids: Iterable[str]) -> None:
    """Take the signatures over devices out of the caches of all processes.

    Their key is a pair, which goes to the other processes as JSON.
    """
    cache = store._get_e2e_cross_signing_signatures_for_device
    keys = [(user_id, device_id) for device_id in device_ids]
    for key in keys:
        txn.call_after(cache.invalidate, (key,))
    if keys:
        store._send_invalidation_to_replication_bulk(
            txn, cache.__name__, [(json.dumps(key),) for key in keys]
        )


# What goes by another name within the known range.


def is_login_delegated(config: Any) -> bool:
    """Whether users log in through an OAuth 2.0 server (MAS), by either of its two settings."""
    msc3861 = getattr(config.experimental, "msc3861", None)  # gone in later versions
    return bool(config.mas.enabled or (msc3861 is not None and msc3861.enabled))
