"""The fallback page as people meet it: in a popup, by keyboard, on a phone, without scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from matrix_device_conformance.client import client_path
from matrix_device_conformance.homeserver import PASSWORD_STAGE, Device, Homeserver, User
from matrix_device_conformance.server import poll

PHONE = {"width": 320, "height": 640, "deviceScaleFactor": 2, "mobile": True}
NO_SCRIPTS = {"profile.managed_default_content_settings.javascript": 2}
WAIT_S = 30

Look = Callable[[Any, str], None]


class Visit:
    """A deletion that waits for the password, and the page that asks for it."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.device: Device = user.login()
        self.target: Device = user.login()
        self.session = self.device.begin_delete(self.target.device_id)
        page = client_path(f"/auth/{PASSWORD_STAGE}/fallback/web", session=self.session)
        self.url = user.homeserver.client.base_url + page

    def expect_authorised(self) -> None:
        """The session alone deletes the device now."""
        done = self.device.delete(self.target.device_id, {"session": self.session})
        assert done.status == 200, str(done)
        assert self.device.get(self.target.device_id).status == 404


@pytest.fixture
def visit(user: User) -> Visit:
    """One of a user's."""
    return Visit(user)


def by_id(browser: Any, name: str) -> Any:
    """The element of this ID."""
    return browser.find_element("id", name)


def heading(browser: Any) -> str:
    """What the page says it is."""
    return browser.find_element("tag name", "h1").text


def press(browser: Any, *keys: str) -> None:
    """Type, wherever the focus is."""
    from selenium.webdriver import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def type_and_submit(browser: Any, password: str) -> None:
    """Type into the field that has the focus, go to the button, press it."""
    from selenium.webdriver import Keys

    poll(lambda: focus(browser) == "password", WAIT_S, "the password field has the focus")
    press(browser, password, Keys.TAB, Keys.ENTER)


def focus(browser: Any) -> str | None:
    """The ID of the element that has the focus."""
    focused: str | None = browser.switch_to.active_element.get_attribute("id")
    return focused


def console(browser: Any) -> list[str]:
    """What the console says, without the 401 that a challenge is."""
    messages = [entry["message"] for entry in browser.get_log("browser")]
    return [message for message in messages if "status of 401" not in message]


def test_a_client_deletes_with_the_page(
    browser: Any, homeserver: Homeserver, user: User, client_origin: str, look: Look
) -> None:
    """Popup, password by keyboard, authDone to the opener, deletion with the session alone."""
    device, target = user.login(), user.login()
    origin = homeserver.client.base_url
    assert client_origin != origin
    settings = {
        "homeserver": origin,
        "token": device.access_token,
        "device": target.device_id,
    }
    browser.get(f"{client_origin}/client.html#{urlencode(settings)}")
    client = browser.current_window_handle
    confirm = by_id(browser, "confirm")
    poll(confirm.is_enabled, WAIT_S, "the client has its challenge")
    confirm.click()
    poll(lambda: len(browser.window_handles) == 2, WAIT_S, "the popup opens")
    popup = next(handle for handle in browser.window_handles if handle != client)

    browser.switch_to.window(popup)
    poll(lambda: browser.title == "Confirm that it is you", WAIT_S, "the page is there")
    look(browser, "form")
    type_and_submit(browser, user.password)
    poll(lambda: browser.title == "Thank you", WAIT_S, "the page says done")
    look(browser, "done")
    assert console(browser) == []

    browser.switch_to.window(client)
    result = by_id(browser, "result")
    poll(lambda: result.text != "", WAIT_S, "the opener got authDone and repeated the deletion")
    assert result.text == "200 {}"
    assert console(browser) == []
    assert device.get(target.device_id).status == 404


def test_a_client_that_embeds_the_page_is_told(browser: Any, visit: Visit) -> None:
    """Where the client has put window.onAuthDone there, that is called."""
    script = {"source": "window.onAuthDone = () => { document.title = 'told'; };"}
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
    browser.get(visit.url)
    assert browser.title == "Confirm that it is you"
    type_and_submit(browser, visit.user.password)
    poll(lambda: browser.title == "told", WAIT_S, "window.onAuthDone is called")
    assert console(browser) == []
    visit.expect_authorised()


def test_a_wrong_password_can_be_mended(browser: Any, visit: Visit, look: Look) -> None:
    """The reason is an alert, the field is marked and has the focus again."""
    browser.get(visit.url)
    type_and_submit(browser, "wrong")
    alert = poll(lambda: browser.find_elements("id", "complaint"), WAIT_S, "the reason")[0]
    look(browser, "complaint")
    assert alert.aria_role == "alert"
    assert alert.text == "The password is wrong. Try again."
    assert by_id(browser, "password").get_attribute("aria-invalid") == "true"
    assert by_id(browser, "password").get_attribute("value") == ""
    type_and_submit(browser, visit.user.password)
    poll(lambda: browser.title == "Thank you", WAIT_S, "the page says done")
    visit.expect_authorised()


def test_it_needs_no_scripts(
    start_browser: Callable[..., Any], visit: Visit, client_origin: str
) -> None:
    """The form is sent and the page says done where scripts are off."""
    browser = start_browser(NO_SCRIPTS)
    browser.get(f"{client_origin}/script.html")
    assert browser.title == "as written", "scripts are not off"
    browser.get(visit.url)
    type_and_submit(browser, visit.user.password)
    poll(lambda: browser.title == "Thank you", WAIT_S, "the page says done")
    visit.expect_authorised()


def test_a_screen_reader_has_names(browser: Any, visit: Visit) -> None:
    """Field, button and page have names, and the language is known."""
    browser.get(visit.url)
    field = by_id(browser, "password")
    assert field.accessible_name == "Password"
    button = browser.find_element("tag name", "button")
    assert (button.aria_role, button.accessible_name) == ("button", "Sign out")
    assert browser.title == heading(browser) == "Confirm that it is you"
    assert browser.find_element("tag name", "html").get_attribute("lang") == "en"
    assert len(browser.find_elements("tag name", "main")) == 1
    user = browser.find_element("name", "user")
    assert not user.is_displayed(), "the name is for password managers"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(browser: Any, homeserver: Homeserver, look: Look, scheme: str) -> None:
    """Nothing scrolls sideways, also with a long name, and what is pressed is large enough."""
    assert homeserver.server is not None
    user = User(homeserver, f"@{scheme}{'w' * 200}:example.org", "a password")
    homeserver.server.command("user", "add", user.localpart, stdin=f"{user.password}\n")
    visit = Visit(user)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(visit.url)
    expect_no_sideways_scrolling(browser)
    for element in (by_id(browser, "password"), browser.find_element("tag name", "button")):
        assert element.size["height"] >= 44, element.tag_name
    look(browser, "form")
    type_and_submit(browser, "wrong")
    poll(lambda: browser.find_elements("id", "complaint"), WAIT_S, "the reason")
    expect_no_sideways_scrolling(browser)
    look(browser, "complaint")
    type_and_submit(browser, user.password)
    poll(lambda: browser.title == "Thank you", WAIT_S, "the page says done")
    expect_no_sideways_scrolling(browser)
    look(browser, "done")
    browser.get(f"{visit.url}x")
    assert heading(browser) == "That did not work"
    expect_no_sideways_scrolling(browser)
    look(browser, "failure")


def expect_no_sideways_scrolling(browser: Any) -> None:
    """The page is as wide as the phone."""
    widths = browser.execute_script(
        "return [window.innerWidth, document.scrollingElement.scrollWidth]"
    )
    assert widths == [PHONE["width"], PHONE["width"]]


def test_violations_would_be_heard(browser: Any, client_origin: str) -> None:
    """A page that breaks its own policy shows in the console: the other tests can fail."""
    browser.get(f"{client_origin}/policy.html")
    assert browser.title == "as written"
    assert any("Content Security Policy" in message for message in console(browser))
