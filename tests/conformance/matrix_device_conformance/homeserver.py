"""A homeserver as its clients see it, and what who runs it can do to it."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matrix_device_conformance.client import Client, Response, client_path
from matrix_device_conformance.hooks import Hooks, NoHooks
from matrix_device_conformance.pacing import Allowance, Pacing
from matrix_device_conformance.server import Server
from matrix_device_conformance.services import Service
from matrix_device_conformance.users import (
    PASSWORD_STAGE,
    Auth,
    Device,
    PreconditionError,
    User,
    challenge_session,
)

__all__ = [
    "PASSWORD_STAGE",
    "Auth",
    "Configured",
    "Device",
    "Homeserver",
    "PreconditionError",
    "Refusal",
    "RegistrationClosed",
    "Service",
    "User",
    "challenge_session",
]


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
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(4)
        self._to_log_out: list[Device] = []  # of given accounts, after the test
        self._to_undo: list[Callable[[], None]] = []  # likewise

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
        for name in ("user_id", "device_id", "access_token"):
            if not isinstance(login.get(name), str):
                raise PreconditionError(f"the answer to a login has no {name} that is a text")
        user.user_id = login["user_id"]
        device = Device(user, login["device_id"], login["access_token"])
        refresh_token = login.get("refresh_token")
        device.refresh_token = refresh_token if isinstance(refresh_token, str) else None
        self.secrets.add(device.access_token)
        if user in self.accounts:
            self._to_log_out.append(device)
        return device

    def keep(self, device: Device) -> None:
        """Do not log this device out after the test."""
        self._to_log_out = [each for each in self._to_log_out if each is not device]

    def clean_up(self) -> None:
        """After a test: accounts go on as before, and given ones get rid of its devices."""
        while self._to_undo:
            self._to_undo.pop()()
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
        """Suspend an account until the test is over."""
        self.command("suspend", user)
        if self.hooks.offers("unsuspend"):
            self._to_undo.append(lambda: self.unsuspend(user))

    def unsuspend(self, user: User) -> None:
        """Let it go on."""
        self.command("unsuspend", user)

    def refuse(self, user: User) -> Refusal:
        """Have the homeserver refuse what this user asks until the test is over; how it does."""
        status, _, body = self.command("refuse", user).partition(" ")
        if self.hooks.offers("accept"):
            self._to_undo.append(lambda: self.accept(user))
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
