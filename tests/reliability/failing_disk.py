#!/usr/bin/env python3
"""The n-th synchronisation, write, cut, opening or read of the database or its log fails.

    failing_disk.py --server PROGRAM --shim mxd_failing_disk.so [--most N] [--step N]

Once, a few times, or from there on for ever, with EIO or ENOSPC. Requests are answered as ever or
with 500, 503, 504; what was answered is there, also after a restart and after a kill; what was
refused is done or not, and then stays so; the next write after the fault works.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
import struct
import sys
import time
from pathlib import Path
from typing import Any

from trial import (
    AS_TOKEN,
    TIME_FACTOR,
    Control,
    Response,
    Trial,
    arguments,
    device_path,
    elapsed,
    of_user,
    password_stage,
    service_login,
)

USER = "alice"
DEVICES = 40
ROUNDS = 4  # of requests, a run
FOR_EVER = 1 << 40
GONE = None  # of a device's names: it is not there
MOST_PROBLEMS = 20
ROOM_AGAIN_S = 30 * TIME_FACTOR

CALLS = {"sync": 1, "write": 2, "half a write": 2 | 32, "cut": 4, "open": 8, "read": 16}
ERRORS = ("EIO", "ENOSPC")
COUNTS = {"once": 1, "five times": 5, "for ever": FOR_EVER}

Names = dict[str, set[str | None]]  # what each device may be called now


class DiskTrial(Trial):
    """The trial, with a fault and a model of what may be on the disk."""

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.control = Control(self.folder / "disk", 32)
        self.environment["DISK_CONTROL"] = str(self.folder / "disk")
        self.pristine = self.folder / "pristine"
        self.where = ""
        self.model: Names = {}
        self.tokens: dict[str, str] = {}

    def fail(self, calls: int = 0, error: int = 0, to_pass: int = 0, to_fail: int = 0) -> None:
        """Without arguments: nothing fails."""
        self.control.write(struct.pack("<iiqqq", calls, error, to_pass, to_fail, 0))

    def failed(self) -> int:
        """How many calls have."""
        number: int = struct.unpack("<iiqqq", self.control.read())[4]
        return number

    def wrong(self, what: str) -> None:
        """A problem of this run."""
        self.problem(f"{self.where}: {what}")

    def start_anew(self) -> None:
        """The same file at the beginning of each run."""
        self.fail()
        for suffix in ("-wal", "-shm"):
            Path(f"{self.database}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(self.pristine, self.database)
        self.server.start()
        self.model = {f"D{number}": {"old"} for number in range(DEVICES)}
        self.tokens = {}

    def ask(self, expected: int, method: str, path: str, **rest: Any) -> Response | None:
        """The answer, if it is the expected one; a failure is allowed, silence is not."""
        answer = self.request(method, path, **rest)
        self.answers[method, "closed" if answer is None else answer.status] += 1
        if answer is None:
            self.wrong(f"{method} {path}: no answer")
            return None
        if answer.status == expected:
            return answer
        if answer.status not in (500, 503, 504):
            self.wrong(f"{method} {path}: {answer}")
        return None

    def change(
        self, answer: Response | None, before: str | None, after: str | None, *devices: str
    ) -> None:
        """They were called `before`, and now `after`: surely if that was answered."""
        for device_id in devices:
            self.model[device_id] = {after} if answer is not None else {before, after}

    def names(self) -> dict[str, str | None] | None:
        """The list, or nothing if there was none."""
        answer = self.request("GET", of_user("/devices", USER), token=AS_TOKEN)
        if answer is None or answer.status != 200:
            self.wrong(f"the list: {answer}")
            return None
        return {
            device["device_id"]: device.get("display_name") for device in answer.json["devices"]
        }


def speak(trial: DiskTrial) -> None:
    """All kinds of writes, while calls fail."""
    for number in range(ROUNDS):
        device_id = f"D{number}"
        path = of_user(device_path(device_id), USER)
        body: dict[str, Any] = {"display_name": "new"}
        trial.change(
            trial.ask(200, "PUT", path, json=body, token=AS_TOKEN), "old", "new", device_id
        )

        device_id = f"N{number}"
        path = of_user(device_path(device_id), USER)
        trial.change(trial.ask(201, "PUT", path, json=body, token=AS_TOKEN), GONE, "new", device_id)

        device_id = f"D{10 + number}"
        path = of_user(device_path(device_id), USER)
        trial.change(
            trial.ask(200, "DELETE", path, json={}, token=AS_TOKEN), "old", GONE, device_id
        )

        devices = [f"D{20 + 2 * number}", f"D{21 + 2 * number}"]
        body = {"devices": devices}
        path = of_user("/delete_devices", USER)
        trial.change(trial.ask(200, "POST", path, json=body, token=AS_TOKEN), "old", GONE, *devices)

        speak_as_user(trial, f"D{30 + number}", f"D{35 + number}")


def speak_as_user(trial: DiskTrial, device_id: str, doomed: str) -> None:
    """A login, and a deletion with a password."""
    body = service_login(USER, device_id, refresh=True)
    answer = trial.ask(200, "POST", "/login", json=body, token=AS_TOKEN)
    if answer is None:
        return
    token = trial.tokens[device_id] = answer.json["access_token"]
    path = device_path(doomed)
    challenge = trial.ask(401, "DELETE", path, json={}, token=token)
    if challenge is None:
        return
    auth = {"auth": password_stage(USER, challenge.json["session"])}
    trial.change(trial.ask(200, "DELETE", path, json=auth, token=token), "old", GONE, doomed)


def compare(trial: DiskTrial, when: str) -> dict[str, str | None] | None:
    """What the server has is what the model allows."""
    names = trial.names()
    if names is None:
        return None
    for device_id, allowed in trial.model.items():
        name = names.get(device_id, GONE)
        if name not in allowed:
            trial.wrong(f"{when}, {device_id} is called {name!r}, not one of {allowed}")
    for device_id in names.keys() - trial.model.keys():
        trial.wrong(f"{when}, {device_id} came out of nowhere")
    for device_id, token in trial.tokens.items():
        answer = trial.request("GET", "/account/whoami", token=token)
        if answer is None or answer.status != 200:
            trial.wrong(f"{when}, the token of {device_id}: {answer}")
    return names


def look_after(trial: DiskTrial, is_killed: bool) -> None:
    """The fault is over: everything works, and stays over a restart."""
    before = compare(trial, "after the fault")
    path = of_user(device_path("LATER"), USER)
    deadline = time.monotonic() + ROOM_AGAIN_S
    while True:  # O4: after a full disk only deletions are written, until there is room again
        answer = trial.request("PUT", path, json={"display_name": "late"}, token=AS_TOKEN)
        is_refused = answer is not None and answer.status == 503
        if not is_refused or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    if answer is None or answer.status != 201:
        trial.wrong(f"the next write: {answer}")
    trial.model["LATER"] = {"late"}
    if is_killed:
        trial.server.kill()
    else:
        trial.stop()
    trial.server.start()
    after = compare(trial, "after a restart")
    if before is not None:
        before["LATER"] = "late"
    if before is not None and after is not None and before != after:
        trial.wrong(f"the restart changed {set(before.items()) ^ set(after.items())}")


def check_file(trial: DiskTrial) -> None:
    """What SQLite itself says."""
    database = sqlite3.connect(trial.database)
    if database.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
        trial.wrong("the file is damaged")
    if database.execute("PRAGMA foreign_key_check").fetchall():
        trial.wrong("rows that belong to nothing")
    database.close()


def run(trial: DiskTrial, calls: int, error: str, to_pass: int, to_fail: int) -> bool:
    """One fault; whether it came about."""
    trial.start_anew()
    trial.fail(calls, getattr(errno, error), to_pass, to_fail)
    try:
        speak(trial)
    except TimeoutError:
        trial.wrong("no answer in time")
    failed = trial.failed()
    trial.fail()
    if trial.has_died():
        trial.wrong("the server ended")
        trial.restart()
    else:
        look_after(trial, is_killed=to_pass % 2 == 1)
    trial.stop()
    check_file(trial)
    return failed > 0


def main() -> int:
    """Sweep."""
    parser = arguments(__doc__)
    parser.add_argument("--shim", required=True, help="mxd_failing_disk.so")
    parser.add_argument("--most", type=int, default=24, help="calls to go through")
    parser.add_argument("--step", type=int, default=1, help="every STEP-th of them")
    options = parser.parse_args()
    began = time.monotonic()
    trial = DiskTrial(options)
    trial.add_users(USER)
    trial.server.start()
    for number in range(DEVICES):
        path = of_user(device_path(f"D{number}"), USER)
        trial.request("PUT", path, json={"display_name": "old"}, token=AS_TOKEN)
    trial.stop()
    shutil.copyfile(trial.database, trial.pristine)
    runs = faults = 0
    for call, calls in CALLS.items():
        for error in ERRORS:
            if call == "read" and error == "ENOSPC":
                continue
            for often, to_fail in COUNTS.items():
                for to_pass in range(0, options.most, options.step):
                    trial.where = f"{call} {to_pass + 1} fails with {error} {often}"
                    faults += run(trial, calls, error, to_pass, to_fail)
                    runs += 1
                    if len(trial.problems) > MOST_PROBLEMS:
                        return trial.result(f"{runs} runs, given up")
        print(f"{call}: {elapsed(began)}", flush=True)
    for (what, status), count in sorted(trial.answers.items(), key=str):
        print(f"  {what}: {status} {count}")
    return trial.result(f"{runs} runs, {faults} with a fault, {elapsed(began)}")


if __name__ == "__main__":
    sys.exit(main())
