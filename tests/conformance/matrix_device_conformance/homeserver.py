"""A homeserver as its clients see it: users, their devices, application services."""

from __future__ import annotations

import itertools
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from matrix_device_conformance.check import NotJudged
from matrix_device_conformance.client import (
    ABSENT,
    TIME_FACTOR,
    Client,
    Response,
    client_path,
    device_path,
)
from matrix_device_conformance.server import SERVER_NAME, Server

PASSWORD_STAGE = "m.login.password"
Auth = dict[str, Any]


class PreconditionError(NotJudged):
    """The suite could not bring about what a test needs."""


@dataclass
class User:
    """An account with a password."""

    homeserver: Homeserver
    user_id: str
    password: str

    @property
    def localpart(self) -> str:
        """Between `@` and `:`."""
        return self.user_id[1:].split(":", 1)[0]

    def login(
        self, device_id: str | None = None, name: str | None = None, refresh: bool = False
    ) -> Device:
        """Log in: on a new device, or again on one that is there."""
        body: dict[str, Any] = {
            "type": PASSWORD_STAGE,
            "identifier": {"type": "m.id.user", "user": self.localpart},
            "password": self.password,
        }
        if device_id is not None:
            body["device_id"] = device_id
        if name is not None:
            body["initial_device_display_name"] = name
        if refresh:
            body["refresh_token"] = True
        answer = self.homeserver.patient_post("/login", body)
        if answer.status != 200:
            raise PreconditionError(f"POST /login: expected 200, got {answer}")
        return self.homeserver.device_of(self, answer.json)

    def auth(self, session: str | None = None, *, password: str | None = None) -> Auth:
        """The password stage of User-Interactive Authentication."""
        auth: Auth = {
            "type": PASSWORD_STAGE,
            "identifier": {"type": "m.id.user", "user": self.user_id},
            "password": self.password if password is None else password,
        }
        if session is not None:
            auth["session"] = session
        return auth

    def wrong_auth(self, session: str | None = None) -> Auth:
        """The same with a wrong password."""
        return self.auth(session, password="not-" + self.password)


@dataclass
class Device:
    """A logged-in device, and requests with its access token."""

    user: User
    device_id: str
    access_token: str
    refresh_token: str | None = None

    def request(
        self, method: str, path: str, *, version: str = "v3", query: str = "", **rest: Any
    ) -> Response:
        """A request with this device's token; `query` goes out raw."""
        target = client_path(path, version) + (f"?{query}" if query else "")
        client = self.user.homeserver.client
        return client.request(method, target, token=self.access_token, **rest)

    def list(self) -> Response:
        """GET the list."""
        return self.request("GET", "/devices")

    def device_ids(self) -> set[str]:
        """The IDs in the list."""
        answer = self.list()
        if answer.status != 200:
            raise PreconditionError(f"GET /devices: expected 200, got {answer}")
        return {device["device_id"] for device in answer.json["devices"]}

    def get(self, device_id: str | None = None) -> Response:
        """GET a device, by default this one."""
        return self.request("GET", device_path(device_id or self.device_id))

    def put(self, device_id: str, json: Any = ABSENT, **rest: Any) -> Response:
        """PUT a device."""
        return self.request("PUT", device_path(device_id), json=json, **rest)

    def delete(self, device_id: str, auth: Any = ABSENT, **rest: Any) -> Response:
        """DELETE a device."""
        json = {} if auth is ABSENT else {"auth": auth}
        return self.request("DELETE", device_path(device_id), json=json, **rest)

    def delete_devices(self, device_ids: Any, auth: Any = ABSENT, **rest: Any) -> Response:
        """POST a bulk deletion."""
        json: dict[str, Any] = {"devices": device_ids}
        if auth is not ABSENT:
            json["auth"] = auth
        return self.request("POST", "/delete_devices", json=json, **rest)

    def begin_delete(self, device_id: str) -> str:
        """The session of a challenge to DELETE."""
        return challenge_session(self.delete(device_id))

    def begin_delete_devices(self, device_ids: Sequence[str]) -> str:
        """The session of a challenge to a bulk deletion."""
        return challenge_session(self.delete_devices(device_ids))


def challenge_session(answer: Response) -> str:
    """The session of a challenge that a test needs on its way."""
    if answer.status != 401 or not isinstance(answer.json.get("session"), str):
        raise PreconditionError(f"a challenge: expected 401 with a session, got {answer}")
    return answer.json["session"]


@dataclass
class Service:
    """An application service and its registration."""

    name: str
    rate_limited: bool
    homeserver: Homeserver | None = None
    as_token: str = field(default_factory=lambda: secrets.token_hex(32))
    hs_token: str = field(default_factory=lambda: secrets.token_hex(32))

    @property
    def sender(self) -> str:
        """Its own user ID."""
        return f"@{self.name}_bot:{SERVER_NAME}"

    @property
    def prefix(self) -> str:
        """Of the localparts in its namespace."""
        return f"{self.name}_user_"

    def write(self, folder: Path) -> Path:
        """Write the registration file."""
        path = folder / f"{self.name}.yaml"
        regex = f"@{self.prefix}.*:{re.escape(SERVER_NAME)}"
        path.write_text(
            f"id: {self.name}\n"
            "url: null\n"
            f"as_token: {self.as_token}\n"
            f"hs_token: {self.hs_token}\n"
            f"sender_localpart: {self.name}_bot\n"
            f"rate_limited: {str(self.rate_limited).lower()}\n"
            "namespaces:\n"
            "  users:\n"
            "    - exclusive: true\n"
            f"      regex: '{regex}'\n"
            "  aliases: []\n"
            "  rooms: []\n"
        )
        return path

    def new_user(self) -> str:
        """Register a user of the namespace, without a device."""
        assert self.homeserver is not None
        localpart = self.prefix + self.homeserver.unique()
        answer = self.homeserver.client.request(
            "POST",
            client_path("/register"),
            token=self.as_token,
            json={
                "type": "m.login.application_service",
                "username": localpart,
                "inhibit_login": True,
            },
        )
        if answer.status != 200:
            raise PreconditionError(f"POST /register by a service: expected 200, got {answer}")
        return f"@{localpart}:{SERVER_NAME}"

    def request(self, method: str, path: str, *, json: Any = ABSENT, **query: str) -> Response:
        """A request with the as_token; the rest are query parameters."""
        assert self.homeserver is not None
        target = client_path(path, **query)
        return self.homeserver.client.request(method, target, token=self.as_token, json=json)

    def put(self, target: str, json: Any, **query: str) -> Response:
        """PUT the device `target`."""
        return self.request("PUT", device_path(target), json=json, **query)

    def device_ids(self, user_id: str) -> set[str]:
        """The IDs in the list of one of its users."""
        answer = self.request("GET", "/devices", user_id=user_id)
        if answer.status != 200:
            raise PreconditionError(f"GET /devices: expected 200, got {answer}")
        return {device["device_id"] for device in answer.json["devices"]}


class Homeserver:
    """A running homeserver: one that the suite started, or one at a given URL."""

    def __init__(
        self,
        client: Client,
        *,
        server: Server | None = None,
        services: Sequence[Service] = (),
        accounts: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.client = client
        self.server = server
        self.services = {service.name: service for service in services}
        for service in services:
            service.homeserver = self
        self.accounts = list(accounts)
        self.accounts_in_use = 0
        self.devices: list[Device] = []
        self.secrets: set[str] = {service.as_token for service in services}
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(4)

    def unique(self) -> str:
        """A name that nothing has had on this homeserver before."""
        return f"{self._run}{next(self._numbers)}"

    def patient_post(self, path: str, body: dict[str, Any]) -> Response:
        """POST, again where the homeserver says 429: making accounts is not what is tested."""
        deadline = time.monotonic() + 60 * TIME_FACTOR
        while True:
            answer = self.client.request("POST", client_path(path), json=body)
            if answer.status != 429 or time.monotonic() > deadline:
                return answer
            time.sleep(min(int(answer.headers.get("Retry-After", "1")), 10))

    def new_user(self) -> User:
        """A user of their own for this test; of given accounts, the next."""
        if self.accounts:
            if self.accounts_in_use == len(self.accounts):
                pytest.skip(f"needs more than the {len(self.accounts)} accounts given")
            name, password = self.accounts[self.accounts_in_use]
            self.accounts_in_use += 1
            return self._remember(User(self, name if name[0] == "@" else f"@{name}:", password))
        body: dict[str, Any] = {
            "username": f"user{self.unique()}",
            "password": f"pass-{secrets.token_hex(8)}",
            "inhibit_login": True,
            "auth": {"type": "m.login.dummy"},
        }
        answer = self.patient_post("/register", body)
        if answer.status == 401 and "session" in answer.json:
            body["auth"]["session"] = answer.json["session"]
            answer = self.patient_post("/register", body)
        if answer.status == 403:
            pytest.skip("registration is not open, and no --account is given")
        if answer.status != 200:
            raise PreconditionError(f"POST /register: expected 200, got {answer}")
        return self._remember(User(self, answer.json["user_id"], body["password"]))

    def _remember(self, user: User) -> User:
        self.secrets.add(user.password)
        return user

    def device_of(self, user: User, login: dict[str, Any]) -> Device:
        """The device of a login's answer; logged out after the test."""
        user.user_id = login["user_id"]
        device = Device(user, login["device_id"], login["access_token"], login.get("refresh_token"))
        self.devices.append(device)
        self.secrets.add(device.access_token)
        return device

    def clean_up(self) -> None:
        """After a test: given accounts get rid of its devices and can be used again."""
        if self.accounts:
            for device in self.devices:
                device.request("POST", "/logout", json={})
        self.devices.clear()
        self.accounts_in_use = 0

    def issue_token(self, user: User, *options: str) -> Device:
        """A token from the operator's command line, which the caller knows to exist."""
        assert self.server is not None
        done = self.server.command("token", "issue", user.localpart, *options)
        token = done.stdout.strip()
        self.secrets.add(token)
        return Device(user, "", token)


Configured = Callable[[dict[str, Any]], Homeserver]  # starts one with this configuration
