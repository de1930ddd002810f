"""Sentences for who passed something wrong: what came, by its type only, and what would be right.

A value is never in them: it may be a token, a password or a session ID.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any

__all__ = ["a", "cause", "header_pairs", "wrong_field", "wrong_request", "wrong_result"]

_HEADERS = 'give a mapping, {"Authorization": "Bearer …"}, or pairs of name and value'
_TEXT = (str, bytes, bytearray, memoryview)
_INT64 = 1 << 63


def a(value: object) -> str:
    """``a str``, ``an int``, ``None``, ``the class Device``."""
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeioAEIO' else 'a'} {name}"


# ---- What a caller passes ----


def header_pairs(headers: object) -> Sequence[Any]:
    """The pairs of a mapping or an iterable. Raises TypeError."""
    if isinstance(headers, _TEXT):
        raise TypeError(f"Request: headers is {a(headers)}; {_HEADERS}")
    items = getattr(headers, "items", None)
    pairs = items() if callable(items) else headers
    if not isinstance(pairs, Iterable):
        raise TypeError(f"Request: headers is {a(headers)}; {_HEADERS}")
    return tuple(pairs)


def wrong_request(request: Any) -> str | None:
    """What is wrong with a request that was not taken, or ``None``: nothing that is known here."""
    for name in ("method", "target", "body", "remote_addr"):
        wrong = _wrong_wire_text(name, getattr(request, name))
        if wrong is not None:
            return wrong
    for number, pair in enumerate(request.headers):
        if isinstance(pair, _TEXT) or not isinstance(pair, Sequence) or len(pair) != 2:
            return f"Request: headers[{number}] is {a(pair)}, no pair of name and value; {_HEADERS}"
        for what, value in zip(("name", "value"), pair, strict=True):
            wrong = _wrong_wire_text(f"the {what} in headers[{number}]", value)
            if wrong is not None:
                return wrong
    return None


def _wrong_wire_text(where: str, value: object) -> str | None:
    if not isinstance(value, str | bytes):
        return f"Request: {where} is {a(value)}; it must be str or bytes"
    if isinstance(value, str) and any(character > "\xff" for character in value):
        return f"Request: {where} has a character over U+00FF; pass bytes, or percent-encode it"
    return None


# ---- What a host returns ----


def wrong_result(result: object, expected: str) -> str:
    """A method returned this; ``expected``: "a Device"."""
    came = f"returned {a(result)}; it must return {expected}"
    if isinstance(result, BaseException) or (
        isinstance(result, type) and issubclass(result, BaseException)
    ):
        return f"{came}: raise the refusal, do not return it"
    if hasattr(result, "__aiter__"):
        return f"{came}: collect it, [device async for device in …]"
    if isinstance(result, Awaitable):
        if isinstance(result, types.CoroutineType):
            result.close()  # or Python says that it was never awaited
        return f"{came}: await it first, result = await result"
    return came


def wrong_field(record: object) -> str | None:
    """The first field of a record that holds what it must not; ``None``: there is none."""
    kind = next(kind for kind in type(record).__mro__ if kind.__module__.endswith(".records"))
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        value = getattr(record, field.name)
        where = f"a {kind.__name__} whose {field.name}"
        allowed = _types_of(hints[field.name])
        if not isinstance(value, allowed):
            names = " or ".join(
                "None" if each is types.NoneType else each.__name__ for each in allowed
            )
            return f"{where} is {a(value)}; it must be {names}"
        if isinstance(value, str) and not _is_utf8(value):
            return f"{where} has half of a surrogate pair in it; decode it as UTF-8"
        if isinstance(value, int) and not -_INT64 <= value < _INT64:
            return f"{where} is over 64 bits; times are ms since the epoch, 0 to 2**53"
    return None


def _types_of(hint: Any) -> tuple[type, ...]:
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return tuple(typing.get_origin(kind) or kind for kind in kinds)


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


# ---- What a host raises ----


def cause(error: BaseException) -> str | None:
    """What a mistake with asyncio is, of which Python has no better sign than its text."""
    text = str(error)
    if isinstance(error, RuntimeError) and re.search(r"different (event )?loop", text):
        return (
            "what it awaits belongs to another event loop; make it on the loop that serves the "
            "requests, such as at the start of the application"
        )
    if isinstance(error, TypeError) and re.search(r"'await' expression|be awaited", text):
        return "what was awaited is a plain result; await only what inspect.isawaitable() takes"
    return None
