"""What Dendrite gets wrong by itself, and the module right inside it."""

from __future__ import annotations

import json
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cluster import Database
from conftest import Site, StartDendrite
from matrix_device_conformance.processor_time import processor_seconds
from matrix_device_conformance.server import poll

MANY = 10_000


def insert_many(site: Site, user_id: str, count: int = MANY) -> list[str]:
    """Devices as logins would have left them."""
    localpart, server = user_id[1:].split(":")
    ids = [f"MANY{number:05}" for number in range(count)]
    rows = ",".join(
        f"('{user_id}-{each}', {100_000 + number}, '{each}', '{localpart}', '{server}', 1, 1)"
        for number, each in enumerate(ids)
    )
    site.users_sql(
        "INSERT INTO userapi_devices (access_token, session_id, device_id, localpart, server_name,"
        f" created_ts, last_seen_ts) VALUES {rows}"
    )
    return ids


def test_an_empty_list_deletes_nothing(site: Site) -> None:
    user = site.service.new_user()
    assert site.put(user, "A").status == 201
    assert site.delete_all(user, []).status == 200
    assert site.service.device_ids(user) == {"A"}


def test_a_device_without_a_name_has_none(site: Site) -> None:
    user = site.service.new_user()
    assert site.put(user, "A", {"display_name": "named"}).status == 201
    assert site.put(user, "B").status == 201
    found = site.service.request("GET", "/devices", user_id=user).json["devices"]
    assert {each["device_id"]: each["display_name"] for each in found} == {"A": "named", "B": None}


def test_ten_thousand_devices_go_at_once(site: Site) -> None:
    user = site.service.new_user()
    ids = insert_many(site, user)
    assert site.put(user, "STAYS").status == 201
    unknown = [f"UNKNOWN{number}" for number in range(MANY)]
    assert site.dendrite.process is not None
    pid = site.dendrite.process.pid
    before = processor_seconds(pid)
    answer = site.delete_all(user, [*ids, *unknown])
    took = processor_seconds(pid) - before
    assert answer.status == 200, answer
    assert site.service.device_ids(user) == {"STAYS"}
    print(f"{MANY} devices of {2 * MANY} IDs: {took:.2f} s of a processor")
    assert took < 5


def test_sixteen_creations_at_once_make_one_device(site: Site) -> None:
    user = site.service.new_user()
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: site.put(user, "ONE").status, range(16)))
    assert sorted(statuses) == [200] * 15 + [201]


def test_pushers_go_with_their_device_and_no_others(site: Site) -> None:
    user = site.homeserver.new_user()
    devices = [user.login(name) for name in ("GOES", "STAYS")]
    for device in devices:
        pusher = {
            "kind": "http",
            "app_id": "org.example",
            "app_display_name": "x",
            "device_display_name": "x",
            "lang": "en",
            "pushkey": device.device_id,
            "data": {"url": "https://example.org/_matrix/push/v1/notify"},
        }
        answer = device.request("POST", "/pushers/set", json=pusher)
        assert answer.status == 200, answer
    assert devices[1].delete("GOES", user.auth()).status == 200
    left = devices[1].request("GET", "/pushers").json["pushers"]
    assert [each["pushkey"] for each in left] == ["STAYS"]


def test_a_message_for_a_deleted_device_reaches_no_later_one(site: Site) -> None:
    user, sender = site.homeserver.new_user(), site.homeserver.new_user().login("SENDER")
    stays = user.login("STAYS")
    user.login("GOES")
    message = {"messages": {user.user_id: {"GOES": {"body": "secret"}}}}
    sent = sender.request("PUT", "/sendToDevice/org.example/1", json=message)
    assert sent.status == 200, sent

    def queued() -> int:
        table = f"SELECT COUNT(*) FROM syncapi_send_to_device WHERE user_id = '{user.user_id}'"
        if site.kind == "postgres":
            return int(site.users_sql(table)[0][0])
        return int(site.dendrite.sqlite("sync_api", table)[0][0])

    poll(queued, 20, "the message is queued")
    assert stays.delete("GOES", user.auth()).status == 200
    assert queued() == 0
    again = user.login("GOES").request("GET", "/sync?timeout=0").json
    assert "secret" not in json.dumps(again.get("to_device", {}))


class Blocked:
    """The table of devices, which nobody can change until this is over."""

    def __init__(self, postgres: Database) -> None:
        self._postgres = postgres
        self._holder = postgres.hold("LOCK TABLE userapi_devices IN EXCLUSIVE MODE")

    def is_waited_for(self) -> bool:
        """Whether somebody wants to change it."""
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return self._postgres.number(waiting) > 0

    def end(self) -> None:
        """Let it be changed."""
        self._holder.release()


def has_hung_up(connection: tuple[str, int]) -> bool:
    """Whether the server's socket knows that its client is gone: it is in CLOSE_WAIT."""
    remote = f"0100007F:{connection[1]:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return any(line[2] == remote and line[3] == "08" for line in lines)


def test_a_client_that_hangs_up_breaks_no_deletion_off(site: Site) -> None:
    if site.postgres is None:
        pytest.skip("SQLite has no lock that shows who waits for it; the code is the same")
    user = site.service.new_user()
    ids = insert_many(site, user, 100)
    body = json.dumps({"devices": ids}).encode()
    blocked = Blocked(site.postgres)
    with socket.create_connection(("127.0.0.1", site.dendrite.port)) as connection:
        connection.sendall(
            f"POST /_matrix/client/v3/delete_devices?user_id={user} HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {site.service.as_token}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        poll(blocked.is_waited_for, 20, "the deletion is under way")
        address = connection.getsockname()
    poll(lambda: has_hung_up(address), 20, "the server sees that the client is gone")
    blocked.end()
    poll(lambda: not site.service.device_ids(user), 30, "all devices are gone")


def test_a_signal_lets_requests_finish(start: StartDendrite) -> None:
    site = start("postgres")
    assert site.postgres is not None
    user = site.service.new_user()
    assert site.put(user, "GOES").status == 201
    blocked = Blocked(site.postgres)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(site.delete_all, user, ["GOES"])
        poll(blocked.is_waited_for, 20, "the deletion is under way")
        site.dendrite.signal(signal.SIGTERM)
        poll(lambda: "Shutdown signal" in site.dendrite.log.read_text(), 20, "the signal is heard")
        poll(lambda: site.service.request("GET", "/devices").status == 503, 20, "503 for others")
        blocked.end()
        assert answer.result().status == 200
    assert site.dendrite.wait() == 0
    assert site.users_sql("SELECT device_id FROM userapi_devices WHERE device_id = 'GOES'") == []


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_dendrite_itself_starts_before_and_after(kind: str, start: StartDendrite) -> None:
    site = start(kind)
    user = site.homeserver.new_user()
    device = user.login("DEVICE")
    session = device.request("DELETE", "/devices/OTHER", json={}).json["session"]

    def with_module(is_there: bool) -> dict[str, Any]:
        site.dendrite.stop()
        site.dendrite.with_module = is_there
        site.dendrite.start()
        answer: dict[str, Any] = device.request("GET", "/devices").json
        return answer

    assert [each["device_id"] for each in with_module(False)["devices"]] == ["DEVICE"]
    assert [each["device_id"] for each in with_module(True)["devices"]] == ["DEVICE"]
    # U20: the session has outlived all that.
    answer = device.request("DELETE", "/devices/OTHER", json={"auth": user.auth(session)})
    assert answer.status == 200, answer


def test_a_deactivated_user_has_no_service_that_acts_for_it(site: Site) -> None:
    user = site.service.new_user()
    assert site.put(user, "A").status == 201
    localpart = user[1:].split(":")[0]
    site.users_sql(
        f"UPDATE userapi_accounts SET is_deactivated = TRUE WHERE localpart = '{localpart}'"
    )
    assert site.put(user, "B").status == 403


def test_the_token_of_a_created_device_is_nobodys(site: Site) -> None:
    user = site.service.new_user()
    assert site.put(user, "A").status == 201
    for token in ("", "matrix-devices-"):
        answer = site.dendrite.client.request("GET", "/_matrix/client/v3/devices", token=token)
        assert answer.status == 401, answer
