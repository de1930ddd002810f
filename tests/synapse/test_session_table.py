"""The table in which the module's sessions lie, in Synapse's database."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from accounts import Site
from matrix_device_conformance.homeserver import Device, User, challenge_session

pytestmark = pytest.mark.module

TABLE = "matrix_devices_uia_sessions"
OLD_TABLE = "matrix_devices_uia"
OLD_SESSIONS = Path(__file__).with_name("old_sessions.sql")
MAX_LIVE = 32  # sessions of a user (U25)
TRUE, FALSE = {"t", "1"}, {"f", "0"}  # as PostgreSQL and SQLite write them
HOUR_MS = 3_600_000


def columns(site: Site) -> dict[str, str]:
    """The table's columns and their types."""
    if site.synapse.postgres is None:
        question = f"SELECT name, lower(type) FROM pragma_table_info('{TABLE}')"
    else:
        question = (
            "SELECT column_name, data_type FROM information_schema.columns"
            f" WHERE table_name = '{TABLE}'"
        )
    return dict(site.synapse.sql(question))


def column(site: Site, session: str, name: str) -> str:
    """One value of a session's row."""
    ((value,),) = site.synapse.sql(f"SELECT {name} FROM {TABLE} WHERE session_id = '{session}'")
    return value


def sessions_of(site: Site, user: User) -> list[str]:
    """The sessions that a user has, as they were created."""
    question = f"SELECT session_id FROM {TABLE} WHERE user_id = '{user.user_id}' ORDER BY created"
    return [session for (session,) in site.synapse.sql(question)]


def everywhere(site: Site, device: Device) -> list[Device]:
    """The device, its requests going to each of the processes."""
    return [site.at(process, device) for process in site.synapse.processes]


def test_eight_columns(anywhere: Site) -> None:
    """No column a field of the module's, and none of a type that reads the state."""
    anywhere.new_user().login().begin_delete("NONE")  # the table is there now
    assert columns(anywhere) == {
        "session_id": "text",
        "user_id": "text",
        "owner": "text",
        "created": "bigint",
        "expires_ms": "bigint",
        "finished": "boolean",
        "revision": "bigint",
        "state": "text",
    }


def test_a_row_for_each_session(anywhere: Site) -> None:
    """Created at revision 1; a failure writes nothing; one replacement finishes."""
    user = anywhere.new_user()
    device, target = user.login("LAPTOP"), user.login()
    session = device.begin_delete(target.device_id)
    assert device.delete(target.device_id, user.wrong_auth(session)).status == 401
    assert column(anywhere, session, "owner") == "device LAPTOP"
    assert column(anywhere, session, "revision") == "1"
    assert column(anywhere, session, "finished") in FALSE
    left_ms = int(column(anywhere, session, "expires_ms")) - time.time() * 1000
    assert 0 < left_ms <= HOUR_MS
    assert device.delete(target.device_id, user.auth(session)).status == 200
    assert column(anywhere, session, "revision") == "2"
    assert column(anywhere, session, "finished") in TRUE
    later_ms = int(column(anywhere, session, "expires_ms")) - time.time() * 1000
    assert later_ms < left_ms, "completed_lifetime_ms is shorter"


def test_the_state_comes_back(anywhere: Site) -> None:
    """Also U+0000, what is not ASCII, and 60 KiB of it: the kept body is what is carried out."""
    user = anywhere.new_user()
    device, target = user.login(), user.login()
    odd = ["\0", 'quote " and \\', "Gerät \U0001f4f1"]
    long = [f"{number:04}" + "x" * 250 for number in range(200)]
    session = device.begin_delete_devices([*odd, *long, target.device_id])
    assert int(column(anywhere, session, "length(state)")) > 50_000
    answer = device.request("POST", "/delete_devices", json={"auth": user.auth(session)})
    assert (answer.status, answer.json) == (200, {}), str(answer)
    assert device.device_ids() == {device.device_id}


def test_an_expired_row_is_none(anywhere: Site) -> None:
    """The row says so, whatever the state says."""
    user = anywhere.new_user()
    device, target = user.login(), user.login()
    session = device.begin_delete(target.device_id)
    anywhere.synapse.sql(f"UPDATE {TABLE} SET expires_ms = 1 WHERE session_id = '{session}'")
    answer = device.delete(target.device_id, user.auth(session))
    assert (answer.status, answer.errcode) == (401, "M_FORBIDDEN"), str(answer)
    again = challenge_session(answer)
    assert sessions_of(anywhere, user) == [again], "creating one removes what has expired"
    assert device.delete(target.device_id, user.auth(again)).status == 200


def test_U25_in_the_order_of_creation(anywhere: Site) -> None:
    """Over the cap the first of the same device goes, then the first of the user; finished last."""
    user = anywhere.new_user()
    first, second, third = (user.login() for _ in range(3))
    finished = first.begin_delete("NONE")
    assert first.delete("NONE", user.auth(finished)).status == 200
    of_first = [first.begin_delete("NONE") for _ in range(16)]
    of_second = [second.begin_delete("NONE") for _ in range(15)]
    assert sessions_of(anywhere, user) == [finished, *of_first, *of_second]
    of_second = [*of_second[1:], second.begin_delete("NONE")]
    assert sessions_of(anywhere, user) == [finished, *of_first, *of_second]
    of_third = [third.begin_delete("NONE")]
    assert sessions_of(anywhere, user) == [finished, *of_first[1:], *of_second, *of_third]


def test_U25_challenges_at_once(anywhere: Site) -> None:
    """Of a user at the cap, on all processes: each gets its session, and none begins anew."""
    user = anywhere.new_user()
    device = user.login()
    for _ in range(MAX_LIVE):
        device.begin_delete("NONE")
    processes = anywhere.synapse.processes
    since = [process.position() for process in processes]
    places = everywhere(anywhere, device)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: places[n % len(places)].delete("NONE"), range(20)))
    assert [answer.status for answer in answers] == [401] * 20, str(answers)
    for process, position in zip(processes, since, strict=True):
        lines = [record.message for record in process.records(position)]
        assert not [line for line in lines if "TXN" in line], "a transaction began anew"
    last = device.begin_delete("NONE")
    left = sessions_of(anywhere, user)
    assert len(left) == MAX_LIVE
    assert left[-1] == last


def test_one_replacement_wins(anywhere: Site) -> None:
    """Right passwords at once, on all processes, each with another body: one finishes the session,
    and only what it asked for is gone."""
    user = anywhere.new_user()
    device = user.login()
    targets = [user.login().device_id for _ in range(6)]
    session = device.begin_delete_devices(targets[:1])
    places = everywhere(anywhere, device)

    def finish(number: int) -> int:
        place = places[number % len(places)]
        return place.delete_devices([targets[number]], user.auth(session)).status

    with ThreadPoolExecutor(len(targets)) as pool:
        statuses = list(pool.map(finish, range(len(targets))))
    # 429: attempts are counted until they are right, three at once.
    assert statuses.count(200) == 1, statuses
    assert set(statuses) <= {200, 403, 429}, statuses
    gone = targets[statuses.index(200)]
    assert device.device_ids() == {device.device_id, *targets} - {gone}
    assert column(anywhere, session, "revision") == "2"


def test_a_session_survives_a_power_cut(anywhere: Site) -> None:
    """What a client was told of is there after a kill, begun or finished."""
    user = anywhere.new_user()
    device, first, second = (user.login() for _ in range(3))
    begun = device.begin_delete(first.device_id)
    finished = device.begin_delete(second.device_id)
    assert device.delete(second.device_id, user.auth(finished)).status == 200
    anywhere.restart(killed=True)
    assert column(anywhere, finished, "finished") in TRUE
    answer = device.delete(first.device_id, {"session": finished})
    assert answer.status == 403, str(answer)
    assert device.delete(first.device_id, user.auth(begun)).status == 200


def test_a_session_of_another_endpoint(anywhere: Site) -> None:
    """Synapse knows it, and the table does not: refused as any other (U11), and not told apart."""
    user = anywhere.new_user()
    device, target = user.login(), user.login()
    begun = device.request("POST", "/account/password", json={"new_password": "another-one"})
    elsewhere = challenge_session(begun)
    for auth in ({"session": elsewhere}, user.auth(elsewhere)):
        answer = device.delete(target.device_id, auth)
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN"), str(answer)
    assert target.device_id in device.device_ids()


def test_D12_takes_no_session_of_a_token(anywhere: Site) -> None:
    """The sessions of a device go with it; a token of the same name is something else."""
    user = anywhere.new_user()
    device, phone = user.login(), user.login("PHONE")
    ends, stays = phone.begin_delete("NONE"), phone.begin_delete("NONE")
    anywhere.synapse.sql(f"UPDATE {TABLE} SET owner = 'token PHONE' WHERE session_id = '{stays}'")
    assert device.delete("PHONE", user.auth()).status == 200
    left = sessions_of(anywhere, user)
    assert stays in left
    assert ends not in left


def test_the_table_of_earlier_versions(anywhere: Site) -> None:
    """It is left alone. Its sessions are gone: a client in the middle of one gets another."""
    anywhere.synapse.sql(f"DROP TABLE {TABLE}")
    for statement in OLD_SESSIONS.read_text().split(";\n"):
        if statement.strip():
            anywhere.synapse.sql(statement)
    for table, name in ((OLD_TABLE, "expires_ms"), ("ui_auth_sessions", "creation_time")):
        now_ms = int(time.time() * 1000)
        anywhere.synapse.sql(f"UPDATE {table} SET {name} = {now_ms + HOUR_MS}")
    kept = anywhere.synapse.sql(f"SELECT * FROM {OLD_TABLE} ORDER BY session_id")
    assert len(kept) == 3
    anywhere.restart()

    alice = anywhere.register("alice")
    laptop, *_ = [alice.login(name) for name in ("LAPTOP", "PHONE", "TABLET")]
    many = ["TABLET", "PHONE", "Gerät \U0001f4f1", "\0"]
    for session, ids in (
        ("iWQTgeqHiBEPjPMYxjIytbQF", ["TABLET"]),
        ("KjebFibtlEbZdfOVZMLMDTTL", many),
        ("VNYtpIrClTbEFKjflbNdeVyh", ["PHONE"]),
    ):
        for auth in ({"session": session}, alice.auth(session)):
            answer = laptop.delete_devices(ids, auth)
            assert (answer.status, answer.errcode) == (401, "M_FORBIDDEN"), str(answer)
            assert challenge_session(answer) != session
            assert "completed" not in answer.json
    assert laptop.device_ids() == {"LAPTOP", "PHONE", "TABLET"}
    assert laptop.delete_devices(["PHONE"], alice.auth(challenge_session(answer))).status == 200
    assert laptop.device_ids() == {"LAPTOP", "TABLET"}
    assert anywhere.synapse.sql(f"SELECT * FROM {OLD_TABLE} ORDER BY session_id") == kept
