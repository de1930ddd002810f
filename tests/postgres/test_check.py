"""`check` on PostgreSQL: what is not as it should be is found, and nothing is changed."""

from __future__ import annotations

import json
import subprocess

import pytest

from cluster import Database
from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.server import SERVER_NAME, server_binary

DONE, FAILED, PROBLEMS = 0, 1, 5
SUBJECTS = ["version", "server name", "schema", "rights", "foreign keys", "consistency"]


def run(*arguments: str, expect: int = DONE) -> subprocess.CompletedProcess[str]:
    """A command on a database."""
    binary = server_binary(None)
    assert binary is not None
    done = subprocess.run(
        [binary, *arguments],
        capture_output=True,
        text=True,
        timeout=60 * TIME_FACTOR,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done


def problems(url: str) -> list[tuple[str, str]]:
    """Subject and text of each."""
    found = json.loads(run("check", "--database", url, "--json", expect=PROBLEMS).stdout)
    return [(one["subject"], one["text"]) for one in found["findings"] if not one["ok"]]


@pytest.fixture
def filled(database: Database) -> Database:
    """With Alice and her phone."""
    run(
        *("user", "add", "alice", "--no-password", "--server-name", SERVER_NAME),
        *("--database", database.url),
    )
    run("token", "issue", "alice", "--device", "PHONE", "--database", database.url)
    return database


def test_all_is_well(filled: Database) -> None:
    """A line for each subject."""
    found = json.loads(run("check", "--database", filled.url, "--json").stdout)["findings"]
    assert [one["subject"] for one in found] == SUBJECTS


@pytest.mark.parametrize(
    ("mistake", "subject", "text"),
    [
        ("DROP INDEX matrix_devices.accounts_user_id", "schema", "accounts_user_id"),
        ("DROP FUNCTION matrix_devices.has_room", "schema", "has_room"),
        ("ALTER TABLE matrix_devices.devices DROP COLUMN last_seen_ip", "schema", "last_seen_ip"),
        ("DROP TABLE matrix_devices.limits", "schema", "limits"),
        (
            "SET session_replication_role = replica; DELETE FROM matrix_devices.devices",
            "foreign keys",
            "1 rows of access_tokens",
        ),
        ("UPDATE matrix_devices.accounts SET user_id = '@alice:other'", "consistency", "server"),
        (
            "INSERT INTO matrix_devices.accounts (account, user_id, created_ms)"
            f" VALUES (1, '@bob:{SERVER_NAME}', 1)",
            "consistency",
            "1 accounts whose number",
        ),
        ("UPDATE matrix_devices.accounts SET deactivated = true", "consistency", "deactivated"),
        (
            "UPDATE matrix_devices.store SET version = 99, oldest_program = 99",
            "version",
            "update this program",
        ),
    ],
)
def test_mistake_is_found(filled: Database, mistake: str, subject: str, text: str) -> None:
    """With the subject, and what it is about."""
    filled.sql(mistake)
    found = problems(filled.url)
    assert {of for of, _ in found} == {subject}
    assert any(text in said for _, said in found), found
    assert problems(filled.url) == found, "it is only read"


def test_rights_are_looked_at(filled: Database) -> None:
    """Of the role that asks."""
    role = f"{filled.name}_reader"
    filled.sql(
        f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA matrix_devices TO {role};"
        f" GRANT SELECT ON ALL TABLES IN SCHEMA matrix_devices TO {role}"
    )
    try:
        found = problems(filled.postgres.url(filled.name, user=role))
        assert {of for of, _ in found} == {"rights"}
        assert any("may not read and write the table devices" in said for _, said in found)
    finally:
        filled.sql(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_no_database_of_these_is_a_failure(database: Database) -> None:
    """And not a finding."""
    done = run("check", "--database", database.url, expect=FAILED)
    assert "there is no schema matrix_devices" in done.stderr
