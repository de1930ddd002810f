"""Every kind of account: what the module answers is what Synapse would, or better."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest

from accounts import Site
from matrix_device_conformance.client import Response, device_path
from matrix_device_conformance.homeserver import Device
from matrix_device_conformance.server import poll

SHOWN = ("device_id", "display_name", "last_seen_ip", "last_seen_ts")

Prepare = Callable[[Site], Device]


def ordinary(site: Site) -> Device:
    """A user's device."""
    return site.new_user().login("ORDINARY", name="phone")


def guest(site: Site) -> Device:
    """A guest."""
    return site.guest()


def locked(site: Site) -> Device:
    """A device of an account that is locked."""
    device = site.new_user().login("LOCKED")
    site.change(device.user, locked=True)
    return device


def expired(site: Site) -> Device:
    """A device of an account that has expired, as a module of the operator says."""
    return site.register(f"expired{site.unique()}").login("EXPIRED")


def expired_token(site: Site) -> Device:
    """A device with an access token that has expired."""
    user = site.new_user()
    device = user.login("OLDTOKEN", refresh=True)
    site.synapse.sql(
        "UPDATE access_tokens SET valid_until_ms = 1000"
        f" WHERE user_id = '{user.user_id}' AND device_id = 'OLDTOKEN'"
    )
    return device


def unknown_token(site: Site) -> Device:
    """A token that nobody has."""
    return Device(site.new_user(), "NOBODY", "syt_nobody")


def requests_of(device: Device) -> list[tuple[str, Response]]:
    """One request of each kind."""
    path = device_path(device.device_id)
    return [
        ("GET list", device.list()),
        ("GET", device.get()),
        ("GET unknown", device.get("UNKNOWN")),
        ("PUT", device.put(device.device_id, {"display_name": "new"})),
        ("DELETE", device.request("DELETE", path, json={})),
        ("POST", device.delete_devices([device.device_id])),
    ]


# Not passed on as they come: an errcode and a status must be the same, a text may be better.
@pytest.mark.parametrize(
    "prepare", [ordinary, guest, locked, expired, expired_token, unknown_token]
)
def test_as_without_the_module(site: Site, stock: Site, prepare: Prepare) -> None:
    """The same status, errcode and `soft_logout` as Synapse's own endpoints give."""
    ours, theirs = requests_of(prepare(site)), requests_of(prepare(stock))
    for (what, answer), (_, expected) in zip(ours, theirs, strict=True):
        for name in ("errcode", "soft_logout"):
            assert answer.json.get(name) == expected.json.get(name), f"{what}: {answer}, {expected}"
        assert answer.status == expected.status, f"{what}: {answer}, {expected}"


def test_guest(site: Site) -> None:
    """A guest may read and rename, and not delete (A8)."""
    device = guest(site)
    assert device.list().status == 200
    assert device.put(device.device_id, {"display_name": "guest's"}).status == 200
    assert device.get().json["display_name"] == "guest's"
    for answer in (device.delete(device.device_id), device.delete_devices([device.device_id])):
        assert (answer.status, answer.errcode) == (403, "M_GUEST_ACCESS_FORBIDDEN"), str(answer)


def test_locked(site: Site) -> None:
    """A locked account: 401 M_USER_LOCKED, and a client may keep what it has (A6)."""
    for what, answer in requests_of(locked(site)):
        assert (answer.status, answer.errcode) == (401, "M_USER_LOCKED"), f"{what}: {answer}"
        assert answer.json["soft_logout"] is True, what


def test_suspended(site: Site) -> None:
    """A suspended user may go on managing devices (A7)."""
    user = site.new_user()
    device, other = user.login(), user.login()
    site.suspend(user)
    assert device.put(other.device_id, {"display_name": "x"}).status == 200
    assert device.delete(other.device_id, user.auth()).status == 200
    assert device.device_ids() == {device.device_id}


def test_expired_account(site: Site) -> None:
    """Synapse's own answer to an expired account is passed on (A16)."""
    for what, answer in requests_of(expired(site)):
        assert answer.status == 403, f"{what}: {answer}"
        assert answer.errcode == "ORG_MATRIX_EXPIRED_ACCOUNT", f"{what}: {answer}"


def test_expired_token(site: Site) -> None:
    """An expired token: 401, and a client may keep what it has (A5)."""
    for what, answer in requests_of(expired_token(site)):
        assert (answer.status, answer.errcode) == (401, "M_UNKNOWN_TOKEN"), f"{what}: {answer}"
        assert answer.json["soft_logout"] is True, what


@pytest.mark.better
def test_last_seen(site: Site) -> None:
    """When and from where a device was seen, while Synapse has it in memory and after: as its admin
    API tells it, but for the user agent."""
    user = site.new_user()
    device, unused = user.login("SEEN", name="a phone"), user.login("UNUSED")
    assert device.list().status == 200
    seen = device.get().json
    assert seen["last_seen_ip"] == "127.0.0.1", seen
    assert seen["last_seen_ts"] > 1_600_000_000_000
    assert device.get(unused.device_id).json["last_seen_ts"] is None

    def is_written() -> bool:
        query = f"SELECT last_seen FROM devices WHERE user_id = '{user.user_id}'"
        return (str(seen["last_seen_ts"]),) in site.synapse.sql(query)

    expect_as_the_administrator_sees_it(site, device)
    poll(is_written, 30, "the time is in the database")
    expect_as_the_administrator_sees_it(site, device)


def expect_as_the_administrator_sees_it(site: Site, device: Device) -> None:
    """The list, and each device of it."""
    path = f"/v2/users/{quote(device.user.user_id)}/devices"
    known = [
        {name: each[name] for name in SHOWN}
        for each in site.administer("GET", path, None)["devices"]
    ]
    assert device.list().json["devices"] == sorted(known, key=lambda each: each["device_id"])
    for each in known:
        assert device.get(each["device_id"]).json == each


def test_old_member_user(site: Site) -> None:
    """`user` beside the password, as old clients send it."""
    user = site.new_user()
    device, target = user.login(), user.login()
    auth = {"type": "m.login.password", "user": user.localpart, "password": user.password}
    assert device.delete(target.device_id, auth).status == 200
    assert target.device_id not in device.device_ids()


def test_what_goes_with_a_device(site: Site) -> None:
    """Tokens, keys and the list of devices: others learn that the device is gone (D12)."""
    user = site.new_user()
    device, target, second = user.login(), user.login(), user.login()
    for each in (target, second):
        expect_keys_uploaded(each)
    began = device.request("GET", "/sync", query="timeout=0").json["next_batch"]
    queried = device.request("POST", "/keys/query", json={"device_keys": {user.user_id: []}})
    ids = [target.device_id, second.device_id]
    assert set(queried.json["device_keys"][user.user_id]) == set(ids)

    assert device.delete(target.device_id, user.auth()).status == 200
    assert device.delete_devices([second.device_id], user.auth()).status == 200

    for each in (target, second):
        expect_logged_out(each)
    queried = device.request("POST", "/keys/query", json={"device_keys": {user.user_id: []}})
    assert queried.json["device_keys"].get(user.user_id, {}) == {}
    synced = device.request("GET", "/sync", query=f"timeout=0&since={began}").json
    assert synced.get("device_lists", {}).get("changed") == [user.user_id], synced


@pytest.mark.parametrize(
    ("table", "columns", "values"),
    [
        (
            "pushers",
            "user_name, device_id, profile_tag, kind, app_id, app_display_name,"
            " device_display_name, pushkey, ts, lang, data, enabled",
            "'', 'http', 'app', 'App', 'Phone', 'key', 1, 'en', '{}', 1",
        ),
        ("device_inbox", "user_id, device_id, stream_id, message_json", "1, '{}'"),
    ],
    ids=lambda value: value if value.isidentifier() else "",
)
def test_D13_a_repeat_finishes_what_a_crash_left(
    site: Site, table: str, columns: str, values: str
) -> None:
    """The device is gone, what Synapse deletes behind it is not: the same deletion again does."""
    user = site.new_user()
    device = user.login()
    site.synapse.sql(
        f"INSERT INTO {table} ({columns}) VALUES ('{user.user_id}', 'PHONE', {values})"
    )
    user_column = columns.partition(",")[0]
    count = f"SELECT count(*) FROM {table} WHERE {user_column} = '{user.user_id}'"
    assert site.synapse.sql(count) == [("1",)]
    assert device.delete("PHONE", user.auth()).status == 200
    poll(lambda: site.synapse.sql(count) == [("0",)], 30, "it is gone")


@pytest.mark.better("1.143.0")  # there the access token lives on in a cache
def test_refreshable_tokens_go(site: Site) -> None:
    """Access and refresh tokens go with their device, also where they had been used (D12)."""
    user = site.new_user()
    device = user.login()
    for delete in (device.delete, lambda device_id, auth: device.delete_devices([device_id], auth)):
        target = user.login(refresh=True)
        assert target.list().status == 200
        assert delete(target.device_id, user.auth()).status == 200
        expect_logged_out(target)
        body = {"refresh_token": target.refresh_token}
        answer = site.request("POST", "/refresh", json=body)
        assert (answer.status, answer.errcode) == (401, "M_UNKNOWN_TOKEN"), str(answer)


def expect_logged_out(device: Device) -> None:
    """The device's access token is nobody's."""
    answer = device.list()
    assert (answer.status, answer.errcode) == (401, "M_UNKNOWN_TOKEN"), str(answer)


def expect_keys_uploaded(device: Device) -> None:
    """Upload device keys, which Synapse takes as they come."""
    user_id = device.user.user_id
    keys = {
        "user_id": user_id,
        "device_id": device.device_id,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2"],
        "keys": {f"ed25519:{device.device_id}": "c2VjcmV0"},
        "signatures": {user_id: {f"ed25519:{device.device_id}": "c2lnbmF0dXJl"}},
    }
    answer = device.request("POST", "/keys/upload", json={"device_keys": keys})
    assert answer.status == 200, str(answer)
