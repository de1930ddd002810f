"""The command line becomes that of pytest."""

from __future__ import annotations

import pytest

from matrix_device_conformance.command import parse
from matrix_device_conformance.hooks import HOOKS

ALWAYS = {"--report=conformance-report", "--formats=html,json,md,xml"}
URL = "http://127.0.0.1:8008"


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MXD_SERVER", raising=False)


def test_options_are_passed_on() -> None:
    """Several of one kind, switches, and values with what separates words."""
    accounts = ["--account", "alice:a b", "--account=bob:c=d"]
    passed = parse([*accounts, URL, "--fail-on-ours", "--rows", "D8,U", "--report", "r"])
    assert sorted(passed) == sorted(
        [
            f"--base-url={URL}",
            "--account=alice:a b",
            "--account=bob:c=d",
            "--fail-on-ours",
            "--rows=D8,U",
            "--report=r",
            "--formats=html,json,md,xml",
        ]
    )


def test_a_server_is_started_where_there_is_no_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the option or the environment; a URL counts more than the latter."""
    assert set(parse(["--server", "x"])) == {"--server=x", *ALWAYS}
    monkeypatch.setenv("MXD_SERVER", "y")
    assert set(parse([])) == ALWAYS
    assert set(parse([URL])) == {f"--base-url={URL}", *ALWAYS}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give either the URL"),
        ([URL, "--server", "x"], "give either the URL"),
        ([URL, "--formats", "pdf"], "invalid formats value: 'pdf'"),
        ([URL, "--account"], "expected one argument"),
        ([URL, "--acc", "a:b"], "unrecognized arguments: --acc"),
    ],
)
def test_what_is_wrong_is_said(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    """With status 2."""
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_the_help_has_all_that_one_can_say(capsys: pytest.CaptureFixture[str]) -> None:
    """Hooks, statuses, and nothing that the command does not take."""
    with pytest.raises(SystemExit):
        parse(["--help"])
    said = capsys.readouterr().out
    for word in (*HOOKS, "--appservice", "MXD_ACCOUNTS", "exit status", "130"):
        assert word in said
    assert "--base-url" not in said
