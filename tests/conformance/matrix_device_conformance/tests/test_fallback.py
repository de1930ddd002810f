"""Rows F: the page on which a user completes a stage in a browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import TIME_FACTOR, Client, Response, client_path
from matrix_device_conformance.homeserver import (
    PASSWORD_STAGE,
    Configured,
    Device,
    Homeserver,
    User,
)
from matrix_device_conformance.server import poll

FAILURE_BURST = 3
FAILURE_INTERVAL_S = 6
MAX_BODY_BYTES = 1024 * 1024
NONCE = re.compile(r"'nonce-([0-9A-Za-z+/=_-]+)'")

Attributes = dict[str, str]


@dataclass
class Page(HTMLParser):
    """The elements and the text of an HTML page."""

    html: str
    elements: list[tuple[str, Attributes]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        """Keep text."""
        self.text += data

    def all(self, tag: str) -> list[Attributes]:
        """The attributes of all elements of this name."""
        return [attributes for name, attributes in self.elements if name == tag]

    def value(self, name: str) -> str:
        """What the form's field of this name holds."""
        found = [field for field in self.all("input") if field.get("name") == name]
        assert len(found) == 1, f"{len(found)} fields {name} in {self.html}"
        return found[0].get("value", "")


def page_of(answer: Response) -> Page:
    """The page of an answer."""
    return Page(answer.raw.decode())


def page_target(session: str, stage: str = PASSWORD_STAGE, version: str = "v3") -> str:
    """Where the page of a stage is."""
    return client_path(f"/auth/{stage}/fallback/web", version, session=session)


@dataclass
class Browser:
    """A browser without scripts: reads the page of a session, and sends its form."""

    client: Client
    session: str

    def open(self) -> Response:
        """GET the page."""
        return self.client.request("GET", page_target(self.session))

    def post(self, **fields: str) -> Response:
        """POST these fields and no others."""
        return self.client.request(
            "POST",
            page_target(self.session),
            headers=[("Content-Type", "application/x-www-form-urlencoded")],
            body=urlencode(fields).encode(),
        )

    def submit(self, password: str, **more: str) -> Response:
        """Open the page, fill in the password, and send the form."""
        token = page_of(self.open()).value("form_token")
        return self.post(form_token=token, password=password, **more)


@pytest.fixture
def pages(configured: Configured) -> Homeserver:
    """A homeserver that has the pages."""
    return configured({"fallback_pages": True})


@pytest.fixture
def owner(pages: Homeserver) -> User:
    """A user there."""
    return pages.new_user()


@dataclass
class Deletion:
    """A deletion that waits for the password."""

    device: Device
    target: Device
    browser: Browser

    def alone(self) -> Response:
        """The deletion again, with the session alone."""
        return self.device.delete(self.target.device_id, {"session": self.browser.session})


@pytest.fixture
def begin(pages: Homeserver, owner: User) -> Callable[[], Deletion]:
    """Begins a deletion on a device of its own."""

    def challenged() -> Deletion:
        device, target = owner.login(), owner.login()
        session = device.begin_delete(target.device_id)
        return Deletion(device, target, Browser(pages.client, session))

    return challenged


@pytest.fixture
def deletion(begin: Callable[[], Deletion]) -> Deletion:
    """One deletion that waits."""
    return begin()


def expect_page(check: Check, what: str, answer: Response, status: int) -> Page:
    """An HTML page with the headers that keep it safe."""
    check.that(what, answer.status == status, f"{status}, a page", str(answer))
    for name, expected in (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
    ):
        check.equal(f"{what}: {name}", answer.headers.get_all(name), [expected])
    shared = answer.headers.get("Access-Control-Allow-Origin")
    check.equal(f"{what}: sites that may read it", shared, None)
    policies = answer.headers.get_all("Content-Security-Policy") or []
    check.equal(f"{what}: policies", len(policies), 1)
    directives = dict(part.strip().partition(" ")[::2] for part in policies[0].split(";"))
    for name in ("default-src", "base-uri", "frame-ancestors"):
        check.equal(f"{what}: {name}", directives.get(name), "'none'")
    check.equal(f"{what}: form-action", directives.get("form-action"), "'self'")
    for name in ("script-src", "style-src"):
        sources = directives.get(name, "")
        check.that(f"{what}: {name}", bool(NONCE.fullmatch(sources)), "a nonce alone", sources)
    page = page_of(answer)
    nonces = [element.get("nonce") for tag in ("script", "style") for element in page.all(tag)]
    check.equal(f"{what}: nonces", set(nonces), set(NONCE.findall(policies[0])))
    handlers = [
        name for _, attributes in page.elements for name in attributes if name.startswith("on")
    ]
    check.equal(f"{what}: event handlers, which the policy forbids", handlers, [])
    return page


def test_F1_page(check: Check, owner: User, deletion: Deletion) -> None:
    """The page of a session needs no access token, no scripts, and nothing from elsewhere."""
    page = expect_page(check, "GET", deletion.browser.open(), 200)
    check.that("user", owner.user_id in page.text, owner.user_id, page.text)
    check.equal("forms", [form.get("method") for form in page.all("form")], ["post"])
    fields = {entry["name"]: entry.get("type") for entry in page.all("input")}
    check.equal("password field", fields.get("password"), "password")
    check.equal("scripts of the form", page.all("script"), [])
    loaded = [
        attributes
        for tag, attributes in page.elements
        if tag in {"link", "img", "iframe", "object", "embed"} or "src" in attributes
    ]
    check.equal("loaded from elsewhere", loaded, [])
    for secret in (owner.password, deletion.device.access_token, deletion.target.access_token):
        check.that("secrets", secret not in page.html, "no token or password", page.html)


def test_F1_for_everybody(check: Check, deletion: Deletion) -> None:
    """It has a language, a title, a phone's width and a label for its field."""
    page = expect_page(check, "GET", deletion.browser.open(), 200)
    check.equal("lang", [element.get("lang") for element in page.all("html")], ["en"])
    check.equal("titles", len(page.all("title")), 1)
    widths = [meta["content"] for meta in page.all("meta") if meta.get("name") == "viewport"]
    check.equal("viewport", widths, ["width=device-width, initial-scale=1"])
    ids = [entry.get("id") for entry in page.all("input") if entry["name"] == "password"]
    check.equal("label for", [label.get("for") for label in page.all("label")], ids)


def test_F1_nonce_is_new(check: Check, deletion: Deletion) -> None:
    """Each answer has a nonce of its own."""
    policies = [deletion.browser.open().headers["Content-Security-Policy"] for _ in range(5)]
    check.equal("different ones", len(set(policies)), len(policies))


def test_F1_methods(check: Check, pages: Homeserver, deletion: Deletion) -> None:
    """GET and POST, in each version; HEAD is GET without the body; others are 405."""
    session = deletion.browser.session
    answer = pages.client.request("GET", page_target(session, version="r0"))
    expect_page(check, "GET r0", answer, 200)
    head = pages.client.request("HEAD", page_target(session))
    check.ok("HEAD", head)
    check.equal("HEAD: body", head.raw, b"")
    check.ok("OPTIONS", pages.client.request("OPTIONS", page_target(session)), 204)
    for method in ("PUT", "DELETE", "PATCH"):
        other = pages.client.request(method, page_target(session), body=b"")
        check.error(method, other, 405, "M_UNRECOGNIZED")
        allowed = sorted(name.strip() for name in other.headers.get("Allow", "").split(","))
        check.equal(f"{method}: Allow", allowed, ["GET", "HEAD", "OPTIONS", "POST"])
    check.state("the session afterwards", deletion.alone(), [])


def test_F1_types_without_a_page(check: Check, pages: Homeserver, deletion: Deletion) -> None:
    """A type for which there is no page is nobody's path."""
    for stage in ("m.login.dummy", "m.login.sso", "%3Cscript%3E", "%zz"):
        for method in ("GET", "POST"):
            answer = pages.client.request(method, page_target(deletion.browser.session, stage))
            check.error(f"{method} {stage}", answer, 404, "M_UNRECOGNIZED")


def listed(answer: Response) -> list[str]:
    """The lines of the page's list of devices."""
    items = re.findall(r"<li>(.*?)</li>", answer.raw.decode(), re.DOTALL)
    return [re.sub(r"<[^>]*>", "", item).strip() for item in items]


def test_F1_one_device(check: Check, owner: User, deletion: Deletion) -> None:
    """The page names the device that its button signs out, by name and ID."""
    renamed = deletion.device.request(
        "PUT", f"/devices/{deletion.target.device_id}", json={"display_name": "Old <phone>"}
    )
    check.ok("rename", renamed, body={})
    expected = [f"Old &lt;phone&gt; {deletion.target.device_id}"]
    check.equal("listed", listed(deletion.browser.open()), expected)


def test_F1_several_devices(check: Check, pages: Homeserver, owner: User) -> None:
    """Of a bulk deletion the page names ten devices, and says how many there are more."""
    device = owner.login()
    for count, more in ((2, 0), (12, 2)):
        ids = sorted(owner.login().device_id for _ in range(count))
        browser = Browser(pages.client, device.begin_delete_devices([*ids, ids[0]]))
        lines = listed(browser.open())
        check.equal(f"of {count}: named", [line.split()[-1] for line in lines[:10]], ids[:10])
        check.equal(f"of {count}: lines", len(lines), min(count, 10) + (1 if more else 0))
        if more:
            check.that(f"of {count}: more", str(more) in lines[-1], f"{more} more", lines[-1])


def test_F1_others_devices(check: Check, pages: Homeserver, owner: User) -> None:
    """Devices that the user does not have are not named."""
    other, device = pages.new_user().login(), owner.login()
    session = device.begin_delete_devices([other.device_id, "NOBODYS"])
    page = expect_page(check, "GET", Browser(pages.client, session).open(), 200)
    for device_id in (other.device_id, "NOBODYS"):
        check.that("named", device_id not in page.text, "nothing of it", page.text)


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
    check.equal("lang", [element.get("lang") for element in page.all("html")], [language])
    check.that("button", button in page.text, button, page.text)


def test_F1_server(check: Check, pages: Homeserver, owner: User, deletion: Deletion) -> None:
    """The page names the server."""
    page = expect_page(check, "GET", deletion.browser.open(), 200)
    server = owner.user_id.partition(":")[2]
    check.that("server", page.text.count(server) > 1, server, page.text)


@pytest.mark.peer_bug("Synapse: one password authorises any number of different deletions")
def test_U12_page_seals(check: Check, configured: Configured) -> None:
    """Lenient binding: a page that completes the flow binds the body that is kept."""
    homeserver = configured({"fallback_pages": True, "uia": {"body_binding": "lenient"}})
    owner = homeserver.new_user()
    device, *targets = (owner.login() for _ in range(4))
    ids = [target.device_id for target in targets]
    browser = Browser(homeserver.client, device.begin_delete_devices(ids[:1]))
    page = expect_page(check, "GET", browser.open(), 200)
    for told in ids:
        check.that("what may change", told not in page.text, "is not stated", page.text)
    expect_page(check, "password", browser.submit(owner.password), 200)
    other = device.delete_devices(ids, {"session": browser.session})
    check.error("three devices", other, 403, "M_FORBIDDEN")
    check.that("all there", set(ids) <= set(device.device_ids()), ids, device.device_ids())
    same = device.delete_devices(ids[:1], {"session": browser.session})
    check.ok("the one", same, body={})
    left = set(device.device_ids())
    check.equal("left", left & set(ids), set(ids[1:]))


def test_F1_off_by_default(check: Check, own_homeserver: Homeserver, user: User) -> None:
    """Without the setting the route is not there."""
    session = user.login().begin_delete("A")
    for method in ("GET", "POST"):
        answer = own_homeserver.client.request(method, page_target(session))
        check.error(method, answer, 404, "M_UNRECOGNIZED")


def test_F2_nothing_there(
    check: Check, pages: Homeserver, owner: User, begin: Callable[[], Deletion]
) -> None:
    """Unknown and finished sessions and types not offered are 404, all the same, nothing echoed."""
    live, finished = begin(), begin()
    auth = owner.auth(finished.browser.session)
    check.ok("finishing", finished.device.delete(finished.target.device_id, auth), body={})
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
            check.equal(f"{method}, {what}: page", page_of(answer).text, page_of(first).text)
    check.state("the live session", live.alone(), [])


def test_F2_expired(check: Check, configured: Configured) -> None:
    """So is a session whose time is over."""
    lifetime_ms = int(3000 * TIME_FACTOR)
    settings = {"fallback_pages": True, "uia": {"session_lifetime_ms": lifetime_ms}}
    homeserver = configured(settings)
    device = homeserver.new_user().login()
    browser = Browser(homeserver.client, device.begin_delete("A"))
    first = browser.open()
    token = expect_page(check, "at first", first, 200).value("form_token")

    def expired() -> Response | None:
        answer = browser.open()
        return answer if answer.status != 200 else None

    gone = poll(expired, 20, "the session expires")
    expect_page(check, "later", gone, 404)
    unknown = homeserver.client.request("GET", page_target("AAAAAAAAAAAAAAAAAAAAAAAA"))
    check.equal("later: page", page_of(gone).text, page_of(unknown).text)
    late = browser.post(form_token=token, password=device.user.password)
    expect_page(check, "the right password then", late, 404)


def test_F3_without_token(check: Check, owner: User, begin: Callable[[], Deletion]) -> None:
    """A form without the token that is bound to its session is 403; nothing is tried."""
    deletion, sibling = begin(), begin()
    token = page_of(deletion.browser.open()).value("form_token")
    foreign = page_of(sibling.browser.open()).value("form_token")
    right = {"password": owner.password}
    for what, fields in (
        ("none", right),
        ("empty", {**right, "form_token": ""}),
        ("of another session", {**right, "form_token": foreign}),
        ("cut", {**right, "form_token": token[:-1]}),
        ("the session", {**right, "form_token": deletion.browser.session}),
    ):
        expect_page(check, what, deletion.browser.post(**fields), 403)
    twice = urlencode([("form_token", token), ("form_token", token), *right.items()])
    answer = deletion.browser.client.request(
        "POST", page_target(deletion.browser.session), body=twice.encode()
    )
    expect_page(check, "twice", answer, 403)
    in_json = deletion.device.user.homeserver.client.request(
        "POST", page_target(deletion.browser.session), json={**right, "form_token": token}
    )
    expect_page(check, "as JSON", in_json, 403)
    check.state("the session afterwards", deletion.alone(), [])


def test_F3_wrong_password(check: Check, owner: User, deletion: Deletion) -> None:
    """A wrong password is 401: the form again with the reason, which can be sent again."""
    answer = deletion.browser.submit("guess-<b>")
    page = expect_page(check, "wrong", answer, 401)
    check.that("reason", "password is wrong" in page.text, "it is said", page.text)
    alerts = [entry for _, entry in page.elements if entry.get("role") == "alert"]
    check.equal("alerts", len(alerts), 1)
    fields = [entry for entry in page.all("input") if entry["name"] == "password"]
    check.equal("described by", fields[0].get("aria-describedby"), alerts[0].get("id"))
    check.that("not repeated", b"guess-" not in answer.raw, "no password", str(answer))
    check.state("the session afterwards", deletion.alone(), [])
    again = deletion.browser.post(form_token=page.value("form_token"), password=owner.password)
    expect_page(check, "right", again, 200)


def test_F3_incomplete(check: Check, owner: User, deletion: Deletion) -> None:
    """A form that is not filled in is 400, and no failure."""
    token = page_of(deletion.browser.open()).value("form_token")
    for _ in range(FAILURE_BURST + 2):
        for fields in ({}, {"password": ""}):
            answer = deletion.browser.post(form_token=token, **fields)
            page = expect_page(check, f"fields {sorted(fields)}", answer, 400)
            check.equal("the form again", len(page.all("form")), 1)
    expect_page(check, "right", deletion.browser.submit(owner.password), 200)


def test_F3_large_form(check: Check, deletion: Deletion) -> None:
    """A form over the limit is 413, and not read."""
    answer = deletion.browser.post(password="x" * MAX_BODY_BYTES)
    expect_page(check, "POST", answer, 413)
    check.state("the session afterwards", deletion.alone(), [])


def test_F3_right_password(check: Check, owner: User, deletion: Deletion) -> None:
    """Right: the page says done, and the deletion goes ahead with the session alone."""
    done = expect_page(check, "POST", deletion.browser.submit(owner.password), 200)
    check.equal("forms", done.all("form"), [])
    check.equal("scripts", len(done.all("script")), 1)
    for part in ("window.onAuthDone", 'window.opener.postMessage("authDone","*")'):
        there = part in done.text.replace(", ", ",")
        check.that("the specification's script", there, part, done.text)
    check.ok("nothing is deleted by the page", deletion.device.get(deletion.target.device_id))
    again = expect_page(check, "GET again", deletion.browser.open(), 200)
    check.equal("GET again: forms", again.all("form"), [])
    check.ok("the session alone", deletion.alone(), body={})
    gone = deletion.device.get(deletion.target.device_id)
    check.error("the device", gone, 404, "M_NOT_FOUND")
    expect_page(check, "once it is finished", deletion.browser.open(), 404)


def test_F3_in_bulk(check: Check, pages: Homeserver, owner: User) -> None:
    """So in bulk, also with nothing but auth in the body."""
    device, first, second = owner.login(), owner.login(), owner.login()
    session = device.begin_delete_devices([first.device_id, second.device_id])
    answer = Browser(pages.client, session).submit(owner.password)
    expect_page(check, "POST", answer, 200)
    done = device.request("POST", "/delete_devices", json={"auth": {"session": session}})
    check.ok("the session alone", done, body={})
    check.equal("devices", device.device_ids(), {device.device_id})


def test_F3_bound(check: Check, owner: User, deletion: Deletion) -> None:
    """What the page completed is good for its own operation and device only."""
    expect_page(check, "POST", deletion.browser.submit(owner.password), 200)
    alone = {"session": deletion.browser.session}
    other = deletion.device.delete(deletion.device.device_id, alone)
    check.error("another device ID", other, 403, "M_FORBIDDEN")
    bulk = deletion.device.delete_devices([deletion.target.device_id], alone)
    check.error("bulk", bulk, 403, "M_FORBIDDEN")
    sibling = owner.login().delete(deletion.target.device_id, alone)
    check.error("by another device", sibling, 403, "M_FORBIDDEN")
    check.ok("its own", deletion.alone(), body={})


def test_F3_password_of_another(check: Check, pages: Homeserver, deletion: Deletion) -> None:
    """Another user's password is wrong here, whoever the form names."""
    thief = pages.new_user()
    for more in ({}, {"user": thief.user_id}):
        answer = deletion.browser.submit(thief.password, **more)
        expect_page(check, f"fields {sorted(more)}", answer, 401)
    check.state("the session afterwards", deletion.alone(), [])
    check.ok("the device", deletion.device.get(deletion.target.device_id))


@pytest.mark.capability("failure_limit")
def test_F3_limited(check: Check, owner: User, deletion: Deletion) -> None:
    """Failures count with those of the API: 429 with Retry-After, here and there."""
    token = page_of(deletion.browser.open()).value("form_token")

    def guess(password: str = "wrong") -> Response:
        return deletion.browser.post(form_token=token, password=password)

    wrong = owner.wrong_auth(deletion.browser.session)
    start = time.monotonic()
    check.refusal("API", deletion.device.delete(deletion.target.device_id, wrong))
    for number in range(FAILURE_BURST - 1):
        expect_page(check, f"page {number + 1}", guess(), 401)
    answers = {"wrong": guess(), "right": guess(owner.password)}
    took = time.monotonic() - start
    if took > FAILURE_INTERVAL_S:
        pytest.skip(f"five guesses took {took:.0f} s: too slow to see the limit")
    for what, answer in answers.items():
        page = expect_page(check, what, answer, 429)
        check.equal("the form again", len(page.all("form")), 1)
        seconds = answer.headers.get("Retry-After", "")
        check.that(f"{what}: Retry-After", seconds.isdigit(), "whole seconds", seconds)
    check.limited("API", deletion.device.delete(deletion.target.device_id, wrong))
    check.state("the session alone", deletion.alone(), [])
    other = owner.login().delete(deletion.target.device_id, owner.auth())
    check.ok("the owner on another device", other, body={})
