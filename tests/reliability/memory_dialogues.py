"""What is said to a server while its memory fails."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

from memory_trial import KEPT, USER, World
from trial import AS_TOKEN, PASSWORD, device_path, of_user, password_stage

RELOAD_S = 0.5
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
