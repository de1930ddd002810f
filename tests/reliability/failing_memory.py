#!/usr/bin/env python3
"""O2, H4, H5, H6: of each dialogue allocation 1, 2, 3 … fails, once; the server goes on.

    failing_memory.py --server PROGRAM --shim mxd_failing_memory.so

Each request is answered as ever, or with 500 or 503, or its connection is closed. Nothing hangs or
ends; what was answered is on disk; the next request of another connection works, and the next
write. Allocations of the server, the module, the store and SQLite are counted together, in whatever
thread they are made.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

from memory_dialogues import DIALOGUES, Dialogue
from memory_trial import FOR_EVER, KEPT, USER, World
from trial import AS_TOKEN, ServerError, arguments, device_path, elapsed, of_user

PROBED = "PROBED"  # another, which is renamed after each dialogue
MOST_PROBLEMS = 20


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
