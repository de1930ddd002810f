"""Rows R: routes, methods, paths, queries, headers."""

from __future__ import annotations

import pytest

from matrix_device_conformance.check import Check
from matrix_device_conformance.client import Response, client_path, device_path
from matrix_device_conformance.homeserver import Configured, Homeserver, Service, User

ROUTES = {
    "/devices": ["GET", "HEAD", "OPTIONS"],
    "/devices/ABCDEF": ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"],
    "/delete_devices": ["POST", "OPTIONS"],
}


def test_R1_list(check: Check, user: User) -> None:
    """GET /devices is the list."""
    device = user.login()
    answer = device.list()
    check.ok("GET /devices", answer)
    check.keys("GET /devices", answer, {"devices"})
    ids = [entry["device_id"] for entry in answer.json["devices"]]
    check.that("own device", device.device_id in ids, "in the list", ids)


def test_R2_one_device(check: Check, user: User) -> None:
    """GET, PUT and DELETE /devices/{deviceId} are one device."""
    device = user.login()
    answer = device.get()
    check.ok("GET", answer)
    check.equal("GET: device_id", answer.json["device_id"], device.device_id)
    check.ok("PUT", device.put(device.device_id, {"display_name": "x"}), body={})
    check.challenge("DELETE", device.delete(device.device_id))


def test_R3_bulk_delete(check: Check, user: User) -> None:
    """POST /delete_devices is bulk deletion."""
    check.challenge("POST /delete_devices", user.login().delete_devices(["ABCDEF"]))


def test_R4_versions(check: Check, user: User) -> None:
    """v3 and r0 are served."""
    device = user.login()
    path = device_path(device.device_id)
    for version in ("v3", "r0"):
        check.ok(f"{version} list", device.request("GET", "/devices", version=version))
        check.ok(f"{version} one", device.request("GET", path, version=version))
        named = device.put(device.device_id, {"display_name": version}, version=version)
        check.ok(f"{version} PUT", named, body={})
        check.challenge(f"{version} DELETE", device.delete(device.device_id, version=version))
        check.challenge(f"{version} POST", device.delete_devices(["A"], version=version))


def test_R4_other_versions(check: Check, user: User) -> None:
    """No other version is."""
    device = user.login()
    for version in ("unstable", "v4", "V3", "v03"):
        answer = device.request("GET", "/devices", version=version)
        check.error(version, answer, 404, "M_UNRECOGNIZED")


def test_R4_configured_versions(check: Check, configured: Configured) -> None:
    """path_versions adds one."""
    device = configured({"path_versions": ["v3", "r0", "unstable"]}).new_user().login()
    for version in ("v3", "r0", "unstable"):
        check.ok(version, device.request("GET", "/devices", version=version))


def test_R5_options(check: Check, homeserver: Homeserver) -> None:
    """OPTIONS is 204 with CORS headers, whoever asks."""
    for path in [*ROUTES, "/devices/%zz", "/devices/%FF"]:
        for headers in ([], [("Authorization", "Bearer nobody")], [("Authorization", "Basic x")]):
            answer = homeserver.client.request("OPTIONS", client_path(path), headers=headers)
            check.ok(f"OPTIONS {path}", answer, 204)
            check.equal(f"OPTIONS {path}: body", answer.raw, b"")
            expect_common_headers(check, f"OPTIONS {path}", answer)


def test_R6_head(check: Check, user: User) -> None:
    """HEAD is GET without the body."""
    device = user.login()
    for path in ("/devices", device_path(device.device_id)):
        get = device.request("GET", path)
        head = device.request("HEAD", path)
        check.ok(f"HEAD {path}", head)
        check.equal(f"HEAD {path}: body", head.raw, b"")
        check.equal(
            f"HEAD {path}: Content-Type",
            head.headers["Content-Type"],
            get.headers["Content-Type"],
        )
    check.ok("HEAD of an unknown device", device.request("HEAD", "/devices/UNKNOWN"), 404)


@pytest.mark.parametrize("path", ROUTES)
def test_R7_other_methods(check: Check, homeserver: Homeserver, path: str) -> None:
    """Other methods are 405 with Allow, before authentication."""
    everything = ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "get", "Delete", "BREW"]
    for method in everything:
        if method in ROUTES[path]:
            continue
        answer = homeserver.client.request(method, client_path(path))
        if method == "HEAD":
            check.ok(f"HEAD {path}", answer, 405)
        else:
            check.error(f"{method} {path}", answer, 405, "M_UNRECOGNIZED")
        allowed = [name.strip() for name in answer.headers.get("Allow", "").split(",")]
        check.equal(f"{method} {path}: Allow", sorted(allowed), sorted(ROUTES[path]))


@pytest.mark.peer_bug("Synapse: the route of bulk delete is not anchored")
def test_R8_other_paths(check: Check, user: User) -> None:
    """Other paths are 404 M_UNRECOGNIZED."""
    device = user.login()
    own = device.device_id
    for method, path in (
        ("GET", "/devices/"),
        ("GET", f"/devices/{own}/"),
        ("GET", f"/devices/{own}/b"),
        ("DELETE", f"/devices/{own}/"),
        ("POST", "/delete_devicesX"),
        ("POST", "/delete_devices/"),
        ("POST", "/delete_devices/a"),
        ("GET", "/%64evices"),
        ("GET", f"/%64evices/{own}"),
        ("POST", "/delete%5Fdevices"),
        ("GET", "/Devices"),
        ("GET", "//devices"),
    ):
        answer = device.request(method, path, body=b'{"devices":[]}' if method != "GET" else None)
        check.error(f"{method} {path}", answer, 404, "M_UNRECOGNIZED")


def test_R8_dots_are_data(check: Check, user: User) -> None:
    """`.` and `..` are device IDs like others."""
    device = user.login()
    for device_id in (".", "..", "..."):
        target = f"/devices/{device_id}"
        check.error(f"GET {target}", device.request("GET", target), 404, "M_NOT_FOUND")
        user.login(device_id)
        answer = device.request("GET", target)
        check.ok(f"GET {target} once there", answer)
        check.equal(f"GET {target}: device_id", answer.json["device_id"], device_id)


def test_R9_decoded_once(check: Check, user: User) -> None:
    """A device ID is percent-decoded once; `+` is a plus."""
    device = user.login()
    for device_id, raw in (
        ("a/b", "a%2Fb"),
        ("a b", "a%20b"),
        ("a%b", "a%25b"),
        ("a%2Fb", "a%252Fb"),
        ("a+b", "a+b"),
        ("c+d", "c%2Bd"),
        ("é✓", "%C3%A9%e2%9c%93"),
        ("q?x#y", "q%3Fx%23y"),
    ):
        unknown = device.request("GET", f"/devices/{raw}")
        check.error(f"GET {raw} before", unknown, 404, "M_NOT_FOUND")
        user.login(device_id)
        answer = device.request("GET", f"/devices/{raw}")
        check.ok(f"GET {raw}", answer)
        check.equal(f"GET {raw}: device_id", answer.json["device_id"], device_id)


def test_R9_broken_escape(check: Check, homeserver: Homeserver) -> None:
    """A broken escape or bytes that are not UTF-8 are 400, before authentication."""
    for raw in ("%", "a%", "a%2", "%zz", "%0g", "%%20", "%FF", "%C0%AF", "%ED%A0%80", "%C3"):
        for method in ("GET", "PUT", "DELETE"):
            target = client_path(f"/devices/{raw}")
            answer = homeserver.client.request(method, target, body=b"{}")
            check.error(f"{method} {raw}", answer, 400, "M_INVALID_PARAM")


def test_R10_impossible_id(check: Check, user: User) -> None:
    """An ID that nothing could own: 404 to a user, and DELETE as of any unknown device."""
    device = user.login()
    for name, raw in (("NUL", "a%00b"), ("256 bytes", "x" * 256), ("256 bytes", "%C3%A9" * 128)):
        path = f"/devices/{raw}"
        check.error(f"GET, {name}", device.request("GET", path), 404, "M_NOT_FOUND")
        renamed = device.request("PUT", path, json={"display_name": "x"})
        check.error(f"PUT, {name}", renamed, 404, "M_NOT_FOUND")
        session = check.challenge(f"DELETE, {name}", device.request("DELETE", path, json={}))
        done = device.request("DELETE", path, json={"auth": user.auth(session)})
        check.ok(f"DELETE with password, {name}", done, body={})
    check.ok("own device", device.get())


QUERY_NAMES = ("access_token", "user_id", "device_id", "org.matrix.msc3202.device_id")


@pytest.mark.parametrize("name", QUERY_NAMES)
def test_R11_parameter_twice(check: Check, user: User, name: str) -> None:
    """A query parameter that matters, twice or broken, is 400, whoever asks."""
    device = user.login()
    for query in (f"{name}=a&{name}=a", f"{name}=a&x=y&{name}=b", f"{name}=%zz", f"{name}=a%2"):
        target = client_path("/devices") + f"?{query}"
        answer = device.request("GET", "/devices", query=query)
        check.error(f"?{query} with a token", answer, 400, "M_INVALID_PARAM")
        anonymous = user.homeserver.client.request("GET", target)
        check.error(f"?{query} without", anonymous, 400, "M_INVALID_PARAM")


def test_R11_not_text(check: Check, user: User) -> None:
    """A query parameter that is not UTF-8, or an ID with U+0000, is 400, whoever asks."""
    device = user.login()
    queries = [f"{name}=%FF" for name in QUERY_NAMES]
    queries += [f"{name}=a%00b" for name in QUERY_NAMES if name != "access_token"]
    for query in queries:
        answer = device.request("GET", "/devices", query=query)
        check.error(f"?{query} with a token", answer, 400, "M_INVALID_PARAM")
        anonymous = user.homeserver.client.request("GET", client_path("/devices") + f"?{query}")
        check.error(f"?{query} without", anonymous, 400, "M_INVALID_PARAM")


def test_R11_other_parameters(check: Check, user: User) -> None:
    """Other parameters are nobody's business."""
    device = user.login()
    for query in ("ts=1&ts=2", "x=%zz", "", "&&", "=", "x", "?"):
        check.ok(f"?{query}", device.request("GET", "/devices", query=query))


def test_R11_plus_in_query(check: Check, service: Service) -> None:
    """In the query `+` is a space and `%2B` a plus."""
    user_id = service.new_user()
    service.put("a+b", {}, user_id=user_id)
    service.put("c d", {}, user_id=user_id)
    target = client_path("/devices", user_id=user_id)
    assert service.homeserver is not None
    client = service.homeserver.client

    def ask(raw: str) -> Response:
        return client.request("GET", f"{target}&device_id={raw}", token=service.as_token)

    check.ok("device_id=a%2Bb", ask("a%2Bb"))
    check.ok("device_id=c+d", ask("c+d"))
    check.ok("device_id=c%20d", ask("c%20d"))
    check.error("device_id=a+b", ask("a+b"), 400, "M_UNKNOWN_DEVICE")


def test_R12_headers(check: Check, user: User) -> None:
    """Every response has its content type, CORS headers and no-store."""
    device = user.login()
    client = user.homeserver.client
    for what, answer in (
        ("200", device.list()),
        ("200 PUT", device.put(device.device_id, {})),
        ("400", device.put(device.device_id, body=b"{")),
        ("400 before authentication", client.request("GET", client_path("/devices/%zz"))),
        ("401 without a token", client.request("GET", client_path("/devices"))),
        ("401 challenge", device.delete(device.device_id)),
        ("404", device.get("UNKNOWN")),
        ("405", device.request("PATCH", "/devices")),
    ):
        media_type = answer.headers.get("Content-Type", "").split(";")[0].strip()
        check.equal(f"{what}: Content-Type", media_type, "application/json")
        expect_common_headers(check, what, answer)


def test_R12_text_is_utf8(check: Check, user: User) -> None:
    """Names come back as they were sent."""
    device = user.login()
    name = 'é "quoted" \\ \t\u2028 😀 </script>'
    check.ok("PUT", device.put(device.device_id, {"display_name": name}))
    check.equal("display_name", device.get().json.get("display_name"), name)


def expect_common_headers(check: Check, what: str, answer: Response) -> None:
    """The headers of every response."""
    headers = answer.headers
    check.equal(f"{what}: Allow-Origin", headers.get("Access-Control-Allow-Origin"), "*")
    for name, least in (
        ("Access-Control-Allow-Methods", {"GET", "POST", "PUT", "DELETE", "OPTIONS"}),
        ("Access-Control-Allow-Headers", {"x-requested-with", "content-type", "authorization"}),
        ("Access-Control-Expose-Headers", {"retry-after"}),
        ("Cache-Control", {"no-store"}),
    ):
        value = headers.get(name, "")
        fold = str.upper if name.endswith("Methods") else str.lower
        got = {fold(part.strip()) for part in value.split(",")}
        check.that(f"{what}: {name}", least <= got, f"at least {sorted(least)}", value)


def test_R12_no_cors_of_a_guess(check: Check, user: User) -> None:
    """The origin of a request is not echoed, and no header comes twice."""
    device = user.login()
    answer = device.request("GET", "/devices", headers=[("Origin", "https://evil.example")])
    for name in ("Access-Control-Allow-Origin", "Content-Type", "Cache-Control"):
        values = answer.headers.get_all(name) or []
        check.equal(f"{name}: how often", len(values), 1)
    check.equal("Allow-Origin", answer.headers["Access-Control-Allow-Origin"], "*")
