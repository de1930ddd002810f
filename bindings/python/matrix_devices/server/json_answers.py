"""Requests and answers of the account endpoints, as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from .. import _core
from ..errors import UnknownToken
from ..records import Request, Response

MAX_TOKEN_BYTES = 4096

_COMMON_HEADERS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS"),
    ("Access-Control-Allow-Headers", "X-Requested-With, Content-Type, Authorization"),
    ("Access-Control-Expose-Headers", "Retry-After"),
    ("Cache-Control", "no-store"),
)
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class RefusedRequest(Exception):
    """Ends an endpoint: ``response`` is the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def json_response(
    status: int, body: Mapping[str, Any], headers: tuple[tuple[str, str], ...] = ()
) -> Response:
    """An answer with the headers that every one has (row R12)."""
    content = json.dumps(body, separators=(",", ":")).encode()
    kind = ("Content-Type", "application/json")
    return Response(status, (*_COMMON_HEADERS, kind, *headers), content)


def error_response(
    status: int,
    errcode: str,
    text: str,
    extra: Mapping[str, Any] | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Response:
    """A standard error."""
    return json_response(status, {"errcode": errcode, "error": text, **(extra or {})}, headers)


def limited_response(retry_after_ms: int) -> Response:
    """429 (row L1)."""
    wait_ms = max(retry_after_ms, 1)
    return error_response(
        429,
        "M_LIMIT_EXCEEDED",
        "Too many attempts. Wait before the next one.",
        {"retry_after_ms": wait_ms},
        (("Retry-After", str(-(-wait_ms // 1000))),),
    )


def busy_response() -> Response:
    """503, where there is more to do than can wait, or the store can't."""
    text = "The server is busy. Send the request again in a moment."
    return error_response(503, "M_UNKNOWN", text, headers=(("Retry-After", "1"),))


def preflight_response() -> Response:
    """204, for a browser that asks what it may send; it asks once a day (row R5)."""
    return Response(204, (*_COMMON_HEADERS, ("Access-Control-Max-Age", "86400")), b"")


def refuse(status: int, errcode: str, text: str) -> NoReturn:
    """End the endpoint with a standard error."""
    raise RefusedRequest(error_response(status, errcode, text))


def path_of(request: Request) -> str:
    """The path, raw: without query and fragment."""
    return request.target.partition("#")[0].partition("?")[0]


def query_parameter(request: Request, name: str) -> str | None:
    """A parameter of the query, decoded; None if it is not there.

    Twice, with a broken escape, not UTF-8, an ID with U+0000: refused with 400 ``M_INVALID_PARAM``
    (row R11).
    """
    query = request.target.partition("#")[0].partition("?")[2]
    found: str | None = None
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if _decoded(key) != name:
            continue
        decoded = _decoded(value)
        broken = decoded is None or (name != "access_token" and "\0" in decoded)
        if broken or found is not None:
            refuse(
                400, "M_INVALID_PARAM", f"The query parameter {name} is given twice or is broken."
            )
        found = decoded
    return found


def access_token(request: Request, *, in_query: bool = True) -> str:
    """The token, from its header or, unless ``in_query`` is off, the query; otherwise refused.

    Rows A1 to A3. ``UnknownToken``: no host need be asked for this one (row A4).
    """
    parameter = query_parameter(request, "access_token") if in_query else None
    headers = header_values(request, "authorization")
    token = ""
    if len(headers) == 1 and parameter is None and headers[0][:7].lower() == "bearer ":
        token = headers[0][7:].lstrip(" ")
    elif not headers and parameter is not None:
        token = parameter
    if not token:
        text = "Send one access token, in the header Authorization: Bearer TOKEN."
        refuse(401, "M_MISSING_TOKEN", text)
    if "\0" in token or len(_bytes(token)) > MAX_TOKEN_BYTES or not _is_utf8(token):
        raise UnknownToken()
    return token


def header_values(request: Request, name: str) -> list[str]:
    """All values of a header, in order; ``name`` in lower case."""
    return [_text(value) for key, value in request.headers if _text(key).lower() == name]


class Fields:
    """A JSON body, field by field; ``null`` is as absent. A wrong type is refused."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._members = members

    @classmethod
    def of_body(cls, request: Request) -> Fields:
        """The body, which must be a JSON object; otherwise refused."""
        if request.body_too_large:
            refuse(413, "M_TOO_LARGE", "The body is too large. Send a smaller one.")
        try:
            return cls(_core.read_json_object(request.body))
        except _core.JsonError as error:
            errcode, text = error.args
        refuse(400, errcode, text)

    def text(self, key: str) -> str | None:
        """A string, or None if it is absent."""
        value = self._members.get(key)
        if value is not None and not isinstance(value, str):
            refuse(400, "M_BAD_JSON", f'"{key}" must be a string.')
        return value

    def flag(self, key: str) -> bool:
        """A boolean; absent: False."""
        value = self._members.get(key)
        if value is not None and not isinstance(value, bool):
            refuse(400, "M_BAD_JSON", f'"{key}" must be true or false.')
        return value is True

    def object(self, key: str) -> Fields | None:
        """An object, or None if it is absent."""
        value = self._members.get(key)
        if value is not None and not isinstance(value, dict):
            refuse(400, "M_BAD_JSON", f'"{key}" must be an object.')
        return None if value is None else Fields(value)

    def or_of(self, earlier: Mapping[str, Any]) -> Fields:
        """These, and for what is absent those of an earlier request."""
        given = {key: value for key, value in self._members.items() if value is not None}
        return Fields({**earlier, **given})

    def only(self, *keys: str) -> dict[str, Any]:
        """Those of these that are there."""
        return {key: value for key in keys if (value := self._members.get(key)) is not None}

    def __bool__(self) -> bool:
        return bool(self._members)


def _text(value: str | bytes) -> str:
    """The UTF-8 that a header holds, whose characters stand for bytes."""
    data = value.encode("latin-1") if isinstance(value, str) else value
    return data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _is_utf8(text: str) -> bool:
    """Whether all of it was, and nothing is escaped."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _decoded(text: str) -> str | None:
    """None: a broken escape, or not UTF-8."""
    if _BROKEN_ESCAPE.search(text):
        return None
    try:
        return unquote_to_bytes(text.replace("+", " ").encode("latin-1")).decode()
    except UnicodeDecodeError:
        return None
