"""Takes secrets out of everything that leaves the process.

Two nets: the secrets that the run has used or been given, however a homeserver writes them
(percent-encoded, escaped, in base64), and what must be a secret by its place: members of JSON,
parameters of a query, headers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from matrix_device_conformance.verdicts import Exchange
from matrix_device_conformance.writings import binary_writings, plain_writings

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
# Where a text was cut off, so many characters beside the cut are known for a piece of a secret.
PIECE = 6
CUT = re.compile(r"(…|\.\.\.|\\u2026)")
NEAR = 400  # characters beside a cut, in which such a piece may be
OPEN_ESCAPE = re.compile(
    r"(?:\\+(?:u[0-9a-fA-F]{0,3}|x[0-9a-fA-F]?)?|%(?:25)*[0-9a-fA-F]?|&#?\w*)$"
)

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
BEFORE = re.compile(r"[\w/-]*\Z", re.ASCII)
BEHIND = re.compile(r"[\w/-]*=*", re.ASCII)
LABEL = re.compile(r"\[(?:token|password|session|secret)(?: \d+)?\]")


class Redactor:
    """Knows the secrets of one run. `add` and `learn` may be called from any thread."""

    def __init__(self) -> None:
        self._labels: dict[str, str] = {}  # of secrets: what stands in their place
        self._counts: dict[str, int] = {}
        self._short: list[str] = []
        self._needles = Needles(SHORT)  # secrets, their base64 and hexadecimal, without escapes
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
        for plain in plain_writings(secret):
            needle = Needle(plain.text, secret)
            self._needles.add(plain.text, needle)
            self._beginnings.add(plain.text, needle)
            self._endings.add(plain.text[::-1], needle)
        for writing in binary_writings(secret):
            for plain in plain_writings(writing):
                self._needles.add(plain.text, Needle(plain.text, secret, is_binary=True))

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
        text = self._without_known(text)
        pieces = CUT.split(text)
        for i in range(0, len(pieces), 2):
            pieces[i] = self._without_beginning(pieces[i])
            if i > 0:
                pieces[i] = self._without_ending(pieces[i])
        text = "".join(pieces)
        text = MEMBER.sub(_by_name, text)
        text = PARAMETER.sub(_by_name, text)
        text = BEARER.sub(_token, text)
        return TOKEN.sub("[token]", text)

    def _without_known(self, text: str) -> str:
        places: list[tuple[int, int, str]] = []
        for plain in plain_writings(text):
            for start, needle in self._needles.found_in(plain.text):
                end = start + len(needle.text)
                if not plain.text.startswith(needle.text, start):
                    continue
                if needle.is_binary:  # the rest of that base64 goes too
                    start -= length_of(BEFORE.search(plain.text[:start]))
                    end += length_of(BEHIND.match(plain.text[end:]))
                places.append((*plain.span(start, end), needle.secret))
        return self._with_labels(text, places)

    def _with_labels(self, text: str, places: list[tuple[int, int, str]]) -> str:
        """The longest counts where several begin at one place."""
        parts, last = [], 0
        for start, end, secret in sorted(places, key=lambda place: (place[0], -place[1])):
            if start >= last:
                parts += [text[last:start], self._labels[secret]]
            last = max(last, end)
        return "".join([*parts, text[last:]])

    def _without_beginning(self, text: str) -> str:
        """Without the part of a secret that is left in front of a cut."""
        whole = OPEN_ESCAPE.sub("", text)
        first = max(0, len(whole) - NEAR)
        for plain in plain_writings(whole[first:]):
            for start, needle in self._beginnings.found_in(plain.text):
                if needle.text.startswith(plain.text[start:]):
                    begin = plain.spans[start][0]
                    return whole[: first + begin] + self._labels[needle.secret]
        return text

    def _without_ending(self, text: str) -> str:
        """Without the part of a secret that is left behind a cut."""
        for plain in plain_writings(text[:NEAR]):
            for start, needle in self._endings.found_in(plain.text[::-1]):
                end = len(plain.text) - start
                if needle.text.endswith(plain.text[:end]):
                    return self._labels[needle.secret] + text[plain.spans[end - 1][1] :]
        return text


@dataclass(frozen=True)
class Needle:
    """What a secret may be found by."""

    text: str
    secret: str
    is_binary: bool = False


class Needles:
    """Finds where one of many may begin, by their first characters."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._table: dict[str, list[Needle]] = {}

    def add(self, first: str, needle: Needle) -> None:
        """Find a needle where the text goes on with `first`."""
        self._table.setdefault(first[: self._length], []).append(needle)

    def found_in(self, text: str) -> Iterator[tuple[int, Needle]]:
        """Places, and what may begin there."""
        for start in range(len(text) - self._length + 1):
            for needle in self._table.get(text[start : start + self._length], ()):
                yield start, needle


def length_of(found: re.Match[str] | None) -> int:
    """Of what was found."""
    return len(found[0]) if found else 0


def _by_name(found: re.Match[str]) -> str:
    value = found["value"]
    label = value if LABEL.search(value) else f"[{KINDS[found['name']]}]"
    return found["before"] + label


def _token(found: re.Match[str]) -> str:
    return found["before"] + "[token]"
