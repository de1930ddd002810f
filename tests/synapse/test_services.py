"""Application services, and a Synapse that leaves accounts to an authentication service."""

from __future__ import annotations

import pytest

from accounts import DelegatedSite, Site
from matrix_device_conformance.client import device_path
from matrix_device_conformance.homeserver import Service

ALIAS = "org.matrix.msc3202.device_id"
CREATION_BURST = 20  # limits.device_creation


@pytest.fixture
def service(site: Site) -> Service:
    """An application service without rate limits."""
    return site.services["unlimited"]


def test_creation(service: Service) -> None:
    """PUT creates with 201, and renames with 200 (P5)."""
    user_id = service.new_user()
    created = service.put("A", {"display_name": "bridge"}, user_id=user_id)
    assert (created.status, created.json) == (201, {}), str(created)
    again = service.put("A", {"display_name": "renamed"}, user_id=user_id)
    assert (again.status, again.json) == (200, {}), str(again)
    got = service.request("GET", device_path("A"), user_id=user_id)
    assert got.json["display_name"] == "renamed"
    assert service.device_ids(user_id) == {"A"}


def test_the_sender(service: Service) -> None:
    """Without `user_id` it acts as its own sender (A9)."""
    assert service.put("SENDERS", {}).status in (200, 201)
    answer = service.request("GET", "/devices")
    assert "SENDERS" in {device["device_id"] for device in answer.json["devices"]}


def test_masquerading(site: Site, service: Service) -> None:
    """Last seen is that device's (A12)."""
    user_id = service.new_user()
    # Not by PUT: Synapse notes one device in two minutes for an access token.
    used, other = site.synapse.add_devices(user_id, "BRIDGE", 2)
    answer = service.request("GET", "/devices", user_id=user_id, device_id=used)
    devices = {device["device_id"]: device for device in answer.json["devices"]}
    assert devices[used]["last_seen_ip"] == "127.0.0.1"
    assert devices[other].get("last_seen_ip") is None
    unknown = service.request("GET", "/devices", user_id=user_id, device_id="UNKNOWN")
    assert (unknown.status, unknown.errcode) == (400, "M_UNKNOWN_DEVICE"), str(unknown)


@pytest.mark.parametrize("option", ["without the option", "with the option"])
def test_A14_the_alias_is_taken_where_synapse_takes_it(
    request: pytest.FixtureRequest, option: str
) -> None:
    """A bridge is the same device on the device endpoints as on the others."""
    site: Site = request.getfixturevalue("site" if option.startswith("without") else "strict")
    service = site.services["unlimited"]
    for query in (
        {ALIAS: "USED"},
        {ALIAS: "UNKNOWN"},
        {"device_id": "OTHER", ALIAS: "USED"},
        {"device_id": "OTHER", ALIAS: "UNKNOWN"},
        {"device_id": "UNKNOWN", ALIAS: "USED"},
    ):
        user_id = service.new_user()  # Synapse notes one device of a user in two minutes
        site.synapse.sql(
            "INSERT INTO devices (user_id, device_id, hidden)"
            f" VALUES ('{user_id}', 'USED', 0), ('{user_id}', 'OTHER', 0)"
        )
        here = service.request("GET", "/devices", user_id=user_id, **query)
        elsewhere = service.request("GET", "/account/whoami", user_id=user_id, **query)
        assert here.status == elsewhere.status, f"{query}: {here}, {elsewhere}"
        if here.status == 200:
            seen = {each["device_id"] for each in here.json["devices"] if each["last_seen_ts"]}
            acted_as = elsewhere.json.get("device_id")
            assert seen == ({acted_as} if acted_as else set()), f"{query}: {elsewhere}"


def test_namespace(site: Site, service: Service) -> None:
    """A user outside its namespaces: 403 (A11)."""
    user_id = site.new_user().user_id
    for answer in (
        service.request("GET", "/devices", user_id=user_id),
        service.put("A", {}, user_id=user_id),
        service.request("DELETE", device_path("A"), json={}, user_id=user_id),
    ):
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN"), str(answer)


def test_deletion(service: Service) -> None:
    """DELETE and POST without User-Interactive Authentication (D2)."""
    user_id = service.new_user()
    for device_id in ("A", "B", "C", "KEPT"):
        service.put(device_id, {}, user_id=user_id)
    one = service.request("DELETE", device_path("A"), json={}, user_id=user_id)
    assert (one.status, one.json) == (200, {}), str(one)
    query = {"user_id": user_id, "device_id": "KEPT"}
    bulk = service.request("POST", "/delete_devices", json={"devices": ["B", "C"]}, **query)
    assert (bulk.status, bulk.json) == (200, {}), str(bulk)
    assert service.device_ids(user_id) == {"KEPT"}


def test_P6_the_sender_is_not_limited(site: Site) -> None:
    """A service that is rate limited, acting as its own sender."""
    service = site.services["limited"]
    for query in ({}, {"user_id": service.sender}):
        for number in range(CREATION_BURST + 6):
            answer = service.put(f"SENDER{number}", {}, **query)
            assert answer.status in (200, 201), f"{number}: {answer}"


@pytest.mark.better
def test_creation_is_limited(site: Site) -> None:
    """A service that is rate limited cannot make devices without end (P6)."""
    service = site.services["limited"]
    user_id = service.new_user()
    statuses = [
        service.put(f"D{number}", {}, user_id=user_id).status
        for number in range(CREATION_BURST + 6)
    ]
    assert statuses[:CREATION_BURST] == [201] * CREATION_BURST
    assert 429 in statuses
    assert service.put("D0", {"display_name": "x"}, user_id=user_id).status == 200


# Row D3 and delegated authentication


def test_delegated_reading(delegated: DelegatedSite) -> None:
    """A token of the authentication service reads and renames."""
    device, other = delegated.login("OAUTHA", "OAUTHB")
    assert device.device_ids() == {"OAUTHA", "OAUTHB"}
    assert device.put("OAUTHB", {"display_name": "x"}).status == 200
    assert other.get().json["display_name"] == "x"


def test_delegated_deletion(delegated: DelegatedSite) -> None:
    """The deletion endpoints are not there for its users, whatever the body (D3)."""
    device, target = delegated.login("OAUTHA", "OAUTHB")
    for body in (b"{}", b'{"auth": {}}', b'{"devices": ["OAUTHB"]}'):
        one = device.request("DELETE", device_path(target.device_id), body=body)
        bulk = device.request("POST", "/delete_devices", body=body)
        for answer in (one, bulk):
            assert (answer.status, answer.errcode) == (404, "M_UNRECOGNIZED"), str(answer)
    assert device.device_ids() == {"OAUTHA", "OAUTHB"}


@pytest.mark.better
def test_delegated_deletion_says_where(delegated: DelegatedSite) -> None:
    """The body is not looked at, and the text says where devices are managed (D3)."""
    device, target = delegated.login("OAUTHA", "OAUTHB")
    for body in (None, b"", b"{", b"[]"):
        one = device.request("DELETE", device_path(target.device_id), body=body)
        bulk = device.request("POST", "/delete_devices", body=body)
        for answer in (one, bulk):
            assert (answer.status, answer.errcode) == (404, "M_UNRECOGNIZED"), str(answer)
            assert "https://account.example.org/manage" in answer.json["error"], str(answer)


def test_delegated_unknown_token(delegated: DelegatedSite) -> None:
    """A token that the authentication service does not know."""
    device, _ = delegated.login("OAUTHA", "OAUTHB")
    delegated.service.grants.clear()
    stranger = type(device)(device.user, "OAUTHA", "mat_unknown")
    answer = stranger.list()
    assert (answer.status, answer.errcode) == (401, "M_UNKNOWN_TOKEN"), str(answer)


def test_delegated_service(delegated: DelegatedSite) -> None:
    """Application services create and delete with delegated authentication as well."""
    service = delegated.synapse.options.services[1]
    user_id = service.new_user()
    assert service.put("A", {"display_name": "bridge"}, user_id=user_id).status == 201
    assert service.put("A", {}, user_id=user_id).status == 200
    one = service.request("DELETE", device_path("A"), json={}, user_id=user_id)
    assert (one.status, one.json) == (200, {}), str(one)
    assert service.device_ids(user_id) == set()


@pytest.mark.better
def test_delegated_service_deletes_many(delegated: DelegatedSite) -> None:
    """The bulk deletion is there for application services as well (D2)."""
    service = delegated.synapse.options.services[1]
    user_id = service.new_user()
    for device_id in ("A", "B", "KEPT"):
        service.put(device_id, {}, user_id=user_id)
    body = {"devices": ["A", "B"]}
    bulk = service.request("POST", "/delete_devices", json=body, user_id=user_id)
    assert (bulk.status, bulk.json) == (200, {}), str(bulk)
    assert service.device_ids(user_id) == {"KEPT"}
