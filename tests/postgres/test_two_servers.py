"""Two servers on one database are one to their clients."""

from __future__ import annotations

import pytest

from cluster import Database
from conftest import Launch
from matrix_device_conformance.client import Response
from trial import PASSWORD, Trial, device_path, password_stage

Pair = tuple[Trial, Trial]
GUESSES = 10


@pytest.fixture
def pair(launch: Launch, prepare: Launch, database: Database) -> Pair:
    """Both, with limits."""
    limits = {
        "enabled": True,
        "login_address_user": {"burst": GUESSES, "interval_ms": 3_600_000},
        "registration_address": {"burst": GUESSES, "interval_ms": 3_600_000},
    }
    one = launch(database.url, limits=limits)
    two = prepare(database.url, limits=limits)
    two.server.start()
    return one, two


def log_in(trial: Trial, device_id: str, password: str = PASSWORD) -> Response:
    """Alice, with a password."""
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": "alice"},
        "password": password,
        "device_id": device_id,
    }
    answer = trial.request("POST", "/login", json=body)
    assert answer is not None
    return answer


def token_of(trial: Trial, device_id: str) -> str:
    """A new one."""
    token: str = log_in(trial, device_id).json["access_token"]
    return token


def status(trial: Trial, token: str) -> int:
    """Of whoami."""
    answer = trial.request("GET", "/account/whoami", token=token)
    assert answer is not None
    return answer.status


def delete(trial: Trial, device_id: str, token: str, session: str | None = None) -> Response:
    """With the password, in a session that was begun."""
    body = {} if session is None else {"auth": password_stage("alice", session)}
    answer = trial.request("DELETE", device_path(device_id), json=body, token=token)
    assert answer is not None
    return answer


def test_a_session_is_begun_on_one_and_finished_on_the_other(pair: Pair) -> None:
    one, two = pair
    token, lost = token_of(one, "LAPTOP"), token_of(two, "PHONE")
    begun = delete(one, "PHONE", token)
    assert begun.status == 401, begun
    assert delete(two, "PHONE", token, begun.json["session"]).status == 200
    for trial in pair:
        assert status(trial, lost) == 401
        assert status(trial, token) == 200
    again = delete(one, "PHONE", token, begun.json["session"])
    assert again.status == 200, "a repeated request is answered, not repeated"


def test_what_one_has_answered_the_other_knows(pair: Pair) -> None:
    for number in range(20):
        here, there = pair[number % 2], pair[1 - number % 2]
        token = token_of(here, f"D{number}")
        assert status(there, token) == 200
        name = {"display_name": f"name {number}"}
        renamed = there.request("PUT", device_path(f"D{number}"), json=name, token=token)
        assert renamed is not None
        assert renamed.status == 200
        seen = here.request("GET", device_path(f"D{number}"), token=token)
        assert seen is not None
        assert seen.json["display_name"] == f"name {number}"
        out = there.request("POST", "/logout", json={}, token=token)
        assert out is not None
        assert out.status == 200
        assert status(here, token) == 401


def test_T5_wrong_passwords_are_counted_together(pair: Pair) -> None:
    for trial in pair:
        for number in range(2 * GUESSES):
            assert log_in(trial, f"D{number}").status == 200, "a right one takes nothing"
    answers = [log_in(pair[number % 2], "D", "wrong").status for number in range(2 * GUESSES)]
    assert answers.count(403) == GUESSES, answers
    assert answers.count(429) == GUESSES, answers
    limited = log_in(pair[0], "D", "wrong")
    assert limited.json["errcode"] == "M_LIMIT_EXCEEDED", limited
    assert int(limited.headers["Retry-After"]) > 0


def test_T6_registrations_are_counted_together(pair: Pair) -> None:
    answers = []
    for number in range(2 * GUESSES):
        body = {"username": f"user{number}", "password": "x", "auth": {"type": "m.login.dummy"}}
        answer = pair[number % 2].request("POST", "/register", json=body)
        assert answer is not None
        answers.append(answer.status)
    assert answers.count(200) == GUESSES, answers
    assert answers.count(429) == GUESSES, answers


def test_T8_a_registration_goes_on_at_the_other(pair: Pair) -> None:
    one, two = pair
    body = {"username": "dave", "password": "x"}
    begun = one.request("POST", "/register", json=body)
    assert begun is not None
    assert begun.status == 401, begun
    auth = {"type": "m.login.dummy", "session": begun.json["session"]}
    registered = two.request("POST", "/register", json={**body, "auth": auth})
    assert registered is not None
    assert registered.status == 200, registered
    assert status(one, registered.json["access_token"]) == 200
