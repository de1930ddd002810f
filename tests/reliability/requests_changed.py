"""Requests of all kinds, and changes that make others of them, the same ones for the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from trial import AS_TOKEN, PASSWORD, client_path, device_path, of_user, service_login

USER = "alice"
Header = tuple[bytes, bytes]


@dataclass
class Message:
    """A request, in its parts."""

    method: bytes
    target: bytes
    headers: list[Header]
    body: Any = None  # JSON, or bytes
    is_chunked: bool = False
    pieces: list[bytes] = field(default_factory=list)  # of the body, where they were changed


@dataclass
class Case:
    """Bytes to send, in parts, and how the client behaves."""

    parts: list[bytes]
    pause_s: float = 0
    ends: str = "waits"  # or: half closes, resets, leaves
    reads: bool = True


def templates(token: str, refresh_token: str) -> list[Message]:
    """Valid requests of all kinds."""

    def message(method: str, path: str, body: Any = None, with_token: str | None = None) -> Message:
        headers = [(b"Host", b"example.org"), (b"User-Agent", b"stranger")]
        if with_token:
            headers.append((b"Authorization", b"Bearer " + with_token.encode()))
        return Message(method.encode(), client_path(path).encode(), headers, body)

    auth = {"type": "m.login.password", "session": "x", "user": USER, "password": "wrong"}
    return [
        message("GET", "/devices", None, token),
        message("GET", of_user("/devices", USER), None, AS_TOKEN),
        message("GET", of_user(device_path("A B"), USER), None, AS_TOKEN),
        message("PUT", of_user(device_path("ÄÖ"), USER), {"display_name": "ü \u0000"}, AS_TOKEN),
        message("PUT", device_path("MAIN"), {"display_name": None}, token),
        message("DELETE", device_path("X"), {}, token),
        message("DELETE", device_path("X"), {"auth": auth}, token),
        message("POST", "/delete_devices", {"devices": ["A", "B"], "auth": auth}, token),
        message("POST", of_user("/delete_devices", USER), {"devices": ["A"]}, AS_TOKEN),
        message("POST", "/login", service_login(USER, "L"), AS_TOKEN),
        message("POST", "/login", {"type": "m.login.password", "user": "nobody", "password": ""}),
        message("POST", "/refresh", {"refresh_token": refresh_token}),
        message("POST", "/refresh", {"refresh_token": "unknown"}),
        message("POST", "/logout", {}, "unknown"),
        message("POST", "/logout/all", {}, "unknown"),
        message("POST", "/register", {"username": "x y", "password": PASSWORD}),
        message("POST", "/register?kind=guest", {}),
        message("GET", "/account/whoami", None, token),
        message("GET", "/login"),
        message("OPTIONS", "/devices"),
        message("GET", "/auth/m.login.password/fallback/web?session=x"),
        message("POST", "/auth/m.login.password/fallback/web?session=x", b"session=x&password=y"),
        Message(b"GET", b"/_matrix/client/versions", [(b"Host", b"example.org")]),
        Message(b"GET", b"/health", [(b"Host", b"example.org")]),
    ]


# ---- Changes ----


def change_bytes(data: bytes, chance: random.Random) -> bytes:
    """A few of them."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 5)):
        at = chance.randint(0, len(changed))
        match chance.randrange(6):
            case 0:
                changed[at:at] = bytes([chance.randrange(256)])
            case 1:
                del changed[at : at + chance.randint(1, 9)]
            case 2 if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            case 3:
                begin = chance.randint(0, len(changed))
                changed[at:at] = changed[begin : begin + chance.randint(1, 40)]
            case 4:
                changed[at:at] = chance.choice(PIECES)
            case _:
                del changed[at:]
    return bytes(changed)


PIECES = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\r\n\r\n",
    b"\r\n ",
    b"%00",
    b"%2f",
    b"%",
    b"//",
    b"/../",
    b"?",
    b"#",
    b"\xff\xfe",
    b"\xc3",
    b"\xf0\x9f\x92\xa9",
    b": ",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 5\r\n",
    b"0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
]

NUMBERS: list[bytes] = [
    b"0",
    b"1",
    b"-1",
    b"+3",
    b"0x5",
    b"5, 5",
    b"5, 6",
    b"1_0",
    b"",
    b"99999999999999999999",
]
NUMBERS += [b"18446744073709551615", b"9223372036854775808", b"2000000", b"\xd9\xa3"]
CODINGS = [b"chunked", b"identity", b"gzip, chunked", b"chunked, chunked", b"xchunked", b"Chunked "]

HEADERS: list[Callable[[random.Random], Header]] = [
    lambda chance: (b"Content-Length", NUMBERS[chance.randrange(len(NUMBERS))]),
    lambda chance: (b"Transfer-Encoding", chance.choice(CODINGS)),
    lambda chance: (b"Connection", chance.choice([b"close", b"keep-alive", b"upgrade", b", ,"])),
    lambda _: (b"Expect", b"100-continue"),
    lambda _: (b"Expect", b"the unexpected"),
    lambda _: (b"Upgrade", b"h2c"),
    lambda chance: (b"Host", chance.choice([b"", b"a b", b"x" * 300, b"[::1", b"other.example"])),
    lambda chance: (b"Authorization", chance.choice([b"", b"Bearer", b"Bearer  x", b"Basic eA=="])),
    lambda chance: (
        b"X-Forwarded-For",
        chance.choice([b"1.2.3.4, ::1", b"\xff", b"unknown", b","]),
    ),
    lambda chance: (b"X" * chance.choice([1, 100, 17_000]), b"y"),
    lambda chance: (b"X-Long", b"y" * chance.choice([100, 8_000, 17_000, 70_000])),
    lambda _: (b"X-Folded", b"a\r\n b"),
    lambda _: (b"Bad Name", b"x"),
    lambda _: (b"", b"x"),
    lambda _: (b"Name ", b"x"),
    lambda _: (b"X-Nul", b"a\0b"),
    lambda _: (b"Trailer", b"Authorization"),
    lambda chance: (b"Content-Type", chance.choice([b"text/html", b"application/json; \xff"])),
]


def change_headers(message: Message, chance: random.Random) -> None:
    """One more, one less, one twice, one in another place or form."""
    headers = message.headers
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(headers)) if headers else 0
        match chance.randrange(6):
            case 0 if headers:
                del headers[at]
            case 1 if headers:
                headers.append(headers[at])
            case 2 if headers:
                name, value = headers[at]
                headers[at] = (name.swapcase(), change_bytes(value, chance))
            case 3:
                chance.shuffle(headers)
            case 4:
                headers += [(f"X-{number}".encode(), b"x") for number in range(300)]
            case _:
                headers.insert(at, chance.choice(HEADERS)(chance))


def change_target(message: Message, chance: random.Random) -> None:
    """Other forms of the same path, and what is none."""
    target = message.target
    message.target = chance.choice(
        [
            b"http://example.org" + target,
            b"HTTP://user:password@[::1]:99999999" + target,
            b"//example.org" + target,
            target.replace(b"/", b"//"),
            target.replace(b"/", b"/./"),
            target.replace(b"v3", chance.choice([b"r0", b"v1", b"unstable", b"V3"])),
            target + b"?" * chance.randint(1, 3),
            target + b"&access_token=x&access_token=y",
            target + b"?" + b"a=b&" * chance.choice([10, 2_000, 9_000]),
            target + b"/" * chance.choice([1, 5_000]),
            target.replace(b"e", b"%65"),
            target + b"%",
            b"*",
            b"",
            b"example.org:80",
            change_bytes(target, chance),
        ]
    )


def change_json(value: Any, chance: random.Random) -> bytes:
    """The text of a value like this one."""
    text = json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    match chance.randrange(12):
        case 0:
            depth = chance.choice([31, 32, 33, 1_000, 100_000])
            return b'{"a":' * depth + b"1" + b"}" * depth
        case 1:
            return b"[" * chance.choice([33, 200_000])
        case 2:
            count = chance.choice([127, 128, 129, 5_000])
            return json.dumps({f"k{number}": number for number in range(count)}).encode()
        case 3:
            return b'{"auth":{},' * 2 + text + b"}}"
        case 4:
            return json.dumps({"devices": ["x" * 300] * chance.choice([1, 4_000])}).encode()
        case 5:
            return b'{"display_name":"' + chance.choice(TEXTS) + b'"}'
        case 6:
            return (
                b'{"a":' + chance.choice([b"1e999", b"-0", b"1" * 400, b"0.1e-9999", b"01"]) + b"}"
            )
        case 7:
            return text + chance.choice([b" ", b"\0", b"}", b"\xef\xbb\xbf", text])
        case 8:
            return chance.choice([b"", b"null", b"[]", b'""', b"\xef\xbb\xbf{}", b"nul", b'{"a"}'])
        case 9:
            return replace_values(value, chance)
        case 10:
            return b'{"a":"' + b"x" * chance.choice([70_000, 1_100_000]) + b'"}'
        case _:
            return change_bytes(text, chance)


TEXTS = [
    b"\\ud800",
    b"\\udc00\\ud800",
    b"\\u0000",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    b"\\x",
    b"\n",
    b"\xf4\x90\x80\x80",
    b"a" * 5_000,
    "😀".encode() * 101,
]


def replace_values(value: Any, chance: random.Random) -> bytes:
    """Members of other types."""
    others: list[Any] = [
        None,
        True,
        0,
        -1,
        2**63,
        2**64,
        0.5,
        "",
        "x",
        [],
        {},
        [[]],
        {"session": 1},
    ]
    if isinstance(value, dict):
        value = {key: chance.choice([inner, *others]) for key, inner in value.items()}
        value[chance.choice(["auth", "session", "devices", "identifier", "type"])] = chance.choice(
            others
        )
    else:
        value = chance.choice(others)
    return json.dumps(value).encode()


def cut_into_chunks(body: bytes, chance: random.Random) -> list[bytes]:
    """As chunks, some of them wrong."""
    chunks = []
    while body:
        size = chance.randint(1, max(1, len(body)))
        part, body = body[:size], body[size:]
        head = f"{size:x}".encode()
        match chance.randrange(12):
            case 0:
                head = chance.choice([b"-1", b"0x5", b"g", b"", b"f" * 17, b"00000000000000000005"])
            case 1:
                head += chance.choice([b";a=b", b';a="\r\n"', b" ", b";" + b"x" * 20_000])
            case 2:
                part += b"x"
            case _:
                pass
        end = chance.choice([b"\n", b"", b"\r"]) if chance.random() < 0.05 else b"\r\n"
        chunks.append(head + b"\r\n" + part + end)
    trailer = chance.choice(
        [b"", b"", b"Authorization: Bearer x\r\n", b"X: " + b"y" * 20_000, b"bad\r\n"]
    )
    chunks.append(b"0\r\n" + trailer + b"\r\n")
    return chunks


# ---- Cases ----


def written(message: Message, chance: random.Random) -> bytes:
    """The bytes of a message."""
    headers = list(message.headers)
    body = b""
    if message.pieces:
        body = b"".join(message.pieces)
    elif isinstance(message.body, bytes):
        body = message.body
    elif message.body is not None:
        body = json.dumps(message.body).encode()
    if message.is_chunked:
        headers.append((b"Transfer-Encoding", b"chunked"))
        body = b"".join(cut_into_chunks(body, chance))
    elif body or message.method in (b"POST", b"PUT"):
        headers.append((b"Content-Length", str(len(body)).encode()))
    lines = [b"%b: %b\r\n" % header for header in headers]
    version = chance.choice([b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.2", b"http/1.1", b"HTTP/1.1 "])
    if chance.random() < 0.97:
        version = b"HTTP/1.1"
    return b"%b %b %b\r\n%b\r\n%b" % (
        message.method,
        message.target,
        version,
        b"".join(lines),
        body,
    )


def changed(message: Message, chance: random.Random) -> bytes:
    """A message of which one thing or more is not as it should be."""
    copy = Message(message.method, message.target, list(message.headers), message.body)
    copy.is_chunked = chance.random() < 0.3
    kinds = chance.sample(range(5), chance.choice([0, 1, 1, 1, 2, 3]))
    if 0 in kinds:
        change_headers(copy, chance)
    if 1 in kinds:
        change_target(copy, chance)
    if 2 in kinds and not isinstance(copy.body, bytes):
        copy.pieces = [change_json(copy.body, chance)]
    if 3 in kinds:
        # Not HEAD: whether an answer has a body must be known from the answer alone.
        methods = [b"get", b"PATCH", b"TRACE", b"CONNECT", b"", b"G\0T", b"X" * 5_000, b"PRI"]
        copy.method = chance.choice(methods)
    data = written(copy, chance)
    return change_bytes(data, chance) if 4 in kinds else data


def case_of(seed: int, number: int, messages: list[Message]) -> Case:
    """The same for the same numbers."""
    chance = random.Random(f"{seed}:{number}")
    count = chance.choice([1, 1, 1, 1, 2, 3, 8, 40])
    data = b"".join(changed(chance.choice(messages), chance) for _ in range(count))
    if chance.random() < 0.05:
        data = b"\r\n" * chance.randint(1, 3) + data
    case = Case([data])
    if chance.random() < 0.25:  # in parts
        cuts = sorted(chance.randint(0, len(data)) for _ in range(chance.randint(1, 6)))
        case.parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        case.pause_s = chance.choice([0, 0.001, 0.02])
    case.ends = chance.choice(["waits", "waits", "waits", "half closes", "resets", "leaves"])
    case.reads = chance.random() < 0.95
    return case
