"""The page on which a user completes a stage in a browser, as a browser without scripts sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import Client, Response, client_path
from matrix_device_conformance.homeserver import PASSWORD_STAGE, Device

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

    def inputs(self, name: str) -> list[Attributes]:
        """The form's fields of this name."""
        return [entry for entry in self.all("input") if entry.get("name") == name]

    def value(self, name: str) -> str:
        """What the form's field of this name holds, or nothing."""
        found = self.inputs(name)
        return found[0].get("value", "") if found else ""


def page_of(answer: Response) -> Page:
    """The page of an answer."""
    return Page(answer.raw.decode(errors="replace"))


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


@dataclass
class Deletion:
    """A deletion that waits for the password."""

    device: Device
    target: Device
    browser: Browser

    def alone(self) -> Response:
        """The deletion again, with the session alone."""
        return self.device.delete(self.target.device_id, {"session": self.browser.session})


def expect_page(check: Check, what: str, answer: Response, status: int) -> Page:
    """An HTML page with the headers that keep it safe. What is in it is returned."""
    check.ours.that(what, answer.status == status, f"{status}, a page", str(answer), answer)
    page = page_of(answer)
    if answer.status == status:
        expect_safe(check.ours, what, answer, page)
    return page


def expect_safe(check: Check, what: str, answer: Response, page: Page) -> None:
    """The headers that keep a page safe, and a page that keeps to them."""
    for name, expected in (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
    ):
        check.equal(f"{what}: {name}", answer.headers.get_all(name), [expected], answer)
    shared = answer.headers.get("Access-Control-Allow-Origin")
    check.equal(f"{what}: sites that may read it", shared, None, answer)
    policies = answer.headers.get_all("Content-Security-Policy") or []
    if not check.equal(f"{what}: policies", len(policies), 1, answer):
        return
    directives = dict(part.strip().partition(" ")[::2] for part in policies[0].split(";"))
    for name in ("default-src", "base-uri", "frame-ancestors"):
        check.equal(f"{what}: {name}", directives.get(name), "'none'", answer)
    check.equal(f"{what}: form-action", directives.get("form-action"), "'self'", answer)
    for name in ("script-src", "style-src"):
        sources = directives.get(name, "")
        alone = bool(NONCE.fullmatch(sources))
        check.that(f"{what}: {name}", alone, "a nonce alone", sources, answer)
    nonces = {element.get("nonce") for tag in ("script", "style") for element in page.all(tag)}
    check.equal(f"{what}: nonces", nonces, set(NONCE.findall(policies[0])), answer)
    handlers = [
        name for _, attributes in page.elements for name in attributes if name.startswith("on")
    ]
    check.equal(f"{what}: event handlers, which the policy forbids", handlers, [], answer)
