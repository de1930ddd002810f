#!/usr/bin/env python3
"""O2, H4, H5, H6: of each dialogue allocation 1, 2, 3 … fails, once; the server goes on.

    failing_memory.py --server PROGRAM --shim mxd_failing_memory.so

Each request is answered as ever, or with 500 or 503, or its connection is closed. Nothing hangs or
ends; what was answered is on disk; the next request of another connection works, and the next
write. Allocations of the server, the module, the store and SQLite are counted together, in whatever
thread they are made.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from trial import (
    AS_TOKEN,
    PASSWORD,
    SETTINGS,
    Control,
    Response,
    ServerError,
    Trial,
    arguments,
    device_path,
    elapsed,
    of_user,
    password_stage,
    service_login,
)

USER = "alice"
KEPT = "KEPT"  # a device that stays
PROBED = "PROBED"  # another, which is renamed after each dialogue
MOST_PROBLEMS = 20
RELOAD_S = 0.5
FOR_EVER = 1 << 40


class Memory:
    """The shim's control: which allocations fail."""

    def __init__(self, trial: Trial) -> None:
        self.control = Control(trial.folder / "memory", 24)
        trial.environment["MEMORY_CONTROL"] = str(trial.folder / "memory")

    def fail(self, to_pass: int, to_fail: int) -> None:
        """After `to_pass` allocations, the next `to_fail` fail."""
        self.control.write(struct.pack("<3q", to_pass, to_fail, 0))

    def count(self) -> int:
        """Allocations since fail(FOR_EVER, 1)."""
        left: int = struct.unpack("<3q", self.control.read())[0]
        return FOR_EVER - left

    def stop(self) -> int:
        """No more fail; how many did."""
        failed: int = struct.unpack("<3q", self.control.read())[2]
        self.fail(0, 0)
        return failed


class World(Trial):
    """The trial, with short words for what dialogues say."""

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.memory = Memory(self)
        self.where = "at the start"
        self.numbers = 0
        self.kept_token = ""

    def change_settings(self) -> None:
        """Other ones for the module, so that a reload makes a new instance."""
        self.numbers += 1
        (self.folder / "settings.json").write_text(
            json.dumps({**SETTINGS, "max_json_members": 100 + self.numbers % 50})
        )

    def fresh(self) -> str:
        """A name that nothing has had."""
        self.numbers += 1
        return f"N{self.numbers}"

    def ask(self, expected: int, method: str, path: str, **rest: Any) -> Response | None:
        """A request under trial: its answer, if it is the expected one."""
        answer = self.request(method, path, **rest)
        name = path.split("?")[0].split("/")[1]
        self.answers[f"{method} {name}", "closed" if answer is None else answer.status] += 1
        if answer is None or answer.status == expected:
            return answer
        if answer.status not in (500, 503):
            self.problem(f"{self.where}: {method} {path}: {answer}")
        elif answer.errcode is None and not answer.raw.startswith(b"<!DOCTYPE"):
            self.problem(f"{self.where}: {method} {path}: no error in {answer}")
        return None

    def sure(self, expected: int, method: str, path: str, **rest: Any) -> Response:
        """A request while memory is there."""
        answer = self.request(method, path, **rest)
        if answer is None or answer.status != expected:
            raise LookupError(f"{method} {path}: {answer}")
        return answer

    def login(self, device_id: str, refresh: bool = False) -> dict[str, Any]:
        """A device, and its tokens."""
        body = service_login(USER, device_id, refresh)
        tokens: dict[str, Any] = self.sure(200, "POST", "/login", json=body, token=AS_TOKEN).json
        return tokens

    def put(self, device_id: str, name: str) -> None:
        """A device with a name."""
        path = of_user(device_path(device_id), USER)
        status = 200 if device_id in self.names() else 201
        self.sure(status, "PUT", path, json={"display_name": name}, token=AS_TOKEN)

    def names(self) -> dict[str, str | None]:
        """All devices by their IDs."""
        devices = self.sure(200, "GET", of_user("/devices", USER), token=AS_TOKEN).json["devices"]
        return {device["device_id"]: device.get("display_name") for device in devices}

    def is_good(self, token: str) -> bool:
        """Whether an access token is."""
        answer = self.request("GET", "/account/whoami", token=token)
        return answer is not None and answer.status == 200

    def must(self, holds: bool, what: str) -> None:
        """What has been answered is so."""
        if not holds:
            self.problem(f"{self.where}: {what}")


# A dialogue prepares, yields, speaks while memory fails, yields, and looks at what came of it.
Dialogue = Callable[[World], Iterator[None]]


def listing(world: World) -> Iterator[None]:
    """GET the list, twice on one connection."""
    connection = world.connect()
    yield
    for _ in range(2):
        answer = world.ask(
            200, "GET", of_user("/devices", USER), token=AS_TOKEN, connection=connection
        )
        if answer is not None:
            world.must(KEPT in answer.raw.decode(), f"a list without {KEPT}")
    connection.close()
    yield


def getting(world: World) -> Iterator[None]:
    """GET one device, and one that is not there."""
    yield
    world.ask(200, "GET", of_user(device_path(KEPT), USER), token=AS_TOKEN)
    world.ask(404, "GET", of_user(device_path("NOWHERE"), USER), token=AS_TOKEN)
    yield


def putting(world: World) -> Iterator[None]:
    """A device made, and one given another name."""
    made, name = world.fresh(), world.fresh()
    yield
    path = of_user(device_path(made), USER)
    created = world.ask(201, "PUT", path, json={"display_name": name}, token=AS_TOKEN)
    path = of_user(device_path(KEPT), USER)
    renamed = world.ask(200, "PUT", path, json={"display_name": name}, token=AS_TOKEN)
    yield
    names = world.names()
    world.must(created is None or names.get(made) == name, "created, and not there")
    world.must(renamed is None or names[KEPT] == name, "renamed, and has its old name")
    world.must(names.get(made, name) == name, "created without its name")


def logging_in(world: World) -> Iterator[None]:
    """With a password."""
    device_id = world.fresh()
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": USER},
        "password": PASSWORD,
        "device_id": device_id,
        "initial_device_display_name": "a name",
        "refresh_token": True,
    }
    yield
    answer = world.ask(200, "POST", "/login", json=body)
    yield
    if answer is not None:
        world.must(world.is_good(answer.json["access_token"]), "logged in with a dead token")
        world.must(world.names().get(device_id) == "a name", "logged in without the device")


def refreshing(world: World) -> Iterator[None]:
    """Refresh, and use the new token, which ends the old one."""
    old = world.login(world.fresh(), refresh=True)
    body = {"refresh_token": old["refresh_token"]}
    yield
    answer = world.ask(200, "POST", "/refresh", json=body)
    if answer is not None:
        world.ask(200, "GET", "/devices", token=answer.json["access_token"])
    yield
    if answer is not None:
        world.must(world.is_good(answer.json["access_token"]), "refreshed with a dead token")
    else:
        world.sure(200, "POST", "/refresh", json=body)


def logging_out(world: World) -> Iterator[None]:
    """One device, then, from another, all of them but KEPT's."""
    device_id = world.fresh()
    token = world.login(device_id)["access_token"]
    yield
    answer = world.ask(200, "POST", "/logout", json={}, token=token)
    yield
    if answer is not None:
        world.must(not world.is_good(token), "logged out with a living token")
        world.must(device_id not in world.names(), "logged out, and the device is there")
    else:  # whole, or not at all
        world.must(world.is_good(token) == (device_id in world.names()), "half logged out")


def registering(world: World) -> Iterator[None]:
    """An account of a stranger, and its login."""
    name = world.fresh().lower()
    body: dict[str, Any] = {"username": name, "password": PASSWORD}
    yield
    challenge = world.ask(401, "POST", "/register", json=body)
    answer = None
    if challenge is not None:
        body["auth"] = {"type": "m.login.dummy", "session": challenge.json["session"]}
        answer = world.ask(200, "POST", "/register", json=body)
    yield
    if answer is not None:
        world.must(world.is_good(answer.json["access_token"]), "registered with a dead token")


def deleting(world: World) -> Iterator[None]:
    """With a password, then the same request again."""
    device_id = world.fresh()
    token = world.login(world.fresh())["access_token"]
    world.put(device_id, "doomed")
    path = device_path(device_id)
    yield
    challenge = world.ask(401, "DELETE", path, json={}, token=token)
    answer = None
    if challenge is not None:
        auth = {"auth": password_stage(USER, challenge.json["session"])}
        answer = world.ask(200, "DELETE", path, json=auth, token=token)
    yield
    world.must(answer is None or device_id not in world.names(), "deleted, and there")


def deleting_many(world: World) -> Iterator[None]:
    """Two at once, by the service."""
    device_ids = [world.fresh(), world.fresh()]
    for device_id in device_ids:
        world.put(device_id, "doomed")
    yield
    body = {"devices": device_ids}
    answer = world.ask(200, "POST", of_user("/delete_devices", USER), json=body, token=AS_TOKEN)
    yield
    left = [device_id for device_id in device_ids if device_id in world.names()]
    world.must(len(left) in ((0,) if answer is not None else (0, 2)), f"of two are left: {left}")


def showing_pages(world: World) -> Iterator[None]:
    """The fallback page of a session."""
    token = world.login(world.fresh())["access_token"]
    challenge = world.sure(401, "DELETE", device_path(KEPT), json={}, token=token)
    path = f"/auth/m.login.password/fallback/web?session={challenge.json['session']}"
    yield
    answer = world.ask(200, "GET", path)
    world.must(answer is None or b"<form" in answer.raw, "a page without its form")
    yield


def asking_small_things(world: World) -> Iterator[None]:
    """What needs no database, and what is not there."""
    yield
    world.ask(200, "GET", "/login")
    world.ask(200, "GET", "/account/whoami", token=world.kept_token)
    world.ask(404, "GET", "/nothing")
    world.ask(401, "GET", "/devices", token="nobody's")
    yield


def reloading(world: World) -> Iterator[None]:
    """SIGHUP, with settings that make a new instance of the module; a request beside it."""
    world.change_settings()
    told = len(world.server.log())
    yield
    world.server.signal(signal.SIGHUP)
    world.ask(200, "GET", of_user("/devices", USER), token=AS_TOKEN)
    deadline = time.monotonic() + RELOAD_S  # the line that tells of it may be what fails
    while time.monotonic() < deadline and not any(
        "registrations and settings" in line.get("message", "")
        for line in world.server.log()[told:]
    ):
        time.sleep(0.01)
    yield


DIALOGUES: list[Dialogue] = [
    listing,
    getting,
    putting,
    logging_in,
    refreshing,
    logging_out,
    registering,
    deleting,
    deleting_many,
    showing_pages,
    asking_small_things,
    reloading,
]


def run_once(world: World, dialogue: Dialogue, to_pass: int, to_fail: int) -> bool:
    """One dialogue; whether an allocation failed in it."""
    world.where = f"{dialogue.__name__}, allocation {to_pass + 1}"
    steps = dialogue(world)
    next(steps)
    world.memory.fail(to_pass, to_fail)
    try:
        next(steps)
        failed = world.memory.stop()
        look_after(world)
        next(steps, None)
    except (TimeoutError, LookupError, ConnectionError) as error:
        failed = world.memory.stop() or 1
        died = world.server.process.poll() if world.server.process else None
        what = f"the server ended with {died}" if died is not None else f"no answer, or: {error!r}"
        world.problem(f"{world.where}: {what}")
        world.restart()
    return failed > 0


def look_after(world: World) -> None:
    """The server is there, reads, writes, and accepts."""
    name = world.fresh()
    path = of_user(device_path(PROBED), USER)
    world.sure(200, "PUT", path, json={"display_name": name}, token=AS_TOKEN)
    answer = world.sure(200, "GET", path, token=AS_TOKEN)
    world.must(answer.json["display_name"] == name, "the next write is not read")


def clean(world: World) -> None:
    """Devices are few, so that lists stay short."""
    names = [name for name in world.names() if name not in (KEPT, PROBED)]
    if len(names) > 50:
        path = of_user("/delete_devices", USER)
        world.sure(200, "POST", path, json={"devices": names}, token=AS_TOKEN)


def start_while_memory_fails(world: World, options: Any) -> int:
    """It starts, or says that it cannot; how often that was tried."""
    # What libraries set up before main() cannot be caught.
    world.memory.fail(FOR_EVER, 1)
    subprocess.run(
        [world.server.binary, "--version"],
        env={**os.environ, **world.environment},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    begin = max(options.begin, world.memory.count())
    # A start makes more of them than all dialogues together.
    stride = options.stride if options.stride == 1 else 11 * options.stride
    tried = 0
    for to_pass in range(begin, options.most, stride):
        tried += 1
        world.where = f"start, allocation {to_pass + 1}"
        world.memory.fail(to_pass, options.burst)
        try:
            world.server.start()
        except ServerError as error:
            failed = world.memory.stop()
            process = world.server.process
            status = process.poll() if process else None
            world.must(status == 1, f"it neither starts nor refuses, but ends with {status}")
            world.must(str(error).count("\n") > 0, "it refuses without a word")
            if status is None:
                world.restart()
                world.stop()
            world.server.process = None
        else:
            failed = world.memory.stop()
            world.stop()
        if failed == 0 or len(world.problems) > MOST_PROBLEMS:
            break
    return tried


def sweep(world: World, dialogue: Dialogue, options: Any) -> int:
    """All allocations of a dialogue; how many were tried."""
    tried = 0
    for to_pass in range(options.begin, options.most, options.stride):
        if options.cold:
            world.restart()
        tried += 1
        if not run_once(world, dialogue, to_pass, options.burst):
            break
        if len(world.problems) > MOST_PROBLEMS:
            break
        clean(world)
    return tried


def main() -> int:
    """Sweep."""
    parser = arguments(__doc__)
    parser.add_argument("--shim", required=True, help="mxd_failing_memory.so")
    parser.add_argument("--stride", type=int, default=1, help="every STRIDE-th allocation only")
    parser.add_argument("--begin", type=int, default=0, help="with allocation BEGIN + 1")
    parser.add_argument("--most", type=int, default=100_000, help="to this one at most")
    parser.add_argument("--burst", type=int, default=1, help="this many in a row fail")
    parser.add_argument("--cold", action="store_true", help="start the server for each of them")
    parser.add_argument("--only", default="", help="dialogues whose name holds this")
    options = parser.parse_args()
    began = time.monotonic()
    world = World(options)
    world.add_users(USER)
    tried = 0
    if options.only in "start":
        tried = start_while_memory_fails(world, options)
        print(f"start: {tried} runs", flush=True)
    world.server.start()
    world.kept_token = world.login(KEPT)["access_token"]
    world.put(PROBED, "")
    for dialogue in DIALOGUES:
        if options.only in dialogue.__name__ and len(world.problems) <= MOST_PROBLEMS:
            count = sweep(world, dialogue, options)
            print(f"{dialogue.__name__}: {count} runs", flush=True)
            tried += count
    before = world.names()
    world.stop()
    world.server.start()
    world.where = "after a restart"
    world.must(world.names() == before, "the list is another")
    world.stop()
    for (what, status), count in sorted(world.answers.items(), key=str):
        print(f"  {what}: {status} {count}")
    return world.result(f"{tried} dialogues with a failing allocation, {elapsed(began)}")


if __name__ == "__main__":
    sys.exit(main())
