"""In the place of Synapse's servlets: driving one request through the module.

``synapse.rest.client.devices`` looks its servlets up by name when it registers them. Classes of the
same names that derive from them stand there instead, so that routing, metrics, tracing, the log
context, compression, HEAD and OPTIONS stay Synapse's own.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import synapse.rest.client.devices as synapse_devices
from synapse.api.errors import UnrecognizedRequestError
from synapse.http.server import respond_with_json_bytes, set_cors_headers
from synapse.logging.context import make_deferred_yieldable
from twisted.internet.defer import Deferred
from twisted.internet.tcp import Connection

from .. import Exchange, Module, Refusal, Request, Response, Unavailable
from . import compatibility
from .host import SynapseHost

if TYPE_CHECKING:
    from synapse.http.site import SynapseRequest

Handler = Callable[..., Awaitable[Any]]

NAMES = ("DevicesRestServlet", "DeviceRestServlet", "DeleteDevicesRestServlet")

_ENGINE = "_matrix_devices_engine"  # of a homeserver object
_IS_OURS = "_is_of_matrix_devices"  # of a servlet's class

# Response headers that Synapse sets itself.
_SYNAPSES_OWN = frozenset({"content-type", "cache-control"})


class Engine:
    """The module, at work for one homeserver. On the reactor's thread."""

    def __init__(self, module: Module, host: SynapseHost, reactor: Any) -> None:
        self.module = module
        self._host = host
        self._reactor = reactor
        self._waiting: list[Deferred[None]] = []

    async def answer(self, request: SynapseRequest) -> None:
        """Answer a request to one of the five endpoints.

        Raises what Synapse's own functions raised, for Synapse to log and to answer.
        """
        exchange = self.module.begin(self._as_it_came(request))
        if exchange is None:
            raise UnrecognizedRequestError(code=404)  # R8
        self._others_go_on()
        response = await self._drive(exchange)
        _send(request, response)

    def _as_it_came(self, request: SynapseRequest) -> Request:
        content = request.content
        too_large = content.seek(0, 2) > self.module.max_body_bytes
        content.seek(0)
        return Request(
            method=request.method.decode("latin-1"),
            target=request.uri.decode("latin-1"),
            headers=[
                (name, value)
                for name, values in request.requestHeaders.getAllRawHeaders()
                for value in values
            ],
            body=b"" if too_large else content.read(),
            remote_addr=request.get_client_ip_if_available(),
            body_too_large=too_large,
            context=request,
        )

    async def _drive(self, exchange: Exchange) -> Response:
        failure: Exception | None = None
        while True:
            question = exchange.next()
            if question is None:
                if (response := exchange.response) is not None:
                    break
                # It has to do with another request.
                self._waiting.append(Deferred())
                await make_deferred_yieldable(self._waiting[-1])
                continue
            try:
                if failure is not None:
                    raise Unavailable
                answer = await getattr(self._host, question.method)(*question.arguments)
            except Refusal as refusal:
                question.fail(refusal)
            except Exception as error:  # Synapse's: its answer, its log, its pause
                failure = error
                question.fail(Unavailable())
            else:
                question.answer(answer)
            self._others_go_on()
        if failure is not None:
            try:
                raise failure
            finally:
                failure = None  # it holds this frame
        return response

    def _others_go_on(self) -> None:
        """This request has gone on: those that wait may have something to do."""
        if self._waiting:
            for waiting in self._waiting:
                self._reactor.callLater(0, waiting.callback, None)
            self._waiting.clear()


def _send(request: SynapseRequest, response: Response) -> None:
    set_cors_headers(request)
    for name, value in response.headers:
        lower = name.lower()
        if lower == "access-control-expose-headers":
            exposed = request.responseHeaders.getRawHeaders(name, [])
            request.setHeader(name, ", ".join([*exposed, value]))
        elif lower not in _SYNAPSES_OWN and not lower.startswith("access-control-"):
            request.setHeader(name, value)
    transport = request.channel.transport if request.channel else None  # None: it hung up
    respond_with_json_bytes(request, response.status, response.body)
    if request.finished:
        _send_now(transport)


def _send_now(transport: Any) -> None:
    """Let a whole answer leave at once, where the transport is a socket.

    Else it leaves at the reactor's next turn: after Synapse has counted and logged the request. An
    error is met again there, and handled; so is a connection that ends with this answer.
    """
    if isinstance(transport, Connection) and not transport.disconnecting:
        transport.doWrite()


def attach(hs: Any, engine: Engine) -> None:
    """From now on `engine` answers for this homeserver."""
    setattr(hs, _ENGINE, engine)


def engine_of(hs: Any) -> Engine | None:
    """Who answers for this homeserver; ``None``: Synapse itself does."""
    engine: Engine | None = getattr(hs, _ENGINE, None)
    return engine


def is_ours(servlet: object) -> bool:
    """Whether it is one of those that stand in the place of Synapse's."""
    return getattr(servlet, _IS_OURS, False)


def put_in_place() -> None:
    """Put our servlets in the place of Synapse's, for homeservers that are built from now on.

    Those without an engine are answered by Synapse's own code. Any number of times.
    """
    for name in NAMES:
        original = getattr(synapse_devices, name)
        if not is_ours(original):
            setattr(synapse_devices, name, _in_place_of(original))


def _in_place_of(original: type[Any]) -> type[Any]:
    members: dict[str, Any] = {_IS_OURS: True, "__module__": __name__}
    for name in ("on_GET", "on_PUT", "on_POST", "on_DELETE"):
        if hasattr(original, name):
            members[name] = _dispatching(getattr(original, name))
    if original.__name__ == "DevicesRestServlet":
        members["register"] = _registering_deletion_too(original.register)
    return type(original.__name__, (original,), members)


def _dispatching(original: Handler) -> Handler:
    @functools.wraps(original)  # takes along whether Synapse may cancel it
    def handler(servlet: Any, request: SynapseRequest, **path: str) -> Awaitable[Any]:
        engine = engine_of(servlet.hs)
        if engine is None:
            return original(servlet, request, **path)
        return engine.answer(request)

    return handler


def _registering_deletion_too(original: Callable[..., None]) -> Callable[..., None]:
    """Where users log in through OAuth, Synapse does not register the bulk deletion. Application
    services may use it there all the same (D2), and users are told where to turn to (D3)."""

    @functools.wraps(original)
    def register(servlet: Any, http_server: Any) -> None:
        original(servlet, http_server)
        hs = servlet.hs
        if engine_of(hs) is not None and compatibility.is_login_delegated(hs.config):
            synapse_devices.DeleteDevicesRestServlet(hs).register(http_server)

    return register
