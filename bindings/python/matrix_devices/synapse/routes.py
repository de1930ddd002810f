"""At start: do the routes of the device endpoints really lead to us?"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from synapse.api.errors import UnrecognizedRequestError
from synapse.http.server import JsonResource
from synapse.http.site import SynapseSite
from twisted.web.resource import getChildForRequest

from . import compatibility, servlets

if TYPE_CHECKING:
    from .servlets import Engine

METHODS = ("GET", "PUT", "POST", "DELETE")  # those that have a handler of their own


class RouteError(Exception):
    """A route that leads to somebody else."""


def check(hs: Any, engine: Engine) -> int:
    """How many listeners of this homeserver serve the endpoints: each of them through us.

    Raises RouteError if a route of one of them leads elsewhere.
    """
    return sum(_serves_them(site, hs, engine) for site in _sites(hs))


def _sites(hs: Any) -> Iterator[Any]:
    """The HTTP sites that the process listens for. Workers keep no list of theirs."""
    for reader in hs.get_reactor().getReaders():
        factory = getattr(reader, "factory", None)
        site = getattr(factory, "wrappedFactory", factory)  # of TLS
        if isinstance(site, SynapseSite):
            yield site


def _serves_them(site: Any, hs: Any, engine: Engine) -> bool:
    found = 0
    strange = []
    for route in engine.module.routes:
        path = route.path.replace("{deviceId}", "ID")
        resource = _resource_at(site, path)
        if not isinstance(resource, JsonResource) or resource.hs is not hs:
            continue
        for method in METHODS:
            if method not in route.methods:
                continue
            servlet = _servlet_at(resource, method, path)
            if servlet is None:
                strange.append(f"{method} {route.path}: nobody")
            elif not servlets.is_ours(servlet) or servlets.engine_of(servlet.hs) is not engine:
                strange.append(f"{method} {route.path}: {type(servlet).__module__}")
                found += 1
            else:
                found += 1
    if found and strange:
        raise RouteError(
            "the device endpoints are not ours; another module took them, or this Synapse "
            f"registers them in another way ({', '.join(strange)})"
        )
    return found > 0


def _resource_at(site: Any, path: str) -> Any:
    """What the site finds at a path, without the compression around it."""
    request: Any = _request("GET", path)
    request.prepath = []
    request.postpath = request.path.split(b"/")[1:]
    resource = getChildForRequest(site.resource, request)
    return getattr(resource, "original", resource)


def _servlet_at(resource: Any, method: str, path: str) -> Any:
    """The servlet that a resource has for a request; ``None`` if there is none."""
    try:
        callback = compatibility.handler_for(resource, _request(method, path))
    except UnrecognizedRequestError:
        return None
    return getattr(callback, "__self__", callback)


def _request(method: str, path: str) -> SimpleNamespace:
    """As much of one as routing looks at."""
    return SimpleNamespace(method=method.encode(), path=path.encode())
