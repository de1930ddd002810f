"""The device endpoints as a WSGI application:

    application = matrix_devices.wsgi.app(MyHost(), wrapped=my_homeserver)

What is none of the module's routes goes to the wrapped application.
"""

from __future__ import annotations

import http
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from . import _core, _explain
from .errors import ConfigurationError
from .host import Host, asynchronous_methods
from .module import Module
from .records import Request, Response
from .server.framing import BadBody, content_length
from .server.json_answers import error_response
from .store import StoreHost

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["WsgiApp", "app"]

_NOT_FOUND = error_response(404, "M_UNRECOGNIZED", "There is no such endpoint on this server.")


def app(
    host: Host | StoreHost,
    wrapped: WSGIApplication | None = None,
    config: Mapping[str, Any] | None = None,
    *,
    library: str | os.PathLike[str] | None = None,
    timeout: float = 30.0,
) -> WsgiApp:
    """An application that asks ``host``, a plain one or a ``StoreHost``.

    The rest is as in ``Module.open``, which raises. A server with several processes calls
    this in each of them, after its fork. Close it with ``app.module.close()``, or leave that to
    the interpreter's exit.
    """
    if asynchronous := asynchronous_methods(host):
        raise ConfigurationError(
            f"{type(host).__name__}.{asynchronous[0]} is async def, and WSGI has no event loop: "
            "make it plain, or use asgi.app()"
        )
    return WsgiApp(Module.open(host, config, library=library, timeout=timeout), wrapped)


class WsgiApp:
    """A WSGI application around an open module. Any thread, if the host may be asked on any.

    WSGI joins repeated headers with commas; and where the server does not say the raw target
    (``RAW_URI``, ``REQUEST_URI``) it is made of the decoded path, in which a ``%2F`` of a device
    ID can't be told from a slash.
    """

    def __init__(self, module: Module, wrapped: WSGIApplication | None = None) -> None:
        """What is not the module's goes to ``wrapped``; without it the answer is 404."""
        if wrapped is not None and not callable(wrapped):
            raise ConfigurationError(f"wrapped is {_explain.a(wrapped)}; give a WSGI application")
        self.module = module
        self._wrapped = wrapped

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One request, as PEP 3333 has it."""
        target = self._target(environ)
        if target is not None:
            response = self._answer(target, environ)
        elif self._wrapped is not None:
            return self._wrapped(environ, start_response)
        else:
            response = _NOT_FOUND
        headers = list(response.headers)
        if response.status != 204:
            headers.append(("Content-Length", str(len(response.body))))
        start_response(_status_line(response.status), headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

    def _answer(self, target: str, environ: WSGIEnvironment) -> Response:
        try:
            body = self._read_body(environ)
        except BadBody as bad:
            return bad.response
        response = self.module.handle(
            Request(
                environ["REQUEST_METHOD"],
                target,
                _headers(environ),
                body or b"",
                environ.get("REMOTE_ADDR", ""),
                body is None,
                environ,
            )
        )
        assert response is not None, "a route of the module is the module's"
        return response

    def _target(self, environ: WSGIEnvironment) -> str | None:
        """The raw target, without the prefix under which this is mounted; None: not ours."""
        prefix = _encoded(environ.get("SCRIPT_NAME", ""))
        raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
        if not raw:
            raw = f"{_encoded(environ.get('PATH_INFO', ''))}?{environ.get('QUERY_STRING', '')}"
        path, _, query = _core.normal_target(raw).partition("?")
        for candidate in (path, path.removeprefix(prefix), prefix + path):
            if self.module.match(environ["REQUEST_METHOD"], candidate):
                return f"{candidate}?{query}" if query else candidate
        return None

    def _read_body(self, environ: WSGIEnvironment) -> bytes | None:
        """The body; None if it is longer than the module reads. ``BadBody``."""
        most = self.module.max_body_bytes
        given = environ.get("CONTENT_LENGTH")  # absent and empty are the same (PEP 3333)
        length = content_length([given] if given else [])
        if length is None and not environ.get("wsgi.input_terminated"):
            return b""
        if length is not None and length > most:
            return None
        body = _read(environ["wsgi.input"], most + 1 if length is None else length)
        if length is not None and len(body) < length:
            raise BadBody("The body is shorter than its Content-Length says. Send all of it.")
        return None if len(body) > most else body


def _read(stream: InputStream, most: int) -> bytes:
    """All of it, or so many bytes. ``BadBody``."""
    parts: list[bytes] = []
    left = most
    while left:
        try:
            part = stream.read(left)
        except (OSError, ValueError) as error:  # by which servers say that the client broke off
            raise BadBody("The body could not be read to its end. Send all of it.") from error
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _encoded(path: str) -> str:
    return quote(path, safe=_SAFE, encoding="latin-1")


_SAFE = "/:@!$&'()*+,;=~"


def _headers(environ: WSGIEnvironment) -> list[tuple[str, str]]:
    headers = [
        (name[5:].replace("_", "-"), value)
        for name, value in environ.items()
        if name.startswith("HTTP_") and isinstance(value, str)
    ]
    if "CONTENT_TYPE" in environ:
        headers.append(("Content-Type", environ["CONTENT_TYPE"]))
    return headers


def _status_line(status: int) -> str:
    try:
        return f"{status} {http.HTTPStatus(status).phrase}"
    except ValueError:  # a host's own
        return f"{status} Error"
