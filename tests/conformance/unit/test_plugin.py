"""How tests end as pytest runs them: kept, not kept, not judged, and the suite's own faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fake_homeserver
import pytest
from fake_homeserver import FakeHomeserver

from matrix_device_conformance.verdicts import KEPT, NOT_JUDGED, NOT_KEPT

pytest_plugins = ["pytester"]

ROWS = """
import time
import pytest
from matrix_device_conformance.check import NotJudged
from matrix_device_conformance.server import poll

def test_R1_kept(check, user):
    check.equal("devices", user.device().list().status, 200)

def test_R2_goes_on_after_a_failure(check, user):
    device = user.device()
    check.equal("first", device.list().status, 404)
    check.ours.equal("second", 1, 2)
    check.equal("third", 1, 1)

def test_R3_stops_where_it_must(check):
    check.must.equal("first", 1, 2)
    raise KeyError("not reached")

def test_R4_not_judged(check):
    check.equal("before", 1, 1)
    raise NotJudged("there is no such thing here")

def test_R5_own_fault(check):
    check.equal("before", 1, 1)
    {}["token-of-device-1"]

def test_R6_nothing_checked(check):
    pass

@pytest.mark.time_limit(0.3)
def test_R7_too_long(check):
    time.sleep(5)

@pytest.mark.time_limit(0.3, subject=True)
def test_R8_too_long_and_that_is_the_row(check):
    time.sleep(5)

def test_R9_not_within(check):
    poll(lambda: False, 0.1, "it comes about")

def test_R10_switched_off(check):
    check.equal("x", 1, 2)

@pytest.mark.peer_bug("Fake", "all is 200", got="^200$")
@pytest.mark.peer_bug("Other", "all is 404", got="^404$")
def test_R11_of_a_peer(check, user):
    check.equal("status", user.device().list().status, 403)

def test_R12_secrets(check, user):
    check.equal("token", user.device().access_token, user.password)
"""


@pytest.fixture
def fake() -> Any:
    """A homeserver that answers."""
    with fake_homeserver.running() as fake:
        yield fake


@pytest.fixture
def run(
    pytester: pytest.Pytester, fake: FakeHomeserver, monkeypatch: pytest.MonkeyPatch
) -> tuple[pytest.RunResult, dict[str, dict[str, Any]], Path]:
    """The sample's run: what pytest said, the rows of the report, and where it is."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    pytester.makepyfile(test_sample=ROWS)
    report = pytester.path / "report"
    result = pytester.runpytest_subprocess(
        *("-p", "matrix_device_conformance.plugin", "-p", "no:cacheprovider"),
        *(f"--base-url={fake.url}", f"--report={report}", "--without=R10"),
    )
    rows = json.loads((report / "conformance.json").read_text())["rows"]
    return result, {row["row"]: row for row in rows}, report


def test_each_ends_as_it_should(run: Any) -> None:
    result, rows, _report = run
    verdicts = {name: row["tests"][0]["verdict"] for name, row in rows.items()}
    assert verdicts == {
        **dict.fromkeys(("R1",), KEPT),
        **dict.fromkeys(("R2", "R3", "R8", "R9", "R11", "R12"), NOT_KEPT),
        **dict.fromkeys(("R4", "R5", "R6", "R7", "R10"), NOT_JUDGED),
    }
    assert {failure["what"] for failure in rows["R2"]["tests"][0]["failures"]} == {
        "first",
        "second",
    }
    assert (rows["R2"]["specification"], rows["R2"]["ours"]) == (NOT_KEPT, NOT_KEPT)
    exchange = rows["R2"]["tests"][0]["failures"][0]["exchange"]
    assert rows["R2"]["tests"][0]["exchanges"][exchange]["target"].endswith("/devices")
    assert len(rows["R3"]["tests"][0]["failures"]) == 1
    reasons = {name: rows[name]["reason"] for name in ("R4", "R7", "R10")}
    assert reasons == {
        "R4": "there is no such thing here",
        "R7": "not done within 0 s",
        "R10": "switched off: R10",
    }
    assert rows["R11"]["peer_bug"] == "Fake: all is 200"
    # A fault of the suite is told, and is the status, whatever the homeserver did.
    assert result.ret == 3
    output = result.stdout.str() + result.stderr.str()
    assert "KeyError" in output
    assert "nothing was checked" in output


def test_no_secret_leaves(run: Any, fake: FakeHomeserver) -> None:
    result, _rows, report = run
    written = "".join(path.read_text() for path in report.iterdir())
    everything = written + result.stdout.str() + result.stderr.str()
    secrets = {*fake.settings.tokens, *fake.settings.accounts.values()}
    assert len(secrets) > 10
    assert [secret for secret in secrets if secret in everything] == []


def test_a_homeserver_that_goes_away(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is there any more: that is no verdict about the rows that are left."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    pytester.makepyfile(
        test_sample="""
        def test_R1_goes(check, user):
            check.ok("before", user.device().list())
            client = user.homeserver.client
            user.homeserver.client.port = 1
            user.device().list()
        """
    )
    with fake_homeserver.running() as fake:
        pytester.runpytest_subprocess(
            *("-p", "matrix_device_conformance.plugin", "-p", "no:cacheprovider"),
            *(f"--base-url={fake.url}", "--report=report"),
        )
    rows = json.loads((pytester.path / "report/conformance.json").read_text())["rows"]
    assert rows[0]["specification"] == NOT_JUDGED
    assert "GET /_matrix/client/v3/devices: nobody listens there" in rows[0]["reason"]
