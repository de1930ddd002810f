"""What docs/examples/password_host.c promises its clients, through its server.

check_password_host.py PASSWORD_SERVER MODULE
"""

import json
import subprocess
import sys
from typing import Any

server = subprocess.Popen(
    sys.argv[1:3], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
)
PATH = "/_matrix/client/v3"
PASSWORD = "correct horse battery staple"
problems: list[str] = []


def line(text: str) -> str:
    assert server.stdin
    assert server.stdout
    server.stdin.write(text + "\n")
    server.stdin.flush()
    return server.stdout.readline().rstrip("\n")


def send(method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
    text = "" if body is None else " " + json.dumps(body)
    status, _, answer = line(f"{method} {PATH}{path} {token}{text}").partition(" ")
    return int(status), json.loads(answer)


def expect(what: str, expected: Any, got: Any) -> None:
    if expected != got:
        problems.append(f"{what}: expected {expected!r}, got {got!r}")


def log_in(name: str, device: str) -> str:
    return line(f"LOGIN {name} {device}")


def auth(session: str | None = None, password: str = PASSWORD, user: str = "alice") -> Any:
    members = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": user},
        "password": password,
    }
    return {"auth": members | ({} if session is None else {"session": session})}


def device_ids(token: str) -> list[str]:
    status, answer = send("GET", "/devices", token)
    expect("a list", 200, status)
    return sorted(device["device_id"] for device in answer["devices"])


def challenge(token: str, device: str) -> str:
    status, answer = send("DELETE", f"/devices/{device}", token, {})
    expect("a challenge", (401, None), (status, answer.get("errcode")))
    expect("its flows", [{"stages": ["m.login.password"]}], answer["flows"])
    return str(answer["session"])


laptop, phone, bobs = (log_in(*who.split()) for who in ("alice LAPTOP", "alice PHONE", "bob PHONE"))
expect("alice's devices", ["LAPTOP", "PHONE"], device_ids(laptop))
expect("bob's devices", ["PHONE"], device_ids(bobs))
expect("a wrong token", 401, send("GET", "/devices", "nobodys")[0])

expect("a device without a name", {"device_id": "PHONE"}, send("GET", "/devices/PHONE", laptop)[1])
expect("a rename", (200, {}), send("PUT", "/devices/PHONE", laptop, {"display_name": "my phone"}))
named = {"device_id": "PHONE", "display_name": "my phone"}
expect("the name", (200, named), send("GET", "/devices/PHONE", laptop))
expect("bob's phone", {"device_id": "PHONE"}, send("GET", "/devices/PHONE", bobs)[1])
expect("no such device", 404, send("GET", "/devices/NONE", laptop)[0])

# The password is checked, and whose it is; the session is bound to its operation and its device.
session = challenge(laptop, "PHONE")
status, answer = send("DELETE", "/devices/PHONE", laptop, auth(session, "wrong"))
expect("a wrong password", (401, "M_FORBIDDEN"), (status, answer["errcode"]))
status, _ = send("DELETE", "/devices/PHONE", laptop, auth(session, "open sesame", "bob"))
expect("bob's password", 403, status)
expect("another operation", 403, send("DELETE", "/devices/LAPTOP", laptop, auth(session))[0])
expect("another device", 403, send("DELETE", "/devices/PHONE", phone, auth(session))[0])
expect("nothing deleted yet", ["LAPTOP", "PHONE"], device_ids(phone))
session = challenge(laptop, "PHONE")
expect("the password", (200, {}), send("DELETE", "/devices/PHONE", laptop, auth(session)))
expect("alice's devices", ["LAPTOP"], device_ids(laptop))
expect("the dead token", 401, send("GET", "/devices", phone)[0])
expect("bob's devices", ["PHONE"], device_ids(bobs))
expect("a repeat", (200, {}), send("DELETE", "/devices/PHONE", laptop, auth(session)))

# With a device go the sessions that it began: a later device of that ID has none.
phone = log_in("alice", "PHONE")
session = challenge(phone, "LAPTOP")
expect("at once", (200, {}), send("DELETE", "/devices/PHONE", laptop, auth()))
phone = log_in("alice", "PHONE")
status, answer = send("DELETE", "/devices/LAPTOP", phone, auth(session))
expect("a session that went with its device", (401, True), (status, answer["session"] != session))

# 32 sessions live at once: the oldest of the same device makes room.
others = challenge(phone, "PHONE")
sessions = [challenge(laptop, "PHONE") for _ in range(32)]
status, answer = send("DELETE", "/devices/PHONE", laptop, auth(sessions[0]))
expect("an evicted session", (401, "M_FORBIDDEN"), (status, answer["errcode"]))
expect("another device's", (200, {}), send("DELETE", "/devices/PHONE", phone, auth(others)))

for user in ("@alice:example.org", "alice"):
    extra = log_in("alice", "TABLET")
    status, _ = send("DELETE", "/devices/TABLET", extra, auth(user=user))
    expect(f"the user as {user}", 200, status)
status, _ = send("POST", "/delete_devices", laptop, {"devices": ["PHONE", "LAPTOP"]} | auth())
expect("all at once", 200, status)
expect("its own token", 401, send("GET", "/devices", laptop)[0])

assert server.stdin
server.stdin.close()
expect("the server's end", 0, server.wait(60))
print("\n".join(problems) or "ok")
sys.exit(bool(problems))
