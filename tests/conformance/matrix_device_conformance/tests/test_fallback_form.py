"""Row F3: the form of the page."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from matrix_device_conformance.check import Check, NotJudged
from matrix_device_conformance.client import Response
from matrix_device_conformance.homeserver import Configured, Homeserver, User
from matrix_device_conformance.tests.pages import (
    Browser,
    Deletion,
    expect_page,
    page_of,
    page_target,
)
from matrix_device_conformance.tests.steps import (
    begun,
    gone,
    guesses_are_free,
    ids_in,
    still_there,
    unfinished,
    waits,
)

FAILURE_BURST = 3
FAILURE_INTERVAL_S = 6
MAX_BODY_BYTES = 1024 * 1024


@pytest.mark.peer_bug(
    "Synapse", "one password authorises any number of different deletions", got="^200 "
)
def test_U12_page_seals(check: Check, configured: Configured) -> None:
    """Lenient binding: a page that completes the flow binds the body that is kept."""
    homeserver = configured({"fallback_pages": True, "uia": {"body_binding": "lenient"}})
    owner = homeserver.new_user()
    device, targets = owner.device(), [owner.login() for _ in range(3)]
    ids = [target.device_id for target in targets]
    session = begun(check, "POST", device.delete_devices(ids[:1]))
    browser = Browser(homeserver.client, session or "")
    page = expect_page(check, "GET", browser.open(), 200)
    for told in ids:
        check.ours.that("what may change", told not in page.text, "is not stated", page.text)
    expect_page(check, "password", browser.submit(owner.password), 200)
    other = device.delete_devices(ids, {"session": browser.session})
    still_there(check.ours, "three devices", device, *targets)
    check.ours.error("three devices", other, 403, "M_FORBIDDEN")
    same = device.delete_devices(ids[:1], {"session": browser.session})
    left = ids_in(device.list())
    check.ours.equal("left", left & set(ids), set(ids[1:]))
    check.ours.ok("the one", same)


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
    unfinished(check.ours, "the session afterwards", deletion.alone())


def test_F3_wrong_password(check: Check, owner: User, deletion: Deletion) -> None:
    """A wrong password is 401: the form again with the reason, which can be sent again."""
    answer = deletion.browser.submit("guess-<b>")
    page = expect_page(check, "wrong", answer, 401)
    check.ours.that("reason", "password is wrong" in page.text, "it is said", page.text)
    alerts = [entry for _, entry in page.elements if entry.get("role") == "alert"]
    check.ours.equal("alerts", len(alerts), 1)
    described = [entry.get("aria-describedby") for entry in page.inputs("password")]
    check.ours.equal("described by", described, [alert.get("id") for alert in alerts])
    check.ours.that("not repeated", b"guess-" not in answer.raw, "no password", str(answer))
    unfinished(check.ours, "the session afterwards", deletion.alone())
    again = deletion.browser.post(form_token=page.value("form_token"), password=owner.password)
    expect_page(check, "right", again, 200)


def test_F3_incomplete(check: Check, owner: User, deletion: Deletion) -> None:
    """A form that is not filled in is 400, and no failure."""
    token = page_of(deletion.browser.open()).value("form_token")
    for _ in range(FAILURE_BURST + 2):
        for fields in ({}, {"password": ""}):
            answer = deletion.browser.post(form_token=token, **fields)
            page = expect_page(check, f"fields {sorted(fields)}", answer, 400)
            check.ours.equal("the form again", len(page.all("form")), 1)
    expect_page(check, "right", deletion.browser.submit(owner.password), 200)


def test_F3_large_form(check: Check, deletion: Deletion) -> None:
    """A form over the limit is 413, and not read."""
    answer = deletion.browser.post(password="x" * MAX_BODY_BYTES)
    expect_page(check, "POST", answer, 413)
    unfinished(check.ours, "the session afterwards", deletion.alone())


def test_F3_right_password(check: Check, owner: User, deletion: Deletion) -> None:
    """Right: the page says done, and the deletion goes ahead with the session alone."""
    device, target = deletion.device, deletion.target
    page = expect_page(check, "POST", deletion.browser.submit(owner.password), 200)
    still_there(check.ours, "nothing is deleted by the page", device, target)
    again = expect_page(check, "GET again", deletion.browser.open(), 200)
    answer = deletion.alone()
    gone(check.spec, "the session alone", device, target)
    check.spec.ok("the session alone", answer)
    for part in ("window.onAuthDone", 'window.opener.postMessage("authDone","*")'):
        there = part in page.text.replace(", ", ",")
        check.spec.that("the specification's script", there, part, page.text)
    check.ours.equal("scripts", len(page.all("script")), 1)
    check.ours.equal("forms", page.all("form"), [])
    check.ours.equal("GET again: forms", again.all("form"), [])
    expect_page(check, "once it is finished", deletion.browser.open(), 404)


def test_F3_in_bulk(check: Check, pages: Homeserver, owner: User) -> None:
    """So in bulk, also with nothing but auth in the body."""
    device, first, second = owner.device(), owner.login(), owner.login()
    begin = device.delete_devices([first.device_id, second.device_id])
    session = begun(check, "POST", begin)
    page = Browser(pages.client, session or "").submit(owner.password)
    answer = device.request("POST", "/delete_devices", json={"auth": {"session": session}})
    gone(check.ours, "the session alone", device, first, second)
    expect_page(check, "POST", page, 200)
    check.ours.ok("the session alone", answer)


def test_F3_bound(check: Check, owner: User, deletion: Deletion) -> None:
    """What the page completed is good for its own operation only."""
    expect_page(check, "POST", deletion.browser.submit(owner.password), 200)
    alone = {"session": deletion.browser.session}
    answers = [
        ("another device ID", deletion.device.delete(deletion.device.device_id, alone)),
        ("bulk", deletion.device.delete_devices([deletion.target.device_id], alone)),
    ]
    still_there(check.ours, "elsewhere", deletion.device, deletion.target, deletion.device)
    for what, answer in answers:
        check.ours.error(what, answer, 403, "M_FORBIDDEN")
    check.ours.ok("its own", deletion.alone())


def test_F3_password_of_another(check: Check, pages: Homeserver, deletion: Deletion) -> None:
    """Another user's password is wrong here, whoever the form names."""
    thief = pages.new_user()
    for more in ({}, {"user": thief.user_id}):
        answer = deletion.browser.submit(thief.password, **more)
        state = deletion.alone()
        still_there(check.ours, "another's password", deletion.device, deletion.target)
        expect_page(check, f"fields {sorted(more)}", answer, 401)
        unfinished(check.ours, "the session afterwards", state)


@pytest.mark.capability("failure_limit")
def test_F3_limited(check: Check, owner: User, deletion: Deletion) -> None:
    """Failures count with those of the API: 429 with Retry-After, here and there."""
    token = page_of(deletion.browser.open()).value("form_token")

    def guess(password: str = "wrong") -> Response:
        return deletion.browser.post(form_token=token, password=password)

    wrong = owner.wrong_auth(deletion.browser.session)
    start = time.monotonic()
    waits(check.ours, "API", deletion.device.delete(deletion.target.device_id, wrong))
    for number in range(FAILURE_BURST - 1):
        expect_page(check, f"page {number + 1}", guess(), 401)
    answers = {"wrong": guess(), "right": guess(owner.password)}
    of_api = deletion.device.delete(deletion.target.device_id, wrong)
    took = time.monotonic() - start
    if took > FAILURE_INTERVAL_S:
        raise NotJudged(f"six guesses took {took:.0f} s: too slow to see the limit")
    if guesses_are_free(owner):
        raise NotJudged("wrong passwords bring no 429 here at all, which row U23 is about")
    for what, answer in answers.items():
        page = expect_page(check, what, answer, 429)
        check.ours.equal("the form again", len(page.all("form")), 1)
        seconds = answer.headers.get("Retry-After", "")
        check.ours.that(f"{what}: Retry-After", seconds.isdigit(), "whole seconds", seconds)
    check.ours.limited("API", of_api)
    unfinished(check.ours, "the session alone", deletion.alone())
    other = owner.login().delete(deletion.target.device_id, owner.auth())
    check.ours.ok("the owner on another device", other)
