"""Load from several threads on a server that something happens to, and a tally of its answers.

What was answered is there afterwards; what was not may be, and no list by halves.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from trial import (
    AS_TOKEN,
    PASSWORD,
    RawConnection,
    Response,
    Trial,
    device_path,
    of_user,
    password_stage,
    service_login,
)

__all__ = ["STEPS", "USERS", "Load", "Model", "clean", "verify"]

USERS = ("alice", "bob")
SAMPLED_TOKENS = 30


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


class Failed(Exception):
    """The server answered that it could not, or can't say whether it could."""


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
        self.may_fail = False  # where the database is what goes away, and not the server

    def run(self, step: Callable[[Load], None], stopping: threading.Event) -> None:
        """Repeat `step`."""
        try:
            while not stopping.is_set():
                with contextlib.suppress(Failed):
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
        if answer.status == 503 and self.may_fail:
            raise Failed
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
