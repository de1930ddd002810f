"""matrix-js-sdk against our servers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from client_process import ClientError, ClientProcess, LibraryClient
from conftest import BUILT, HERE, StartProcess
from sites import Site

PASSWORD, WRONG = "correct horse", "battery staple"
PASSWORD_STAGE = "m.login.password"


@dataclass(frozen=True)
class LoggedIn:
    """An SDK's client with the token of a device."""

    sdk: LibraryClient
    user_id: str

    def device_ids(self) -> set[str]:
        """The IDs in the list."""
        return {device["device_id"] for device in self.sdk.call("getDevices")["devices"]}

    def refusal(self, call: str, *arguments: object) -> ClientError:
        """The error of a call that must fail."""
        with pytest.raises(ClientError) as raised:
            self.sdk.call(call, *arguments)
        return raised.value


StartSdk = Callable[[str], LoggedIn]


@pytest.fixture(scope="session")
def process(start_process: StartProcess) -> ClientProcess:
    """A process with the SDK."""
    folder = BUILT / "node"
    return start_process(folder / "node", HERE / "javascript" / "client.mjs", where=folder)


@pytest.fixture
def start_sdk(site: Site, process: ClientProcess) -> StartSdk:
    """Logs in on the device of this ID, as alice; the SDK's client knows the token alone."""
    user_id = site.add_user("alice", PASSWORD)

    def start(device_id: str) -> LoggedIn:
        request = {
            "type": PASSWORD_STAGE,
            "identifier": {"type": "m.id.user", "user": user_id},
            "password": PASSWORD,
            "device_id": device_id,
            "initial_device_display_name": f"the {device_id}",
        }
        login = process.new(site.url).call("loginRequest", request)
        assert login["device_id"] == device_id
        return LoggedIn(process.new(site.url, login["access_token"]), user_id)

    return start


def auth(user_id: str, password: str, session: str) -> dict[str, object]:
    """The password stage, as Element sends it: with both kinds of identifier."""
    return {
        "type": PASSWORD_STAGE,
        "identifier": {"type": "m.id.user", "user": user_id},
        "user": user_id,
        "password": password,
        "session": session,
    }


def test_the_version_is_the_one_of_the_lock_file(start_sdk: StartSdk) -> None:
    assert start_sdk("LAPTOP").sdk.call("version").startswith("37.")


def test_get_devices(start_sdk: StartSdk) -> None:
    start_sdk("PHONE")
    listed = start_sdk("LAPTOP").sdk.call("getDevices")["devices"]
    assert {device["device_id"]: device["display_name"] for device in listed} == {
        "LAPTOP": "the LAPTOP",
        "PHONE": "the PHONE",
    }


@pytest.mark.parametrize("device_id", ["PHONE", "a/b c?d#e%2F", "gerät ☎"])
def test_get_device_and_set_details(start_sdk: StartSdk, device_id: str) -> None:
    start_sdk(device_id)
    sdk = start_sdk("LAPTOP").sdk
    assert sdk.call("getDevice", device_id)["display_name"] == f"the {device_id}"
    assert sdk.call("setDeviceDetails", device_id, {"display_name": "Ænother näme"}) == {}
    device = sdk.call("getDevice", device_id)
    assert (device["device_id"], device["display_name"]) == (device_id, "Ænother näme")


def test_an_unknown_device(start_sdk: StartSdk) -> None:
    laptop = start_sdk("LAPTOP")
    for call, *more in (["getDevice"], ["setDeviceDetails", {"display_name": "name"}]):
        details = laptop.refusal(str(call), "NONE", *more).details
        assert (details["errcode"], details["httpStatus"]) == ("M_NOT_FOUND", 404)


def test_delete_device_by_hand(start_sdk: StartSdk) -> None:
    phone, laptop = start_sdk("PHONE"), start_sdk("LAPTOP")
    first = laptop.refusal("deleteDevice", "PHONE").details
    assert first["httpStatus"] == 401
    assert first["data"]["flows"] == [{"stages": [PASSWORD_STAGE]}]
    session = first["data"]["session"]
    wrong = auth(laptop.user_id, WRONG, session)
    second = laptop.refusal("deleteDevice", "PHONE", wrong).details
    assert (second["errcode"], second["httpStatus"]) == ("M_FORBIDDEN", 401)
    assert second["data"]["session"] == session
    assert laptop.sdk.call("loggedOut") is None
    right = auth(laptop.user_id, PASSWORD, session)
    assert laptop.sdk.call("deleteDevice", "PHONE", right) == {}
    assert laptop.device_ids() == {"LAPTOP"}
    assert phone.refusal("getDevices").details["errcode"] == "M_UNKNOWN_TOKEN"


@pytest.mark.parametrize(
    ("call", "target"),
    [("deleteDevice", "a/b c?d#e%2F"), ("deleteMultipleDevices", ["a/b c?d#e%2F", "TABLET"])],
)
def test_interactive_auth_with_a_wrong_password_first(
    start_sdk: StartSdk, call: str, target: str | list[str]
) -> None:
    for device_id in [target] if isinstance(target, str) else target:
        start_sdk(device_id)
    laptop = start_sdk("LAPTOP")
    done = laptop.sdk.call("interactively", call, target, laptop.user_id, [WRONG, PASSWORD])
    assert done["result"] == {}
    first, second = done["asked"]
    assert first == {"stage": PASSWORD_STAGE}
    assert (second["stage"], second["errcode"]) == (PASSWORD_STAGE, "M_FORBIDDEN")
    assert second["error"] != ""
    assert laptop.device_ids() == {"LAPTOP"}
    assert laptop.sdk.call("loggedOut") is None


def test_a_session_is_not_for_another_deletion(start_sdk: StartSdk) -> None:
    for device_id in ("PHONE", "TABLET"):
        start_sdk(device_id)
    laptop = start_sdk("LAPTOP")
    session = laptop.refusal("deleteDevice", "PHONE").details["data"]["session"]
    right = auth(laptop.user_id, PASSWORD, session)
    assert laptop.refusal("deleteDevice", "TABLET", right).details["httpStatus"] in (401, 403)
    assert laptop.device_ids() == {"LAPTOP", "PHONE", "TABLET"}


def test_deleting_oneself_logs_out(start_sdk: StartSdk) -> None:
    laptop = start_sdk("LAPTOP")
    everything = ["LAPTOP"]
    call = "deleteMultipleDevices"
    done = laptop.sdk.call("interactively", call, everything, laptop.user_id, [PASSWORD])
    assert done["result"] == {}
    assert laptop.sdk.call("loggedOut") is None
    assert laptop.refusal("getDevices").details["errcode"] == "M_UNKNOWN_TOKEN"
    told = laptop.sdk.call("loggedOut")
    assert (told["errcode"], told["data"].get("soft_logout", False)) == ("M_UNKNOWN_TOKEN", False)


@pytest.mark.matrix_devices(
    config={"limits": {"uia_failures": {"burst": 1, "interval_ms": 60_000}}}
)
def test_a_limit_tells_how_long_to_wait(start_sdk: StartSdk) -> None:
    laptop = start_sdk("LAPTOP")
    session = laptop.refusal("deleteDevice", "LAPTOP").details["data"]["session"]
    wrong = auth(laptop.user_id, WRONG, session)
    assert laptop.refusal("deleteDevice", "LAPTOP", wrong).details["errcode"] == "M_FORBIDDEN"
    limited = laptop.refusal("deleteDevice", "LAPTOP", wrong).details
    assert (limited["errcode"], limited["httpStatus"]) == ("M_LIMIT_EXCEEDED", 429)
    assert 0 < limited["retryAfterMs"] <= 60_000
