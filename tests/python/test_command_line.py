"""python -m matrix_devices: serve, check, version."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from matrix_devices import SqliteHost, __version__
from matrix_devices._libraries import module_path

MODULE = [sys.executable, "-m", "matrix_devices"]
TIME_FACTOR = float(os.environ.get("MXD_TIME_FACTOR", "1"))


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        [*MODULE, *arguments],
        capture_output=True,
        text=True,
        timeout=60 * TIME_FACTOR,
        env=os.environ | environment,
    )


class Serving:
    """A running ``serve``."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def fetch(self, path: str, body: Any = None, token: str = "nobody") -> Any:
        """The JSON of an answer; a body makes it a POST."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}"}
        with urlopen(Request(f"{self.url}/_matrix/client{path}", data, headers)) as response:
            return json.load(response)

    def log_in(self, name: str, password: str, device_id: str) -> str:
        """A token."""
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": name},
            "password": password,
            "device_id": device_id,
        }
        token: str = self.fetch("/v3/login", body)["access_token"]
        return token

    def stop(self, number: signal.Signals) -> None:
        """Stop it, and expect a clean end."""
        began = time.monotonic()
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=30 * TIME_FACTOR)
        assert (self.process.returncode, output, errors) == (0, "", "")
        assert time.monotonic() - began < 5 * TIME_FACTOR


@contextmanager
def serving(*arguments: str) -> Iterator[Serving]:
    """Run ``serve`` on a free port."""
    process = subprocess.Popen(
        [*MODULE, "serve", "--listen", "127.0.0.1:0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", line)
        assert found, line + process.communicate()[1]
        yield Serving(process, found[1])
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


# ---- serve ----


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_in_memory(number: signal.Signals) -> None:
    with serving("--user", "alice:correct horse", "--user", "@bob:example.org:b") as running:
        token = running.log_in("alice", "correct horse", "LAPTOP")
        running.log_in("bob", "b", "PHONE")
        devices = running.fetch("/v3/devices", token=token)["devices"]
        assert [device["device_id"] for device in devices] == ["LAPTOP"]
        running.stop(number)


def test_serve_a_database(tmp_path: Path) -> None:
    options = ["--database", str(tmp_path / "devices.db"), "--server-name", "matrix.test"]
    with serving(*options, "--user", "alice:old") as running:
        token = running.log_in("@alice:matrix.test", "old", "LAPTOP")
        running.stop(signal.SIGTERM)
    with serving(*options[:2], "--user", "alice:new") as running:  # its server's name is known
        devices = running.fetch("/v3/devices", token=token)["devices"]
        assert [device["device_id"] for device in devices] == ["LAPTOP"]
        running.log_in("alice", "new", "PHONE")
        running.stop(signal.SIGTERM)


def test_serve_with_a_configuration(tmp_path: Path) -> None:
    config = {"path_versions": ["unstable"]}
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    for given in (str(file), json.dumps(config)):
        with serving("--user", "alice:a", "--config", given) as running:
            token = running.log_in("alice", "a", "LAPTOP")
            assert len(running.fetch("/unstable/devices", token=token)["devices"]) == 1


def test_serve_with_limits() -> None:
    bucket = {"burst": 1, "interval_ms": 3_600_000}
    for limits, status in (({"login_user": bucket}, 429), ({"enabled": False}, 403)):
        config = json.dumps({"server": {"limits": limits}, "max_devices_per_user": 1})
        with serving("--user", "alice:a", "--config", config) as running:
            for expected in (403, status):
                with pytest.raises(OSError, match=str(expected)):
                    running.log_in("alice", "wrong", "LAPTOP")
            running.stop(signal.SIGTERM)


def test_registration_is_closed_unless_opened() -> None:
    body = {"username": "bob", "password": "b", "auth": {"type": "m.login.dummy"}}
    with serving("--open-registration") as running:
        assert running.fetch("/v3/register", body)["user_id"] == "@bob:example.org"
    with serving() as running, pytest.raises(OSError, match="403"):
        running.fetch("/v3/register", body)


def test_serve_says_what_is_wrong(tmp_path: Path) -> None:
    not_a_database = tmp_path / "text"
    not_a_database.write_text("no database" * 1000)
    database = tmp_path / "devices.db"
    SqliteHost(database, server_name="a.test").close()
    for arguments, text in (
        (["--config", '{"no_such_key": 1}'], "no_such_key"),
        (["--config", '{"server": {"limits": {"login": 1}}}'], "limits.login"),
        (["--config", '{"server": {"max_connections": 1}}'], "no settings but limits"),
        (["--config", '{"server": 1}'], "JSON objects"),
        (["--database", str(not_a_database)], "database"),
        (["--database", str(tmp_path / "none" / "devices.db")], "directory"),
        (["--database", "postgresql://user:secret@host/devices"], "list of processes"),
        (["--database", str(database), "--server-name", "b.test"], "is of a.test; leave the"),
        (["--user", "Not Valid:x"], "user name"),
        (["--library", "/nowhere.so"], "/nowhere.so"),
        (["--listen", "192.0.2.1:1"], "assign"),
    ):
        done = command("serve", "--listen", "127.0.0.1:0", *arguments)
        assert done.returncode == 1, done
        (line,) = done.stderr.splitlines()
        assert text in line
        assert "StoreHost" not in line
        assert "server_name=" not in line
    with serving() as running:
        address = running.url.removeprefix("http://")
        assert "in use" in command("serve", "--listen", address).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unknown"],
        ["serve", "--listen", "8008"],
        ["serve", "--listen", "::1:8008"],
        ["serve", "--listen", "127.0.0.1:99999"],
        ["serve", "--user", "alice"],
        ["serve", "--config", "/nowhere.json"],
        ["serve", "--config", "{"],
        ["serve", "--server-name", "no name"],
        ["serve", "--config", "[]"],
        ["check", "a", "b"],
    ],
)
def test_mistakes_on_the_command_line(arguments: list[str]) -> None:
    done = command(*arguments)
    assert done.returncode == 2
    assert "usage: python -m matrix_devices" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_password_is_not_repeated() -> None:
    done = command("serve", "--listen", "127.0.0.1:0", "--user", "Not Valid:very-secret")
    assert "very-secret" not in done.stdout + done.stderr


# ---- check ----


def test_check() -> None:
    done = command("check")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"library       {module_path()}"
    assert re.fullmatch(r"version       \d+\.\d+\.\d+", lines[1])
    assert re.fullmatch(r"ABI           1\.\d+", lines[2])
    assert lines[3].startswith("capabilities  ")
    assert "route         /_matrix/client/v3/delete_devices  POST, OPTIONS" in lines
    steps = [line for line in lines if line.startswith(("ok ", "FAILED "))]
    assert len(steps) >= 10
    assert all(line.startswith("ok      ") for line in steps)
    assert lines[-1] == f"{len(steps)} of {len(steps)} steps are as they should be"


def test_check_another_path(tmp_path: Path) -> None:
    other = tmp_path / "other.so"
    other.symlink_to(module_path())
    for done in (command("check", str(other)), command("check", MATRIX_DEVICES_LIBRARY=str(other))):
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"library       {other}" in done.stdout


def test_check_says_why_it_is_not_the_module(tmp_path: Path) -> None:
    text = tmp_path / "text.so"
    text.write_text("not a library")
    store = str(Path(module_path()).with_name("libmatrix_devices_sqlite.so"))
    for library in ("/nowhere/libmatrix_devices.so", str(text), store, str(tmp_path)):
        done = command("check", library)
        assert done.returncode == 1, done
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("matrix_devices: ")
        assert Path(library).name in line


def test_check_finds_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a host that renames nothing the step fails, and the rest goes on."""
    from matrix_devices.__main__ import main
    from matrix_devices.memory import MemoryHost

    monkeypatch.setattr(MemoryHost, "rename_device", lambda self, principal, update: None)
    assert main(["check"]) == 1
    output = capsys.readouterr().out
    assert "FAILED  rename a device: GET /devices/PHONE: display_name: expected" in output
    assert "ok      the next request" in output
    assert "13 of 14 steps" in output


# ---- version ----


def test_version() -> None:
    done = command("version")
    assert done.returncode == 0
    assert done.stdout.startswith(f"package       {__version__}\n")
    assert re.search(r"^version +\d+\.\d+\.\d+$", done.stdout, re.MULTILINE)
    assert command("version", "--library", "/nowhere.so").returncode == 1
    assert command("--version").stdout == f"matrix-devices {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "example"),
    [
        (["--help"], "serve --user alice:secret"),
        (["serve", "--help"], "serve --user alice:secret --config '{\"max_devices_per_user\": 3}'"),
        (["check", "--help"], "check /usr/lib/libmatrix_devices.so"),
        (["version", "--help"], "version"),
    ],
)
def test_help_has_examples(arguments: list[str], example: str) -> None:
    done = command(*arguments)
    assert done.returncode == 0
    assert "usage: python -m matrix_devices" in done.stdout
    assert f"  python -m matrix_devices {example}\n" in done.stdout.split("examples:\n")[1]


def test_help_lists_the_commands() -> None:
    commands = command("--help").stdout.split("commands:\n")[1].split("examples:")[0]
    for name in ("serve", "check", "version"):
        assert re.search(rf"^ +{name} +\w", commands, re.MULTILINE)


def test_the_script_goes_by_its_own_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """pyproject.toml installs ``main`` as this script."""
    from matrix_devices.__main__ import main

    monkeypatch.setattr(sys, "argv", ["/usr/local/bin/matrix-devices", "--help"])
    with pytest.raises(SystemExit):
        main()
    assert "usage: matrix-devices " in capsys.readouterr().out
