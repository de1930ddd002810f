"""Random operations against a simple model; what the hosts hold is compared after each."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import matrix_devices
from asking import Asking, device_path, password_auth
from device_model import (
    FINISHED_HOURS,
    SESSION_HOURS,
    TOKEN_HOURS,
    DeviceModel,
    Operation,
    Refusal,
    Session,
    Token,
    User,
    digest_of,
    shown,
    with_watch,
)
from matrix_devices import (
    Credentials,
    MemoryHost,
    Module,
    Namespace,
    PostgresHost,
    Request,
    Response,
    Service,
    SqliteHost,
    StoreHost,
    UnknownToken,
    UserLocked,
)

MINUTE_MS = 60_000
NO_LIMIT = {"burst": 1_000_000, "interval_ms": 1}
CONFIG = {
    "limits": dict.fromkeys(
        ("device_creation", "uia_failures", "uia_challenges", "uia_repeats"), NO_LIMIT
    ),
    "uia": {
        "session_lifetime_ms": round(60 * SESSION_HOURS) * MINUTE_MS,
        "completed_lifetime_ms": round(60 * FINISHED_HOURS) * MINUTE_MS,
        "max_sessions_per_user": 10_000,
    },
}
IRC = Service("irc", "as-token", "irc_bot", (Namespace(r"@irc_.*:example\.org"),))
NUMBERS = itertools.count(1)
POSTGRES = Path(matrix_devices.__file__).parent / "libmatrix_devices_postgres.so"

device_ids = st.sampled_from(["A", "B", "C", "ä/ö", "D E"])
names = st.sampled_from([None, "", "Phone", "Télé 📺"])
picks = st.integers(0, 1000)  # which of those that there are


class DeviceMachine(DeviceModel, RuleBasedStateMachine):
    """Clients and services at work."""

    host: ClassVar[MemoryHost | StoreHost]
    module: ClassVar[Module]

    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        number = next(NUMBERS)
        users = [
            User(self.host.add_user(f"{name}{number}", password), password)
            for name, password in (("alice", "right"), ("bob", "also right"), ("carol", None))
        ]
        DeviceModel.__init__(self, users)
        self.bridged = User(self.host.add_user(f"irc_{number}", service_id="irc"), None)
        self.watches = {
            user: self.host.login(user.user_id, device_id="WATCH").access_token
            for user in self.users
        }

    # ---- What is asked ----

    def ask(self, token: Token, method: str, path: str, body: Any = None) -> tuple[Response, bool]:
        """The answer, and whether the token was good; if not, the refusal is as it must be."""
        asking = Asking(self.module, token.text)
        response = asking(method, path, *([] if body is None else [body]))
        refusal = self.refusal(token)
        if refusal is None:
            return response, True
        answer = response.json()
        assert (response.status, answer["errcode"], answer["soft_logout"]) == refusal
        return response, False

    @rule(pick=picks, device_id=device_ids, name=names, expires=st.booleans())
    def log_in(self, pick: int, device_id: str, name: str | None, expires: bool) -> None:
        user = self.user(pick)
        try:
            login = self.host.login(
                user.user_id,
                device_id=device_id,
                display_name=name,
                lifetime_ms=round(60 * TOKEN_HOURS) * MINUTE_MS if expires else None,
            )
        except UserLocked:
            assert user.locked
            return
        assert not user.locked
        if device_id in user.devices:
            self.forget_tokens(user, device_id)
        user.devices.setdefault(device_id, name or None)
        end = self.hour + TOKEN_HOURS if expires else None
        self.tokens.append(Token(login.access_token, user, device_id, end))

    @precondition(lambda self: self.tokens)
    @rule(pick=picks, everywhere=st.booleans())
    def log_out(self, pick: int, everywhere: bool) -> None:
        token = self.token(pick)
        user = token.user
        if everywhere and not token.dead:
            return  # would end the watch as well
        try:
            self.host.logout(token.text)
        except UnknownToken:
            assert token.dead
            return
        assert not token.dead
        self.forget_device(user, token.device_id)

    @rule(pick=picks, locked=st.booleans())
    def lock(self, pick: int, locked: bool) -> None:
        user = self.user(pick)
        self.host.set_locked(user.user_id, locked)
        user.locked = locked

    @rule(hours=st.integers(1, 3))
    def turn_the_clock(self, hours: int) -> None:
        self.host.clock.advance(hours=hours)
        self.hour += hours

    @precondition(lambda self: self.tokens)
    @rule(pick=picks)
    def list_devices(self, pick: int) -> None:
        token = self.token(pick)
        response, good = self.ask(token, "GET", "/devices")
        if good:
            assert shown(response.json()["devices"]) == with_watch(token.user)

    @precondition(lambda self: self.tokens)
    @rule(pick=picks, device_id=device_ids)
    def get_device(self, pick: int, device_id: str) -> None:
        token = self.token(pick)
        response, good = self.ask(token, "GET", device_path(device_id))
        if not good:
            return
        if device_id in token.user.devices:
            assert response.status == 200
            assert response.json().get("display_name") == token.user.devices[device_id]
        else:
            assert (response.status, response.json()["errcode"]) == (404, "M_NOT_FOUND")

    @precondition(lambda self: self.tokens)
    @rule(pick=picks, device_id=device_ids, name=names)
    def rename(self, pick: int, device_id: str, name: str | None) -> None:
        token = self.token(pick)
        body = {"display_name": name}
        response, good = self.ask(token, "PUT", device_path(device_id), body)
        if not good:
            return
        there = device_id in token.user.devices
        assert response.status == (200 if there else 404)
        if there and name is not None:
            token.user.devices[device_id] = name

    # ---- An application service ----

    def as_service(self, method: str, path: str, body: Any) -> Response:
        return Asking(self.module, IRC.as_token)(method, path, body, user_id=self.bridged.user_id)

    @rule(device_id=device_ids, name=names)
    def create(self, device_id: str, name: str | None) -> None:
        response = self.as_service("PUT", device_path(device_id), {"display_name": name})
        there = device_id in self.bridged.devices
        assert response.status == (200 if there else 201)
        if not there or name is not None:
            self.bridged.devices[device_id] = name

    @rule(ids=st.lists(device_ids, min_size=1, max_size=3))
    def delete_by_service(self, ids: list[str]) -> None:
        if len(ids) == 1:
            response = self.as_service("DELETE", device_path(ids[0]), {})
        else:
            response = self.as_service("POST", "/delete_devices", {"devices": ids})
        assert response.status == 200
        for device_id in ids:
            self.forget_device(self.bridged, device_id)

    # ---- Deleting ----

    def delete(
        self, token: Token, operation: Operation, auth: dict[str, Any] | None
    ) -> Response | None:
        """The answer; None if the token was not good."""
        method, *ids = operation
        body: dict[str, Any] = {} if method == "DELETE" else {"devices": ids}
        if auth is not None:
            body["auth"] = auth
        path = device_path(ids[0]) if method == "DELETE" else "/delete_devices"
        response, good = self.ask(token, method, path, body)
        return response if good else None

    def expect_challenge(
        self, token: Token, operation: Operation, response: Response, errcode: str | None
    ) -> None:
        """A new session, which is remembered."""
        answer = response.json()
        assert (response.status, answer.get("errcode")) == (401, errcode)
        assert answer["session"] not in [session.session_id for session in self.sessions]
        self.sessions.append(Session(answer["session"], token, operation, self.hour))

    def expect_deleted(self, token: Token, operation: Operation, response: Response) -> None:
        assert (response.status, response.json()) == (200, {})
        for device_id in operation[1:]:
            self.forget_device(token.user, device_id)

    operations = st.one_of(
        device_ids.map(lambda device_id: ("DELETE", device_id)),
        st.lists(device_ids, max_size=3).map(lambda ids: ("POST", *ids)),
    )

    @precondition(lambda self: self.tokens)
    @rule(pick=picks, operation=operations)
    def begin_to_delete(self, pick: int, operation: Operation) -> None:
        token = self.token(pick)
        response = self.delete(token, operation, None)
        if response is None:
            return
        if token.user.password is None:
            assert (response.status, response.json()["errcode"]) == (403, "M_FORBIDDEN")
        else:
            self.expect_challenge(token, operation, response, None)

    @precondition(lambda self: self.tokens)
    @rule(pick=picks, operation=operations, who=st.sampled_from(["own", "wrong", "other's"]))
    def delete_in_one_go(self, pick: int, operation: Operation, who: str) -> None:
        token = self.token(pick)
        response = self.delete(token, operation, self.credentials(token, who))
        if response is None:
            return
        if token.user.password is None:
            assert (response.status, response.json()["errcode"]) == (403, "M_FORBIDDEN")
        elif who == "own":
            self.expect_deleted(token, operation, response)
        elif who == "wrong":
            self.expect_challenge(token, operation, response, "M_FORBIDDEN")
        else:
            self.expect_others_password(token, response)

    @precondition(lambda self: self.sessions)
    @rule(
        pick=picks,
        which_token=st.one_of(st.none(), picks),
        other_operation=st.one_of(st.none(), st.none(), operations),
        who=st.sampled_from(["own", "own", "wrong", "other's", "nothing"]),
    )
    def go_on_with_a_session(
        self,
        pick: int,
        which_token: int | None,
        other_operation: Operation | None,
        who: str,
    ) -> None:
        """Finish it, replay it, or abuse it."""
        session = self.sessions[pick % len(self.sessions)]
        token = session.token if which_token is None else self.token(which_token)
        operation = other_operation or session.operation
        response = self.delete(token, operation, self.credentials(token, who, session.session_id))
        if response is None:
            return
        same_caller = (token.user, token.device_id) == (
            session.token.user,
            session.token.device_id,
        )
        if not self.is_live(session):
            if token.user.password is None:
                assert (response.status, response.json()["errcode"]) == (403, "M_FORBIDDEN")
            else:
                self.expect_challenge(token, operation, response, "M_FORBIDDEN")  # U9
        elif not same_caller or digest_of(operation) != digest_of(session.operation):  # U10, U11
            assert (response.status, response.json()["errcode"]) == (403, "M_FORBIDDEN")
        elif session.finished is not None:
            self.expect_replay(session, token, response)
        elif who == "own":
            session.finished = self.hour
            self.expect_deleted(token, operation, response)
        elif who == "other's":
            self.expect_others_password(token, response)
        else:
            answer = response.json()
            wanted = "M_FORBIDDEN" if who == "wrong" else None  # U4, U7
            assert (response.status, answer.get("errcode")) == (401, wanted)
            assert (answer["session"], answer["completed"]) == (session.session_id, [])

    def expect_replay(self, session: Session, token: Token, response: Response) -> None:
        """U13."""
        assert session.finished is not None
        if session.finished + FINISHED_HOURS > self.hour:
            self.expect_deleted(token, session.operation, response)
        else:
            self.expect_challenge(token, session.operation, response, "M_FORBIDDEN")

    def credentials(self, token: Token, who: str, session_id: str | None = None) -> dict[str, Any]:
        """Of the caller, wrong ones, or those of somebody else."""
        if who == "nothing":
            assert session_id is not None
            return {"session": session_id}
        user = token.user
        if who == "other's":
            user = next(other for other in self.users if other is not user and other.password)
        password = "wrong" if who == "wrong" else user.password or "none"
        return password_auth(user.user_id, password, session_id)

    def expect_others_password(self, token: Token, response: Response) -> None:
        """U6; a locked account proves nobody."""
        other = next(user for user in self.users if user is not token.user and user.password)
        assert response.json()["errcode"] == "M_FORBIDDEN"
        assert response.status == (401 if other.locked else 403)

    # ---- After each step ----

    @invariant()
    def every_token_is_what_the_model_says(self) -> None:
        for token in self.tokens:
            refusal = self.refusal(token)
            credentials = Credentials(token.text, None, None, "192.0.2.9", Request("GET", "/"))
            got: Refusal | None = None
            try:
                identity = self.host.identify(credentials)
            except UnknownToken as error:
                got = (401, "M_UNKNOWN_TOKEN", error.soft_logout)
            except UserLocked:
                got = (401, "M_USER_LOCKED", True)
            else:
                assert identity.user_id == token.user.user_id
                assert identity.device_id == token.device_id
            assert got == refusal

    @invariant()
    def every_user_has_the_devices_of_the_model(self) -> None:
        for user, watch in self.watches.items():
            if not user.locked:
                devices = Asking(self.module, watch)("GET", "/devices").json()["devices"]
                assert shown(devices) == with_watch(user)
        response = Asking(self.module, IRC.as_token)(
            "GET", "/devices", user_id=self.bridged.user_id
        )
        assert shown(response.json()["devices"]) == sorted(self.bridged.devices.items())


@pytest.mark.parametrize(
    ("kind", "examples", "steps"), [("memory", 100, 50), ("sqlite", 20, 40), ("postgres", 20, 40)]
)
def test_random_operations(
    kind: str, examples: int, steps: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    host: MemoryHost | StoreHost
    if kind == "memory":
        host = MemoryHost("example.org")
    elif kind == "postgres":
        if not POSTGRES.exists():
            pytest.skip("the package was built without PostgreSQL: cmake -DMXD_POSTGRES=ON")
        url = request.getfixturevalue("database").url
        host = PostgresHost(url, server_name="example.org")
    else:
        host = SqliteHost(tmp_path / "devices.db", server_name="example.org")
    host.add_service(IRC)
    with Module.open(host, CONFIG) as module:
        machine = type(f"{kind}Machine", (DeviceMachine,), {"host": host, "module": module})
        run_settings = settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(machine, settings=run_settings)
    if isinstance(host, StoreHost):
        host.close()
