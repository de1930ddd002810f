"""How a text may be written: escaped, percent-encoded, in base64, and back."""

from __future__ import annotations

import base64
import functools
import html
import re
from urllib.parse import unquote


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
    found = []
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + octets).decode()
        middle = encoded[-(-offset * 8 // 6) : (offset + len(octets)) * 8 // 6]
        found += [middle, middle.replace("+", "-").replace("/", "_")]
    found += [octets.hex(), octets.hex().upper()]
    return list(dict.fromkeys(found))
