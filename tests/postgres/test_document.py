"""docs/postgresql.md, as it stands there: the roles, backups, and going back in time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster import Cluster
from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.server import Server, poll, server_binary
from programs import give, program

DOCUMENT = Path(__file__).parents[2] / "docs" / "postgresql.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.S | re.M)
NAME = "matrix_devices"


def blocks(heading: str, language: str) -> list[str]:
    """The blocks of a language in a section."""
    sections = re.split(r"^## ", DOCUMENT.read_text(), flags=re.M)
    (section,) = [text for text in sections if text.startswith(f"{heading}\n")]
    found = [text for kind, text in BLOCK.findall(section) if kind == language]
    assert found, f"{heading}: no block in {language}"
    return found


@dataclass
class Operator:
    """Who follows the document, on the machine of the cluster."""

    cluster: Cluster
    folder: Path  # has /var/backups, and the program

    def paste(self, text: str, *, expect: int = 0, **replaced: str) -> str:
        """Run lines of shell; what they print. The paths are of this machine."""
        for old, new in {"/var/backups": str(self.folder / "backups"), **replaced}.items():
            assert old == "/var/backups" or old in text, old
            text = text.replace(old, new)
        programs = [str(self.folder / "bin"), str(Path(program("pg_dump")).parent)]
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": ":".join([*programs, os.environ["PATH"]]),
                "PGHOST": str(self.cluster.folder),
                "PGUSER": "postgres",
            },
            capture_output=True,
            text=True,
            timeout=120 * TIME_FACTOR,
            check=False,
        )
        assert done.returncode == expect, f"{text}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def set_up(self) -> None:
        """All of the first section."""
        in_any, in_new = blocks("Setting up", "sql")
        self.cluster.sql(in_any)
        self.cluster.sql(in_new, NAME)
        for lines in blocks("Setting up", "sh"):
            self.paste(lines)

    def users(self, cluster: Cluster, database: str = NAME) -> list[str]:
        """Names in the database, as somebody reads them past the store."""
        found = cluster.sql(f"SELECT user_id FROM {NAME}.accounts ORDER BY 1", database)
        return [user_id.removesuffix(":example.org") for (user_id,) in found]

    def url(self, role: str = NAME, database: str = NAME) -> str:
        """Of a database of the cluster."""
        return self.cluster.url(database, role)

    def add_user(self, name: str) -> None:
        """Another account, with the role of the servers."""
        self.paste(f"matrix-devices-server user add {name} --no-password --database '{self.url()}'")


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    """On a cluster of their own."""
    binary = server_binary(None)
    assert binary is not None
    # PostgreSQL's user, who archives, has to reach it.
    with Cluster(settings={"wal_level": "replica"}) as cluster:
        folder = cluster.folder / "operator"
        for path in (folder, folder / "bin", folder / "backups", folder / "backups" / "wal"):
            path.mkdir()
            give(path)
        (folder / "bin" / "matrix-devices-server").symlink_to(binary)
        yield Operator(cluster, folder)


def test_the_role_of_the_servers_has_the_least_rights(operator: Operator, tmp_path: Path) -> None:
    operator.set_up()
    binary = server_binary(None)
    assert binary is not None
    server = Server(binary, tmp_path, ["--open-registration"], database=operator.url()).start()
    body = {"username": "carol", "password": "pass word", "auth": {"type": "m.login.dummy"}}
    made = server.client.request("POST", "/_matrix/client/v3/register", json=body)
    assert made.status == 200, made
    token = made.json["access_token"]
    whoami = server.client.request("GET", "/_matrix/client/v3/account/whoami", token=token)
    assert whoami.status == 200, whoami
    server.stop()
    operator.paste(f"matrix-devices-server sweep --database '{operator.url()}'")
    for lines in blocks("Upgrades", "sh"):
        operator.paste(lines)
    rights = operator.cluster.sql(
        f"SELECT has_schema_privilege('{NAME}', '{NAME}', 'CREATE'),"
        f" has_database_privilege('{NAME}', '{NAME}', 'CREATE'),"
        f" has_database_privilege('{NAME}', '{NAME}', 'TEMPORARY')",
        NAME,
    )
    assert rights == [("f", "f", "f")]
    devices = operator.cluster.sql(f"SELECT count(*) FROM {NAME}.devices", NAME, user=NAME)
    assert devices == [("1",)]


def test_a_dump_is_restored(operator: Operator) -> None:
    operator.set_up()
    operator.add_user("bob")
    dump, restore = blocks("Backup and restore", "sh")[:2]
    operator.paste(dump)
    operator.add_user("later")
    said = operator.paste(restore)
    assert "PROBLEM" not in said
    assert operator.users(operator.cluster, "restored") == ["@alice", "@bob"]


def test_a_point_in_time_is_restored(operator: Operator) -> None:
    operator.set_up()
    (archiving,) = blocks("Backup and restore", "sql")
    backups = operator.folder / "backups"
    operator.cluster.sql(archiving.replace("/var/backups", str(backups)))
    operator.cluster.stop()
    operator.cluster.start()
    _, _, base, recovery = blocks("Backup and restore", "sh")
    operator.paste(base)
    operator.add_user("before")
    ((moment,),) = operator.cluster.sql("SELECT clock_timestamp()")
    operator.add_user("after")
    operator.cluster.sql("SELECT pg_switch_wal()")
    archived = (
        "SELECT 1 FROM pg_stat_archiver WHERE archived_count > 0 AND last_archived_wal >= '0'"
    )
    poll(lambda: operator.cluster.sql(archived), 60, "the log is archived")
    operator.cluster.stop()
    operator.paste(recovery, **{"2030-01-31 12:00:00+00": moment})
    shutil.rmtree(operator.cluster.data)
    shutil.move(backups / "base", operator.cluster.data)
    for path in (operator.cluster.data, *operator.cluster.data.rglob("*")):
        give(path)
    operator.cluster.start()
    poll(
        lambda: operator.cluster.sql("SELECT pg_is_in_recovery()") == [("f",)], 60, "it is promoted"
    )
    assert operator.users(operator.cluster) == ["@alice", "@before"]
    operator.paste(f"matrix-devices-server check --database '{operator.url()}'")


def test_the_other_lines_of_sql_are_taken(operator: Operator) -> None:
    (lines,) = blocks("Fail-over", "sql")
    operator.cluster.sql(lines)
    waiting = "SELECT setting FROM pg_settings WHERE name = 'synchronous_standby_names'"
    poll(lambda: operator.cluster.sql(waiting) == [("ANY 1 (db2, db3)",)], 60, "it is set")
