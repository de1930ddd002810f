"""Hooks: commands with placeholders, of which no value can become a command."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from matrix_device_conformance.check import NotJudged
from matrix_device_conformance.client import Client
from matrix_device_conformance.homeserver import Homeserver, User
from matrix_device_conformance.hooks import HOOKS, CommandHooks, NoHooks, NoSuchHook

OBJECT = '{"a": 1}'
SHOW = "import sys; print(sys.argv[1:], sys.stdin.read())"


def command(code: str, *words: str) -> str:
    """A command that runs Python."""
    return f"{sys.executable} -c '{code}' {' '.join(words)}"


def homeserver(**hooks: str) -> Homeserver:
    """One at a URL that nobody asks."""
    commands = {name.replace("_", "-"): line for name, line in hooks.items()}
    return Homeserver(Client("http://127.0.0.1:1"), hooks=CommandHooks(commands))


def test_values_stay_single_words() -> None:
    hooks = CommandHooks({"lock": command(SHOW, "--user={user_id}", "{url}", f"'{OBJECT}'")})
    nasty = "@a b;$(id)'\"{url}:x"
    printed = hooks.call("lock", stdin="secret", user_id=nasty, url="http://h")
    expected = nasty.replace("{url}", "http://h")
    assert printed == f"{[f'--user={expected}', 'http://h', OBJECT]!r} secret"


def test_what_there_is_no_hook_for() -> None:
    for hooks in (NoHooks(), CommandHooks({})):
        assert not hooks.offers("lock")
        with pytest.raises(NoSuchHook, match="needs the hook lock"):
            hooks.call("lock")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (command('import sys; sys.exit("no such user")'), "status 1 and said 'no such user'"),
        ("/no/such/program", "cannot be run"),
    ],
)
def test_a_hook_that_fails_is_no_verdict(line: str, says: str) -> None:
    with pytest.raises(NotJudged, match=says):
        CommandHooks({"restart": line}).call("restart")


def test_a_hook_that_hangs_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matrix_device_conformance.hooks.HOOK_TIMEOUT_S", 0.2)
    with pytest.raises(NotJudged, match="not done within 0 s"):
        CommandHooks({"restart": "sleep 20"}).call("restart")


def test_what_the_hooks_print() -> None:
    print_words = command("import sys; print(*sys.argv[1:])", "{user_id}", "tok-{device_id}", "D")
    made = homeserver(
        oauth_token=command("import sys; print(*sys.argv[1:])", "tok-{localpart}-{device_id}"),
        expired_token="echo expired",
        passwordless_user="echo @p:h token-of-p DP",
        refuse="""printf '%s\\n' '403 {"errcode": "M_X"}'""",
        guest=print_words,
        new_user="echo @new:h",
    )
    user = User(made, "@a:h", "pw")
    oauth = made.oauth_device(user, "DEV")
    assert (oauth.access_token, oauth.device_id, oauth.user) == ("tok-a-DEV", "DEV", user)
    assert made.expired_device(user).access_token == "expired"
    device = made.passwordless_device()
    assert (device.user.user_id, device.access_token, device.device_id) == (
        "@p:h",
        "token-of-p",
        "DP",
    )
    refusal = made.refuse(user)
    assert (refusal.status, refusal.body) == (403, {"errcode": "M_X"})
    new = made.new_user()
    assert new.user_id == "@new:h"
    assert {"tok-a-DEV", "expired", "token-of-p", new.password} <= made.secrets


@pytest.mark.parametrize("name", ["refuse", "guest", "passwordless_user"])
def test_what_cannot_be_understood_is_no_verdict(name: str) -> None:
    made = homeserver(**{name: "echo rubbish"})
    act = {
        "refuse": lambda: made.refuse(User(made, "@a:h", "pw")),
        "guest": made.guest_device,
        "passwordless_user": made.passwordless_device,
    }[name]
    with pytest.raises(NotJudged, match="has to print"):
        act()


def test_what_is_done_to_an_account_is_undone_after_the_test(tmp_path: Path) -> None:
    log = tmp_path / "log"
    note = command(f'import sys; open("{log}", "a").write(sys.argv[1] + " ")')
    made = homeserver(
        suspend=f"{note} suspended",
        unsuspend=f"{note} unsuspended",
        refuse="""printf '%s\n' '403 {}'""",
        accept=f"{note} accepted",
    )
    user = User(made, "@a:h", "pw")
    made.suspend(user)
    made.refuse(user)
    assert log.read_text().split() == ["suspended"]
    made.clean_up()
    made.clean_up()
    assert log.read_text().split() == ["suspended", "accepted", "unsuspended"]


def test_every_hook_is_described_in_the_document() -> None:
    text = (Path(__file__).parents[3] / "docs/conformance.md").read_text()
    missing = [name for name in HOOKS if f"`{name}`" not in text]
    assert missing == []
