"""User-Interactive Authentication with hosts in Python: sessions, credentials, flows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asking import Asking, errcode, password_auth
from doubles import TOKEN, SmallHost
from matrix_devices import (
    AsyncMemoryHost,
    CompletedStage,
    Conflict,
    Credentials,
    DeviceQuery,
    Exchange,
    Flow,
    KeptSession,
    MemoryHost,
    Module,
    NewSession,
    NotFound,
    Principal,
    Replacement,
    Request,
    Response,
    SessionKey,
    SqliteHost,
    UiaAttempt,
    UiaOperation,
)

ALICE = "@alice:example.org"
PASSWORD = "correct horse"
PHONE = "/devices/PHONE"
SSO = "m.login.sso"


class KeepingHost(SmallHost):
    """Keeps sessions, their states as text, and believes whatever it is shown."""

    def __init__(self, *flows: Flow) -> None:
        super().__init__()
        self.flows = flows or (Flow(("m.login.password",)),)
        self.states: dict[str, str] = {}
        self.revisions: dict[str, int] = {}
        self.completed: list[CompletedStage] = []
        self.attempts: list[UiaAttempt] = []

    def authenticate(self, credentials: Credentials) -> Principal:
        return Principal(ALICE, "D0")

    def uia_flows(self, principal: Principal | None, operation: UiaOperation) -> list[Flow]:
        return list(self.flows)

    def uia_create_session(self, principal: Principal | None, session: NewSession) -> str:
        session_id = f"mine-{len(self.states)}"
        self.states[session_id] = session.state.decode()
        self.revisions[session_id] = 1
        return session_id

    def uia_load_session(self, principal: Principal | None, key: SessionKey) -> KeptSession:
        if key.session_id not in self.states:
            raise NotFound
        state = self.states[key.session_id].encode()
        return KeptSession(state, self.revisions[key.session_id], self.completed)

    def uia_replace_session(self, principal: Principal | None, replacement: Replacement) -> None:
        if self.revisions[replacement.session_id] != replacement.revision:
            raise Conflict
        self.revisions[replacement.session_id] += 1
        self.states[replacement.session_id] = replacement.state.decode()

    def uia_check(self, principal: Principal | None, attempt: UiaAttempt) -> str | None:
        self.attempts.append(attempt)
        return ALICE


def with_alice(host: MemoryHost | AsyncMemoryHost | SqliteHost) -> str:
    """Make her, and the token of her laptop."""
    host.add_user("alice", PASSWORD)
    host.login("alice", device_id="PHONE")
    return host.login("alice", device_id="LAPTOP").access_token


# ---- Sessions ----


@pytest.fixture(params=["text", "memory", "sqlite"])
def asking(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Asking]:
    """A client of a host, and its user's password is never wrong."""
    if request.param == "text":
        with Module.open(KeepingHost()) as module:
            yield Asking(module, TOKEN)
    elif request.param == "memory":
        memory = MemoryHost("example.org")
        with Module.open(memory) as module:
            yield Asking(module, with_alice(memory))
    else:
        with SqliteHost(tmp_path / "devices.db", server_name="example.org") as sqlite:
            token = with_alice(sqlite)
            with Module.open(sqlite) as module:
                yield Asking(module, token)


def test_U8_a_state_with_an_escaped_nul_comes_back(asking: Asking) -> None:
    session = asking("DELETE", PHONE, {"note": "a\0b\u00e9"}).json()["session"]
    auth = password_auth("alice", PASSWORD, session)
    assert errcode(asking("DELETE", PHONE, {"note": "a", "auth": auth})) == (403, "M_FORBIDDEN")
    assert asking("DELETE", PHONE, {"auth": auth}).status == 200


def test_a_state_is_text_and_holds_the_escape() -> None:
    host = KeepingHost()
    with Module.open(host) as module:
        session = Asking(module, TOKEN)("DELETE", PHONE, {"note": "a\0b"}).json()["session"]
    assert "u0000" in host.states[session]
    assert "\0" not in host.states[session]
    json.loads(host.states[session])


def test_a_session_may_have_an_id_of_the_hosts_own() -> None:
    with Module.open(KeepingHost()) as module:
        asking = Asking(module, TOKEN)
        assert asking("DELETE", PHONE, {}).json()["session"] == "mine-0"
        auth = password_auth("alice", PASSWORD, "mine-0")
        assert asking("DELETE", PHONE, {"auth": auth}).status == 200
        other = password_auth("alice", PASSWORD, "another")
        assert errcode(asking("DELETE", PHONE, {"auth": other})) == (401, "M_FORBIDDEN")  # U9


class CountingHost(MemoryHost):
    """Counts the conflicts that it tells of."""

    conflicts = 0

    def uia_replace_session(self, principal: Principal | None, replacement: Replacement) -> None:
        try:
            super().uia_replace_session(principal, replacement)
        except Conflict:
            self.conflicts += 1
            raise


def finishing(token: str, session: str) -> Request:
    """The request with the password."""
    body = json.dumps({"auth": password_auth("alice", PASSWORD, session)}).encode()
    headers = [("Authorization", f"Bearer {token}")]
    return Request("DELETE", f"/_matrix/client/v3{PHONE}", headers, body)


def step(exchange: Exchange, host: MemoryHost) -> bool:
    """Answer one question; False: there is none, and the request is answered."""
    question = exchange.next()
    if question is None:
        return False
    assert question.call(host) is None
    return True


def test_U26_two_requests_finish_a_session_in_every_order() -> None:
    """Each order of their questions: both are answered as if one came after the other."""
    orders: list[list[int]] = [[]]
    tried = conflicts = 0
    while orders:
        order = orders.pop()
        host = CountingHost("example.org")
        token = with_alice(host)
        with Module.open_stepwise() as module:
            begun = module.begin(replace(finishing(token, ""), body=b"{}"))
            assert begun is not None
            while step(begun, host):
                pass
            assert begun.response is not None
            request = finishing(token, begun.response.json()["session"])
            one, two = module.begin(request), module.begin(request)
            assert one is not None
            assert two is not None
            for which in order:
                step((one, two)[which], host)
            open_ = [number for number, e in enumerate((one, two)) if e.response is None]
            if len(open_) == 2:
                orders += [[*order, 0], [*order, 1]]
            for exchange in (one, two):  # what is left has one order only
                while step(exchange, host):
                    pass
                assert exchange.response is not None
                assert (exchange.response.status, exchange.response.json()) == (200, {}), order
        left = host.list_devices(Principal(ALICE), DeviceQuery(ALICE))
        assert [device.device_id for device in left] == ["LAPTOP"]
        tried += 1
        conflicts += host.conflicts
    assert tried > 100
    assert conflicts > 10, "no order in which both replace the same revision"


def test_U26_many_at_once_on_asyncio() -> None:
    host = AsyncMemoryHost("example.org")
    token = with_alice(host)
    often = {"burst": 1000, "interval_ms": 1}

    async def main() -> list[Response | None]:
        limits = {"uia_failures": often, "uia_repeats": often}
        async with Module.open(host, {"limits": limits}) as module:
            challenge = await module.ahandle(replace(finishing(token, ""), body=b"{}"))
            assert challenge is not None
            request = finishing(token, challenge.json()["session"])
            return await asyncio.gather(*(module.ahandle(request) for _ in range(20)))

    responses = asyncio.run(main())
    assert [response.status for response in responses if response] == [200] * 20


@pytest.mark.parametrize("kind", [MemoryHost, AsyncMemoryHost])
def test_a_host_that_knows_nothing_but_conflicts_is_a_503_and_logged(
    kind: type[MemoryHost | AsyncMemoryHost], caplog: pytest.LogCaptureFixture
) -> None:
    host = kind("example.org")
    token = with_alice(host)
    host.fail_next("uia_replace_session", Conflict(), times=100)

    async def main() -> Response | None:
        async with Module.open(host) as module:
            challenge = await module.ahandle(replace(finishing(token, ""), body=b"{}"))
            assert challenge is not None
            return await module.ahandle(finishing(token, challenge.json()["session"]))

    response = asyncio.run(main())
    assert response is not None
    assert errcode(response) == (503, "M_UNKNOWN")
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "uia_replace_session" in caplog.text


def test_U9_a_session_that_is_gone_when_it_is_to_be_replaced() -> None:
    host = MemoryHost("example.org")
    with Module.open(host) as module:
        asking = Asking(module, with_alice(host))
        session = asking("DELETE", PHONE, {}).json()["session"]
        host.fail_next("uia_replace_session", NotFound())
        auth = password_auth("alice", PASSWORD, session)
        answer = asking("DELETE", PHONE, {"auth": auth})
        assert errcode(answer) == (401, "M_FORBIDDEN")
        assert answer.json()["session"] != session
        assert "PHONE" in asking.device_ids()


# ---- Credentials ----


def attempted(auth: dict[str, Any], *flows: Flow) -> UiaAttempt:
    """What the host is asked about these credentials."""
    host = KeepingHost(*flows)
    with Module.open(host) as module:
        response = Asking(module, TOKEN)("DELETE", PHONE, {"auth": auth})
        assert response.status == 200, response.body
    (attempt,) = host.attempts
    return attempt


EMAIL = {"type": "m.id.thirdparty", "medium": "email", "address": "a@example.org"}
CREDENTIALS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"user": "Alice"}, {"user": "Alice"}),  # U19
    ({"user": "Alice", "identifier": None}, {"user": "Alice"}),  # U2
    ({"user": "bob", "identifier": {"type": "m.id.user", "user": ALICE}}, {"user": ALICE}),
    ({"identifier": EMAIL}, {"medium": "email", "address": "a@example.org"}),
    ({"identifier": {**EMAIL, "country": None}}, {"medium": "email", "address": "a@example.org"}),
    (
        {"identifier": {"type": "m.id.phone", "country": "GB", "phone": "0123"}},
        {"medium": "msisdn", "address": "0123", "country": "GB"},
    ),
    ({"identifier": {"type": "org.example.badge", "badge": 7}}, {}),
]


@pytest.mark.parametrize(("auth", "found"), CREDENTIALS)
def test_credentials_of_a_password_come_parsed(auth: dict[str, Any], found: dict[str, str]) -> None:
    attempt = attempted({"type": "m.login.password", "password": PASSWORD, "more": None, **auth})
    kinds = ("user", "medium", "address", "country")
    assert {name: getattr(attempt, name) for name in kinds} == dict.fromkeys(kinds) | found
    assert (attempt.user_id, attempt.device_id, attempt.type) == (ALICE, "D0", "m.login.password")
    assert attempt.password == PASSWORD
    assert attempt.remote_addr == "192.0.2.1"
    assert "more" not in attempt.auth
    if "user" in found:
        assert attempt.auth["identifier"] == {"type": "m.id.user", "user": found["user"]}
    else:
        wanted = {key: value for key, value in auth["identifier"].items() if value is not None}
        assert attempt.auth["identifier"] == wanted


def test_credentials_of_other_stages_are_left_to_the_host() -> None:
    auth = {"type": SSO, "user": "a", "password": "b", "response": "a\0b", "deep": {"n": [1, None]}}
    attempt = attempted(auth, Flow((SSO,)))
    assert (attempt.user, attempt.password, attempt.address) == (None, None, None)
    assert attempt.auth["response"] == "a\0b"
    assert attempt.auth["deep"]["n"][0] == 1


def test_no_record_shows_a_secret() -> None:
    secret = "letmein"
    attempt = UiaAttempt(
        ALICE, None, secret, "m.login.password", "", secret, secret, secret, secret, secret, b""
    )
    records = [
        replace(attempt, auth_json=b'{"password":"letmein"}'),
        NewSession(secret, ALICE, "D0", None, secret.encode(), 1, 32),
        KeptSession(secret.encode(), 1),
        Replacement(secret, ALICE, 1, secret.encode(), 1, False),
        SessionKey(secret),
    ]
    assert secret not in repr(records)


# ---- Flows ----


@pytest.mark.parametrize(("identity", "status"), [(ALICE, 200), ("@bob:example.org", 403)])
def test_U7_a_stage_that_was_completed_elsewhere(identity: str, status: int) -> None:
    host = KeepingHost(Flow((SSO,)))
    with Module.open(host) as module:
        asking = Asking(module, TOKEN)
        session = asking("DELETE", PHONE, {}).json()["session"]
        auth = {"auth": {"session": session}}
        assert asking("DELETE", PHONE, auth).status == 401
        host.completed.append(CompletedStage(SSO, identity))
        assert asking("DELETE", PHONE, auth).status == status


def test_U6a_a_flow_that_proves_nobody_is_not_offered() -> None:
    stage = "org.example.quiz"
    for flow, status in ((Flow((stage,)), 401), (Flow((stage,), proves_nobody={stage}), 403)):
        with Module.open(KeepingHost(flow)) as module:
            assert Asking(module, TOKEN)("DELETE", PHONE, {}).status == status


def test_parameters_of_stages() -> None:
    first = Flow(("m.login.terms", "m.login.password"), {"m.login.terms": {"policies": {}}})
    second = Flow(("m.login.password", "m.login.terms"), {"m.login.terms": {"other": 1}})
    with Module.open(KeepingHost(first, second)) as module:
        answer = Asking(module, TOKEN)("DELETE", PHONE, {}).json()
    assert [flow["stages"] for flow in answer["flows"]] == [list(first.stages), list(second.stages)]
    assert answer["params"] == {"m.login.terms": {"policies": {}}}


# ---- What a host does wrong ----

WRONG = [
    ("uia_create_session", 5, "uia_create_session() returned an int; it must return the session's"),
    ("uia_create_session", "", "uia_create_session() returned a str; it must return the session's"),
    ("uia_load_session", None, "uia_load_session() returned None; it must return a KeptSession"),
    (
        "uia_load_session",
        KeptSession("{}", 1),
        "a KeptSession whose state is a str; it must be bytes",
    ),  # type: ignore[arg-type]
    ("uia_load_session", KeptSession(b"{}", 1.5), "whose revision is a float; it must be int"),  # type: ignore[arg-type]
    ("uia_replace_session", True, "uia_replace_session() returned a bool; it must return None"),
    ("uia_check", 5, "uia_check() returned an int; it must return the user ID that was proved"),
    ("uia_flows", "abc", "uia_flows() returned a str; it must return a sequence of Flow"),
    ("uia_flows", [Flow(SSO)], "returned a Flow whose stages is a str; it must be a"),  # type: ignore[arg-type]
    (
        "uia_flows",
        [Flow((SSO,), {SSO: {"a": object()}})],
        f"a Flow whose params for {SSO} are no JSON",
    ),
]


@pytest.mark.parametrize(("method", "result", "said"), WRONG)
def test_a_result_of_the_wrong_type(
    method: str, result: object, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    kind = type("BentHost", (KeepingHost,), {method: lambda *_: result})
    with Module.open(kind()) as module:
        asking = Asking(module, TOKEN)
        auth = password_auth("alice", PASSWORD, "any")
        if method in ("uia_replace_session", "uia_check"):
            auth["session"] = asking("DELETE", PHONE, {}).json()["session"]
        body = {} if method == "uia_create_session" else {"auth": auth}
        assert errcode(asking("DELETE", PHONE, body)) == (500, "M_UNKNOWN")
    assert said in caplog.text
