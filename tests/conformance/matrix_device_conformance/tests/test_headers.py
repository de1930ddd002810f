"""Rows R5 and R12: OPTIONS, and the headers of every response."""

from __future__ import annotations

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import Response, client_path
from matrix_device_conformance.homeserver import Homeserver, User

PATHS = ("/devices", "/devices/ABCDEF", "/delete_devices")
REQUESTERS = (
    ("nobody", []),
    ("an unknown token", [("Authorization", "Bearer nobody")]),
    ("another scheme", [("Authorization", "Basic x")]),
)


def expect_cors(check: Check, what: str, answer: Response) -> None:
    """The three headers that a browser client needs from any homeserver."""
    headers = answer.headers
    origin = headers.get("Access-Control-Allow-Origin")
    check.spec.equal(f"{what}: Allow-Origin", origin, "*", answer)
    for name, least, fold in (
        ("Methods", {"GET", "POST", "PUT", "DELETE", "OPTIONS"}, str.upper),
        ("Headers", {"x-requested-with", "content-type", "authorization"}, str.lower),
    ):
        value = headers.get(f"Access-Control-Allow-{name}", "")
        got = {fold(part.strip()) for part in value.split(",")}
        holds = least <= got or "*" in got
        expected = f"at least {', '.join(sorted(least))}"
        check.spec.that(f"{what}: Allow-{name}", holds, expected, value or "none", answer)


@pytest.mark.peer_bug("any", "no CORS headers", got="^None$|^none$")
def test_R5_options(check: Check, homeserver: Homeserver) -> None:
    """OPTIONS has the CORS headers, whoever asks; it is 204, and good for a day."""
    for path in PATHS:
        for who, headers in REQUESTERS:
            answer = homeserver.client.request("OPTIONS", client_path(path), headers=headers)
            what = f"OPTIONS {path}, {who}"
            success = answer.status in (200, 204)
            check.spec.that(what, success, "200 or 204", str(answer), answer)
            expect_cors(check, what, answer)
            check.ours.ok(what, answer, 204)
            check.ours.equal(f"{what}: body", answer.raw, b"", answer)
            age = answer.headers.get("Access-Control-Max-Age")
            check.ours.equal(f"{what}: Max-Age", age, "86400", answer)
    for path in ("/devices/%zz", "/devices/%FF"):
        answer = homeserver.client.request("OPTIONS", client_path(path))
        check.ours.ok(f"OPTIONS {path}", answer, 204)


@pytest.mark.peer_bug("any", "no CORS headers", got="^None$|^none$")
def test_R12_headers(check: Check, user: User) -> None:
    """Every response has its content type, CORS headers and no-store."""
    device = user.device()
    client = user.homeserver.client
    for what, answer in (
        ("200", device.list()),
        ("200 PUT", device.put(device.device_id, {})),
        ("400", device.put(device.device_id, body=b"{")),
        ("400 before authentication", client.request("GET", client_path("/devices/%zz"))),
        ("401 without a token", client.request("GET", client_path("/devices"))),
        ("401 challenge", device.delete(device.device_id)),
        ("404", device.get("UNKNOWN")),
        ("405", device.request("PATCH", "/devices")),
    ):
        media_type = answer.headers.get("Content-Type", "").split(";")[0].strip()
        # What a front server refuses before any homeserver sees it is not JSON anywhere.
        early = what == "400 before authentication"
        basis = check.ours if early else check.spec
        basis.equal(f"{what}: Content-Type", media_type.lower(), "application/json", answer)
        if not early:
            expect_cors(check, what, answer)
        for name, value in (
            ("Access-Control-Expose-Headers", "retry-after"),
            ("Cache-Control", "no-store"),
        ):
            got = answer.headers.get(name, "")
            parts = {part.strip().lower() for part in got.split(",")}
            check.ours.that(f"{what}: {name}", value in parts, value, got or "none", answer)


def test_R12_text_is_utf8(check: Check, user: User) -> None:
    """Names come back as they were sent."""
    device = user.device()
    name = 'é "quoted" \\ \t\u2028 😀 </script>'
    answer = device.put(device.device_id, {"display_name": name})
    check.equal("display_name", device.get().members.get("display_name"), name)
    check.ok("PUT", answer)


def test_R12_no_cors_of_a_guess(check: Check, user: User) -> None:
    """The origin of a request is not echoed, and no header comes twice."""
    answer = user.device().request("GET", "/devices", headers=[("Origin", "https://evil.example")])
    for name in ("Access-Control-Allow-Origin", "Content-Type", "Cache-Control"):
        values = answer.headers.get_all(name) or []
        check.ours.that(f"{name}: how often", len(values) <= 1, "once at most", values, answer)
    check.spec.equal("Allow-Origin", answer.headers.get("Access-Control-Allow-Origin"), "*", answer)
