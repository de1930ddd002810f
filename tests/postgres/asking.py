"""What tests ask of a server while something happens to its database."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator

from matrix_device_conformance.client import TIME_FACTOR, Response
from matrix_device_conformance.server import poll
from tally import STEPS, USERS, Load, Model, clean, verify
from trial import AS_TOKEN, Trial, device_path, of_user

AWAY_S = 1.0  # a database that is away is told within this
LATE_S = 10 * AWAY_S  # on a machine that has much else to do
FIRST_ANSWERS = 50  # of a load
BACK_S = 15  # and used again within this: the pause between two attempts grows to 5 s


def put(trial: Trial, device_id: str, name: str = "name") -> Response:
    """Make or rename a device of Carol's, whom the load leaves alone."""
    path = of_user(device_path(device_id), "carol")
    answer = trial.request("PUT", path, json={"display_name": name}, token=AS_TOKEN)
    assert answer is not None
    return answer


def names(trial: Trial) -> dict[str, str]:
    """Carol's devices, which can be read."""
    answer = trial.request("GET", of_user("/devices", "carol"), token=AS_TOKEN)
    assert answer is not None
    assert answer.status == 200, answer
    return {device["device_id"]: device["display_name"] for device in answer.json["devices"]}


def health(trial: Trial) -> Response:
    """GET /health."""
    return trial.server.client.request("GET", "/health")


def expect_away(trial: Trial) -> None:
    """Reads and writes are 503 in time, and health says why."""
    poll(lambda: put(trial, "AWAY").status == 503, BACK_S, "writes fail")
    for ask in (
        lambda: put(trial, "AWAY"),
        lambda: trial.request("GET", of_user("/devices", "carol"), token=AS_TOKEN),
    ):
        times = []
        for _ in range(5):
            began = time.monotonic()
            answer = ask()
            times.append(time.monotonic() - began)
            assert answer is not None
            assert answer.status == 503, answer
            assert answer.json["errcode"] == "M_UNKNOWN", answer
        # What the server waits for is in each of them, and what others do to the machine is not.
        assert min(times) < AWAY_S * TIME_FACTOR, f"{times} s for a 503"
        assert max(times) < LATE_S * TIME_FACTOR, f"{times} s for a 503"
    answer = poll(lambda: ill(trial), BACK_S, "health says so")
    assert answer.json["reason"], answer


def ill(trial: Trial) -> Response | None:
    """What health says, if it is not well."""
    answer = health(trial)
    return answer if answer.status == 503 else None


def expect_back(trial: Trial) -> None:
    """All works again, without a restart."""
    poll(lambda: put(trial, "BACK").status in (200, 201), BACK_S, "writes work")
    poll(lambda: health(trial).status == 200, BACK_S, "health is well")
    assert "BACK" in names(trial)


@contextlib.contextmanager
def load_on(trial: Trial, seed: int) -> Iterator[Model]:
    """Every kind of write from ten threads; at the end what was answered must be there. It begins
    once they have their first answers."""
    chance = random.Random(seed)
    before = answered(trial)
    model = Model()
    stopping = threading.Event()
    threads = []
    for index in range(2 * len(STEPS)):
        load = Load(trial, model, USERS[index % 2], f"s{seed}t{index}", chance.random())
        load.may_fail = True
        threads.append(threading.Thread(target=load.run, args=(STEPS[index // 2], stopping)))
    for thread in threads:
        thread.start()

    def is_on() -> bool:
        with model.lock:
            return answered(trial) >= before + FIRST_ANSWERS

    try:
        poll(is_on, BACK_S, "the load is on")
        yield model
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    expect_back(trial)
    verify(trial, model)
    clean(trial, model)
    assert trial.problems == []


def answered(trial: Trial) -> int:
    """How many requests of the load have been answered."""
    return sum(count for (what, _), count in trial.answers.items() if what.endswith(" answered"))
