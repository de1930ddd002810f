"""What the hosts in memory answer to the module's questions, whether they are plain or async."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..errors import BadData, Forbidden, LimitExceeded, MatrixError, NotFound, Refused
from ..records import (
    Credentials,
    Device,
    DeviceUpdate,
    Flow,
    Limit,
    Principal,
    Session,
    UiaAttempt,
    UiaOperation,
    UiaRecord,
)
from .accounts import MemoryAccounts
from .limits import MemoryLimits
from .state import DeviceRow

PASSWORD_STAGE = "m.login.password"
DUMMY_STAGE = "m.login.dummy"

_PASSWORD_FLOWS = (Flow((PASSWORD_STAGE,)),)


class MemoryAnswers(MemoryAccounts):
    """An ``_answer_…`` for each method of ``Host``, with the same refusals. Any thread."""

    def __init__(self, server_name: str = "example.org", **options: Any) -> None:
        super().__init__(server_name, **options)
        self._limits = MemoryLimits()

    def _answer_authenticate(self, credentials: Credentials) -> Principal:
        with self._state.lock:
            return self._principal(credentials)

    def _answer_list_devices(self, user_id: str) -> Sequence[Device]:
        with self._state.lock:
            account = self._state.accounts.get(user_id)
            return () if account is None else account.list()

    def _answer_get_device(self, user_id: str, device_id: str) -> Device:
        with self._state.lock:
            return self._device(user_id, device_id).device

    def _answer_rename_device(self, update: DeviceUpdate) -> None:
        with self._state.lock:
            self._rename(self._device(update.user_id, update.device_id), update.display_name)

    def _answer_put_device(self, update: DeviceUpdate) -> bool:
        with self._state.lock:
            account = self._state.accounts.get(update.user_id)
            if account is None or account.deactivated:
                raise MatrixError(403, "M_FORBIDDEN", "The user is not registered any more.")
            row = account.devices.get(update.device_id)
            if row is not None:
                self._rename(row, update.display_name)
                return False
            if update.max_devices and len(account.devices) >= update.max_devices:
                raise LimitExceeded()  # P7
            self._state.add_device(account, update.device_id, update.display_name)
            return True

    def _answer_delete_devices(self, user_id: str, device_ids: Sequence[str]) -> None:
        with self._state.lock:
            account = self._state.accounts.get(user_id)
            if account is None:
                return
            for device_id in device_ids:
                row = account.devices.get(device_id)
                if row is not None:  # D9: others are passed over
                    self._state.drop_device(row)

    def _answer_mark_validated(self, principal: Principal, now_ms: int) -> None:
        with self._state.lock:
            if principal.device_id is None:
                return
            # It is the device that has proved it: a refreshed token of it goes on being believed.
            row = self._device(principal.user_id, principal.device_id)
            row.validated_ms = now_ms
            for token in row.access_tokens:
                token.principal = None

    def _answer_take_limit(self, limits: Sequence[Limit], units: int) -> None:
        self._limits.take(limits, units, self.clock.now_ms())

    # ---- User-Interactive Authentication ----

    def _answer_uia_flows(self, operation: UiaOperation) -> Sequence[Flow]:
        with self._state.lock:
            account = self._state.accounts.get(operation.user_id)
            return () if account is None or account.password is None else _PASSWORD_FLOWS

    def _answer_uia_create_session(self, session: Session) -> str:
        with self._state.lock:
            return self._state.sessions.create(session, self.clock.now_ms())

    def _answer_uia_load_session(self, session_id: str) -> Session:
        with self._state.lock:
            return self._state.sessions.load(session_id, self.clock.now_ms())

    def _answer_uia_check(self, attempt: UiaAttempt) -> str | None:
        if attempt.type == DUMMY_STAGE:
            return None
        if attempt.type != PASSWORD_STAGE:
            raise Refused("This server has no such stage.")
        name, password = password_credentials(attempt.auth)
        try:
            user_id = self.check_password(name, password)
        except Forbidden:
            raise Refused("Wrong user name or password.") from None
        with self._state.lock:
            if self._state.accounts[user_id].locked:
                raise Refused("Wrong user name or password.")
        return user_id

    def _answer_uia_record(self, record: UiaRecord) -> Session:
        with self._state.lock:
            return self._state.sessions.record(record, self.clock.now_ms())

    # ---- The caller holds the lock ----

    def _device(self, user_id: str, device_id: str) -> DeviceRow:
        account = self._state.accounts.get(user_id)
        row = None if account is None else account.devices.get(device_id)
        if row is None:
            raise NotFound()
        return row

    @staticmethod
    def _rename(row: DeviceRow, name: str | None) -> None:
        if name is not None and name != row.device.display_name:
            row.show(replace(row.device, display_name=name))


def password_credentials(auth: dict[str, Any]) -> tuple[str, str]:
    """The user that a password stage names, and the password. ``BadData`` (U4a).

    A third-party identifier is understood and belongs to nobody here: an empty name.
    """
    password = auth.get("password")
    if not isinstance(password, str):
        raise BadData("auth.password must be a string")
    if "identifier" not in auth:  # U19
        user = auth.get("user")
        if not isinstance(user, str):
            raise BadData("auth.identifier must be an object that names the user")
        return user, password
    identifier = auth["identifier"]
    if not isinstance(identifier, dict):
        raise BadData("auth.identifier must be an object")
    kinds = {
        "m.id.user": ("user",),
        "m.id.thirdparty": ("medium", "address"),
        "m.id.phone": ("country", "phone"),
    }
    kind = identifier.get("type")
    if not isinstance(kind, str):
        raise BadData("auth.identifier.type must be a string")
    if kind not in kinds:
        raise BadData(f"auth.identifier.type must be one of {', '.join(kinds)}")
    if not all(isinstance(identifier.get(key), str) for key in kinds[kind]):
        names = " and ".join(f"auth.identifier.{key}" for key in kinds[kind])
        raise BadData(f"{names} must be strings")
    return (identifier["user"] if kind == "m.id.user" else ""), password
