"""The hosts in memory: application services, and limits."""

from __future__ import annotations

import time

import pytest

from asking import Asking, errcode
from matrix_devices import (
    ConfigurationError,
    Forbidden,
    Limit,
    LimitExceeded,
    LimitRequest,
    MemoryHost,
    Module,
    Namespace,
    Response,
    Service,
    UnknownDevice,
)
from questions import ALICE, IRC, credentials, refused


def test_services(host: MemoryHost) -> None:
    host.add_service(IRC)
    assert host.find_service("as-token") == "irc"
    assert host.find_service("nobody") is None
    assert host.covers("irc", "@irc_x:example.org")
    assert host.covers("irc", "@irc_bot:example.org")
    assert not host.covers("irc", "@irc_x:example.org.evil")
    assert not host.covers("irc", "x@irc_x:example.org")
    assert not host.covers("irc", ALICE)
    assert not host.covers("nobody", ALICE)
    with refused("M_EXCLUSIVE"):
        host.add_user("irc_x")
    with refused("M_EXCLUSIVE"):
        host.add_user("mallory", service_id="irc")
    host.add_user("irc_x", service_id="irc")
    acting = host.identify(credentials("as-token", "@irc_x:example.org"))
    assert (acting.user_id, acting.appservice) == ("@irc_x:example.org", True)
    assert host.identify(credentials("as-token")).user_id == "@irc_bot:example.org"
    for user_id in (ALICE, "@irc_unregistered:example.org"):
        with pytest.raises(Forbidden):
            host.identify(credentials("as-token", user_id))
    with pytest.raises(UnknownDevice):
        host.identify(credentials("as-token", "@irc_x:example.org", "NONE"))


@pytest.mark.parametrize(
    ("service", "text"),
    [
        (Service("", "t", "bot"), "not empty"),
        (Service("b", "", "bot"), "not empty"),
        (Service("b", "t", ""), "not empty"),
        (Service("irc", "t", "bot"), "have the id"),
        (Service("b", "as-token", "bot"), "as_token of another"),
        (Service("b", "t", "Not Valid"), "sender_localpart"),
        (Service("b", "t", "bot", (Namespace("("),)), "not valid"),
        (Service("b", "t", "bot", (Namespace("@a.*"), Namespace("@b_(?!x)"))), r"@b_\(\?!x\)"),
        (Service("b", "t", "bot", (Namespace(r"@(.)\1"),)), r"@\(\.\)\\1"),
    ],
)
def test_bad_services(host: MemoryHost, service: Service, text: str) -> None:
    host.add_service(IRC)
    with pytest.raises(ConfigurationError, match=text) as refusal:
        host.add_service(service)
    assert "as-token" not in str(refusal.value)


def test_T9_namespaces_match_from_the_start(host: MemoryHost) -> None:
    host.add_service(Service("irc", "as-token", "bot", (Namespace("@irc_"), Namespace("a"))))
    assert host.covers("irc", "@irc_a:example.org")
    assert not host.covers("irc", "@a_irc_:example.org")
    assert not host.covers("irc", "@irc_a:elsewhere.org")
    assert host.add_user("irc_a", service_id="irc") == "@irc_a:example.org"
    with refused("M_EXCLUSIVE"):
        host.add_user("irc_b")


def test_T9_an_expression_costs_no_more_than_its_text(host: MemoryHost) -> None:
    host.add_service(Service("irc", "as-token", "bot", (Namespace(r"@(a*)*(a*)*b"),)))
    began = time.process_time()
    assert not host.covers("irc", f"@{'a' * 200}:example.org")
    assert time.process_time() - began < 5


def test_a_service_creates_up_to_the_cap(host: MemoryHost) -> None:
    host.add_service(IRC)
    with Module.open(host, {"max_devices_per_user": 2}) as module:
        irc = Asking(module, IRC.as_token)
        assert irc("PUT", "/devices/A", {"display_name": "a"}).status == 201
        assert irc("PUT", "/devices/B", {}).status == 201
        assert errcode(irc("PUT", "/devices/C", {})) == (403, "M_USER_LIMIT_EXCEEDED")
        assert irc("PUT", "/devices/A", {}).status == 200
        assert irc.device("A")["display_name"] == "a"


def test_creation_is_limited_by_the_clock(host: MemoryHost) -> None:
    host.add_service(IRC)
    host.add_user("irc_x", service_id="irc")
    config = {"limits": {"device_creation": {"burst": 2, "interval_ms": 3_600_000}}}
    with Module.open(host, config) as module:
        irc = Asking(module, IRC.as_token)

        def create(device_id: str) -> Response:
            return irc("PUT", f"/devices/{device_id}", {}, user_id="@irc_x:example.org")

        assert [create(device_id).status for device_id in "AB"] == [201, 201]
        limited = create("C")
        assert errcode(limited) == (429, "M_LIMIT_EXCEEDED")
        assert 3_590_000 < limited.json()["retry_after_ms"] <= 3_600_000
        host.clock.advance(hours=1)
        assert create("C").status == 201
        host.clock.advance(hours=-10)
        assert create("D").status == 429
        host.clock.advance(hours=2)  # from where it was set back to, and not ten hours later
        assert create("D").status == 201


def test_P6_a_service_as_its_own_sender_is_not_limited(host: MemoryHost) -> None:
    host.add_service(IRC)
    config = {"limits": {"device_creation": {"burst": 1, "interval_ms": 3_600_000}}}
    with Module.open(host, config) as module:
        irc = Asking(module, IRC.as_token)
        sender = {"user_id": "@irc_bot:example.org"}
        assert [irc("PUT", f"/devices/{n}", {}).status for n in "ABC"] == [201] * 3
        assert [irc("PUT", f"/devices/{n}", {}, **sender).status for n in "DE"] == [201] * 2


def test_limits_are_taken_all_or_none(host: MemoryHost) -> None:
    small, large = Limit("small", "k", 1, 1000), Limit("large", "k", 2, 1000)
    host.take_limit(None, LimitRequest([small, large], 1))
    with pytest.raises(LimitExceeded):
        host.take_limit(None, LimitRequest([small, large], 1))
    host.take_limit(None, LimitRequest([large], 1))
    host.take_limit(None, LimitRequest([small, large], -1))
    host.take_limit(None, LimitRequest([small], 1))
