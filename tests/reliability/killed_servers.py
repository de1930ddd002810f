#!/usr/bin/env python3
"""SIGKILL or a power cut at any moment: what was answered is there, and nothing by halves.

    killed_servers.py --server PROGRAM [--rounds N] [--seed S] [--shim mxd_failing_disk.so]

Each round starts the server on the same file, compares everything with what was answered, puts load
on it from several threads, and kills it. With the shim, the file of the next round is what a power
cut would have left: what was synchronised, and a random part, by sectors, of what was not.
"""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trial import (
    AS_TOKEN,
    PASSWORD,
    RawConnection,
    Response,
    Trial,
    arguments,
    device_path,
    elapsed,
    of_user,
    password_stage,
    service_login,
)

USERS = ("alice", "bob")
MOST_PROBLEMS = 20
SECTOR = 512
SAMPLED_TOKENS = 30
CLEAN_EVERY = 25  # rounds, so that lists stay short
EVENT = struct.Struct("<IIqq")
SYNC, WRITE, CUT, EMPTY = 1, 2, 4, 8  # enum call of failing_disk.c


@dataclass
class Known:
    """A device as its answers have it: names that it may bear, and whether it may be absent."""

    names: set[str | None]
    maybe: bool


@dataclass
class Model:
    """What has been answered, and what may have been done without an answer."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    devices: dict[str, dict[str, Known]] = field(
        default_factory=lambda: {user: {} for user in USERS}
    )
    tokens: list[tuple[str, str, str]] = field(default_factory=list)  # user, device, access token
    old_tokens: int = 0  # of these, of rounds before
    doubtful_lists: list[list[tuple[str, str]]] = field(default_factory=list)  # of bulk deletions


class Cut(Exception):
    """The server has gone in the middle of a request."""


class Load:
    """One thread that does one kind of thing until the server is gone."""

    def __init__(self, trial: Trial, model: Model, user: str, prefix: str, seed: float) -> None:
        self.trial = trial
        self.model = model
        self.user = user
        self.prefix = prefix
        self.random = random.Random(seed)
        self.connection: RawConnection = trial.connect()
        self.numbers = 0

    def run(self, step: Callable[[Load], None], stopping: threading.Event) -> None:
        """Repeat `step`."""
        try:
            while not stopping.is_set():
                step(self)
        except (Cut, TimeoutError):
            if not stopping.is_set():
                stopping.wait(60)  # the kill that the main thread is about to send
        finally:
            self.connection.close()

    def fresh(self) -> str:
        """A device ID that nothing has had."""
        self.numbers += 1
        return f"{self.prefix}n{self.numbers}"

    def ask(self, expected: int, method: str, path: str, **rest: Any) -> Response:
        """A request that must be answered as expected, if it is."""
        answer = self.trial.request(method, path, connection=self.connection, **rest)
        with self.model.lock:
            word = "answered" if answer is not None else "unanswered"
            self.trial.answers[f"{method} {word}", 0] += 1
        if answer is None:
            raise Cut
        if answer.status != expected:
            self.trial.problem(f"{method} {path}: {answer}")
            raise Cut
        return answer

    def create(self) -> str:
        """A device with a name."""
        device_id = self.fresh()
        mine = self.model.devices[self.user]
        with self.model.lock:
            known = mine[device_id] = Known({device_id}, maybe=True)
        path = of_user(device_path(device_id), self.user)
        self.ask(201, "PUT", path, json={"display_name": device_id}, token=AS_TOKEN)
        known.maybe = False
        return device_id

    def login(self, device_id: str) -> str:
        """An access token, of a device that is there or not yet."""
        with self.model.lock:
            mine = self.model.devices[self.user]
            known = mine.setdefault(device_id, Known({None}, maybe=True))
        body = service_login(self.user, device_id)
        token: str = self.ask(200, "POST", "/login", json=body, token=AS_TOKEN).json["access_token"]
        known.maybe = False
        with self.model.lock:
            self.model.tokens.append((self.user, device_id, token))
        return token

    def doubt(self, *device_ids: str) -> None:
        """They may be gone from here on."""
        with self.model.lock:
            for device_id in device_ids:
                self.model.devices[self.user][device_id].maybe = True

    def forget(self, *device_ids: str) -> None:
        """They are gone."""
        with self.model.lock:
            for device_id in device_ids:
                del self.model.devices[self.user][device_id]


def renaming(load: Load) -> None:
    """A device and a new name."""
    device_id = load.create()
    known = load.model.devices[load.user][device_id]
    path = of_user(device_path(device_id), load.user)
    for number in range(load.random.randint(1, 5)):
        name = f"name {number}"
        known.names.add(name)
        load.ask(200, "PUT", path, json={"display_name": name}, token=AS_TOKEN)
        known.names = {name}


def deleting(load: Load) -> None:
    """Two devices, of which one deletes the other with a password."""
    device_id = load.create()
    token = load.login(load.fresh())
    path = device_path(device_id)
    session = load.ask(401, "DELETE", path, json={}, token=token).json["session"]
    load.doubt(device_id)
    load.ask(200, "DELETE", path, json={"auth": password_stage(load.user, session)}, token=token)
    load.forget(device_id)


def deleting_by_service(load: Load) -> None:
    """A device with a token, deleted by the service."""
    device_id = load.create()
    load.login(device_id)
    load.doubt(device_id)
    path = of_user(device_path(device_id), load.user)
    load.ask(200, "DELETE", path, json={}, token=AS_TOKEN)
    load.forget(device_id)


def deleting_many(load: Load) -> None:
    """Several at once: all or none."""
    device_ids = [load.create() for _ in range(load.random.randint(2, 8))]
    load.doubt(*device_ids)
    members = [(load.user, device_id) for device_id in device_ids]
    with load.model.lock:
        load.model.doubtful_lists.append(members)
    path = of_user("/delete_devices", load.user)
    load.ask(200, "POST", path, json={"devices": device_ids}, token=AS_TOKEN)
    with load.model.lock:
        load.model.doubtful_lists.remove(members)
    load.forget(*device_ids)


def logging_in(load: Load) -> None:
    """With the password."""
    device_id = load.fresh()
    load.model.devices[load.user][device_id] = Known({None}, maybe=True)
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": load.user},
        "password": PASSWORD,
        "device_id": device_id,
        "refresh_token": True,
    }
    answer = load.ask(200, "POST", "/login", json=body)
    load.model.devices[load.user][device_id].maybe = False
    with load.model.lock:
        load.model.tokens.append((load.user, device_id, answer.json["access_token"]))


STEPS = [renaming, deleting, deleting_by_service, deleting_many, logging_in]


class PowerCut:
    """Makes the files anew as they may be found after one."""

    def __init__(self, trial: Trial) -> None:
        self.path = trial.folder / "writes"
        self.files = {1: trial.database, 2: Path(f"{trial.database}-wal")}
        self.lost = 0  # sectors
        trial.environment["DISK_LOG"] = str(self.path)

    def begin(self) -> None:
        """What is on the disk now is there."""
        with self.path.open("wb") as log:
            for number, path in self.files.items():
                if path.exists():
                    data = path.read_bytes()
                    log.write(EVENT.pack(WRITE, number, 0, len(data)) + data)
                    log.write(EVENT.pack(SYNC, number, 0, 0))

    def strike(self, chance: random.Random) -> None:
        """Write what is left of it."""
        durable = {number: bytearray() for number in self.files}
        pending: dict[int, list[tuple[int, bytes | None]]] = {number: [] for number in self.files}
        log = self.path.read_bytes()
        at = 0
        while at + EVENT.size <= len(log):
            what, number, offset, size = EVENT.unpack_from(log, at)
            at += EVENT.size
            if what == WRITE:
                pending[number].append((offset, log[at : at + size]))
                at += size
            elif what == CUT:
                pending[number].append((offset, None))
            elif what == SYNC:
                for change in pending[number]:
                    apply(durable[number], *change)
                pending[number].clear()
            elif what == EMPTY:
                durable[number].clear()
                pending[number].clear()
        for number, path in self.files.items():
            for offset, data in pending[number]:
                self._apply_some(durable[number], offset, data, chance)
            path.write_bytes(durable[number])
        Path(f"{self.files[1]}-shm").unlink(missing_ok=True)

    def _apply_some(
        self, file: bytearray, offset: int, data: bytes | None, chance: random.Random
    ) -> None:
        if data is None:
            if chance.random() < 0.5:
                apply(file, offset, None)
            return
        for at in range(0, len(data), SECTOR):
            if chance.random() < 0.5:
                apply(file, offset + at, data[at : at + SECTOR])
            else:
                self.lost += 1


def apply(file: bytearray, offset: int, data: bytes | None) -> None:
    """One write; None: the file ends at `offset`."""
    if offset > len(file):
        file.extend(bytes(offset - len(file)))
    if data is None:
        del file[offset:]
    else:
        file[offset : offset + len(data)] = data


def verify(trial: Trial, model: Model) -> None:
    """The server has what was answered, and nothing else."""
    lists: dict[str, dict[str, str | None]] = {}
    for user in USERS:
        answer = trial.request("GET", of_user("/devices", user), token=AS_TOKEN)
        if answer is None or answer.status != 200:
            trial.problem(f"the list after a start: {answer}")
            return
        lists[user] = {
            device["device_id"]: device.get("display_name") for device in answer.json["devices"]
        }
    for members in model.doubtful_lists:
        left = sum(device_id in lists[user] for user, device_id in members)
        if left not in (0, len(members)):
            trial.problem(f"of {len(members)} devices to delete {left} are left")
    model.doubtful_lists.clear()
    for user, known_devices in model.devices.items():
        for device_id, known in list(known_devices.items()):
            if device_id not in lists[user]:
                if not known.maybe:
                    trial.problem(f"{user}'s {device_id} is lost")
                del known_devices[device_id]
                continue
            known.maybe = False
            name = lists[user][device_id]
            if name not in known.names:
                trial.problem(f"{device_id} is called {name!r}, not one of {known.names}")
            known.names = {name}
        for device_id in lists[user].keys() - known_devices.keys():
            trial.problem(f"{user}'s {device_id} is there, and was deleted, or never made")
    verify_tokens(trial, model, lists)


def verify_tokens(trial: Trial, model: Model, lists: dict[str, dict[str, str | None]]) -> None:
    """Those of the last round, and some of those before: good as long as their device is there."""
    old = model.tokens[: model.old_tokens]
    sample = random.sample(old, min(SAMPLED_TOKENS, len(old)))
    connection = trial.connect()
    for user, device_id, token in model.tokens[model.old_tokens :] + sample:
        answer = trial.request("GET", "/account/whoami", token=token, connection=connection)
        expected = 200 if device_id in lists[user] else 401
        if answer is None or answer.status != expected:
            trial.problem(f"the token of {user}'s {device_id}: {answer}, expected {expected}")
    connection.close()
    model.old_tokens = len(model.tokens)


def check_files(trial: Trial) -> None:
    """What SQLite itself says about a copy of the files."""
    folder = trial.folder / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for suffix in ("", "-wal"):
        path = Path(f"{trial.database}{suffix}")
        if path.exists():
            shutil.copyfile(path, folder / path.name)
    database = sqlite3.connect(folder / trial.database.name)
    for check, good in (("integrity_check", [("ok",)]), ("foreign_key_check", [])):
        found = database.execute(f"PRAGMA {check}").fetchall()
        if found != good:
            trial.problem(f"{check}: {found[:3]}")
    tables = [
        name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    ]
    for table in tables:
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        if "device" in columns and table != "devices":
            orphans = (
                f"SELECT count(*) FROM {table} WHERE device NOT IN (SELECT device FROM devices)"
            )
            (count,) = database.execute(orphans).fetchone()
            if count:
                trial.problem(f"{count} rows of {table} without their device")
    database.close()


def one_round(trial: Trial, model: Model, chance: random.Random, number: int) -> None:
    """Load, and a kill in the middle of it."""
    stopping = threading.Event()
    threads = []
    for index in range(2 * len(STEPS)):
        load = Load(trial, model, USERS[index % 2], f"r{number}t{index}", chance.random())
        step = STEPS[index // 2]
        threads.append(threading.Thread(target=load.run, args=(step, stopping)))
    for thread in threads:
        thread.start()
    time.sleep(chance.uniform(0.05, 1))
    if chance.random() < 0.2:  # stand still first, as a machine does that is swapping
        trial.server.signal(signal.SIGSTOP)
        time.sleep(chance.uniform(0.02, 0.5))
        if chance.random() < 0.7:
            trial.server.signal(signal.SIGCONT)
            time.sleep(chance.uniform(0.05, 0.5))
    if trial.has_died():
        trial.problem(f"round {number}: the server had ended by itself")
        trial.server.process = None
    else:
        trial.server.kill()
    stopping.set()
    for thread in threads:
        thread.join()


def clean(trial: Trial, model: Model) -> None:
    """Delete all devices, by the service."""
    for user in USERS:
        body = {"devices": list(model.devices[user])}
        answer = trial.request("POST", of_user("/delete_devices", user), json=body, token=AS_TOKEN)
        if answer is None or answer.status != 200:
            trial.problem(f"deleting all: {answer}")
        model.devices[user].clear()
    del model.tokens[: -2 * SAMPLED_TOKENS]
    model.old_tokens = len(model.tokens)


def main() -> int:
    """Rounds."""
    parser = arguments(__doc__)
    parser.add_argument("--shim", help="mxd_failing_disk.so: cut the power instead")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    chance = random.Random(options.seed)
    trial = Trial(options)
    power_cut = PowerCut(trial) if options.shim else None
    trial.add_users(*USERS)
    model = Model()
    for number in range(options.rounds):
        if power_cut:
            power_cut.begin()
        trial.server.start()
        verify(trial, model)
        if number % CLEAN_EVERY == CLEAN_EVERY - 1:
            clean(trial, model)
        one_round(trial, model, chance, number)
        if power_cut:
            power_cut.strike(chance)
        check_files(trial)
        if len(trial.problems) > MOST_PROBLEMS:
            break
        if number % 20 == 19:
            print(f"round {number + 1}, {elapsed(began)}", flush=True)
    trial.server.start()
    verify(trial, model)
    trial.stop()
    words = ", ".join(f"{what} {count}" for (what, _), count in sorted(trial.answers.items()))
    lost = f"{power_cut.lost} sectors lost, " if power_cut else ""
    return trial.result(
        f"seed {options.seed}: {options.rounds} rounds, {words}, {lost}{elapsed(began)}"
    )


if __name__ == "__main__":
    sys.exit(main())
