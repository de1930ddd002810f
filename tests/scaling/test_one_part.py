"""The account begins every row: each callback's statement touches one part of tables that are
spread by it. So they can lie on as many machines."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from cluster import Cluster, Database
from matrix_device_conformance.client import ABSENT, client_path
from matrix_device_conformance.server import SERVER_NAME, Server, poll
from matrix_device_conformance.services import Service
from partitions import PARTS, SETTINGS, Ran, spread, statements_of
from programs import missing

PASSWORD = "correct horse"
USERS = [f"user{number}" for number in range(4)]
TURNS = 7  # from the sixth on a prepared statement has a plan for all parameters

# What has to have run for the test to have seen it, by what its text has.
CALLBACKS = {
    "authenticate": r"access_tokens AS t\b",
    "list_devices": r"^SELECT device_id, display_name.* ORDER BY device_id",
    "get_device": r"^SELECT device_id, display_name.* device_id = \$2",
    "rename_device": r"^SELECT matrix_devices\.rename_device",
    "put_device": r"^SELECT matrix_devices\.put_device",
    "delete_devices": r"^SELECT matrix_devices\.delete_devices",
    "uia_create_session": r"^SELECT matrix_devices\.create_session",
    "uia_load_session": r"^SELECT revision, state",
    "uia_replace_session": r"^UPDATE matrix_devices\.uia_sessions SET state",
    "take_limit": r"^SELECT matrix_devices\.take_limit",
}

# What may touch more, and why.
EXCEPTIONS = {
    r"user_threepids": "signing in by an address: nobody knows whose it is",
    r"note_last_seen|SET last_seen_ms": "many devices' last seen at once, in nobody's way",
    r"account IN \(\$1": "a name that may be meant in two ways: one part each",
    r"\bp_most\b|^SELECT matrix_devices\.sweep|WHERE expires_ms <=": "sweeping, in the background",
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """With a log of every plan."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    with Cluster(settings=SETTINGS) as made:
        yield made


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Database]:
    """A new one."""
    with cluster.database() as made:
        yield made


def use_everything(server: Server, name: str, service: Service) -> None:
    """Each callback, several times."""

    def ask(
        method: str, path: str, body: Any = ABSENT, token: str | None = None, status: int = 200
    ) -> Any:
        answer = server.client.request(method, client_path(path), json=body, token=token)
        assert answer.status == status, f"{method} {path}: {answer}"
        return answer.json

    account = {"username": name, "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
    ask("POST", "/register", {**account, "inhibit_login": True})
    proof = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": name},
        "password": PASSWORD,
    }
    token = ask("POST", "/login", {**proof, "device_id": "OWN"})["access_token"]
    bridged = f"@{service.prefix}{name}:{SERVER_NAME}"
    kind = {"type": "m.login.application_service", "inhibit_login": True}
    ask("POST", "/register", {**kind, "username": service.prefix + name}, service.as_token)
    for turn in range(TURNS):
        device = f"/devices/OTHER{turn}"
        ask("POST", "/login", {**proof, "device_id": f"OTHER{turn}"})
        ask("GET", "/devices", token=token)
        ask("GET", device, token=token)
        ask("PUT", device, {"display_name": f"Name {turn}"}, token)
        made = f"/devices/MADE{turn}?user_id={quote(bridged)}"
        ask("PUT", made, {"display_name": "Bridge"}, service.as_token, status=201)
        session = ask("DELETE", device, {}, token, status=401)["session"]
        if turn == 0:  # more of these are limited
            wrong = {**proof, "session": session, "password": "wrong"}
            ask("DELETE", device, {"auth": wrong}, token, status=401)
        ask("DELETE", device, {"auth": {**proof, "session": session}}, token)


def allowed(ran: Ran) -> bool:
    """Whether it may touch several parts."""
    return any(re.search(pattern, ran.text) for pattern in EXCEPTIONS)


def test_each_callback_touches_one_part(
    cluster: Cluster, database: Database, binary: str, tmp_path: Path
) -> None:
    """Over HTTP, with the plans of what really ran."""
    service = Service("bridge", False)
    # What passwords cost is not what this is about.
    environment = {"LD_PRELOAD": os.environ["MXD_CHEAP_PASSWORDS"]}
    server = Server(
        binary,
        tmp_path,
        ["--open-registration", "--appservice", str(service.write(tmp_path))],
        database=database.url,
        environment=environment,
    )
    server.start()
    server.stop()  # the schema is there
    tables = spread(database)
    assert {"accounts", "devices", "access_tokens", "uia_sessions"} <= set(tables)
    server.start()
    try:
        for name in USERS:
            use_everything(server, name, service)
    finally:
        server.stop()
    used = [
        part
        for part in range(PARTS)
        if database.number(f"SELECT count(*) FROM matrix_devices.accounts_part{part}")
    ]
    assert len(used) > 1, "all users fell into one part"

    ran = list(statements_of(cluster.log_path, database))
    texts = [one.text for one in ran]
    for callback, pattern in CALLBACKS.items():
        assert any(re.search(pattern, text) for text in texts), f"{callback} did not run"
    assert any(one.parts for one in ran), "no plan names a part"
    wide = [one for one in ran if len(one.parts) > 1 and not allowed(one)]
    assert not wide, "\n".join({f"{sorted(one.parts)}: {one.text}" for one in wide})


def test_a_statement_without_the_account_is_seen(cluster: Cluster, database: Database) -> None:
    """The control: of what the other test looks at."""
    database.sql(
        "CREATE SCHEMA matrix_devices;"
        " CREATE TABLE matrix_devices.devices (account bigint, device_id text,"
        " PRIMARY KEY (account, device_id))"
    )
    assert spread(database) == ["devices"]
    database.sql("SELECT FROM matrix_devices.devices WHERE device_id = 'OWN'")
    database.sql("SELECT FROM matrix_devices.devices WHERE account = 5 AND device_id = 'OWN'")

    def found() -> list[Ran]:
        return [
            one
            for one in statements_of(cluster.log_path, database)
            if one.text.startswith("SELECT FROM matrix_devices.devices")
        ]

    wide, narrow = poll(lambda: found() if len(found()) == 2 else None, 10, "both are in the log")
    assert wide.parts == set(range(PARTS))
    assert len(narrow.parts) == 1
