"""How a text may be written, escaped and percent-encoded and in base64, and the way back."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable
from dataclasses import dataclass

# A character in JSON, in Python, in a URL, in HTML. Of a percent-encoded text these are octets.
ESCAPE = re.compile(
    r"\\+u[0-9a-fA-F]{4}|\\+x[0-9a-fA-F]{2}|%[0-9a-fA-F]{2}|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|\w+);",
    re.ASCII,
)
OCTETS = re.compile("[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
QUOTED = re.compile(r"\\+(.)", re.DOTALL)
DEPTH = 6  # escapes within escapes that are undone


@dataclass(frozen=True)
class Plain:
    """A text without escapes, and where each of its characters stands in what was written."""

    text: str
    spans: list[tuple[int, int]]

    def with_each(self, pattern: re.Pattern[str], become: Callable[[re.Match[str]], str]) -> Plain:
        """The same with other characters in the place of each match."""
        texts: list[str] = []
        spans: list[tuple[int, int]] = []
        last = 0
        for found in pattern.finditer(self.text):
            characters = become(found)
            span = (self.spans[found.start()][0], self.spans[found.end() - 1][1])
            texts += (self.text[last : found.start()], characters)
            spans += self.spans[last : found.start()]
            spans += [span] * len(characters)
            last = found.end()
        if last == 0:
            return self
        return Plain("".join((*texts, self.text[last:])), spans + self.spans[last:])

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where these characters are in what was written."""
        return self.spans[start][0], self.spans[end - 1][1]


def plain_writings(text: str) -> list[Plain]:
    """What a text may mean: as it stands, and with its escapes undone.

    Backslashes before a character are left out, and plus is a space: writings differ in these.
    """
    written = Plain(text, [(place, place + 1) for place in range(len(text))])
    undone = written
    for _ in range(DEPTH):
        before, undone = undone, undone.with_each(ESCAPE, character_of)
        if undone is before or undone.text == before.text:
            break
    joined = undone.with_each(SURROGATES, pair_of).with_each(OCTETS, octets_of)
    different = {id(each): each for each in (written, undone, joined)}
    return [folded(each) for each in different.values()]


def folded(plain: Plain) -> Plain:
    """Without what writings differ in."""
    unquoted = plain.with_each(QUOTED, lambda found: found[1])
    return Plain(unquoted.text.replace("+", " "), unquoted.spans)


def character_of(found: re.Match[str]) -> str:
    """What an escape stands for."""
    escape = found[0]
    if escape.startswith("&"):
        return html.unescape(escape)
    return chr(int(escape.lstrip("\\%ux"), 16))


def pair_of(found: re.Match[str]) -> str:
    """The character that two halves are."""
    return found[0].encode("utf-16", errors="surrogatepass").decode("utf-16")


def octets_of(found: re.Match[str]) -> str:
    """The character that these octets of UTF-8 are."""
    return found[0].encode("latin-1").decode(errors="replace")


def binary_writings(secret: str) -> list[str]:
    """What is in the base64 of any text with this secret, wherever it is, and its hexadecimal."""
    octets = secret.encode(errors="surrogatepass")
    found = []
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + octets).decode()
        middle = encoded[-(-offset * 8 // 6) : (offset + len(octets)) * 8 // 6]
        found += [middle, middle.replace("+", "-").replace("/", "_")]
    found += [octets.hex(), octets.hex().upper()]
    return list(dict.fromkeys(found))
