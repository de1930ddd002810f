"""A homeserver as its clients see it: users, their devices, application services."""

from __future__ import annotations

import itertools
import json
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matrix_device_conformance.check import NotJudged
from matrix_device_conformance.client import (
    ABSENT,
    Client,
    Response,
    client_path,
    device_path,
)
from matrix_device_conformance.hooks import Hooks, NoHooks
from matrix_device_conformance.pacing import Allowance, Pacing
from matrix_device_conformance.server import SERVER_NAME, Server

PASSWORD_STAGE = "m.login.password"
Auth = dict[str, Any]


class PreconditionError(NotJudged):
    """The suite could not bring about what a test needs."""


class RegistrationClosed(PreconditionError):
    """The homeserver lets nobody register an account without more ado."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer
        super().__init__(f"registration is not open: POST /register is answered {answer}")


@dataclass(frozen=True)
class Refusal:
    """An answer of the homeserver's own."""

    status: int
    body: Any


@dataclass
class User:
    """An account with a password."""

    homeserver: Homeserver
    user_id: str
    password: str
    _device: Device | None = field(default=None, repr=False, compare=False)

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
        answer = self.homeserver.log_in(body)
        if answer.status != 200:
            raise PreconditionError(f"POST /login: expected 200, got {answer}")
        return self.homeserver.device_of(self, answer.members)

    def device(self) -> Device:
        """A device to ask with, which is the user's as long as the run; it is not to be deleted.

        Only where nobody else gets this user is it the test's own, to do with as it likes.
        """
        if self._device is None:
            self.set_device(self.login())
        assert self._device is not None
        return self._device

    def set_device(self, device: Device) -> None:
        """From now on this is the device to ask with."""
        self._device = device
        self.homeserver.keep(device)

    def forget_lost_device(self) -> None:
        """Another row may have ended what this one is to ask with."""
        if self._device is not None and self._device.list().status == 401:
            self._device = None

    def log_out(self) -> None:
        """Give the device back."""
        if self._device is not None:
            self._device.request("POST", "/logout", json={})
            self._device = None

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
        return ids_in(self.list())

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
    session = answer.members.get("session")
    if answer.status != 401 or not isinstance(session, str):
        raise PreconditionError(f"a challenge: expected 401 with a session, got {answer}")
    return session


def ids_in(answer: Response) -> set[str]:
    """The IDs in a list that a test needs on its way."""
    if answer.status != 200:
        raise PreconditionError(f"GET /devices: expected 200, got {answer}")
    return {device["device_id"] for device in answer.devices}


@dataclass
class Service:
    """An application service and its registration."""

    name: str
    rate_limited: bool
    homeserver: Homeserver | None = field(default=None, repr=False, compare=False)
    as_token: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    hs_token: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    sender: str = ""  # its own user ID
    prefix: str = ""  # of the localparts in its namespace

    def __post_init__(self) -> None:
        self.sender = self.sender or f"@{self.name}_bot:{SERVER_NAME}"
        self.prefix = self.prefix or f"{self.name}_user_"

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
        return f"@{localpart}:{self.sender.partition(':')[2]}"

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
        return ids_in(self.request("GET", "/devices", user_id=user_id))


class Homeserver:
    """A running homeserver: one that the suite started, or one at a given URL."""

    def __init__(
        self,
        client: Client,
        *,
        server: Server | None = None,
        services: Sequence[Service] = (),
        accounts: Sequence[tuple[str, str]] = (),
        hooks: Hooks | None = None,
        pacing: Pacing | None = None,
    ) -> None:
        self.client = client
        self.server = server
        self.services = {service.name: service for service in services}
        for service in services:
            service.homeserver = self
        self.hooks = hooks or NoHooks()
        self.pacing = pacing or Pacing()
        self.secrets: set[str] = {service.as_token for service in services}
        self.accounts = [self._account(name, password) for name, password in accounts]
        self.logins = 0  # of the test that runs
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(4)
        self._to_log_out: list[Device] = []  # of given accounts, after the test

    def unique(self) -> str:
        """A name that nothing has had on this homeserver before."""
        return f"{self._run}{next(self._numbers)}"

    @property
    def scarce(self) -> bool:
        """Whether logins have to be spared: what need not exist is not made."""
        return self.pacing.scarce

    def _account(self, name: str, password: str) -> User:
        """One that is given; its user ID is whole after its first login."""
        self.secrets.add(password)
        return User(self, name if name.startswith("@") else f"@{name}:", password)

    def post(self, allowance: Allowance, path: str, body: dict[str, Any]) -> Response:
        """POST, again where the homeserver says 429: making accounts is not what is tested."""

        def send() -> Response:
            return self.client.request("POST", client_path(path), json=body, is_patient=False)

        return self.pacing.take(allowance, send)

    def log_in(self, body: dict[str, Any]) -> Response:
        """POST /login."""
        self.logins += 1
        return self.post(self.pacing.logins, "/login", body)

    def can_make_users(self) -> bool:
        """Whether there is a way to new accounts."""
        return not self.accounts or self.hooks.offers("new-user")

    def new_user(self, *, with_device: bool = False) -> User:
        """A user whom nobody has had before, with a device where that costs no login."""
        localpart, password = f"user{self.unique()}", f"pass-{secrets.token_hex(8)}"
        self.secrets.add(password)
        if self.hooks.offers("new-user"):
            user_id = self.hooks.call(
                "new-user", stdin=password, localpart=localpart, url=self.client.base_url
            )
            return User(self, user_id, password)
        return self._register(localpart, password, with_device)

    def _register(self, localpart: str, password: str, with_device: bool) -> User:
        body: dict[str, Any] = {
            "username": localpart,
            "password": password,
            "inhibit_login": not with_device,
            "auth": {"type": "m.login.dummy"},
        }
        answer = self.post(self.pacing.registrations, "/register", body)
        session = answer.members.get("session")
        if answer.status == 401 and isinstance(session, str):
            body["auth"]["session"] = session
            answer = self.post(self.pacing.registrations, "/register", body)
        user_id = answer.members.get("user_id")
        if answer.status != 200 or not isinstance(user_id, str):
            raise RegistrationClosed(answer)
        user = User(self, user_id, password)
        if isinstance(answer.members.get("access_token"), str):
            user.set_device(self.device_of(user, answer.members))
        return user

    def device_of(self, user: User, login: dict[str, Any]) -> Device:
        """The device of a login's answer."""
        try:
            user.user_id = login["user_id"]
            device = Device(user, login["device_id"], login["access_token"])
        except KeyError as missing:
            raise PreconditionError(f"the answer to a login has no {missing}") from None
        device.refresh_token = login.get("refresh_token")
        self.secrets.add(device.access_token)
        if user in self.accounts:
            self._to_log_out.append(device)
        return device

    def keep(self, device: Device) -> None:
        """Do not log this device out after the test."""
        self._to_log_out = [each for each in self._to_log_out if each is not device]

    def clean_up(self) -> None:
        """After a test: given accounts get rid of its devices."""
        for device in self._to_log_out:
            device.request("POST", "/logout", json={})
        self._to_log_out.clear()

    def log_out(self) -> None:
        """At the end of a run: given accounts get rid of the devices that were kept."""
        for user in self.accounts:
            user.log_out()

    # What only who runs the homeserver can do; NotJudged where there is no hook.

    def command(self, hook: str, user: User, **values: str) -> str:
        """Run a hook for a user."""
        return self.hooks.call(
            hook,
            url=self.client.base_url,
            user_id=user.user_id,
            localpart=user.localpart,
            **values,
        )

    def lock(self, user: User) -> None:
        """Lock an account."""
        self.command("lock", user)

    def unlock(self, user: User) -> None:
        """Unlock it."""
        self.command("unlock", user)

    def suspend(self, user: User) -> None:
        """Suspend an account."""
        self.command("suspend", user)

    def unsuspend(self, user: User) -> None:
        """Let it go on."""
        self.command("unsuspend", user)

    def refuse(self, user: User) -> Refusal:
        """Have the homeserver refuse whatever this user asks; how it does."""
        status, _, body = self.command("refuse", user).partition(" ")
        try:
            return Refusal(int(status), json.loads(body))
        except ValueError:
            raise PreconditionError("the hook refuse has to print a status and JSON") from None

    def accept(self, user: User) -> None:
        """Take `refuse` back."""
        self.command("accept", user)

    def restart(self) -> None:
        """Stop and start the homeserver."""
        self.hooks.call("restart", url=self.client.base_url)

    def expired_device(self, user: User) -> Device:
        """A device with a token that has expired."""
        return self._with_token(user, "", self.command("expired-token", user))

    def oauth_device(self, user: User, device_id: str) -> Device:
        """A device with a token of the OAuth 2.0 API."""
        token = self.command("oauth-token", user, device_id=device_id)
        return self._with_token(user, device_id, token)

    def passwordless_device(self) -> Device:
        """The device of a user who has no way to authenticate."""
        return self._printed("passwordless-user")

    def guest_device(self) -> Device:
        """A guest's device."""
        if self.hooks.offers("guest"):
            return self._printed("guest")
        made = self.post(self.pacing.registrations, "/register?kind=guest", {})
        if made.status != 200:
            raise PreconditionError(f"guests cannot register here: {made}")
        return self.device_of(User(self, "", "none"), made.members)

    def issue_token(self, user: User, *options: str) -> Device:
        """A token from the command line of our own server, which the caller knows to exist."""
        assert self.server is not None
        done = self.server.command("token", "issue", user.localpart, *options)
        return self._with_token(user, "", done.stdout.strip())

    def _printed(self, hook: str) -> Device:
        words = self.hooks.call(hook, url=self.client.base_url).split()
        if len(words) != 3:
            raise PreconditionError(f"the hook {hook} has to print user ID, token and device ID")
        user_id, token, device_id = words
        return self._with_token(User(self, user_id, "there is none"), device_id, token)

    def _with_token(self, user: User, device_id: str, token: str) -> Device:
        self.secrets.add(token)
        return Device(user, device_id, token)


Configured = Callable[[dict[str, Any]], Homeserver]  # one with these settings of the module
