"""The account endpoints: what is theirs, and what their host does wrong."""

from __future__ import annotations

from typing import Any

import pytest

from api import CLIENT, Api, expect
from matrix_devices import MemoryHost, NotFound, Request, Timeout, Unavailable

# ---- Routes ----


def test_what_is_not_its_own(api: Api) -> None:
    for path in ("/", "/_matrix/client/v3/devices", "/_matrix/client/v3/login/", "/versions"):
        assert api.api.handle(Request("GET", path)) is None
    assert api.api.handle(Request("GET", f"{CLIENT}/v1/login")) is None


def test_versions(api: Api) -> None:
    body = expect(api("GET", "/versions", version=""), 200)
    assert {"r0.6.1", "v1.1", "v1.17"} <= set(body["versions"])
    assert api("HEAD", "/versions", version="").status == 200


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/login", "GET, HEAD, POST, OPTIONS"),
        ("GET", "/register", "POST, OPTIONS"),
        ("PUT", "/account/whoami", "GET, HEAD, OPTIONS"),
        ("get", "/login", "GET, HEAD, POST, OPTIONS"),
    ],
)
def test_other_methods(api: Api, method: str, path: str, allow: str) -> None:
    answer = api(method, path)
    expect(answer, 405, "M_UNRECOGNIZED")
    assert dict(answer.headers)["Allow"] == allow


@pytest.mark.parametrize(
    "path", ["/login", "/register", "/refresh", "/logout", "/logout/all", "/account/whoami"]
)
def test_preflight(api: Api, path: str) -> None:
    answer = api("OPTIONS", path)
    assert (answer.status, answer.body) == (204, b"")
    assert "Authorization" in dict(answer.headers)["Access-Control-Allow-Headers"]


# ---- Failures ----


class FailingHost(MemoryHost):
    """Its accounts can't be got at."""

    def __init__(self, failure: Exception) -> None:
        super().__init__("example.org")
        self.failure = failure

    def refresh(self, refresh_token: str) -> Any:
        raise self.failure


@pytest.mark.parametrize(
    ("failure", "status"), [(Unavailable(), 503), (Timeout(), 504)], ids=["busy", "slow"]
)
def test_failures_of_the_store(failure: Exception, status: int) -> None:
    answer = Api(FailingHost(failure))("POST", "/refresh", {"refresh_token": "x"})
    expect(answer, status, "M_UNKNOWN")
    assert ("Retry-After" in dict(answer.headers)) == (status == 503)


def test_what_is_not_expected_is_not_hidden() -> None:
    with pytest.raises(NotFound):
        Api(FailingHost(NotFound()))("POST", "/refresh", {"refresh_token": "x"})
