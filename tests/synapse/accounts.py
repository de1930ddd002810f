"""What a test needs of a running Synapse: users of every kind, and one process or the other."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from matrix_device_conformance.client import Client, Response, client_path
from matrix_device_conformance.homeserver import Device, Homeserver, PreconditionError, User
from matrix_device_conformance.server import SERVER_NAME
from synapse_process import Process
from synapse_server import Synapse


def expect_ok(what: str, answer: Response) -> Any:
    """The body of an answer that a test needs on its way."""
    if answer.status not in (200, 201):
        raise PreconditionError(f"{what}: expected 200, got {answer}")
    return answer.json


class Site(Homeserver):
    """A Synapse as its clients see it, with what its administrator can do."""

    def __init__(self, synapse: Synapse) -> None:
        super().__init__(synapse.client, services=synapse.options.services)
        self.synapse = synapse
        self._admin_token: str | None = None

    @property
    def main(self) -> Process:
        """The main process."""
        return self.synapse.main

    @property
    def worker(self) -> Process:
        """The worker process."""
        return self.synapse.worker

    def request(self, method: str, path: str, **rest: Any) -> Response:
        """A request to a path of the Client-Server API."""
        return self.client.request(method, client_path(path), **rest)

    def restart(self, *, killed: bool = False) -> None:
        """Restart Synapse, perhaps as after a power cut; clients find it again."""
        self.synapse.restart(killed=killed)
        self.client = self.synapse.client

    def register(self, name: str, *, admin: bool = False) -> User:
        """An account with this name, by Synapse's registration with a shared secret."""
        path = "/_synapse/admin/v1/register"
        password = f"pass-{secrets.token_hex(8)}"
        nonce = expect_ok("nonce", self.client.request("GET", path))["nonce"]
        parts = [nonce, name, password, "admin" if admin else "notadmin"]
        mac = hmac.new(
            self.synapse.shared_secret.encode(), "\0".join(parts).encode(), hashlib.sha1
        ).hexdigest()
        body = {
            "nonce": nonce,
            "username": name,
            "password": password,
            "admin": admin,
            "mac": mac,
            "inhibit_login": True,
        }
        answer = self.client.request("POST", path, json=body)
        user_id = expect_ok("registration with the shared secret", answer)["user_id"]
        self.secrets.add(password)
        return User(self, user_id, password)

    def administer(self, method: str, path: str, body: Any) -> Any:
        """A request of the administrator to Synapse's admin API."""
        if self._admin_token is None:
            admin = self.register(f"admin{self.unique()}", admin=True)
            self._admin_token = admin.login().access_token
        answer = self.client.request(
            method, f"/_synapse/admin{path}", token=self._admin_token, json=body
        )
        return expect_ok(f"{method} {path}", answer)

    def change(self, user: User, **properties: Any) -> None:
        """Change properties of an account: `locked`, `external_ids`."""
        self.administer("PUT", f"/v2/users/{quote(user.user_id)}", properties)

    def suspend(self, user: User) -> None:
        """Suspend an account."""
        self.administer("PUT", f"/v1/suspend/{quote(user.user_id)}", {"suspend": True})

    def map_to_cas(self, user: User, name: str) -> None:
        """Let the user log in through the CAS under this name."""
        self.change(user, external_ids=[{"auth_provider": "cas", "external_id": name}])

    def guest(self) -> Device:
        """A guest."""
        answer = self.client.request("POST", client_path("/register", kind="guest"), json={})
        body = expect_ok("registration of a guest", answer)
        guest = User(self, body["user_id"], "")
        return self.device_of(guest, body)

    def seen_from(self, process: Process) -> Homeserver:
        """The same homeserver, its requests going to this process."""
        return Homeserver(process.client)

    def at(self, process: Process, device: Device) -> Device:
        """The same device, its requests going to this process."""
        return replace(device, user=replace(device.user, homeserver=self.seen_from(process)))


class DelegatedSite:
    """Users of a Synapse whose accounts an authentication service has."""

    def __init__(self, synapse: Synapse, service: Any) -> None:
        self.synapse = synapse
        self.client: Client = synapse.client
        self.service = service
        self._run = secrets.token_hex(4)
        self._number = 0
        for each in synapse.options.services:
            each.homeserver = Homeserver(synapse.client, services=synapse.options.services)

    def login(self, *device_ids: str) -> list[Device]:
        """A new user with these devices, each with an access token of the service's."""
        self._number += 1
        name = f"oauth{self._run}{self._number}"
        self._provision("provision_user", {"localpart": name})
        user = User(Homeserver(self.client), f"@{name}:{SERVER_NAME}", "")
        devices = []
        for device_id in device_ids:
            self._provision("upsert_device", {"localpart": name, "device_id": device_id})
            devices.append(Device(user, device_id, self.service.grant(name, device_id)))
        return devices

    def _provision(self, what: str, body: dict[str, Any]) -> None:
        answer = self.client.request(
            "POST", f"/_synapse/mas/{what}", token=self.service.secret, json=body
        )
        expect_ok(what, answer)
