"""A server whose allocations can be made to fail, and what is asked of it."""

from __future__ import annotations

import json
import struct
from typing import Any

from trial import (
    AS_TOKEN,
    SETTINGS,
    Control,
    Response,
    Trial,
    device_path,
    of_user,
    service_login,
)

USER = "alice"
KEPT = "KEPT"  # a device that stays
FOR_EVER = 1 << 40


class Memory:
    """The shim's control: which allocations fail."""

    def __init__(self, trial: Trial) -> None:
        self.control = Control(trial.folder / "memory", 24)
        trial.environment["MEMORY_CONTROL"] = str(trial.folder / "memory")

    def fail(self, to_pass: int, to_fail: int) -> None:
        """After `to_pass` allocations, the next `to_fail` fail."""
        self.control.write(struct.pack("<3q", to_pass, to_fail, 0))

    def count(self) -> int:
        """Allocations since fail(FOR_EVER, 1)."""
        left: int = struct.unpack("<3q", self.control.read())[0]
        return FOR_EVER - left

    def stop(self) -> int:
        """No more fail; how many did."""
        failed: int = struct.unpack("<3q", self.control.read())[2]
        self.fail(0, 0)
        return failed


class World(Trial):
    """The trial, with short words for what dialogues say."""

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.memory = Memory(self)
        self.where = "at the start"
        self.numbers = 0
        self.kept_token = ""

    def change_settings(self) -> None:
        """Other ones for the module, so that a reload makes a new instance."""
        self.numbers += 1
        (self.folder / "settings.json").write_text(
            json.dumps({**SETTINGS, "max_json_members": 100 + self.numbers % 50})
        )

    def fresh(self) -> str:
        """A name that nothing has had."""
        self.numbers += 1
        return f"N{self.numbers}"

    def ask(self, expected: int, method: str, path: str, **rest: Any) -> Response | None:
        """A request under trial: its answer, if it is the expected one."""
        answer = self.request(method, path, **rest)
        name = path.split("?")[0].split("/")[1]
        self.answers[f"{method} {name}", "closed" if answer is None else answer.status] += 1
        if answer is None or answer.status == expected:
            return answer
        if answer.status not in (500, 503):
            self.problem(f"{self.where}: {method} {path}: {answer}")
        elif answer.errcode is None and not answer.raw.startswith(b"<!DOCTYPE"):
            self.problem(f"{self.where}: {method} {path}: no error in {answer}")
        return None

    def sure(self, expected: int, method: str, path: str, **rest: Any) -> Response:
        """A request while memory is there."""
        answer = self.request(method, path, **rest)
        if answer is None or answer.status != expected:
            raise LookupError(f"{method} {path}: {answer}")
        return answer

    def login(self, device_id: str, refresh: bool = False) -> dict[str, Any]:
        """A device, and its tokens."""
        body = service_login(USER, device_id, refresh)
        tokens: dict[str, Any] = self.sure(200, "POST", "/login", json=body, token=AS_TOKEN).json
        return tokens

    def put(self, device_id: str, name: str) -> None:
        """A device with a name."""
        path = of_user(device_path(device_id), USER)
        status = 200 if device_id in self.names() else 201
        self.sure(status, "PUT", path, json={"display_name": name}, token=AS_TOKEN)

    def names(self) -> dict[str, str | None]:
        """All devices by their IDs."""
        devices = self.sure(200, "GET", of_user("/devices", USER), token=AS_TOKEN).json["devices"]
        return {device["device_id"]: device.get("display_name") for device in devices}

    def is_good(self, token: str) -> bool:
        """Whether an access token is."""
        answer = self.request("GET", "/account/whoami", token=token)
        return answer is not None and answer.status == 200

    def must(self, holds: bool, what: str) -> None:
        """What has been answered is so."""
        if not holds:
            self.problem(f"{self.where}: {what}")
