"""Users and their devices, as a homeserver's clients see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from matrix_device_conformance.check import NotJudged
from matrix_device_conformance.client import ABSENT, Response, client_path, device_path

if TYPE_CHECKING:
    from matrix_device_conformance.homeserver import Homeserver

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
