#!/usr/bin/env python3
"""SIGKILL or a power cut at any moment: what was answered is there, and nothing by halves.

    killed_servers.py --server PROGRAM [--rounds N] [--seed S]
                      [--shim mxd_failing_disk.so | --postgres]

Each round starts the server on the same file, compares everything with what was answered, puts load
on it from several threads, and kills it. With the shim, the file of the next round is what a power
cut would have left: what was synchronised, and a random part, by sectors, of what was not. With
--postgres the database is one of PostgreSQL's (tests/postgres/).
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sqlite3
import struct
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from tally import STEPS, USERS, Load, Model, clean, verify
from trial import Trial, arguments, elapsed

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "postgres"))

from cluster import Database, for_tests
from matrix_device_conformance.server import poll
from programs import missing

MOST_PROBLEMS = 20
SKIPPED = 77  # CTest's SKIP_RETURN_CODE
SECTOR = 512
CLEAN_EVERY = 25  # rounds, so that lists stay short
EVENT = struct.Struct("<IIqq")
SYNC, WRITE, CUT, EMPTY = 1, 2, 4, 8  # enum call of failing_disk.c


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


def check_database(trial: Trial, database: Database) -> None:
    """What the server's own command says, once PostgreSQL has ended what the dead one had asked."""
    others = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    poll(lambda: database.number(others) == 0, 60, "nothing of the dead server is left")
    done = trial.server.command("check", expect=None)
    if done.returncode != 0:
        trial.problem(f"check: {done.stdout}{done.stderr}")


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


def main() -> int:
    """Rounds, on a file or a database."""
    parser = arguments(__doc__)
    parser.add_argument("--shim", help="mxd_failing_disk.so: cut the power instead")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", action="store_true", help="on a database of PostgreSQL's")
    options = parser.parse_args()
    if not options.postgres:
        return rounds(options, None)
    reason = missing()
    if reason:
        print(reason)
        return SKIPPED
    with ExitStack() as stack:
        postgres = stack.enter_context(for_tests())
        return rounds(options, stack.enter_context(postgres.database()))


def rounds(options: argparse.Namespace, database: Database | None) -> int:
    """All of them; the exit status."""
    began = time.monotonic()
    chance = random.Random(options.seed)
    trial = Trial(options, database=database.url if database else None)
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
        if database:
            check_database(trial, database)
        else:
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
