"""The account endpoints: tokens, refresh, logout."""

from __future__ import annotations

import time
from typing import Any

import pytest

from api import IRC, UNKNOWN_TOKEN, AnyHost, Api, expect
from matrix_devices import Credentials, MemoryHost, Request, Response


def test_where_the_token_is_taken_from(api: Api, host: AnyHost) -> None:
    token = host.login("alice").access_token
    bearer = ("Authorization", f"bEaReR  {token}")
    assert api("GET", "/account/whoami", headers=(bearer,)).status == 200
    assert api("GET", f"/account/whoami?access_token={token}").status == 200
    for headers, query in (
        ((), ""),
        ((bearer, bearer), ""),
        ((bearer,), f"?access_token={token}"),
        ((("Authorization", f"Basic {token}"),), ""),
        ((("Authorization", "Bearer "),), ""),
        ((), "?access_token="),
    ):
        answer = api("GET", f"/account/whoami{query}", headers=headers)
        expect(answer, 401, "M_MISSING_TOKEN")
    for query in ("access_token=%", "access_token=%ff", "access_token=a&access_token=a"):
        expect(api("GET", f"/account/whoami?{query}"), 400, "M_INVALID_PARAM")  # R11
    expect(api("GET", "/account/whoami", token="nobody"), 401, "M_UNKNOWN_TOKEN")


@pytest.mark.parametrize("token", ["a\0b", "\xff", "x" * 4097, "\xe9" * 3000])
def test_A4_some_tokens_can_be_nobodys(token: str) -> None:
    class Asked(MemoryHost):
        def identify(self, credentials: Credentials) -> Any:
            raise AssertionError(credentials)

    api = Api(Asked("example.org"))
    answer = api("GET", "/account/whoami", headers=(("Authorization", f"Bearer {token}"),))
    assert expect(answer, 401, UNKNOWN_TOKEN)["soft_logout"] is False


def test_A2_A14_settings_of_the_module_hold_here_too(host: AnyHost) -> None:
    host.add_user("irc_x", service_id="irc")
    api = Api(host, config={"allow_query_token": False, "device_id_alias": False})
    token = host.login("alice").access_token
    expect(api("GET", f"/account/whoami?access_token={token}"), 401, "M_MISSING_TOKEN")
    expect(api("GET", "/account/whoami?access_token=%", token=token), 200)
    query = "?user_id=@irc_x:example.org&org.matrix.msc3202.device_id=NONE"
    assert "device_id" not in expect(api("GET", f"/account/whoami{query}", token=IRC.as_token), 200)


def test_R11_parameters_that_are_broken(api: Api) -> None:
    for name in ("user_id", "device_id", "org.matrix.msc3202.device_id"):
        for query in (f"{name}=%0", f"{name}=%ff", f"{name}=a%00", f"{name}=a&{name}=a"):
            answer = api("GET", f"/account/whoami?{query}", token=IRC.as_token)
            expect(answer, 400, "M_INVALID_PARAM")


@pytest.mark.parametrize("scheme", ["http", "HTTPS"])
def test_R13_the_absolute_form_is_the_origin_form(api: Api, scheme: str) -> None:
    answer = api.api.handle(Request("GET", f"{scheme}://x:1/_matrix/client/versions"))
    assert answer is not None
    expect(answer, 200)
    assert api.api.handle(Request("GET", "ftp://x/_matrix/client/versions")) is None


def test_refresh(api: Api) -> None:
    first = expect(api.login(refresh_token=True, device_id="PHONE"), 200)
    assert 0 < first["expires_in_ms"] <= 600_000
    second = expect(api("POST", "/refresh", {"refresh_token": first["refresh_token"]}), 200)
    assert set(second) == {"access_token", "refresh_token", "expires_in_ms"}
    whoami = expect(api("GET", "/account/whoami", token=second["access_token"]), 200)
    assert whoami["device_id"] == "PHONE"
    expect(api("POST", "/refresh", {"refresh_token": "nobody"}), 401, "M_UNKNOWN_TOKEN")
    expect(api("POST", "/refresh", {}), 400, "M_MISSING_PARAM")
    expect(api("POST", "/refresh", {"refresh_token": 1}), 400, "M_BAD_JSON")


def test_T1_T2_refreshes_at_once(api: Api) -> None:
    old = expect(api.login(refresh_token=True), 200)

    def refresh(token: str) -> Response:
        return api("POST", "/refresh", {"refresh_token": token})

    def whoami(token: str) -> Response:
        return api("GET", "/account/whoami", token=token)

    siblings = [expect(refresh(old["refresh_token"]), 200) for _ in range(4)]
    for sibling in siblings:
        expect(whoami(sibling["access_token"]), 200)
    deadline = time.monotonic() + 60
    while whoami(old["access_token"]).status == 200:  # the store notes a first use when it can
        assert time.monotonic() < deadline
        time.sleep(0.001)
    for refused in (whoami(old["access_token"]), refresh(old["refresh_token"])):
        assert expect(refused, 401, UNKNOWN_TOKEN)["soft_logout"] is True
    for sibling in siblings[1:]:
        assert expect(refresh(sibling["refresh_token"]), 401, UNKNOWN_TOKEN)["soft_logout"] is True
    expect(refresh(siblings[0]["refresh_token"]), 200)
    expect(api("POST", "/logout", token=siblings[0]["access_token"]), 200)
    for refused in (whoami(old["access_token"]), refresh(old["refresh_token"])):
        assert expect(refused, 401, UNKNOWN_TOKEN)["soft_logout"] is False


def test_expired_tokens(api: Api, host: AnyHost) -> None:
    login = expect(api.login(refresh_token=True), 200)
    host.clock.advance(minutes=11)
    answer = api("GET", "/account/whoami", token=login["access_token"])
    assert expect(answer, 401, "M_UNKNOWN_TOKEN")["soft_logout"] is True
    renewed = expect(api("POST", "/refresh", {"refresh_token": login["refresh_token"]}), 200)
    assert api("GET", "/account/whoami", token=renewed["access_token"]).status == 200


def test_logout(api: Api, host: AnyHost) -> None:
    one, two, three = (host.login("alice").access_token for _ in range(3))
    assert expect(api("POST", "/logout", {}, token=one), 200) == {}
    assert expect(api("POST", "/logout", token=one), 401, "M_UNKNOWN_TOKEN")["soft_logout"] is False
    assert api("GET", "/account/whoami", token=two).status == 200
    assert expect(api("POST", "/logout/all", token=two), 200) == {}
    expect(api("GET", "/account/whoami", token=three), 401, "M_UNKNOWN_TOKEN")
