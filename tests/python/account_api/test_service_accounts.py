"""The account endpoints: application services."""

from __future__ import annotations

from api import IRC, AnyHost, Api, expect
from matrix_devices import Response


def test_services_register_and_log_in(api: Api) -> None:
    kind = {"type": "m.login.application_service"}

    def register(username: str | None, token: str | None) -> Response:
        return api("POST", "/register", {**kind, "username": username}, token=token)

    def login(user: str, token: str | None) -> Response:
        body = {**kind, "identifier": {"type": "m.id.user", "user": user}, "device_id": "B"}
        return api("POST", "/login", body, token=token)

    expect(register("irc_x", IRC.as_token), 200)
    expect(register("irc_x", IRC.as_token), 400, "M_USER_IN_USE")
    expect(register("mallory", IRC.as_token), 400, "M_EXCLUSIVE")
    expect(register(None, IRC.as_token), 400, "M_MISSING_PARAM")
    expect(register("irc_y", None), 401, "M_MISSING_TOKEN")
    expect(register("irc_y", "nobody"), 401, "M_UNKNOWN_TOKEN")

    assert expect(login("irc_x", IRC.as_token), 200)["device_id"] == "B"
    expect(login("alice", IRC.as_token), 403, "M_EXCLUSIVE")
    expect(login("irc_unregistered", IRC.as_token), 403, "M_FORBIDDEN")
    expect(login("irc_x", "nobody"), 403, "M_FORBIDDEN")
    expect(login("irc_x", None), 403, "M_FORBIDDEN")


def test_services_ask_who_they_are(api: Api, host: AnyHost) -> None:
    host.add_user("irc_x", service_id="irc")
    host.login("irc_x", device_id="BRIDGE")

    def whoami(query: str = "") -> Response:
        return api("GET", f"/account/whoami{query}", token=IRC.as_token)

    assert expect(whoami(), 200) == {"user_id": "@irc_bot:example.org", "is_guest": False}
    user = "?user_id=%40irc_x%3Aexample.org"
    assert "device_id" not in expect(whoami(user), 200)
    for name in ("device_id", "org.matrix.msc3202.device_id"):
        assert expect(whoami(f"{user}&{name}=BRIDGE"), 200)["device_id"] == "BRIDGE"
    expect(whoami(f"{user}&device_id=NONE"), 400, "M_UNKNOWN_DEVICE")
    expect(whoami("?user_id=@alice:example.org"), 403, "M_FORBIDDEN")
    for query in ("?user_id=%4", "?user_id=a&user_id=a", "?device_id=%zz"):
        expect(whoami(query), 400, "M_INVALID_PARAM")
    expect(api("POST", "/logout", {}, token=IRC.as_token), 403, "M_FORBIDDEN")
