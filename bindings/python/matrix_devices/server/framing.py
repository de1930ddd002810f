"""How a request's body is delimited: Content-Length, and chunks (RFC 9112, sections 6 and 7.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from ..records import Response
from .json_answers import error_response

CHUNK_LINE_BYTES = 1024  # of a chunk's size and its extensions
TRAILER_BYTES = 64 * 1024

_LENGTH = re.compile(r"[0-9]+")
_DIGITS = 18  # of the largest length that is told from others
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]+)[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?\r\n")
_TRAILER_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\x00\r\n]*\r\n")


class Stream(Protocol):
    """A client's bytes. Fewer than were asked for: it sends no more."""

    def read(self, size: int, /) -> bytes:
        """So many bytes."""

    def readline(self, size: int, /) -> bytes:
        """To the end of a line, so many at most."""


class BadBody(Exception):
    """A body that can't be delimited. Its text is for the client."""

    @property
    def response(self) -> Response:
        """400."""
        return error_response(400, "M_UNKNOWN", str(self))


class BrokenOff(Exception):
    """The client went away before its body was complete."""


def content_length(values: Sequence[str]) -> int | None:
    """What a request's Content-Length headers say; None: there is none. ``BadBody``.

    Digits alone are a number here: Python takes much more for one.
    """
    lengths = set()
    for value in values:
        if not _LENGTH.fullmatch(value):
            raise BadBody("Content-Length must be one decimal number.")
        digits = value.lstrip("0") or "0"
        lengths.add(int(digits) if len(digits) <= _DIGITS else 10**_DIGITS)
    if len(lengths) > 1:
        raise BadBody("There are several values of Content-Length. Send one.")
    return lengths.pop() if lengths else None


def read_chunks(stream: Stream, most: int) -> bytes | None:
    """The body; None once it is longer than ``most`` bytes. ``BadBody``, ``BrokenOff``.

    Extensions are passed over. So is the trailer: what decides stood in the header (O10).
    """
    parts: list[bytes] = []
    size = 0
    while True:
        match = _CHUNK_LINE.fullmatch(_line(stream, CHUNK_LINE_BYTES))
        if match is None:
            raise BadBody("A chunk does not begin with its size in hexadecimal digits.")
        digits = match[1].lstrip(b"0")
        if not digits:
            _skip_trailer(stream)
            return b"".join(parts)
        if len(digits) > _DIGITS or size + (length := int(digits, 16)) > most:
            return None
        size += length
        parts.append(read_exactly(stream, length))
        if read_exactly(stream, 2) != b"\r\n":
            raise BadBody("A chunk is longer than its size says.")


def read_exactly(stream: Stream, length: int) -> bytes:
    """So many bytes. ``BrokenOff``."""
    data = stream.read(length)
    if len(data) < length:
        raise BrokenOff
    return data


def _skip_trailer(stream: Stream) -> None:
    left = TRAILER_BYTES
    while (line := _line(stream, left)) != b"\r\n":
        if not _TRAILER_LINE.fullmatch(line):
            raise BadBody("The trailer behind the last chunk is malformed.")
        left -= len(line)


def _line(stream: Stream, most: int) -> bytes:
    line = stream.readline(most + 1)
    if len(line) > most:
        raise BadBody("The chunks' framing is too large.")
    if not line.endswith(b"\n"):
        raise BrokenOff
    return line
