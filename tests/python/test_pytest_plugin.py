"""The fixture for authors of clients, used by tests as they would write them."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from matrix_devices import AsyncMemoryHost, MatrixError, MemoryHost, SqliteHost, Unavailable
from pytest_matrix_devices import DeviceServer

GUIDE = Path(__file__).parents[2] / "docs" / "testing_clients.md"
EXAMPLE = re.compile(r"<!-- (test|run): (\w+) -->\n```python\n(.*?)```", re.DOTALL)
EXAMPLES = {
    name: (kind, code) for kind, name, code in EXAMPLE.findall(GUIDE.read_text(encoding="utf-8"))
}
DEVICES = "/_matrix/client/v3/devices"


def fetch(server: DeviceServer, token: str, path: str = DEVICES) -> tuple[int, Any, Any]:
    """GET: status, headers and body."""
    request = Request(server.url + path, headers={"Authorization": f"Bearer {token}"})
    try:
        with urlopen(request) as response:
            return response.status, response.headers, json.load(response)
    except HTTPError as error:
        with error:
            return error.code, error.headers, json.load(error)


# ---- The guide ----


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_guides_examples_work(name: str, pytester: pytest.Pytester) -> None:
    kind, code = EXAMPLES[name]
    if name == "nio" and importlib.util.find_spec("nio") is None:
        pytest.skip("python3-matrix-nio is not installed")
    if kind == "run":
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("http://127.0.0.1:")
        return
    pytester.makepyfile(code)
    run(pytester).assert_outcomes(passed=1)


def test_the_guide_has_examples() -> None:
    assert {"first", "nio", "service", "time", "failures", "server"} <= EXAMPLES.keys()


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest in a process of its own, as where the plugin is installed."""
    return pytester.runpytest_subprocess(
        "-p", "pytest_matrix_devices", "-p", "no:cacheprovider", *arguments
    )


# ---- The fixture ----


def test_it_starts_empty(matrix_device_server: DeviceServer) -> None:
    assert matrix_device_server.requests == ()
    assert matrix_device_server.server_name == "example.org"
    assert isinstance(matrix_device_server.host, MemoryHost)
    matrix_device_server.add_user("alice")  # the name is free in the next test too


@pytest.mark.parametrize("number", range(20))
def test_every_test_has_its_own(matrix_device_server: DeviceServer, number: int) -> None:
    matrix_device_server.add_user("alice")
    token = matrix_device_server.login("alice").access_token
    status, _headers, body = fetch(matrix_device_server, token)
    assert (status, len(body["devices"])) == (200, 1)


def test_it_costs_milliseconds(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import time
        began = None

        def test_first(matrix_device_server):
            global began
            began = time.monotonic()

        def test_many(request):
            pass

        import pytest

        @pytest.mark.parametrize("n", range(50))
        def test_each(matrix_device_server, n):
            pass

        def test_last():
            assert time.monotonic() - began < 50 * 0.1
        """
    )
    run(pytester, "-q").assert_outcomes(passed=53)


def test_login(matrix_device_server: DeviceServer) -> None:
    matrix_device_server.add_user("alice")
    login = matrix_device_server.login("alice", device_id="A", display_name="a", lifetime_ms=0)
    assert (login.device_id, login.expires_in_ms) == ("A", 0)
    status, _headers, body = fetch(matrix_device_server, login.access_token)
    assert (status, body["soft_logout"]) == (401, True)


def test_services(matrix_device_server: DeviceServer) -> None:
    service = matrix_device_server.add_service("irc", r"@irc_.*:example\.org", as_token="secret")
    assert (service.sender_localpart, service.as_token) == ("irc_bot", "secret")
    assert fetch(matrix_device_server, "secret")[0] == 200
    other = matrix_device_server.add_service("xmpp", exclusive=False, rate_limited=False)
    assert len(other.as_token) > 30


def test_the_clock(matrix_device_server: DeviceServer) -> None:
    matrix_device_server.add_user("alice")
    token = matrix_device_server.login("alice", refreshable=True).access_token
    matrix_device_server.clock.set(0)
    assert fetch(matrix_device_server, token)[0] == 200
    matrix_device_server.clock.advance(hours=24 * 365 * 100)
    assert fetch(matrix_device_server, token)[0] == 401


def test_the_log_of_requests(matrix_device_server: DeviceServer) -> None:
    matrix_device_server.add_user("alice", "very-secret")
    body = {"type": "m.login.password", "user": "alice", "password": "very-secret"}
    url = f"{matrix_device_server.url}/_matrix/client/v3/login"
    with urlopen(Request(url, data=json.dumps(body).encode())) as response:
        token = json.load(response)["access_token"]
    fetch(matrix_device_server, "nobody")
    fetch(matrix_device_server, token, f"{DEVICES}?access_token=query-secret")
    first, second, third = matrix_device_server.requests
    assert (first.method, first.path, first.status) == ("POST", "/_matrix/client/v3/login", 200)
    assert first.json == body
    assert first.answer["access_token"] == token
    assert (second.status, second.errcode, second.json) == (401, "M_UNKNOWN_TOKEN", None)
    assert (third.query, third.errcode) == ("access_token=query-secret", "M_MISSING_TOKEN")
    shown = repr(matrix_device_server.requests) + repr(matrix_device_server)
    for secret in (token, "very-secret", "query-secret"):
        assert secret not in shown


@pytest.mark.parametrize("body", [b"", b"[]", b'{"a":1,"a":2}', b"[" * 100_000, b"\xff"])
def test_the_log_of_a_body_that_is_no_json_object(
    matrix_device_server: DeviceServer, body: bytes
) -> None:
    url = f"{matrix_device_server.url}/_matrix/client/v3/login"
    with pytest.raises(HTTPError, match="400"):
        urlopen(Request(url, data=body))
    (logged,) = matrix_device_server.requests
    assert (logged.status, logged.json) == (400, None)


def attempt(server: DeviceServer, path: str, body: Any) -> int:
    """POST: the status."""
    url = f"{server.url}/_matrix/client/v3{path}"
    try:
        urlopen(Request(url, data=json.dumps(body).encode())).close()
    except HTTPError as error:
        error.close()
        return error.code
    return 200


def statuses(server: DeviceServer) -> set[int]:
    """Of many wrong passwords, guests, and unknown refresh tokens."""
    server.add_user("alice", "correct horse")
    wrong = {"type": "m.login.password", "user": "alice", "password": "wrong"}
    return {
        attempt(server, path, body)
        for _ in range(40)
        for path, body in (
            ("/login", wrong),
            ("/register?kind=guest", {}),
            ("/refresh", {"refresh_token": "nobody"}),
        )
    }


def test_T6_a_test_is_not_limited(matrix_device_server: DeviceServer) -> None:
    assert statuses(matrix_device_server) == {403, 200, 401}


@pytest.mark.matrix_devices(limits=True)
def test_T6_unless_it_wants_to_be(matrix_device_server: DeviceServer) -> None:
    assert statuses(matrix_device_server) == {403, 200, 401, 429}


def test_T13_what_is_not_known_is_null(matrix_device_server: DeviceServer) -> None:
    matrix_device_server.add_user("alice")
    token = matrix_device_server.login("alice", device_id="A").access_token
    matrix_device_server.login("alice", device_id="B")
    unknown = {"display_name": None, "last_seen_ip": None, "last_seen_ts": None}
    assert fetch(matrix_device_server, token, f"{DEVICES}/B")[2] == {"device_id": "B", **unknown}


@pytest.mark.matrix_devices(config={"unknown_fields": "omit"})
def test_T13_unless_it_is_to_be_omitted(matrix_device_server: DeviceServer) -> None:
    matrix_device_server.add_user("alice")
    token = matrix_device_server.login("alice", device_id="A").access_token
    matrix_device_server.login("alice", device_id="B")
    assert fetch(matrix_device_server, token, f"{DEVICES}/B")[2] == {"device_id": "B"}


@pytest.mark.parametrize(
    ("error", "status", "errcode"),
    [
        (Unavailable(), 503, "M_UNKNOWN"),
        (RuntimeError("planted"), 500, "M_UNKNOWN"),
        (MatrixError(403, "M_CONSENT_NOT_GIVEN", "Read."), 403, "M_CONSENT_NOT_GIVEN"),
    ],
)
def test_failures(
    matrix_device_server: DeviceServer, error: Exception, status: int, errcode: str
) -> None:
    matrix_device_server.add_user("alice")
    token = matrix_device_server.login("alice").access_token
    matrix_device_server.fail_next("authenticate", error)
    assert fetch(matrix_device_server, token)[0] == status
    assert matrix_device_server.requests[-1].errcode == errcode
    assert fetch(matrix_device_server, token)[0] == 200


def test_a_planted_rate_limit(matrix_device_server: DeviceServer) -> None:
    matrix_device_server.add_user("alice")
    token = matrix_device_server.login("alice").access_token
    limit = MatrixError(429, "M_LIMIT_EXCEEDED", "Wait.", retry_after_ms=2000)
    matrix_device_server.fail_next("list_devices", limit)
    status, headers, body = fetch(matrix_device_server, token)
    assert (status, headers["Retry-After"], body["retry_after_ms"]) == (429, "2", 2000)


def test_a_planted_delay(matrix_device_server: DeviceServer) -> None:
    matrix_device_server.add_user("alice")
    token = matrix_device_server.login("alice").access_token
    matrix_device_server.delay_next("list_devices", 0.1)
    began = time.monotonic()
    assert fetch(matrix_device_server, token)[0] == 200
    assert time.monotonic() - began >= 0.1


def test_a_homeserver_that_is_gone(matrix_device_server: DeviceServer) -> None:
    matrix_device_server.stop()
    with pytest.raises(OSError, match="refused"):
        fetch(matrix_device_server, "nobody")
    matrix_device_server.stop()


# ---- Options ----


@pytest.mark.matrix_devices(host="async", server_name="matrix.test", open_registration=False)
def test_marked(matrix_device_server: DeviceServer) -> None:
    assert isinstance(matrix_device_server.host, AsyncMemoryHost)
    assert matrix_device_server.add_user("alice") == "@alice:matrix.test"
    matrix_device_server.fail_next("authenticate", Unavailable())
    assert fetch(matrix_device_server, "nobody")[0] == 503
    url = f"{matrix_device_server.url}/_matrix/client/v3/register"
    with pytest.raises(HTTPError, match="403"):
        urlopen(Request(url, data=b"{}"))


@pytest.mark.matrix_devices(host="sqlite")
def test_on_sqlite(matrix_device_server: DeviceServer) -> None:
    assert isinstance(matrix_device_server.host, SqliteHost)
    matrix_device_server.add_user("alice")
    token = matrix_device_server.login("alice", refreshable=True).access_token
    (device,) = fetch(matrix_device_server, token)[2]["devices"]
    assert device["display_name"] is None
    matrix_device_server.clock.advance(minutes=11)
    assert fetch(matrix_device_server, token)[0] == 401
    with pytest.raises(TypeError, match=r'host="memory"'):
        matrix_device_server.fail_next("authenticate", Unavailable())


@pytest.mark.matrix_devices(host="sqlite", config={"max_body_bytes": 5000})
class TestNearestMark:
    """A mark at a test goes before that of its class."""

    @pytest.mark.matrix_devices(host="memory")
    def test_nearest(self, matrix_device_server: DeviceServer) -> None:
        assert isinstance(matrix_device_server.host, MemoryHost)
        assert matrix_device_server._server.module.max_body_bytes == 5000


def test_ini_options(pytester: pytest.Pytester) -> None:
    pytester.makeini(
        """
        [pytest]
        matrix_devices_host = async
        matrix_devices_config = {"max_body_bytes": 4321}
        """
    )
    pytester.makepyfile(
        """
        def test_it(matrix_device_server):
            assert type(matrix_device_server.host).__name__ == "AsyncMemoryHost"
            assert matrix_device_server._server.module.max_body_bytes == 4321
        """
    )
    run(pytester).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        ('host="postgres"', "no host 'postgres'; give one of memory, async, sqlite"),
        ("hots=1", "has no argument hots; there are host, config, server_name,"),
        ("config=[]", "config is of the type list; give a Mapping"),
        ('limits="no"', "limits is of the type str; give a bool"),
        ('server_name="no name"', "'no name' is no server name"),
        ('server_name="no name", host="sqlite"', "'no name' is no server name"),
        ("1", "keyword arguments only"),
        ('config={"no_such_key": 1}', 'configuration: "no_such_key" is not a known key'),
    ],
)
def test_mistakes_are_named(pytester: pytest.Pytester, mark: str, text: str) -> None:
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.matrix_devices({mark})
        def test_it(matrix_device_server):
            pass
        """
    )
    result = run(pytester)
    result.assert_outcomes(errors=1)
    assert text in result.stdout.str()


def test_a_failing_test_shows_the_requests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from urllib.error import HTTPError
        from urllib.request import urlopen

        def test_it(matrix_device_server):
            path = "/_matrix/client/v3/devices"
            try:
                urlopen(matrix_device_server.url + path + "?access_token=query-secret")
            except HTTPError:
                pass
            assert False
        """
    )
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*matrix_device_server requests*", "GET /_matrix/client/v3/devices -> 401 M_UNKNOWN_TOKEN"]
    )


def test_the_server_is_loaded_only_where_it_is_used(pytester: pytest.Pytester) -> None:
    """pytest loads the plugin wherever it is installed."""
    pytester.makepyfile(
        """
        import sys

        def test_it():
            assert "matrix_devices.server" not in sys.modules
        """
    )
    run(pytester).assert_outcomes(passed=1)
