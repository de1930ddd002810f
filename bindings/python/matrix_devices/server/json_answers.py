"""Requests and answers of the account endpoints, as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from ..records import Request, Response

MAX_DEPTH = 32  # of JSON, as the module's own default

_COMMON_HEADERS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS"),
    ("Access-Control-Allow-Headers", "X-Requested-With, Content-Type, Authorization"),
    ("Access-Control-Expose-Headers", "Retry-After"),
    ("Cache-Control", "no-store"),
)
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"?|[][{}]', re.DOTALL)


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
    """204, for a browser that asks what it may send."""
    return Response(204, _COMMON_HEADERS, b"")


def refuse(status: int, errcode: str, text: str) -> NoReturn:
    """End the endpoint with a standard error."""
    raise RefusedRequest(error_response(status, errcode, text))


def path_of(request: Request) -> str:
    """The path, raw: without query and fragment."""
    return request.target.partition("#")[0].partition("?")[0]


def query_parameter(request: Request, name: str) -> str | None:
    """A parameter of the query, decoded; None if it is not there.

    Twice, or with a broken escape: refused with 400 ``M_INVALID_PARAM`` (row R11).
    """
    query = request.target.partition("#")[0].partition("?")[2]
    found: str | None = None
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if _decoded(key) != name:
            continue
        decoded = _decoded(value)
        if decoded is None or found is not None:
            refuse(
                400, "M_INVALID_PARAM", f"The query parameter {name} is given twice or is broken."
            )
        found = decoded
    return found


def access_token(request: Request) -> str:
    """The token, from its header or the query; otherwise refused (rows A1 to A3)."""
    in_query = query_parameter(request, "access_token")
    headers = header_values(request, "authorization")
    token = ""
    if len(headers) == 1 and in_query is None and headers[0][:7].lower() == "bearer ":
        token = headers[0][7:].lstrip(" ")
    elif not headers and in_query is not None:
        token = in_query
    if not token:
        text = "Send one access token, in the header Authorization: Bearer TOKEN."
        refuse(401, "M_MISSING_TOKEN", text)
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
        value = _parsed(request.body)
        if not isinstance(value, dict):
            refuse(400, "M_BAD_JSON", "The body must be a JSON object, such as {}.")
        return cls(value)

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

    def __bool__(self) -> bool:
        return bool(self._members)


def _text(value: str | bytes) -> str:
    """The UTF-8 that a header holds, whose characters stand for bytes."""
    data = value.encode("latin-1") if isinstance(value, str) else value
    return data.decode("utf-8", "surrogateescape")


def _decoded(text: str) -> str | None:
    if _BROKEN_ESCAPE.search(text):
        return None
    data = unquote_to_bytes(text.replace("+", " ").encode("latin-1"))
    return data.decode("utf-8", "surrogateescape")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        token = match[0]
        if token in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token in "]}":
            depth -= 1
    return deepest


def _parsed(body: bytes) -> Any:
    try:
        text = body.decode()
        if _depth(text) > MAX_DEPTH:
            refuse(400, "M_BAD_JSON", f"The body is nested deeper than {MAX_DEPTH} levels.")
        value = json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        text = "The body is no JSON in UTF-8. Send a JSON object, such as {}."
        refuse(400, "M_NOT_JSON", text)
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        refuse(400, "M_BAD_JSON", "The body holds half a surrogate pair.")
    return value
