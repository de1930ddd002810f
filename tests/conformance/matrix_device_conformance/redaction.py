"""Takes secrets out of everything that leaves the process.

Two nets: the secrets that the run has used or been given, however a homeserver writes them
(percent-encoded, escaped, in base64), and what must be a secret by its place: members of JSON,
parameters of a query, headers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from matrix_device_conformance.verdicts import Exchange
from matrix_device_conformance.writings import any_writing, binary_writings, plain_writings

# By the name of a member or a parameter: what its value is.
KINDS: Mapping[str, str] = {
    "access_token": "token",
    "as_token": "token",
    "hs_token": "token",
    "login_token": "token",
    "loginToken": "token",
    "new_password": "password",
    "password": "password",
    "refresh_token": "token",
    "session": "session",
    "token": "token",
}
SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization", "set-cookie"}

# Shorter texts are words too (a session "x", the password "test"): they are taken out only where
# they stand alone, and known only from an option, not from traffic.
SHORT = 8
# So many characters beside a cut are known for a piece of a secret.
PIECE = 6
CUT = re.compile(r"(…|\.\.\.|\\u2026)")
NEAR = 400  # characters beside a cut, in which such a piece may be
OPEN_ESCAPE = re.compile(
    r"(?:\\+(?:u[0-9a-fA-F]{0,3}|x[0-9a-fA-F]?)?|%(?:25)*[0-9a-fA-F]?|&#?\w*)$"
)

WITHHELD = "[withheld: it holds a secret in a writing that cannot be taken out]"

NAMES = "|".join(sorted(KINDS, key=len, reverse=True))
# "access_token": "…" with double or single quotes, escaped or not, as JSON or as Python prints it.
# The value may be cut off. Neither an empty value nor one that is no string is a secret.
MEMBER = re.compile(
    rf"""(?P<before>(?P<quote>\\*["'])(?P<name>{NAMES})(?P=quote)\s*[:=]\s*(?P<open>\\*["']))"""
    r"""(?P<value>(?:(?!(?P=open))\\?.)+)""",
    re.DOTALL,
)
PARAMETER = re.compile(rf"""(?P<before>(?<![\w%])(?P<name>{NAMES})=)(?P<value>[^&\s"'<>#;,)\\]+)""")
BEARER = re.compile(r"(?P<before>\b(?:Bearer|Basic)\s+)(?P<value>[\w.~+/=%:-]+)", re.I | re.A)
# What homeservers' tokens begin with: Synapse, the Matrix Authentication Service.
TOKEN = re.compile(r"\b(?:syt|syr|syl|mat|mar|mct|mcr)_[A-Za-z0-9_=.-]{8,}")
LABEL = re.compile(r"\[(?:token|password|session|secret)(?: \d+)?\]")


class Redactor:
    """Knows the secrets of one run. `add` and `learn` may be called from any thread."""

    def __init__(self) -> None:
        self._labels: dict[str, str] = {}  # of secrets: what stands in their place
        self._counts: dict[str, int] = {}
        self._short: list[str] = []
        self._needles = Needles()  # secrets, their base64 and hexadecimal; all without escapes
        self._beginnings = Needles(PIECE)
        self._endings = Needles(PIECE)
        self._done: dict[str, str] = {}  # a report says many things often

    def add(self, secret: str, kind: str = "secret") -> None:
        """Know a secret, whatever its length: a password from an option, a token from a hook."""
        if not secret or secret in self._labels or LABEL.fullmatch(secret):
            return
        self._counts[kind] = self._counts.get(kind, 0) + 1
        self._labels[secret] = f"[{kind} {self._counts[kind]}]"
        self._done.clear()
        if len(secret) < SHORT:
            self._short.append(secret)
            return
        for writing in (secret, *binary_writings(secret)):
            for plain in plain_writings(writing):
                self._needles.add(plain, (writing, secret))
        for plain in plain_writings(secret):
            self._beginnings.add(plain, (secret, secret))
            self._endings.add(plain[::-1], (secret, secret))

    def learn(self, value: Any) -> None:
        """Know the secrets among the members of a body, at any depth."""
        if isinstance(value, dict):
            for name, member in value.items():
                self.learn_named(name, member)
                self.learn(member)
        elif isinstance(value, list):
            for element in value:
                self.learn(element)

    def learn_named(self, name: str, value: Any) -> None:
        """Know the value of a member or a parameter, where its name says that it is secret."""
        if name in KINDS and isinstance(value, str) and len(value) >= SHORT:
            self.add(value, KINDS[name])

    def learn_body(self, body: str) -> None:
        """Know the secrets in a body of JSON, also where it was cut off."""
        try:
            self.learn(json.loads(body))
        except (ValueError, RecursionError):
            for found in MEMBER.finditer(body):
                self.learn_named(found["name"], found["value"])

    def learn_target(self, target: str) -> None:
        """Know the secrets in a query."""
        for name, value in parse_qsl(target.partition("?")[2], errors="replace"):
            self.learn_named(name, value)

    def learn_headers(self, headers: Iterable[tuple[str, str]]) -> None:
        """Know the token of `Authorization: Bearer`."""
        for name, value in headers:
            token = value.partition(" ")[2].strip()
            if name.lower() == "authorization" and len(token) >= SHORT:
                self.add(token, "token")

    def learn_exchange(self, exchange: Exchange) -> None:
        """Know all secrets of a request and its answer."""
        self.learn_target(exchange.target)
        self.learn_headers(exchange.request_headers)
        self.learn_body(exchange.request_body)
        self.learn_body(exchange.response_body)

    def header(self, name: str, value: str) -> str:
        """The value of a header, fit to be shown."""
        shown = self.redact(value)
        is_secret = name.lower() in SECRET_HEADERS and not LABEL.search(shown)
        return "[secret]" if is_secret else shown

    def redact(self, text: str) -> str:
        """The text without secrets. Equal secrets get equal labels, so that one can follow them."""
        if text not in self._done:
            self._done[text] = self._redacted(text)
        return self._done[text]

    def _redacted(self, text: str) -> str:
        for secret in list(self._short):
            if secret in text:
                text = re.sub(
                    rf"(?<![^\W_]){re.escape(secret)}(?![^\W_])", self._labels[secret], text
                )
        for writing, secret in self._found_in(text):
            if writing == secret:
                text = text.replace(secret, self._labels[secret])
        found = self._found_in(text)
        for writing, secret in found:
            text = any_writing(writing, writing != secret).sub(self._labels[secret], text)
        if found and self._found_in(text):
            return WITHHELD
        text = self._without_pieces(text)
        text = MEMBER.sub(_by_name, text)
        text = PARAMETER.sub(_by_name, text)
        text = BEARER.sub(_token, text)
        return TOKEN.sub("[token]", text)

    def _found_in(self, text: str) -> list[tuple[str, str]]:
        found = {pair for plain in plain_writings(text) for pair in self._needles.found_in(plain)}
        return sorted(found, key=lambda pair: (-len(pair[0]), pair))

    def _without_pieces(self, text: str) -> str:
        """Without what is left of a secret in front of a cut, or behind one."""
        pieces = CUT.split(text)
        for i in range(0, len(pieces), 2):
            pieces[i] = self._without_beginning(pieces[i])
            if i > 0:
                pieces[i] = self._without_ending(pieces[i])
        return "".join(pieces)

    def _without_beginning(self, text: str) -> str:
        tail = OPEN_ESCAPE.sub("", text)
        for plain in plain_writings(tail[-NEAR:]):
            for start, secret in self._beginnings.places_in(plain):
                rest = plain[start:]
                if any(each.startswith(rest) for each in plain_writings(secret)):
                    return tail[: begin_of(rest, tail)] + self._labels[secret]
        return text

    def _without_ending(self, text: str) -> str:
        for plain in plain_writings(text[:NEAR]):
            for start, secret in self._endings.places_in(plain[::-1]):
                rest = plain[: len(plain) - start]
                if any(each.endswith(rest) for each in plain_writings(secret)):
                    return self._labels[secret] + text[end_of(rest, text) :]
        return text


class Needles:
    """Finds many texts in another, by a table of their beginnings."""

    def __init__(self, length: int = SHORT) -> None:
        self._length = length
        self._table: dict[str, list[tuple[str, tuple[str, str]]]] = {}

    def add(self, needle: str, what: tuple[str, str]) -> None:
        """Find `needle`, which stands for `what`."""
        self._table.setdefault(needle[: self._length], []).append((needle, what))

    def found_in(self, text: str) -> Iterator[tuple[str, str]]:
        """What stands in the text."""
        for start in range(len(text) - self._length + 1):
            for needle, what in self._table.get(text[start : start + self._length], ()):
                if text.startswith(needle, start):
                    yield what

    def places_in(self, text: str) -> Iterator[tuple[int, str]]:
        """Where what may begin in the text, and the secret."""
        for start in range(len(text) - self._length + 1):
            for _needle, what in self._table.get(text[start : start + self._length], ()):
                yield start, what[1]


def _by_name(found: re.Match[str]) -> str:
    value = found["value"]
    label = value if LABEL.search(value) else f"[{KINDS[found['name']]}]"
    return found["before"] + label


def _token(found: re.Match[str]) -> str:
    return found["before"] + "[token]"


def begin_of(rest: str, text: str) -> int:
    """Where the text begins whose plain writing is `rest`."""
    last = len(text) - PIECE
    starts = range(last, max(-1, len(text) - NEAR - 1), -1)
    return next((start for start in starts if rest in plain_writings(text[start:])), 0)


def end_of(rest: str, text: str) -> int:
    """Where the text ends that begins so in its plain writing."""
    ends = range(PIECE, min(len(text), NEAR) + 1)
    return next((end for end in ends if rest in plain_writings(text[:end])), len(text))
