"""Credentials of every kind, as Synapse's own login takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts import Site
from conftest import Sites
from matrix_device_conformance.homeserver import Device, User, challenge_session
from synapse_server import Options

EMAIL = "Owner{}@Example.ORG"
NUMBER = "4420794600{:02}"  # of London, as E.164 has it

Identifier = Callable[[User, int], dict[str, Any]]


@pytest.fixture(scope="session")
def pins(sites: Sites) -> Site:
    """A Synapse with a password provider's own login type."""
    provider = {"module": "pin_provider.PinProvider", "config": {}}
    return sites.site("pins", lambda: Options(module=sites.module(), other_modules=[provider]))


def user_with_addresses(site: Site, number: int) -> User:
    """A user with an email address and a phone number."""
    user = site.new_user()
    site.change(
        user,
        threepids=[
            {"medium": "email", "address": EMAIL.format(number).lower()},
            {"medium": "msisdn", "address": NUMBER.format(number)},
        ],
    )
    return user


IDENTIFIERS: dict[str, Identifier] = {
    "localpart": lambda user, _: {"type": "m.id.user", "user": user.localpart},
    "full ID": lambda user, _: {"type": "m.id.user", "user": user.user_id},
    "email": lambda _, number: {
        "type": "m.id.thirdparty",
        "medium": "email",
        "address": EMAIL.format(number),
    },
    "msisdn": lambda _, number: {
        "type": "m.id.thirdparty",
        "medium": "msisdn",
        "address": NUMBER.format(number),
    },
    "phone": lambda _, number: {
        "type": "m.id.phone",
        "country": "GB",
        "phone": f"0{NUMBER.format(number)[2:]}",
    },
}


def worse(value: Any) -> Any:
    """A parameter of a test, with which Synapse's own code falls over."""
    return pytest.param(value, marks=pytest.mark.better)


@pytest.mark.parametrize("kind", [worse(kind) if kind == "phone" else kind for kind in IDENTIFIERS])
def test_identifiers(site: Site, kind: str) -> None:
    """Each proves the user whose it is, with the right password only."""
    place = list(IDENTIFIERS).index(kind)
    user, other = (user_with_addresses(site, 2 * place + each) for each in (0, 1))
    device, target = user.login(), user.login()
    auth = {**user.auth(), "identifier": IDENTIFIERS[kind](user, 2 * place)}
    wrong = device.delete(target.device_id, {**auth, "password": "wrong"})
    assert wrong.status == 401, str(wrong)
    theirs = {**other.auth(), "identifier": IDENTIFIERS[kind](other, 2 * place + 1)}
    refused = device.delete(target.device_id, theirs)
    assert refused.status == 403, str(refused)
    assert target.device_id in device.device_ids()
    assert device.delete(target.device_id, auth).status == 200
    assert device.device_ids() == {device.device_id}


@pytest.mark.parametrize(
    "identifier",
    [
        {"type": "org.example.badge", "badge": "7"},
        worse({"type": "m.id.phone", "country": "XX", "phone": "nonsense"}),
        {"type": "m.id.thirdparty", "medium": "email", "address": "no address"},
    ],
    ids=lambda identifier: identifier["type"],
)
def test_identifiers_that_nothing_can_be(
    user: User, device: Device, identifier: dict[str, Any]
) -> None:
    """400, which is no wrong password."""
    target = user.login().device_id
    for _ in range(5):
        answer = device.delete(target, {**user.auth(), "identifier": identifier})
        assert answer.status == 400, str(answer)
    assert device.delete(target, user.auth()).status == 200


def test_a_providers_own_type(pins: Site) -> None:
    """What else a type asks for reaches its provider."""
    user = pins.new_user()
    device, target = user.login(), user.login()
    challenge = device.delete(target.device_id)
    assert {"stages": ["org.example.pin"]} in challenge.json["flows"]
    auth = {
        "type": "org.example.pin",
        "identifier": {"type": "m.id.user", "user": user.localpart},
        "session": challenge_session(challenge),
    }
    assert device.delete(target.device_id, {**auth, "pin": "4321"}).status == 401
    assert device.delete(target.device_id, auth).status == 400, "no PIN"
    assert device.delete(target.device_id, {**auth, "pin": "1234"}).status == 200
    assert device.device_ids() == {device.device_id}


@pytest.mark.parametrize(
    "changed",
    [
        worse({"identifier": {"type": "m.id.user", "user": 7}}),
        {"identifier": "alice"},
        worse({"identifier": None, "user": 7}),
        worse({"identifier": {"type": "m.id.phone", "country": "GB", "phone": 7}}),
    ],
    ids=str,
)
def test_a_providers_own_type_with_odd_fields(pins: Site, changed: dict[str, Any]) -> None:
    """400, and not an internal error."""
    user = pins.new_user()
    device, target = user.login(), user.login()
    auth = {
        "type": "org.example.pin",
        "identifier": {"type": "m.id.user", "user": user.localpart},
        "session": device.begin_delete(target.device_id),
        "pin": "1234",
    }
    answer = device.delete(target.device_id, {**auth, **changed})
    assert answer.status == 400, str(answer)
    assert device.delete(target.device_id, auth).status == 200
