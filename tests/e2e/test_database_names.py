"""How a database is named: on the command line, in the environment, in the settings; passwords."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from commands import FAILED, USAGE
from conftest import Launch
from matrix_device_conformance.client import TIME_FACTOR

SECRET = "hush-hush"


def run(
    binary: str, folder: Path, *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A command without any other --database."""
    return subprocess.run(
        [binary, *arguments],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60 * TIME_FACTOR,
        check=False,
    )


def settings(folder: Path, **of_server: object) -> str:
    """A file for --config."""
    path = folder / "settings.json"
    path.write_text(json.dumps({"server": of_server}))
    return str(path)


def test_the_settings_name_it(binary: str, tmp_path: Path) -> None:
    config = settings(tmp_path, database="named.db")
    add = ("user", "add", "alice", "--no-password", "--server-name", "example.org")
    assert run(binary, tmp_path, *add, "--config", config).returncode == 0
    assert (tmp_path / "named.db").exists()
    listed = run(binary, tmp_path, "user", "list", "--database", "named.db")
    assert "@alice:example.org" in listed.stdout
    other = run(
        binary, tmp_path, "user", "list", "--config", config,
        environment={"MXD_DATABASE": "other.db"},
    )  # fmt: skip
    assert other.returncode == FAILED
    assert "other.db" in other.stderr
    nothing = run(binary, tmp_path, "user", "list", "--config", settings(tmp_path))
    assert nothing.returncode == FAILED
    assert "--database" in nothing.stderr


@pytest.mark.parametrize(
    "database",
    [
        f"postgresql://user:{SECRET}@127.0.0.1:1/devices",
        f"postgresql:///devices?host=127.0.0.1&port=1&password={SECRET}",
        f"host=127.0.0.1 port=1 password='{SECRET}'",
    ],
)
def test_a_password_is_refused_in_arguments_and_shown_nowhere(
    binary: str, tmp_path: Path, database: str
) -> None:
    serving = ("--server-name", "example.org", "--listen", "127.0.0.1:0")
    for command in (("user", "list"), ("check",), serving):
        refused = run(binary, tmp_path, *command, "--database", database)
        assert refused.returncode == USAGE
        assert "--database-password-file" in refused.stderr
        assert SECRET not in refused.stderr
        config = settings(tmp_path, database=database)
        for given in (("--config", config), ()):
            environment = {} if given else {"MXD_DATABASE": database}
            failed = run(binary, tmp_path, *command, *given, environment=environment)
            assert failed.returncode == FAILED, failed
            assert SECRET not in failed.stdout + failed.stderr
            assert failed.stderr.count("\n") == 1, failed


def test_a_password_file_that_all_can_read_is_refused(binary: str, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o644)
    command = ("check", "--database", "host=127.0.0.1 port=1", "--database-password-file")
    refused = run(binary, tmp_path, *command, str(path))
    assert refused.returncode == FAILED
    assert f"chmod o= {path}" in refused.stderr
    path.chmod(0o600)
    failed = run(binary, tmp_path, *command, str(path))
    assert failed.returncode == FAILED
    assert "chmod" not in failed.stderr
    assert SECRET not in failed.stderr


def test_a_file_may_be_called_as_key_words_are(launch: Launch, tmp_path: Path) -> None:
    server = launch(database="./host=x")
    assert (server.folder / "host=x").exists()


def test_a_store_of_somebody_else(binary: str, launch: Launch) -> None:
    store = str(Path(binary).parent / "mxd_late_store.so")
    server = launch("--store", store, "--open-registration")
    body = {"username": "alice", "password": "pass word", "auth": {"type": "m.login.dummy"}}
    made = server.client.request("POST", "/_matrix/client/v3/register", json=body)
    assert made.status == 200, made
    assert "@alice:example.org" in server.command("user", "list", "--store", store).stdout


def test_the_store_of_another_scheme_is_looked_for_by_its_name(binary: str, tmp_path: Path) -> None:
    failed = run(binary, tmp_path, "check", "--database", "other://host/devices")
    assert failed.returncode == FAILED
    assert "libmatrix_devices_other.so" in failed.stderr
    assert "--store" in failed.stderr
