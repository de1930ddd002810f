"""Takes secrets out of everything that leaves the process.

Two nets: the secrets that the run has used or been given, however a homeserver writes them
(percent-encoded, escaped, in base64), and what must be a secret by its place: members of JSON,
parameters of a query, headers.
"""

from __future__ import annotations

import base64
import functools
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from matrix_device_conformance.verdicts import Exchange

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
CUTS = ("…", "...")

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
        self._beginnings.add(secret, (secret, secret))
        self._endings.add(secret[::-1], (secret, secret))

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
        pieces = re.split(f"({'|'.join(map(re.escape, CUTS))})", text)
        for i in range(0, len(pieces), 2):
            pieces[i] = self._without_beginning(pieces[i])
            if i > 0:
                pieces[i] = self._without_ending(pieces[i])
        return "".join(pieces)

    def _without_beginning(self, text: str) -> str:
        for start, secret in self._beginnings.places_in(text):
            if secret.startswith(text[start:]):
                return text[:start] + self._labels[secret]
        return text

    def _without_ending(self, text: str) -> str:
        for start, secret in self._endings.places_in(text[::-1]):
            end = len(text) - start
            if secret.endswith(text[:end]):
                return self._labels[secret] + text[end:]
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


def folded(text: str) -> str:
    """Without what writings differ in: backslashes, and plus for a space."""
    return text.replace("\\", "").replace("+", " ")


def plain_writings(text: str) -> set[str]:
    """The text, and the text with its escapes undone, several deep."""
    written = folded(text)
    for _ in range(6):
        before = text
        text = html.unescape(unquote(text))
        text = re.sub(r"\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))", _character, text)
        if text == before:
            break
    # Pairs of surrogates become one character, and so do the octets of UTF-8.
    text = text.encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace")
    octets = bytes(ord(character) for character in text if ord(character) < 256)
    return {written, folded(text), folded(octets.decode(errors="replace"))}


def _character(found: re.Match[str]) -> str:
    return chr(int(found[1] or found[2], 16))


@functools.lru_cache(maxsize=4096)
def any_writing(text: str, is_binary: bool) -> re.Pattern[str]:
    """A pattern for a text however its characters are written.

    Of base64 and hexadecimal what stands around it goes too: it is the rest of a writing.
    """
    pattern = "".join(writings(character) for character in text)
    return re.compile(rf"[\w+/-]*{pattern}[\w+/-]*=*" if is_binary else pattern)


@functools.lru_cache(maxsize=4096)
def writings(character: str) -> str:
    r"""A pattern for one character however it is written: a, %61, %2561, \u0061, \x61, &#97; …"""
    number = ord(character)
    octets = character.encode(errors="surrogatepass")
    units = character.encode("utf-16-be", errors="surrogatepass")
    found = [
        r"\\*" + re.escape(character),
        "".join(f"%(?:25)*{octet:02x}" for octet in octets),
        "".join(rf"\\+u{units[i : i + 2].hex()}" for i in range(0, len(units), 2)),
        "".join(rf"\\+x{octet:02x}" for octet in octets),
        f"&(?:amp;)*#(?:0*{number}|x0*{number:x});",
    ]
    if number < 256:
        found.append(rf"\\+x{number:02x}")
    named = html.escape(character)
    if named != character:
        found.append("&(?:amp;)*" + re.escape(named[1:]))
    if character == "'":
        found.append("&(?:amp;)*apos;")
    if character == " ":
        found.append(r"\+")
    first, *others = found
    return f"(?:{first}|(?i:{'|'.join(others)}))"


def binary_writings(secret: str) -> list[str]:
    """What is in the base64 of any text with this secret, wherever it is, and its hexadecimal."""
    octets = secret.encode(errors="surrogatepass")
    writings = []
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + octets).decode()
        middle = encoded[-(-offset * 8 // 6) : (offset + len(octets)) * 8 // 6]
        writings += [middle, middle.replace("+", "-").replace("/", "_")]
    writings += [octets.hex(), octets.hex().upper()]
    return list(dict.fromkeys(writings))
