"""What a server must hold of users, tokens, devices and sessions, after what was done to it.

The model's time is in whole hours, and what expires does so between them, so that the seconds that
a run takes change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

TOKEN_HOURS = 0.5
SESSION_HOURS = 1.5
FINISHED_HOURS = 0.5

Operation = tuple[str, ...]  # method, and device IDs
Refusal = tuple[int, str, bool]  # status, errcode, soft_logout


@dataclass(eq=False)
class User:
    """What the model knows of a user: the devices and their names."""

    user_id: str
    password: str | None
    locked: bool = False
    devices: dict[str, str | None] = field(default_factory=dict)


@dataclass(eq=False)
class Token:
    """A token that was given out."""

    text: str
    user: User
    device_id: str
    expires: float | None  # in hours
    dead: bool = False


@dataclass(eq=False)
class Session:
    """A session that a client was told of."""

    session_id: str
    token: Token
    operation: Operation
    created: int
    finished: int | None = None
    dead: bool = False


class DeviceModel:
    """What it knows."""

    def __init__(self, users: list[User]) -> None:
        self.hour = 0
        self.tokens: list[Token] = []
        self.sessions: list[Session] = []
        self.users = users

    def user(self, pick: int) -> User:
        return self.users[pick % len(self.users)]

    def token(self, pick: int) -> Token:
        return self.tokens[pick % len(self.tokens)]

    def refusal(self, token: Token) -> Refusal | None:
        """What the server says to a token that is not good."""
        if token.dead:
            return (401, "M_UNKNOWN_TOKEN", False)
        if token.expires is not None and token.expires <= self.hour:
            return (401, "M_UNKNOWN_TOKEN", True)
        if token.user.locked:
            return (401, "M_USER_LOCKED", True)
        return None

    def is_live(self, session: Session) -> bool:
        return not session.dead and session.created + SESSION_HOURS > self.hour

    def forget_tokens(self, user: User, device_id: str) -> None:
        """A device's tokens, and what was begun with them."""
        for token in self.tokens:
            if token.user is user and token.device_id == device_id:
                token.dead = True
        for session in self.sessions:
            if session.token.user is user and session.token.device_id == device_id:
                session.dead = True

    def forget_device(self, user: User, device_id: str) -> None:
        if device_id in user.devices:
            self.forget_tokens(user, device_id)
            del user.devices[device_id]


def digest_of(operation: Operation) -> tuple[str, frozenset[str]]:
    """What is compared of it: the devices are a set (D9)."""
    method, *ids = operation
    return method, frozenset(ids)


def shown(devices: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    """IDs and names, in the order of the answer."""
    return [(device["device_id"], device.get("display_name")) for device in devices]


def with_watch(user: User) -> list[tuple[str, str | None]]:
    """The user's devices, and the one that watches."""
    return sorted([*user.devices.items(), ("WATCH", None)])
