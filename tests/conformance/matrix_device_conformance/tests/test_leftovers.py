"""Row D12: what goes with a device."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from matrix_device_conformance.check import Check, NotJudged
from matrix_device_conformance.client import Response, client_path
from matrix_device_conformance.homeserver import Device, Homeserver, User
from matrix_device_conformance.tests.steps import (
    alive,
    dead,
    ids_in,
    refused,
)


def refresh(homeserver: Homeserver, device: Device) -> Response:
    """POST /refresh."""
    body = {"refresh_token": device.refresh_token}
    return homeserver.client.request("POST", client_path("/refresh"), json=body)


@pytest.mark.peer_bug("Synapse, Dendrite", "tokens that outlive the device", got="^200 ")
def test_D12_tokens_go(check: Check, user: User) -> None:
    """Access tokens go with their device, and only those."""
    device = user.device()
    one, bulk = user.login(), user.login()
    answers = [
        ("DELETE", device.delete(one.device_id, user.auth())),
        ("POST", device.delete_devices([bulk.device_id], user.auth())),
    ]
    dead(check, "token of the deleted device", one)
    dead(check, "token of the device deleted in bulk", bulk)
    alive(check, "token of the device that asked", device)
    for what, answer in answers:
        check.ok(what, answer)


def test_D12_refresh_tokens_go(check: Check, user: User) -> None:
    """So do refresh tokens."""
    device = user.device()
    gone, kept = user.login(refresh=True), user.login(refresh=True)
    if gone.refresh_token is None:
        raise NotJudged("the homeserver gives no refresh tokens")
    answer = device.delete(gone.device_id, user.auth())
    refused(check, "refresh token of the deleted device", refresh(user.homeserver, gone), 401, 403)
    refreshed = refresh(user.homeserver, kept)
    check.ok("refresh token of another", refreshed)
    check.ok("DELETE", answer)


@pytest.mark.peer_bug("Synapse", "device rows go first and tokens later", got="more lists came")
def test_D12_no_token_outlives(check: Check, user: User) -> None:
    """At no moment does a token work whose device is gone."""
    device, target = user.device(), user.login()
    over = threading.Event()

    def is_orphan(answer: Response) -> bool:
        return answer.status == 200 and target.device_id not in ids_in(answer)

    def read_on() -> list[Response]:
        answers = []
        while not over.is_set():
            answers.append(target.list())
        return [*answers, target.list()]

    auth = user.auth()
    with ThreadPoolExecutor(2) as pool:
        reading = [pool.submit(read_on) for _ in range(2)]
        try:
            answer = device.delete(target.device_id, auth)
        finally:
            over.set()
        lists = [each.result() for each in reading]
    # One such list is of a request that was under way; what is asked for after it must be refused.
    orphans = sum(
        is_orphan(first) and is_orphan(second)
        for of_reader in lists
        for first, second in itertools.pairwise(of_reader)
    )
    check.ours.that(
        "the token of a device that is not in the list any more",
        orphans == 0,
        "works no more",
        f"{orphans} more lists came",
    )
    check.ok("DELETE", answer)


def test_D12_id_can_come_back(check: Check, user: User) -> None:
    """A device that is made anew under an old ID has nothing of the old one."""
    device, old = user.device(), user.login("PHOENIX", name="old")
    answer = device.delete("PHOENIX", user.auth())
    user.login("PHOENIX")
    dead(check, "the old token", old)
    check.that(
        "name", device.get("PHOENIX").members.get("display_name") != "old", "not the old one", "old"
    )
    check.ok("DELETE", answer)


def untried(answer: Response) -> bool:
    """The homeserver does not have this endpoint."""
    return answer.status in (404, 405)


def test_D12_pushers_go(check: Check, user: User) -> None:
    """The pushers that a device has set go with it."""
    device, target = user.device(), user.login()
    pusher: dict[str, Any] = {
        "kind": "http",
        "app_id": "org.example.conformance",
        "pushkey": f"key{user.homeserver.unique()}",
        "app_display_name": "conformance",
        "device_display_name": "conformance",
        "lang": "en",
        "data": {"url": "https://push.invalid/_matrix/push/v1/notify"},
    }
    made = target.request("POST", "/pushers/set", json=pusher)
    if untried(made):
        raise NotJudged("the homeserver has no pushers")
    keys = partial(pushkeys, device)
    if pusher["pushkey"] not in keys():
        raise NotJudged(f"a pusher could not be made: {made}")
    answer = device.delete(target.device_id, user.auth())
    left = keys()
    check.that("pushers left", pusher["pushkey"] not in left, "none of the deleted device", left)
    check.ok("DELETE", answer)


def pushkeys(device: Device) -> list[str]:
    """The user's pushers."""
    found = device.request("GET", "/pushers").members.get("pushers")
    entries = found if isinstance(found, list) else []
    return [str(entry.get("pushkey")) for entry in entries if isinstance(entry, dict)]


def test_D12_messages_go(check: Check, user: User) -> None:
    """Queued to-device messages go with their device: a later one of that ID gets none."""
    device = user.device()
    target_id = "INBOX" + user.homeserver.unique()
    user.login(target_id)
    kind = "org.example.conformance"
    sent = device.request(
        "PUT",
        f"/sendToDevice/{kind}/{user.homeserver.unique()}",
        json={"messages": {user.user_id: {target_id: {"for": "the old device"}}}},
    )
    if untried(sent):
        raise NotJudged("the homeserver has no to-device messages")
    if sent.status != 200:
        raise NotJudged(f"a message to a device could not be sent: {sent}")
    answer = device.delete(target_id, user.auth())
    later = user.login(target_id)
    synced = later.request("GET", "/sync", query="timeout=0")
    if synced.status != 200:
        raise NotJudged(f"the messages of a device could not be read: GET /sync is {synced.status}")
    check.that(
        "messages of the later device",
        b"the old device" not in synced.raw,
        "none for the old device",
        str(synced.members.get("to_device")),
    )
    check.ok("DELETE", answer)


def test_D12_keys_go(check: Check, user: User) -> None:
    """So do the keys of its end-to-end encryption."""
    device = user.device()
    target = user.login("KEYS" + user.homeserver.unique())
    name = f"ed25519:{target.device_id}"
    keys = {
        "user_id": user.user_id,
        "device_id": target.device_id,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2"],
        "keys": {name: "A" * 43, f"curve25519:{target.device_id}": "B" * 43},
        "signatures": {user.user_id: {name: "C" * 86}},
    }
    made = target.request("POST", "/keys/upload", json={"device_keys": keys})
    if untried(made):
        raise NotJudged("the homeserver has no keys for end-to-end encryption")
    if target.device_id not in devices_with_keys(device):
        raise NotJudged(f"keys of a device could not be made: {made}")
    answer = device.delete(target.device_id, user.auth())
    left = devices_with_keys(device)
    check.that("devices with keys", target.device_id not in left, "without the deleted one", left)
    user.login(target.device_id)
    left = devices_with_keys(device)
    check.that("a later device of that ID", target.device_id not in left, "no keys", left)
    check.ok("DELETE", answer)


def devices_with_keys(device: Device) -> list[str]:
    """The user's devices that have keys."""
    user_id = device.user.user_id
    answer = device.request("POST", "/keys/query", json={"device_keys": {user_id: []}})
    found = answer.members.get("device_keys")
    of_user = found.get(user_id) if isinstance(found, dict) else None
    return sorted(of_user) if isinstance(of_user, dict) else []
