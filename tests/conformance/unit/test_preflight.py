"""The preflight: one line that says what is wrong, exit status 2, and no row asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fake_homeserver
import pytest
from fake_homeserver import FakeHomeserver, Limit, Settings

from matrix_device_conformance.client import TIME_FACTOR, Client
from matrix_device_conformance.homeserver import Homeserver
from matrix_device_conformance.preflight import PreflightError, preflight, software

CLOSED = (403, {"errcode": "M_FORBIDDEN", "error": "Registration has been disabled"})
CAPTCHA = (401, {"session": "s", "flows": [{"stages": ["m.login.recaptcha"]}]})
SUITE = Path(__file__).parent.parent


def homeserver(fake: FakeHomeserver, *accounts: tuple[str, str]) -> Homeserver:
    """The suite's view of it."""
    return Homeserver(Client(fake.url), accounts=accounts)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The console script."""
    return subprocess.run(
        [sys.executable, "-B", "-m", "matrix_device_conformance", "--report=", *arguments],
        cwd=SUITE,
        capture_output=True,
        text=True,
        timeout=60 * TIME_FACTOR,
        check=False,
    )


@pytest.mark.parametrize(
    ("settings", "accounts", "says"),
    [
        (Settings(registration=CLOSED), [], "accounts: registration is not open .*--account"),
        (Settings(registration=CAPTCHA), [], "accounts: registration is not open"),
        (Settings(versions=(404, "x")), [], "URL .*: no Client-Server API is there"),
        (Settings(versions=(502, {})), [], "URL .*: no Client-Server API is there"),
        (Settings(flows=[{"type": "m.login.sso"}]), [], "takes no passwords .*m.login.sso"),
        (Settings(), [("alice", "wrong")], "account @alice: .*403.*are name and password right"),
        (
            Settings(accounts={"alice": "pw"}, logins=Limit(0, 300)),
            [("alice", "pw")],
            "limits: @alice cannot log in now, rate limited .*300 s",
        ),
        (
            Settings(registrations=Limit(0, 300)),
            [],
            "limits: no account can be registered now, .*300 s",
        ),
    ],
)
def test_what_is_wrong(settings: Settings, accounts: list[tuple[str, str]], says: str) -> None:
    with (
        fake_homeserver.running(settings) as fake,
        pytest.raises(PreflightError, match=says) as found,
    ):
        preflight(homeserver(fake, *accounts))
    assert "\n" not in str(found.value)


def test_nobody_there() -> None:
    with pytest.raises(PreflightError, match=r"URL http://127.0.0.1:1: nobody answers there"):
        preflight(Homeserver(Client("http://127.0.0.1:1")))


def test_it_ends_with_2_and_one_line() -> None:
    with fake_homeserver.running(Settings(registration=CLOSED)) as fake:
        done = run(fake.url)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert done.returncode == 2, lines
    told = [line for line in lines if "registration is not open" in line]
    assert len(told) == 1, lines
    assert "Traceback" not in done.stdout + done.stderr
    assert "GET /devices" not in fake.asked


@pytest.mark.parametrize("url", ["matrix.example.org", "ftp://h", "http://h:port", "http://"])
def test_no_url(url: str) -> None:
    done = run(url)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "expected http://… or https://…" in done.stdout + done.stderr


def test_an_unknown_service() -> None:
    service = "token=t,prefix=p_,sender=@bot:h,rate-limited=no"
    with fake_homeserver.running() as fake:
        done = run(fake.url, f"--appservice={service}")
    assert done.returncode == 2
    assert "does not know its token" in done.stdout + done.stderr


def test_it_spends_two_logins_of_given_accounts_and_no_registration() -> None:
    names = ["a", "b", "c"]
    settings = Settings(accounts=dict.fromkeys(names, "pw"), registration=CLOSED)
    with fake_homeserver.running(settings) as fake:
        accounts = preflight(homeserver(fake, *((name, "pw") for name in names)))
    assert settings.logins.taken == 2
    assert "POST /register" not in fake.asked
    assert [user.user_id for user in accounts.shared] == ["@a:fake", "@b:fake"]


def test_it_spends_no_login_where_registration_is_open() -> None:
    settings = Settings()
    with fake_homeserver.running(settings) as fake:
        accounts = preflight(homeserver(fake))
        assert {user.device().user.user_id for user in accounts.shared} == {
            user.user_id for user in accounts.shared
        }
    assert settings.logins.taken == 0
    assert settings.registrations.taken == 4


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ((200, {"server": {"name": "Synapse", "version": "1.163.2"}}), ("Synapse", "1.163.2")),
        ((200, {"server": {"name": "X"}}), ("X", "unknown")),
        ((404, {"errcode": "M_UNRECOGNIZED"}), ("BaseHTTP", None)),
        ((200, {"server": [1]}), ("BaseHTTP", None)),
    ],
)
def test_the_software(answer: fake_homeserver.Answer, found: tuple[str, str | None]) -> None:
    with fake_homeserver.running(Settings(software=answer)) as fake:
        name, version = software(Client(fake.url))
    assert name == found[0]
    assert found[1] in (None, version)
