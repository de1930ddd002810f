"""Run the command of the installed unit as systemd does, and see what it answers and tells.

try_unit.py unconfigured | first | again | activated

unconfigured: there is no server name yet, and the line says so. first: an account is made, logs in,
and its device is listed; SIGHUP, SIGTERM; no system call that the unit forbids. again: the same
token is good. activated: systemd-socket-activate has the port.
"""

import http.client
import json
import os
import pathlib
import pwd
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time

UNIT = pathlib.Path("/usr/lib/systemd/system/matrix-devices.service")
STATE = pathlib.Path("/var/lib/matrix-devices")
TOKEN = pathlib.Path("/root/token")
CONFIG = ["--config", "/etc/matrix-devices/config.json"]
# The server tries to raise its limit of open files, and goes on without.
DENIED_WITHOUT_HARM = {"prlimit64", "setrlimit"}


def directives() -> dict[str, list[str]]:
    """Of the unit, each with its values."""
    values: dict[str, list[str]] = {}
    for line in UNIT.read_text().replace("\\\n", " ").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith(("#", "[")):
            values.setdefault(key, []).append(value.strip())
    return values


def command(unit: dict[str, list[str]]) -> list[str]:
    """ExecStart, with the variables of EnvironmentFile: $NAME is words, ${NAME} is one."""
    variables = {}
    for line in pathlib.Path(*unit["EnvironmentFile"]).read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            variables[name] = value
    words: list[str] = []
    for word in shlex.split(unit["ExecStart"][0]):
        if re.fullmatch(r"\$[A-Z_]+", word):
            words += variables[word[1:]].split()
        else:
            words.append(re.sub(r"\$\{([A-Z_]+)\}", lambda found: variables[found[1]], word))
    return words


def as_the_user(unit: dict[str, list[str]], *words: str) -> list[str]:
    user = unit["User"][0]
    return [
        "setpriv",
        f"--reuid={user}",
        f"--regid={user}",
        "--init-groups",
        "--no-new-privs",
        "--bounding-set=-all",
        "--inh-caps=-all",
        "--",
        *words,
    ]


def make_state(unit: dict[str, list[str]]) -> None:
    """What StateDirectory and RuntimeDirectory stand for."""
    user = pwd.getpwnam(unit["User"][0])
    for folder, mode in (
        (STATE, unit["StateDirectoryMode"]),
        (pathlib.Path("/run/matrix-devices"), unit["RuntimeDirectoryMode"]),
    ):
        folder.mkdir(exist_ok=True)
        folder.chmod(int(mode[0], 8))
        os.chown(folder, user.pw_uid, user.pw_gid)


class Service:
    """The command, and the socket to which it tells how it is."""

    def __init__(self, unit: dict[str, list[str]], *before: str, traced: str = "") -> None:
        make_state(unit)
        self.folder = tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o755)
        path = f"{self.folder.name}/notify"
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.told.bind(path)
        os.chmod(path, 0o777)
        self.told.settimeout(60)
        words = [*before, *command(unit)]
        if traced:
            words = ["strace", "-f", "-qq", "-o", traced, *words]
        words = as_the_user(unit, *words)
        self.process = subprocess.Popen(
            words,
            env={"PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": path},
            stdout=subprocess.PIPE,
            text=True,
            umask=int(unit["UMask"][0], 8),
        )

    def expect(self, text: str) -> None:
        said = self.told.recv(4096).decode()
        assert re.fullmatch(text, said), f"expected {text}, got {said}"

    def port(self) -> int:
        line = self.process.stdout.readline()
        found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", line)
        assert found, line
        return int(found[1])

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.expect("STOPPING=1")
        status = self.process.wait(30)
        assert status == 0, status
        self.told.close()


def devices(port: int, token: str) -> list[dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(
        "GET", "/_matrix/client/v3/devices", headers={"Authorization": f"Bearer {token}"}
    )
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, (response.status, body)
    return json.loads(body)["devices"]


def unconfigured(unit: dict[str, list[str]]) -> None:
    make_state(unit)
    done = subprocess.run(as_the_user(unit, *command(unit)), capture_output=True, text=True)
    assert done.returncode == int(unit["RestartPreventExitStatus"][0]), done
    assert "--server-name NAME is required" in done.stderr, done
    STATE.rmdir()


def operator(unit: dict[str, list[str]], *words: str) -> str:
    done = subprocess.run(
        as_the_user(unit, "matrix-devices-server", *words, *CONFIG),
        input="secret\n",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done
    return done.stdout.strip()


def first(unit: dict[str, list[str]]) -> None:
    service = Service(unit)
    service.expect("READY=1")
    port = service.port()
    operator(unit, "user", "add", "alice")
    token = operator(unit, "token", "issue", "alice", "--device", "LAPTOP")
    assert [device["device_id"] for device in devices(port, token)] == ["LAPTOP"]
    service.process.send_signal(signal.SIGHUP)
    service.expect(r"RELOADING=1\nMONOTONIC_USEC=\d+")
    service.expect("READY=1")
    service.end()
    TOKEN.write_text(token)
    no_call_is_forbidden(unit, token)


def again(unit: dict[str, list[str]]) -> None:
    service = Service(unit)
    service.expect("READY=1")
    token = TOKEN.read_text()
    assert [device["device_id"] for device in devices(service.port(), token)] == ["LAPTOP"]
    service.end()


def activated(unit: dict[str, list[str]]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    service = Service(
        unit, "systemd-socket-activate", "--listen", f"127.0.0.1:{port}", "--setenv=NOTIFY_SOCKET"
    )
    deadline = time.monotonic() + 30
    while True:  # until it listens; the connection itself starts the server
        try:
            found = devices(port, TOKEN.read_text())
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "nobody listens"
            time.sleep(0.05)
    assert [device["device_id"] for device in found] == ["LAPTOP"]
    service.expect("READY=1")
    assert service.port() == port
    service.end()


def calls_in(names: str) -> set[str]:
    """Of groups such as @system-service, all calls."""
    calls: set[str] = set()
    for name in names.split():
        if not name.startswith("@"):
            calls.add(name)
            continue
        listed = subprocess.run(
            ["systemd-analyze", "syscall-filter", "--no-pager", name],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        lines = [line.strip() for line in listed.splitlines()[1:]]
        calls |= calls_in(" ".join(line for line in lines if line and not line.startswith("#")))
    return calls


def no_call_is_forbidden(unit: dict[str, list[str]], token: str) -> None:
    """SystemCallFilter and MemoryDenyWriteExecute, of a start, a request, a reload and a stop."""
    trace = "/tmp/trace"
    service = Service(unit, traced=trace)
    service.expect("READY=1")
    devices(service.port(), token)
    # strace passes no signal on to what it traces: to that itself.
    children = f"/proc/{service.process.pid}/task/{service.process.pid}/children"
    (child,) = map(int, pathlib.Path(children).read_text().split())
    os.kill(child, signal.SIGHUP)
    service.expect(r"RELOADING=1\n.*")
    service.expect("READY=1")
    os.kill(child, signal.SIGTERM)
    service.expect("STOPPING=1")
    assert service.process.wait(60) == 0
    lines = pathlib.Path(trace).read_text().splitlines()
    used = {found[1] for line in lines if (found := re.match(r"\d+ +([a-z]\w+)\(", line))}
    allowed, denied = unit["SystemCallFilter"]
    allowed_calls = calls_in(allowed) - calls_in(denied.removeprefix("~"))
    assert {"execve", "openat", "write"} <= used, used
    forbidden = used - allowed_calls - DENIED_WITHOUT_HARM
    assert not forbidden, f"the unit's SystemCallFilter forbids {sorted(forbidden)}"
    writable_code = [line for line in lines if "PROT_WRITE|PROT_EXEC" in line]
    assert not writable_code, writable_code


{"unconfigured": unconfigured, "first": first, "again": again, "activated": activated}[sys.argv[1]](
    directives()
)
