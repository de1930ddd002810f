"""What strangers may try, and how often: rows T3 to T9 of accounts.md on a running server."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from accounts import expect_error, limits_file, password_login, post
from conftest import Launch
from matrix_device_conformance.client import TIME_FACTOR, Response, client_path
from matrix_device_conformance.homeserver import Homeserver, Service, User
from matrix_device_conformance.server import Server, poll
from test_lifecycle import expect_refusal

FLOOD_CONNECTIONS = 300
REFRESHES = 60
GUESSES = 5
REGISTRATIONS, REGISTRATION_BACK_S = 30, 10  # at once, and how long until there is one more


def login_from(
    homeserver: Homeserver, address: str, user: User, password: str, **more: Any
) -> Response:
    """A login that a trusted proxy says is from there."""
    return homeserver.client.request(
        "POST",
        client_path("/login"),
        json={**password_login(user.localpart, password), **more},
        headers=[("X-Forwarded-For", address)],
    )


@contextmanager
def flood(server: Server, user: User) -> Iterator[None]:
    """Wrong passwords from one /64, over many connections, by another process. The server ends
    with them."""
    command = [
        sys.executable,
        str(Path(__file__).with_name("flood.py")),
        server.client.host,
        str(server.client.port),
        str(FLOOD_CONNECTIONS),
        user.localpart,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
            yield
        finally:
            process.kill()
    # A stop has no time for all that the flood has left in the queue, on a busy machine.
    server.kill()


def timed(
    homeserver: Homeserver, path: str, body: Any, token: str | None
) -> tuple[Response, float]:
    """An answer, and the seconds that it took."""
    begin = time.monotonic()
    answer = post(homeserver, path, body, token)
    return answer, time.monotonic() - begin


@pytest.mark.parametrize("limits", ["limited", "unlimited"])
def test_T7_refresh_and_logout_do_not_wait_for_passwords(launch: Launch, limits: str) -> None:
    """Neither waits behind wrong passwords, whether those are refused before they are hashed or
    fill the queue of the threads that hash."""
    options = ["--open-registration", "--trust-proxy", "127.0.0.1"]
    server = launch(*options, *(["--no-rate-limits"] if limits == "unlimited" else []))
    homeserver = Homeserver(server.client, server=server)
    user = homeserver.new_user()
    device = user.login(refresh=True)
    others = [homeserver.issue_token(user) for _ in range(REFRESHES)]
    refresh_token = device.refresh_token
    took, small = [], []
    with flood(server, user):
        for other in others:
            begin = time.monotonic()
            assert homeserver.client.request("GET", client_path("/login")).status == 200
            small.append(time.monotonic() - begin)
            refreshed, seconds = timed(
                homeserver, "/refresh", {"refresh_token": refresh_token}, None
            )
            assert refreshed.status == 200, str(refreshed)
            refresh_token = refreshed.json["refresh_token"]
            took.append(seconds)
            out, seconds = timed(homeserver, "/logout", {}, other.access_token)
            assert out.status == 200, str(out)
            took.append(seconds)
    # Behind a full queue of passwords the median would be some seconds. On a machine that has much
    # else to do everything takes long, what waits for nothing too.
    usual = statistics.median(small)
    assert statistics.median(took) < max(0.5 * TIME_FACTOR, 4 * usual), (took, small)
    most = sorted(took)[len(took) * 9 // 10]
    assert most < max(2 * TIME_FACTOR, 16 * usual), (took, small)


def test_T7_a_deletion_is_not_crowded_out(launch: Launch) -> None:
    """The password of a deletion has its place while logins fill their queue."""
    server = launch("--open-registration", "--no-rate-limits")
    homeserver = Homeserver(server.client, server=server)
    user = homeserver.new_user()
    device = user.login()
    with flood(server, user):
        for _ in range(5):
            deleted = device.delete("NOTHING", user.auth())
            assert deleted.status == 200, str(deleted)


def test_T5_an_owner_gets_in_under_a_flood(launch: Launch, tmp_path: Path) -> None:
    """Who has logged in from there before is not locked out by guesses from elsewhere."""
    config = limits_file(tmp_path, login_user=3)
    options = ["--open-registration", "--trust-proxy", "127.0.0.1", "--config", config]
    server = launch(*options)
    homeserver = Homeserver(server.client, server=server)
    user = homeserver.new_user()
    assert login_from(homeserver, "203.0.113.1", user, user.password).status == 200
    with flood(server, user):
        for number in range(6):  # until the bucket of the user is empty
            login_from(homeserver, f"198.51.100.{number}", user, "wrong")
        assert login_from(homeserver, "198.51.100.99", user, user.password).status == 429
        again = login_from(homeserver, "203.0.113.1", user, user.password)
        assert again.status == 200, str(again)


def test_T5_guesses_are_counted_by_network_and_user(launch: Launch, tmp_path: Path) -> None:
    """So many for one user from one /64 or IPv4 address, in whatever spelling of the name."""
    config = limits_file(tmp_path, login_address_user=GUESSES)
    trusted = "127.0.0.0/8,fd00::/8"
    server = launch("--open-registration", "--trust-proxy", trusted, "--config", config)
    homeserver = Homeserver(server.client, server=server)
    user = homeserver.new_user()
    spelled = [user.localpart, user.localpart.upper(), user.user_id, user.user_id.upper()]
    for address in ("2001:db8:0:1::{}", "203.0.113.1, fd00::{}"):
        statuses = []
        for number in range(2 * GUESSES):
            body = password_login(spelled[number % len(spelled)], "wrong")
            headers = [("X-Forwarded-For", address.format(number))]
            answer = homeserver.client.request(
                "POST", client_path("/login"), json=body, headers=headers
            )
            statuses.append(answer.status)
        assert statuses == [403] * GUESSES + [429] * GUESSES


@pytest.mark.parametrize(
    "proxy", ["172.16.0.0/12", "fd00::/8", "127.0.0.1", "10.0.0.1,10.0.0.2", "::1, 10.0.0.0/8"]
)
def test_T5_trusted_proxies_are_addresses_and_networks(launch: Launch, proxy: str) -> None:
    """--trust-proxy takes both, and several."""
    launch("--trust-proxy", proxy.replace(" ", ""))


@pytest.mark.parametrize("proxy", ["10.0.0.0/33", "fd00::/129", "proxy.example.org", "10.0.0.1,x"])
def test_T5_a_bad_proxy_is_refused(prepare: Launch, proxy: str) -> None:
    """What is neither is refused, and named."""
    expect_refusal(prepare("--trust-proxy", proxy), "--trust-proxy", proxy.rsplit(",", 1)[-1])


def test_T6_registrations_are_limited(launch: Launch) -> None:
    """Guests and users share a bucket of their address; an option turns it off."""
    server = launch("--open-registration")
    homeserver = Homeserver(server.client, server=server)
    begin = time.monotonic()
    guests = [post(homeserver, "/register?kind=guest", {}).status for _ in range(40)]
    back = int((time.monotonic() - begin) / REGISTRATION_BACK_S)
    assert REGISTRATIONS <= guests.count(200) <= REGISTRATIONS + 1 + back, guests
    limited = poll(
        lambda: next(
            (a for a in [post(homeserver, "/register?kind=guest", {})] if a.status == 429), None
        ),
        20,
        "a 429",
    )
    expect_error(limited, 429, "M_LIMIT_EXCEEDED")
    assert 1 <= int(limited.headers["Retry-After"]) <= 10

    unlimited = launch("--open-registration", "--no-rate-limits")
    homeserver = Homeserver(unlimited.client, server=unlimited)
    guests = [post(homeserver, "/register?kind=guest", {}).status for _ in range(60)]
    assert set(guests) == {200}


def test_T3_names_on_the_command_line(homeserver: Homeserver, server: Server) -> None:
    """The command line takes names as people type them."""
    added = server.command("user", "add", "Carol", stdin="secret\n")
    assert added.stdout.strip() == "@carol:example.org"
    carol = User(homeserver, "@carol:example.org", "secret")
    carol.login("A")
    server.command("token", "issue", "@CAROL", "--device", "A")
    server.command("user", "lock", "@Carol:EXAMPLE.org")
    locked = post(homeserver, "/login", password_login("carol", "secret"))
    assert locked.errcode == "M_USER_LOCKED"
    server.command("user", "unlock", "carol:example.org")
    carol.login("A")
    server.command("user", "lock", "carol:example.com", expect=3)


def test_T3_a_service_has_historical_ids(homeserver: Homeserver, service: Service) -> None:
    """Capitals and more, in its namespace; it acts as them, and logs them in."""
    kind = {"type": "m.login.application_service"}
    name = service.prefix + "Dave[m]"
    made = post(homeserver, "/register", {**kind, "username": name}, service.as_token)
    assert made.status == 200, str(made)
    user_id = f"@{name}:example.org"
    assert made.json["user_id"] == user_id
    acting = service.request("GET", "/account/whoami", user_id=user_id)
    assert acting.json["user_id"] == user_id
    login = {**kind, "identifier": {"type": "m.id.user", "user": name}}
    assert post(homeserver, "/login", login, service.as_token).json["user_id"] == user_id
    outside = {**kind, "username": "Dave[m]"}
    assert post(homeserver, "/register", outside, service.as_token).errcode == "M_EXCLUSIVE"


def test_T9_an_expression_that_can_not_be_taken(prepare: Launch, tmp_path: Path) -> None:
    """It refuses the start, and names the file, the key and the expression."""
    path = tmp_path / "registration.yaml"
    path.write_text(
        "id: x\nurl: null\nas_token: a\nhs_token: h\nsender_localpart: x\n"
        "namespaces:\n  users: [{exclusive: true, regex: '@irc_(?!bot).*'}]\n"
    )
    expect_refusal(
        prepare("--appservice", str(path)), str(path), "users[0].regex", "@irc_(?!bot).*"
    )


def test_H6_no_memory_is_no_wrong_password(launch: Launch) -> None:
    """Without memory to hash, right and wrong passwords are 503, and no attempt is counted."""
    server = launch("--open-registration")
    homeserver = Homeserver(server.client, server=server)
    user = homeserver.new_user()
    device = user.login()
    assert server.process is not None
    pid = server.process.pid
    status = Path(f"/proc/{pid}/status").read_text()
    if "Sanitizer" in server.output() or "libasan" in Path(f"/proc/{pid}/maps").read_text():
        pytest.skip("the address space of a sanitizer can't be limited")
    (used,) = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmSize")]
    limits = resource.prlimit(pid, resource.RLIMIT_AS)
    resource.prlimit(pid, resource.RLIMIT_AS, ((used + 8 * 1024) * 1024, limits[1]))
    for number in range(15):
        password = user.password if number % 2 else "wrong"
        refused = post(homeserver, "/login", password_login(user.localpart, password))
        expect_error(refused, 503, "M_UNKNOWN")
        assert int(refused.headers["Retry-After"]) >= 1
    for _ in range(5):
        expect_error(device.delete("NOTHING", user.auth()), 503, "M_UNKNOWN")
    poll(
        lambda: any("memory" in line.get("message", "") for line in server.log()),
        20,
        "the log says that memory is lacking",
    )
    resource.prlimit(pid, resource.RLIMIT_AS, limits)
    user.login()
    assert device.delete("NOTHING", user.auth()).status == 200
