"""User-Interactive Authentication with Synapse's own sessions: single sign-on, grace, restarts."""

from __future__ import annotations

import html
import re
from urllib.parse import quote, urlsplit

import pytest

from accounts import Site
from fakes import FakeCas
from matrix_device_conformance.client import Client, Response, client_path
from matrix_device_conformance.homeserver import Device, User, challenge_session
from test_better import end_grace_period

LINK = re.compile(r'href="([^"]*/login\?[^"]*)"')


def sign_on(client: Client, cas: FakeCas, session: str, name: str) -> Response:
    """What a browser does on Synapse's fallback page; the last page that it sees."""
    path = client_path("/auth/m.login.sso/fallback/web", session=session)
    page = client.request("GET", path)
    assert page.status == 200, str(page)
    link = LINK.search(page.raw.decode())
    assert link is not None, page.raw.decode()
    back = urlsplit(cas.log_in(html.unescape(link[1]), name))
    return client.request("GET", f"{back.path}?{back.query}")


def single_sign_on_user(site: Site) -> tuple[User, str]:
    """A user with a password, and the name at the single sign-on server."""
    user = site.new_user()
    name = f"cas{site.unique()}"
    site.map_to_cas(user, name)
    return user, name


def test_single_sign_on(site: Site, cas: FakeCas) -> None:
    """A device is deleted after single sign-on on Synapse's fallback page."""
    user, name = single_sign_on_user(site)
    device, target = user.login(), user.login()
    session = device.begin_delete(target.device_id)
    pending = device.delete(target.device_id, {"session": session})
    assert (pending.status, pending.json["completed"]) == (401, []), str(pending)
    page = sign_on(site.client, cas, session, name)
    assert page.status == 200, str(page)
    assert target.device_id in device.device_ids()
    answer = device.delete(target.device_id, {"session": session})
    assert (answer.status, answer.json) == (200, {}), str(answer)
    assert device.device_ids() == {device.device_id}


def test_single_sign_on_for_many(site: Site, cas: FakeCas) -> None:
    """Likewise for a bulk deletion."""
    user, name = single_sign_on_user(site)
    device, first, second = user.login(), user.login(), user.login()
    ids = [first.device_id, second.device_id]
    session = device.begin_delete_devices(ids)
    assert sign_on(site.client, cas, session, name).status == 200
    assert device.delete_devices(ids, {"session": session}).status == 200
    assert device.device_ids() == {device.device_id}


def test_single_sign_on_without_a_password(site: Site, cas: FakeCas) -> None:
    """A user who has no password is offered single sign-on alone."""
    user, name = single_sign_on_user(site)
    device, target = user.login(), user.login()
    site.synapse.sql(f"UPDATE users SET password_hash = NULL WHERE name = '{user.user_id}'")
    site.restart()  # Synapse keeps accounts in a cache
    answer = device.delete(target.device_id)
    assert answer.json["flows"] == [{"stages": ["m.login.sso"]}], str(answer)
    session = challenge_session(answer)
    assert sign_on(site.client, cas, session, name).status == 200
    assert device.delete(target.device_id, {"session": session}).status == 200


def test_single_sign_on_of_another(site: Site, cas: FakeCas) -> None:
    """Somebody else's single sign-on does not count."""
    user, _ = single_sign_on_user(site)
    _, other_name = single_sign_on_user(site)
    device, target = user.login(), user.login()
    session = device.begin_delete(target.device_id)
    sign_on(site.client, cas, session, other_name)
    answer = device.delete(target.device_id, {"session": session})
    assert answer.status in (401, 403), str(answer)
    assert target.device_id in device.device_ids()


def test_a_session_survives_a_restart(site: Site) -> None:
    """Begun, Synapse restarted, finished; and once more from a finished one."""
    user = site.new_user()
    device, target, other = user.login(), user.login(), user.login()
    session = device.begin_delete_devices([target.device_id])
    site.restart()
    assert device.delete_devices([target.device_id], user.auth(session)).status == 200
    site.restart()
    assert device.delete_devices([target.device_id], {"session": session}).status == 200
    answer = device.delete_devices([other.device_id], {"session": session})
    assert answer.status in ((200, 403) if site.synapse.options.module is None else (403,))


def test_a_session_of_another_endpoint(user: User, device: Device) -> None:
    """A session that was begun to change the password deletes nothing, and the reverse."""
    target = user.login().device_id
    body = {"new_password": "new-password-of-theirs"}
    begun = device.request("POST", "/account/password", json=body)
    elsewhere = challenge_session(begun)
    answer = device.delete(target, user.auth(elsewhere))
    assert answer.status == 403, str(answer)
    assert target in device.device_ids()

    ours = device.begin_delete(target)
    answer = device.request("POST", "/account/password", json={**body, "auth": user.auth(ours)})
    assert answer.status == 403, str(answer)
    assert device.delete(target, user.auth(ours)).status == 200


def test_an_unknown_session(user: User, device: Device) -> None:
    """A session that nobody has is refused, without an internal error."""
    target = user.login().device_id
    answer = device.delete(target, user.auth("unknown"))
    assert answer.status in (400, 401), str(answer)
    assert target in device.device_ids()


def test_grace_period(strict: Site) -> None:
    """Synapse's `ui_auth.session_timeout`: no challenge after a login or a success (U22)."""
    user = strict.new_user()
    device = user.login()
    first, second, third = (user.login().device_id for _ in range(3))
    assert device.delete(first).status == 200, "after the login"
    end_grace_period(strict, user)
    session = device.begin_delete(second)
    assert device.delete(second, user.auth(session)).status == 200
    assert device.delete_devices([third]).status == 200, "after the success"
    assert device.device_ids() == {device.device_id}


def test_a_user_with_an_odd_name(site: Site) -> None:
    """A user ID that must be percent-encoded in paths elsewhere."""
    user = site.register(f"odd=/+.{site.unique()}")
    device, target = user.login(), user.login()
    assert quote(user.user_id) != user.user_id
    assert device.delete(target.device_id, user.auth()).status == 200
    assert device.device_ids() == {device.device_id}


@pytest.mark.parametrize("device_id", ["with space", "ä", "a/b", "%25", "a+b", "."])
def test_device_ids_in_paths(user: User, device: Device, device_id: str) -> None:
    """Device IDs reach Synapse as they are."""
    user.login(device_id)
    assert device.put(device_id, {"display_name": "x"}).status == 200
    assert device.get(device_id).json["device_id"] == device_id
    assert device.delete(device_id, user.auth()).status == 200
    assert device.device_ids() == {device.device_id}


@pytest.mark.better
def test_D12_sessions_go_with_their_device(user: User, device: Device) -> None:
    """A later device of that ID cannot go on with a session that the deleted one began."""
    target = user.login().device_id
    phone = user.login("PHONE")
    session = phone.begin_delete(target)
    assert device.delete("PHONE", user.auth()).status == 200
    later = user.login("PHONE")
    answer = later.delete(target, user.auth(session))
    assert answer.status == 401, str(answer)
    assert answer.json["session"] != session
    assert target in later.device_ids()
