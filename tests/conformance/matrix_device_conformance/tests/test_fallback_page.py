"""Rows F1 and F2: the page on which a user completes a stage in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import TIME_FACTOR, Response, client_path
from matrix_device_conformance.homeserver import PASSWORD_STAGE, Configured, Homeserver, User
from matrix_device_conformance.server import poll
from matrix_device_conformance.tests.pages import (
    Browser,
    Deletion,
    expect_page,
    page_of,
    page_target,
)
from matrix_device_conformance.tests.steps import begun, session_in, unfinished


def test_F1_page(check: Check, owner: User, deletion: Deletion) -> None:
    """The page of a session needs no access token, no scripts, and nothing from elsewhere."""
    answer = deletion.browser.open()
    check.spec.that("GET", answer.status == 200, "200, a page", str(answer), answer)
    page = expect_page(check, "GET", answer, 200)
    check.ours.that("user", owner.user_id in page.text, owner.user_id, page.text)
    check.ours.equal("forms", [form.get("method") for form in page.all("form")], ["post"])
    fields = {entry.get("name"): entry.get("type") for entry in page.all("input")}
    check.ours.equal("password field", fields.get("password"), "password")
    check.ours.equal("scripts of the form", page.all("script"), [])
    loaded = [
        attributes
        for tag, attributes in page.elements
        if tag in {"link", "img", "iframe", "object", "embed"} or "src" in attributes
    ]
    check.ours.equal("loaded from elsewhere", loaded, [])
    for secret in (owner.password, deletion.device.access_token, deletion.target.access_token):
        check.ours.that("secrets", secret not in page.html, "no token or password", page.html)


def test_F1_for_everybody(check: Check, deletion: Deletion) -> None:
    """It has a language, a title, a phone's width and a label for its field."""
    page = expect_page(check, "GET", deletion.browser.open(), 200)
    check.ours.equal("lang", [element.get("lang") for element in page.all("html")], ["en"])
    check.ours.equal("titles", len(page.all("title")), 1)
    widths = [meta.get("content") for meta in page.all("meta") if meta.get("name") == "viewport"]
    check.ours.equal("viewport", widths, ["width=device-width, initial-scale=1"])
    ids = [entry.get("id") for entry in page.inputs("password")]
    check.ours.equal("label for", [label.get("for") for label in page.all("label")], ids)


def test_F1_nonce_is_new(check: Check, deletion: Deletion) -> None:
    """Each answer has a nonce of its own."""
    policies = [deletion.browser.open().headers.get("Content-Security-Policy") for _ in range(5)]
    check.ours.equal("different ones", len(set(policies)), len(policies))


def test_F1_methods(check: Check, pages: Homeserver, deletion: Deletion) -> None:
    """GET and POST, in each version; HEAD is GET without the body; others are 405."""
    session = deletion.browser.session
    answer = pages.client.request("GET", page_target(session, version="r0"))
    expect_page(check, "GET r0", answer, 200)
    head = pages.client.request("HEAD", page_target(session))
    check.ours.ok("HEAD", head)
    check.ours.equal("HEAD: body", head.raw, b"")
    check.ours.ok("OPTIONS", pages.client.request("OPTIONS", page_target(session)), 204)
    for method in ("PUT", "DELETE", "PATCH"):
        other = pages.client.request(method, page_target(session), body=b"")
        check.ours.error(method, other, 405, "M_UNRECOGNIZED")
        allowed = sorted(name.strip() for name in other.headers.get("Allow", "").split(","))
        check.ours.equal(f"{method}: Allow", allowed, ["GET", "HEAD", "OPTIONS", "POST"])
    unfinished(check.ours, "the session afterwards", deletion.alone())


def test_F1_types_without_a_page(check: Check, pages: Homeserver, deletion: Deletion) -> None:
    """A type for which there is no page is nobody's path."""
    for stage in ("m.login.dummy", "m.login.sso", "%3Cscript%3E", "%zz"):
        for method in ("GET", "POST"):
            answer = pages.client.request(method, page_target(deletion.browser.session, stage))
            check.ours.error(f"{method} {stage}", answer, 404, "M_UNRECOGNIZED")


def listed(answer: Response) -> list[str]:
    """The lines of the page's list of devices."""
    items = re.findall(r"<li>(.*?)</li>", answer.raw.decode(errors="replace"), re.DOTALL)
    return [re.sub(r"<[^>]*>", "", item).strip() for item in items]


def test_F1_one_device(check: Check, owner: User, deletion: Deletion) -> None:
    """The page names the device that its button signs out, by name and ID."""
    renamed = deletion.device.request(
        "PUT", f"/devices/{deletion.target.device_id}", json={"display_name": "Old <phone>"}
    )
    check.ours.ok("rename", renamed)
    expected = [f"Old &lt;phone&gt; {deletion.target.device_id}"]
    check.ours.equal("listed", listed(deletion.browser.open()), expected)


def test_F1_several_devices(check: Check, pages: Homeserver, owner: User) -> None:
    """Of a bulk deletion the page names ten devices, and says how many there are more."""
    device = owner.device()
    for count, more in ((2, 0), (12, 2)):
        ids = sorted(owner.login().device_id for _ in range(count))
        session = begun(check, "POST", device.delete_devices([*ids, ids[0]]))
        lines = listed(Browser(pages.client, session or "").open())
        named = [line.rpartition(" ")[2] for line in lines[:10]]
        check.ours.equal(f"of {count}: named", named, ids[:10])
        check.ours.equal(f"of {count}: lines", len(lines), min(count, 10) + (1 if more else 0))
        if more:
            last = lines[-1] if lines else "no line"
            check.ours.that(f"of {count}: more", str(more) in last, f"{more} more", last)


def test_F1_others_devices(check: Check, pages: Homeserver, owner: User) -> None:
    """Devices that the user does not have are not named."""
    other, device = pages.new_user().device(), owner.device()
    session = begun(check, "POST", device.delete_devices([other.device_id, "NOBODYS"]))
    page = expect_page(check, "GET", Browser(pages.client, session or "").open(), 200)
    for device_id in (other.device_id, "NOBODYS"):
        check.ours.that("named", device_id not in page.text, "nothing of it", page.text)


@pytest.mark.parametrize(
    ("accepted", "language", "button"),
    [
        ("de", "de", "Abmelden"),
        ("fr-CA, en;q=0.5", "fr", "Déconnecter"),
        ("da, en-gb;q=0.8, de;q=0.7", "en", "Sign out"),
        ("de;q=0, fr;q=0.1", "fr", "Déconnecter"),
        ("tlh", "en", "Sign out"),
        ("", "en", "Sign out"),
    ],
)
def test_F1_language(
    check: Check, pages: Homeserver, deletion: Deletion, accepted: str, language: str, button: str
) -> None:
    """The page is in the language that the browser asks for first, of those that there are."""
    answer = pages.client.request(
        "GET",
        page_target(deletion.browser.session),
        headers=[("Accept-Language", accepted)] if accepted else [],
    )
    page = expect_page(check, "GET", answer, 200)
    check.ours.equal("lang", [element.get("lang") for element in page.all("html")], [language])
    check.ours.that("button", button in page.text, button, page.text)


def test_F1_server(check: Check, pages: Homeserver, owner: User, deletion: Deletion) -> None:
    """The page names the server."""
    page = expect_page(check, "GET", deletion.browser.open(), 200)
    server = owner.user_id.partition(":")[2]
    check.ours.that("server", page.text.count(server) > 1, server, page.text)


def test_F1_off_by_default(check: Check, own_homeserver: Homeserver, user: User) -> None:
    """Without the setting the route is not there."""
    session = session_in(user.device().delete("A")) or ""
    for method in ("GET", "POST"):
        answer = own_homeserver.client.request(method, page_target(session))
        check.ours.error(method, answer, 404, "M_UNRECOGNIZED")


def test_F2_nothing_there(
    check: Check, pages: Homeserver, owner: User, begin: Callable[[], Deletion]
) -> None:
    """Unknown and finished sessions and types not offered are 404, all the same, nothing echoed."""
    live, finished = begin(), begin()
    auth = owner.auth(finished.browser.session)
    check.ours.ok("finishing", finished.device.delete(finished.target.device_id, auth))
    session = live.browser.session
    bare = client_path(f"/auth/{PASSWORD_STAGE}/fallback/web")
    targets = {
        "unknown": page_target("AAAAAAAAAAAAAAAAAAAAAAAA"),
        "finished": page_target(finished.browser.session),
        "markup": page_target("<script>alert(1)</script>"),
        "empty": page_target(""),
        "NUL": page_target("a\x00b"),
        "long": page_target("x" * 5000),
        "not UTF-8": f"{bare}?session=%FF",
        "broken escape": f"{bare}?session=%zz",
        "none": bare,
        "twice": f"{bare}?session={session}&session={session}",
        "near": page_target(session[:-1]),
        "a type not offered": page_target(session, "m.login.terms"),
    }
    first = pages.client.request("GET", targets["unknown"])
    for what, target in targets.items():
        for method in ("GET", "POST"):
            answer = pages.client.request(method, target, body=None if method == "GET" else b"")
            expect_page(check, f"{method}, {what}", answer, 404)
            check.ours.equal(f"{method}, {what}: page", page_of(answer).text, page_of(first).text)
    unfinished(check.ours, "the live session", live.alone())


def test_F2_expired(check: Check, configured: Configured) -> None:
    """So is a session whose time is over."""
    lifetime_ms = int(3000 * TIME_FACTOR)
    settings = {"fallback_pages": True, "uia": {"session_lifetime_ms": lifetime_ms}}
    homeserver = configured(settings)
    device = homeserver.new_user().device()
    session = begun(check, "DELETE", device.delete("A"))
    browser = Browser(homeserver.client, session or "")
    first = browser.open()
    token = expect_page(check, "at first", first, 200).value("form_token")

    def expired() -> Response | None:
        answer = browser.open()
        return answer if answer.status != 200 else None

    gone = poll(expired, 20, "the session expires")
    expect_page(check, "later", gone, 404)
    unknown = homeserver.client.request("GET", page_target("AAAAAAAAAAAAAAAAAAAAAAAA"))
    check.ours.equal("later: page", page_of(gone).text, page_of(unknown).text)
    late = browser.post(form_token=token, password=device.user.password)
    expect_page(check, "the right password then", late, 404)
