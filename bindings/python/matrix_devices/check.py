"""A self-test of the module: loads it, says what it is, and drives it with a host in memory.

For who has installed it. A host is tested by the checking module, docs/host_check.md.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from .errors import Unavailable
from .memory import MemoryHost
from .module import Module
from .records import Request, Response

_BASE = "/_matrix/client/v3"
_PASSWORD = "correct horse battery staple"


class StepFailed(Exception):
    """What a step expected, and what it got."""


def describe(module: Module) -> Iterator[str]:
    """What the module says of itself, a line each."""
    yield f"library       {module.library_path}"
    yield f"version       {module.version}"
    yield f"ABI           1.{module.abi_minor}"
    yield f"capabilities  {_capabilities(module.capabilities)}"
    for route in module.routes:
        yield f"route         {route.path}  {', '.join(route.methods)}"


def check(library: str | os.PathLike[str] | None, out: TextIO) -> bool:
    """Load the module and test it, a line for each step on ``out``; whether all was as it must be.

    ``library``: as in ``Module.open``. Errors: those of ``Module.open``.
    """
    host = MemoryHost("example.org")
    with Module.open(host, library=library) as module:
        for line in describe(module):
            print(line, file=out)
        trial = _Trial(module, host)
        failed = 0
        for name, step in trial.steps():
            try:
                step()
            except (StepFailed, LookupError, TypeError, ValueError) as finding:
                failed += 1
                print(f"FAILED  {name}: {finding}", file=out)
            else:
                print(f"ok      {name}", file=out)
    count = len(trial.steps())
    print(f"{count - failed} of {count} steps are as they should be", file=out)
    return failed == 0


class _Trial:
    """A user with two devices, and what a client does with them."""

    def __init__(self, module: Module, host: MemoryHost) -> None:
        self._module = module
        self._host = host
        host.add_user("alice", _PASSWORD)
        self._token = host.login("alice", device_id="LAPTOP", display_name="Laptop").access_token
        host.login("alice", device_id="PHONE")
        self._session = ""

    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        return [
            ("list the devices", self._list),
            ("get a device", self._get),
            ("rename a device", self._rename),
            ("HEAD and OPTIONS", self._head_and_options),
            ("leave other paths to the host", self._not_mine),
            ("no token, a wrong token", self._wrong_token),
            ("an unknown device", self._unknown_device),
            ("a body that is no JSON", self._bad_body),
            ("delete: the challenge", self._challenge),
            ("delete: a wrong password", self._wrong_password),
            ("delete: the right password", self._delete),
            ("delete several", self._delete_several),
            ("a host that is unavailable", self._unavailable),
            ("the next request", self._list_what_is_left),
        ]

    def _ask(
        self, method: str, path: str, body: Any = None, *, token: str | None = None
    ) -> Response:
        authorization = f"Bearer {self._token if token is None else token}"
        request = Request(
            method,
            _BASE + path,
            [("Authorization", authorization)] if token != "" else [],
            b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode(),
        )
        response = self._module.handle(request)
        if response is None:
            raise StepFailed(f"{method} {path}: expected an answer, got none: no route of its")
        return response

    def _list(self) -> None:
        ids = [device["device_id"] for device in self._ok("GET", "/devices")["devices"]]
        _expect("GET /devices", "the IDs", ids, ["LAPTOP", "PHONE"])

    def _get(self) -> None:
        device = self._ok("GET", "/devices/LAPTOP")
        _expect("GET /devices/LAPTOP", "display_name", device.get("display_name"), "Laptop")

    def _rename(self) -> None:
        self._ok("PUT", "/devices/PHONE", {"display_name": "Télé"})
        device = self._ok("GET", "/devices/PHONE")
        _expect("GET /devices/PHONE", "display_name", device.get("display_name"), "Télé")

    def _head_and_options(self) -> None:
        _expect("HEAD /devices", "status", self._ask("HEAD", "/devices").status, 200)
        _expect("OPTIONS /devices", "status", self._ask("OPTIONS", "/devices").status, 204)

    def _not_mine(self) -> None:
        answer = self._module.handle(Request("GET", f"{_BASE}/sync"))
        _expect("GET /sync", "the answer", answer, None)

    def _wrong_token(self) -> None:
        self._error("GET", "/devices", 401, "M_MISSING_TOKEN", token="")
        self._error("GET", "/devices", 401, "M_UNKNOWN_TOKEN", token="nobody")

    def _unknown_device(self) -> None:
        self._error("GET", "/devices/UNKNOWN", 404, "M_NOT_FOUND")
        self._error("PUT", "/devices/UNKNOWN", 404, "M_NOT_FOUND", {})

    def _bad_body(self) -> None:
        self._error("PUT", "/devices/PHONE", 400, "M_NOT_JSON", b"{")
        self._error("POST", "/delete_devices", 400, "M_BAD_JSON", {})

    def _challenge(self) -> None:
        answer = self._ask("DELETE", "/devices/PHONE", {})
        _expect("DELETE", "status", answer.status, 401)
        body = answer.json()
        _expect("DELETE", "members", sorted(body), ["flows", "params", "session"])
        _expect("DELETE", "flows", body["flows"], [{"stages": ["m.login.password"]}])
        self._session = body["session"]

    def _wrong_password(self) -> None:
        body = {"auth": self._auth("wrong", self._session)}
        self._error("DELETE", "/devices/PHONE", 401, "M_FORBIDDEN", body)
        self._ok("GET", "/devices/PHONE")

    def _delete(self) -> None:
        self._ok("DELETE", "/devices/PHONE", {"auth": self._auth(_PASSWORD, self._session)})
        self._error("GET", "/devices/PHONE", 404, "M_NOT_FOUND")

    def _delete_several(self) -> None:
        tablet = self._host.login("alice", device_id="TABLET")
        body = {"devices": ["TABLET", "UNKNOWN"], "auth": self._auth(_PASSWORD)}
        self._ok("POST", "/delete_devices", body)
        self._error("GET", "/devices", 401, "M_UNKNOWN_TOKEN", token=tablet.access_token)

    def _unavailable(self) -> None:
        self._host.fail_next("list_devices", Unavailable())
        self._error("GET", "/devices", 503, "M_UNKNOWN")

    def _list_what_is_left(self) -> None:
        ids = [device["device_id"] for device in self._ok("GET", "/devices")["devices"]]
        _expect("GET /devices", "the IDs", ids, ["LAPTOP"])

    def _ok(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._ask(method, path, body)
        _expect(f"{method} {path}", "status", answer.status, 200)
        return answer.json()

    def _error(
        self,
        method: str,
        path: str,
        status: int,
        errcode: str,
        body: Any = None,
        *,
        token: str | None = None,
    ) -> None:
        answer = self._ask(method, path, body, token=token)
        got = (answer.status, answer.json().get("errcode"))
        _expect(f"{method} {path}", "status and errcode", got, (status, errcode))

    @staticmethod
    def _auth(password: str, session: str | None = None) -> dict[str, Any]:
        auth: dict[str, Any] = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": "alice"},
            "password": password,
        }
        return auth if session is None else {**auth, "session": session}


def _expect(request: str, what: str, got: object, expected: object) -> None:
    if got != expected:
        raise StepFailed(f"{request}: {what}: expected {expected!r}, got {got!r}")


def _capabilities(bits: int) -> str:
    return ", ".join(f"bit {bit}" for bit in range(64) if bits >> bit & 1) or "none"
