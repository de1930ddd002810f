"""No secret gets through, however a homeserver writes it, and the rest stays as it was."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from sample import exchange

from matrix_device_conformance.redaction import CUT, Redactor

SECRETS = {
    "token": "syt_YWxpY2U_GkqAbcdefVwXyZ0123_3uVxYz",
    "password": "päss \"wörd'+/%&<>\\ 💥 100%41",
    "session": "kF2bR0mXr1c8Yq5tWz7u3A",
}
WRITINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "json": json.dumps,
    "json in UTF-8": lambda secret: json.dumps(secret, ensure_ascii=False),
    "json in json": lambda secret: json.dumps(json.dumps({"error": secret})),
    "percent": lambda secret: quote(secret, safe=""),
    "percent in lower case": lambda secret: re.sub(
        "%..", lambda found: found[0].lower(), quote(secret, safe="")
    ),
    "form": quote_plus,
    "percent twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "json in per cent": lambda secret: quote(json.dumps(secret), safe=""),
    "json in html": lambda secret: html.escape(json.dumps(secret)),
    "every octet": lambda secret: "".join(f"%{octet:02X}" for octet in secret.encode()),
    "every unit": lambda secret: "".join(
        rf"\u{unit:04x}" for unit in memoryview(secret.encode("utf-16-le")).cast("H")
    ),
    "html": html.escape,
    "html twice": lambda secret: html.escape(html.escape(secret)),
    "html by number": lambda secret: "".join(f"&#{ord(character)};" for character in secret),
    "python": repr,
    "python's bytes": lambda secret: repr(secret.encode()),
    "base64": lambda secret: base64.b64encode(f"alice:{secret}".encode()).decode(),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(f"a:{secret}?".encode()).decode(),
    "base64 percent": lambda secret: quote(base64.b64encode(secret.encode()).decode(), safe=""),
    "hexadecimal": lambda secret: secret.encode().hex(),
    "hexadecimal in capitals": lambda secret: secret.encode().hex().upper(),
    "cut off": lambda secret: secret[:14] + "…",
    "its end": lambda secret: "…" + secret[6:],
    "cut off in json": lambda secret: json.dumps(secret[:14])[1:-1] + "...",
    "its end in json": lambda secret: r"\u2026" + json.dumps(secret[6:])[1:-1],
    "cut off in per cent": lambda secret: quote(secret[:14], safe="") + "%E…",
    "its end in per cent": lambda secret: "..." + quote(secret[6:], safe=""),
}


@pytest.fixture
def redactor() -> Redactor:
    """It knows the secrets."""
    redactor = Redactor()
    for kind, secret in SECRETS.items():
        redactor.add(secret, kind)
    return redactor


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("kind", SECRETS)
def test_a_known_secret_is_found_in_any_writing(
    redactor: Redactor, kind: str, writing: str
) -> None:
    """Its label stands in its place, and the text around it stays."""
    written = WRITINGS[writing](SECRETS[kind])
    shown = redactor.redact(f"Before {written} behind")
    assert CUT.sub("", written).strip("\"'b") not in shown
    assert f"[{kind} 1]" in shown
    assert shown.startswith("Before ")
    assert shown.endswith(" behind")


def test_the_end_of_a_text_may_cut_a_secret(redactor: Redactor) -> None:
    """As the 400th character of an answer does."""
    for kind, secret in SECRETS.items():
        for length in range(6, len(secret)):
            assert redactor.redact(f"401 {secret[:length]}") == f"401 [{kind} 1]"


def test_nothing_is_left_of_the_base64_around_a_secret(redactor: Redactor) -> None:
    """Half of a secret's first character would be in it."""
    encoded = base64.b64encode(b"Basic alice:" + SECRETS["token"].encode() + b"?").decode()
    assert redactor.redact(f"Before {encoded} behind") == "Before [token 1] behind"


def test_of_secrets_in_one_place_the_longest_counts() -> None:
    """And none is written twice."""
    redactor = Redactor()
    for secret in ("correct horse", "a correct horse battery", "horse battery staple"):
        redactor.add(secret)
    assert redactor.redact("<a correct horse battery staple>") == "<[secret 2]>"


def test_a_text_is_looked_at_again_when_more_is_known() -> None:
    """It may hold what was learned since."""
    redactor = Redactor()
    assert redactor.redact("correct horse") == "correct horse"
    redactor.add("correct horse", "password")
    assert redactor.redact("correct horse") == "[password 1]"


def test_what_stands_before_a_secret_does_not_hide_it() -> None:
    """`%41` is an escape, but the secret is what begins with 41."""
    redactor = Redactor()
    redactor.add("41-a-session-ID", "session")
    assert redactor.redact("100%41-a-session-ID is no ID") == "100%[session 1] is no ID"


BY_PLACE = {
    '{"access_token":"abc","x":1}': '{"access_token":"[token]","x":1}',
    '{"session": "abc\\"def", "x": "y"}': '{"session": "[session]", "x": "y"}',
    "{'refresh_token': 'abc', 'x': 1}": "{'refresh_token': '[token]', 'x': 1}",
    r'"{\"password\": \"abc\", \"x\": 1}"': r'"{\"password\": \"[password]\", \"x\": 1}"',
    '{"password":"cut o': '{"password":"[password]',
    "GET /x?access_token=abc&user_id=@a:b": "GET /x?access_token=[token]&user_id=@a:b",
    "Authorization: Bearer abc": "Authorization: Bearer [token]",
    "for syt_YWxpY2U_xxxxxxxxxxxxxxxxxxxx_1aaaaa?": "for [token]?",
}


@pytest.mark.parametrize("text", BY_PLACE)
def test_a_secret_is_known_by_its_place(text: str) -> None:
    """Nobody has told of it."""
    assert Redactor().redact(text) == BY_PLACE[text]


UNTOUCHED = [
    '{"flows":[{"stages":["m.login.password"]}],"params":{},"session":5}',
    '{"session":"","password":null}',
    "M_UNKNOWN_TOKEN: the token is not known, nor is the session, nor the password",
    "/devices/a%2Fb%20c%25?user_id=%40alice%3Aexample.org",
    "{'completed': []}",
    "mat_ and syt_ are not tokens yet…",
]


@pytest.mark.parametrize("text", UNTOUCHED)
def test_the_rest_stays(redactor: Redactor, text: str) -> None:
    """Words about secrets are none."""
    assert redactor.redact(text) == text


def test_equal_secrets_have_equal_labels() -> None:
    """So that a reader can follow a session from a challenge to its use."""
    redactor = Redactor()
    redactor.add("first secret", "session")
    redactor.add("second secret", "session")
    shown = redactor.redact("first secret, second secret, first secret")
    assert shown == "[session 1], [session 2], [session 1]"
    assert redactor.redact(shown) == shown


def test_a_short_password_is_taken_out_where_it_stands_alone() -> None:
    """It is part of many words."""
    redactor = Redactor()
    redactor.add("pw", "password")
    assert (
        redactor.redact('spawn pwd "pw" pw=pw')
        == 'spawn pwd "[password 1]" [password 1]=[password 1]'
    )


def test_secrets_are_learned_from_traffic() -> None:
    """From headers, queries and bodies, also one that was cut off; short made-up ones are not."""
    redactor = Redactor()
    heard = exchange(
        body='{"a": [{"access_token": "token-of-the-body", "session": "x"}]}',
        target="/x?access_token=token%20of%20the%20query",
    )
    redactor.learn_exchange(heard)
    redactor.learn_body('{"session": "session-of-a-cut-body", "devices": [{"devi')
    said = "token-of-the-body token of the query hunter2 hunter2 session-of-a-cut-body x"
    shown = redactor.redact(said)
    assert shown == "[token 3] [token 1] [password 1] [session 1] x"


def test_headers_are_hidden_whole() -> None:
    """Whatever they hold; a known secret in them by its label."""
    redactor = Redactor()
    assert redactor.header("Set-Cookie", "id=1") == "[secret]"
    assert redactor.header("AUTHORIZATION", "Digest abc") == "[secret]"
    assert redactor.header("X-Echo", "Bearer abc") == "Bearer [token]"
    assert redactor.header("Content-Type", "text/html") == "text/html"
