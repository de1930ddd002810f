"""What no client sends by accident: Synapse's database never sees it."""

from __future__ import annotations

import re
import secrets
from functools import partial
from typing import Any

import pytest

from accounts import Site
from matrix_device_conformance.client import client_path
from matrix_device_conformance.homeserver import Device
from matrix_device_conformance.server import poll
from synapse_process import Process

LONG = 4096  # bytes of a token


def transactions(process: Process, since: int) -> list[int]:
    """How many each request since then has begun, by Synapse's access log."""
    lines = [each.message for each in process.records(since) if "synapse.access" in each.logger]
    return [int(each) for line in lines for each in re.findall(r"sec/[\d.-]+sec/(\d+)\)", line)]


def logged_transactions(process: Process, since: int) -> list[int] | None:
    """The same, once there is a line."""
    return transactions(process, since) or None


@pytest.mark.better
@pytest.mark.parametrize(
    ("token", "in_query"),
    [
        ("é", False),
        ("\xff", False),
        ("x" * LONG, False),
        ("é", True),
        ("\0", True),
        ("x" * LONG, True),
    ],
    ids=ascii,
)
def test_A4_odd_tokens(anywhere: Site, token: str, in_query: bool) -> None:
    """401, as of a token that nobody has; the database is not asked."""
    token = secrets.token_hex(4) + token
    since = anywhere.main.position()
    if in_query:
        answer = anywhere.client.request("GET", client_path("/devices", access_token=token))
    else:
        raw = token.encode("latin-1" if token.endswith("\xff") else "utf-8").decode("latin-1")
        headers = [("Authorization", f"Bearer {raw}")]
        answer = anywhere.request("GET", "/devices", headers=headers)
    assert (answer.status, answer.errcode) == (401, "M_UNKNOWN_TOKEN"), str(answer)
    assert answer.json["soft_logout"] is False
    counted = poll(partial(logged_transactions, anywhere.main, since), 5, "the access log's line")
    assert counted == [0]


def test_A4_the_log_counts_transactions(anywhere: Site) -> None:
    """What the test before relies on: a token that could be somebody's is looked up."""
    since = anywhere.main.position()
    answer = anywhere.client.request(
        "GET", client_path("/devices", access_token=secrets.token_hex(8))
    )
    assert answer.status == 401, str(answer)
    counted = poll(partial(logged_transactions, anywhere.main, since), 5, "the access log's line")
    assert counted == [1]


@pytest.mark.better
@pytest.mark.parametrize("name", ["user_id", "device_id"])
@pytest.mark.parametrize("who", ["nobody", "a user", "a service"])
def test_R11_nul_in_the_query(anywhere: Site, name: str, who: str) -> None:
    """400, whoever asks."""
    token = {
        "nobody": lambda: None,
        "a user": lambda: anywhere.new_user().login().access_token,
        "a service": lambda: anywhere.services["unlimited"].as_token,
    }[who]()
    answer = anywhere.client.request("GET", client_path("/devices", **{name: "a\0b"}), token=token)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM"), str(answer)


@pytest.mark.better
def test_P13_nul_in_a_name(anywhere: Site) -> None:
    """400, and the name stays; by whoever renames or creates."""
    device = anywhere.new_user().login(name="phone")
    answer = device.put(device.device_id, {"display_name": "a\0b"})
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM"), str(answer)
    assert device.get().json["display_name"] == "phone"
    service = anywhere.services["unlimited"]
    user_id = service.new_user()
    made = service.put("BRIDGE", {"display_name": "\0"}, user_id=user_id)
    assert (made.status, made.errcode) == (400, "M_INVALID_PARAM"), str(made)
    assert service.device_ids(user_id) == set()


@pytest.mark.better
@pytest.mark.parametrize(
    "changed",
    [
        {"password": "\0"},
        {"identifier": {"type": "m.id.user", "user": "\0"}},
        {"identifier": None, "user": "\0"},
        {"identifier": {"type": "m.id.thirdparty", "medium": "email", "address": "a\0@b.c"}},
        {"identifier": {"type": "m.id.phone", "country": "GB", "phone": "\0"}},
    ],
    ids=ascii,
)
def test_U4_nul_in_credentials(anywhere: Site, changed: dict[str, Any]) -> None:
    """A wrong password, that counts."""
    user = anywhere.new_user()
    device, target = user.login(), user.login()
    auth = {**user.auth(), **changed}
    answers = [device.delete(target.device_id, auth) for _ in range(4)]
    assert [answer.status for answer in answers] == [401, 401, 401, 429]
    assert answers[0].errcode == "M_FORBIDDEN", str(answers[0])


def test_R13_absolute_form(site: Site, stock: Site) -> None:
    """The listener and its routing are Synapse's: it finds nothing there, with and without."""
    for each in (site, stock):
        device: Device = each.new_user().login()
        target = f"http://example.org{client_path('/devices')}"
        answer = each.client.request("GET", target, token=device.access_token)
        assert answer.status == 404, str(answer)
