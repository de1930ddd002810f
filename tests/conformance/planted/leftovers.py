"""Planted bugs of what stays behind. The server has none of these endpoints: the bugs have them."""

from __future__ import annotations

from typing import Any

from matrix_device_conformance.client import Response
from planted.bug import Bug, Login, Request, Upstream, of_rows, reply


class PushersStay(Bug):
    """The pushers of a deleted device go on."""

    name = "pushers_stay"
    peer = "Dendrite"
    rows = rows_of_accounts = of_rows("D12")
    got = "pushers left: \\['key"

    def __init__(self) -> None:
        self.pushers: dict[str, list[dict[str, Any]]] = {}  # by user

    def answer(self, request: Request, server: Upstream) -> Response:
        login = server.login_of(request)
        if login is None or not request.endpoint.startswith("/pushers"):
            return server.send(request)
        of_user = self.pushers.setdefault(login.user_id, [])
        if request.endpoint == "/pushers/set":
            of_user.append(request.members)
            return reply(200, {})
        return reply(200, {"pushers": of_user})


class MessagesStay(Bug):
    """Queued to-device messages wait for the next device of that ID."""

    name = "messages_stay"
    peer = "Dendrite"
    rows = rows_of_accounts = of_rows("D12")
    got = "messages of the later device: .*the old device"

    def __init__(self) -> None:
        self.queues: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def answer(self, request: Request, server: Upstream) -> Response:
        login = server.login_of(request)
        if login is not None and request.endpoint.startswith("/sendToDevice/"):
            return self.put(request)
        if login is not None and request.endpoint == "/sync":
            return self.sync(login)
        return server.send(request)

    def put(self, request: Request) -> Response:
        """Queue the messages."""
        for user_id, of_user in request.members["messages"].items():
            for device_id, content in of_user.items():
                self.queues.setdefault((user_id, device_id), []).append({"content": content})
        return reply(200, {})

    def sync(self, login: Login) -> Response:
        """Hand over what waits."""
        events = self.queues.pop((login.user_id, login.device_id), [])
        return reply(200, {"next_batch": "1", "to_device": {"events": events}})


class KeysStay(Bug):
    """The keys of a deleted device go on being handed out."""

    name = "keys_stay"
    peer = "any"
    rows = rows_of_accounts = of_rows("D12")
    got = "devices with keys: \\['KEYS"

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, Any]] = {}  # by user, by device

    def answer(self, request: Request, server: Upstream) -> Response:
        login = server.login_of(request)
        if login is not None and request.endpoint == "/keys/upload":
            uploaded = request.members["device_keys"]
            self.keys.setdefault(login.user_id, {})[login.device_id] = uploaded
            return reply(200, {"one_time_key_counts": {}})
        if login is not None and request.endpoint == "/keys/query":
            found = {
                user_id: self.keys.get(user_id, {}) for user_id in request.members["device_keys"]
            }
            return reply(200, {"device_keys": found})
        return server.send(request)
