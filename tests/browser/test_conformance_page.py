"""The conformance suite's page: on a phone and at a desk, filtered, by keyboard, in the dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sample

from matrix_device_conformance import report
from matrix_device_conformance.redaction import Redactor

Look = Callable[[Any, str], None]

NO_SCRIPTS = {"profile.managed_default_content_settings.javascript": 2}
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
DESK = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}

# Of each text that is seen: how it stands out from the ground behind it (WCAG 2.2, 1.4.3).
CONTRASTS = """
const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
const light = (colour) => {
  const parts = parse(colour).slice(0, 3).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
};
const ground = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const colour = getComputedStyle(e).backgroundColor;
    if ((parse(colour)[3] ?? 1) > 0) return colour;
  }
  return "rgb(255, 255, 255)";
};
const found = [];
for (const element of document.querySelectorAll("body *")) {
  const said = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  if (!said || !element.checkVisibility() || element.tagName === "OPTION") continue;
  const [a, b] = [light(getComputedStyle(element).color), light(ground(element))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  found.push([ratio, element.textContent.trim().slice(0, 40)]);
}
return found;
"""


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a run with every kind of verdict, as a file."""
    document = report.document(sample.run(), Redactor())
    (path,) = report.write(tmp_path_factory.mktemp("report"), document, ["html"])
    return path.as_uri()


def set_up(browser: Any, window: dict[str, Any], scheme: str = "light") -> None:
    """A window of this size, in this scheme."""
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", window)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def shown_rows(browser: Any) -> list[str]:
    """The rows that one sees."""
    heads = browser.find_elements("css selector", "tbody th")
    return [head.text for head in heads if head.is_displayed()]


def is_seen(browser: Any, element: Any) -> bool:
    """Not folded in: Selenium's own question passes over that."""
    seen: bool = browser.execute_script("return arguments[0].checkVisibility()", element)
    return seen


def console(browser: Any) -> list[str]:
    """What the console says."""
    return [entry["message"] for entry in browser.get_log("browser")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", [PHONE, DESK], ids=["phone", "desk"])
def test_it_is_readable_everywhere(
    browser: Any, page: str, look: Look, window: dict[str, Any], scheme: str
) -> None:
    """Nothing scrolls sideways, also with all open, and every text stands out enough."""
    set_up(browser, window, scheme)
    browser.get(page)
    look(browser, "closed")
    browser.find_element("id", "fold").click()
    browser.execute_script(
        "for (const details of document.querySelectorAll('details')) details.open = true;"
    )
    look(browser, "open")
    width = browser.execute_script("return document.scrollingElement.scrollWidth")
    assert width <= window["width"]
    inner = browser.execute_script(
        "return [...document.querySelectorAll('body *')].filter("
        "(e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1"
        " && getComputedStyle(e).display !== 'inline').map((e) => e.outerHTML.slice(0, 80))"
    )
    assert inner == []
    contrasts = browser.execute_script(CONTRASTS)
    assert len(contrasts) > 50
    assert [pair for pair in contrasts if pair[0] < 4.5] == []
    assert console(browser) == []


def test_rows_are_filtered(browser: Any, page: str) -> None:
    """By verdict, by column, by text, and by all three; the count says how many are left."""
    browser.get(page)
    everything = ["A9", "D8", "D9", "D10", "R6", "\u2013"]
    assert shown_rows(browser) == everything
    assert browser.find_element("id", "count").text == "6 of 6 rows"

    boxes = {box.get_attribute("value"): box for box in browser.find_elements("name", "verdict")}
    boxes["kept"].click()
    assert shown_rows(browser) == ["D8", "D10"]
    assert browser.find_element("id", "count").text == "2 of 6 rows"
    boxes["not judged"].click()
    assert shown_rows(browser) == ["D8"]
    boxes["not kept"].click()
    assert shown_rows(browser) == []
    assert browser.find_element("id", "none").is_displayed()
    for box in boxes.values():
        box.click()
    assert shown_rows(browser) == everything
    assert not browser.find_element("id", "none").is_displayed()

    column = browser.find_element("name", "column")
    column.send_keys("ours")
    assert shown_rows(browser) == ["D8", "D10", "R6"]
    text = browser.find_element("name", "text")
    text.send_keys("a SET")
    assert shown_rows(browser) == ["D8"], "what failed is looked at too"
    column.send_keys("either")
    text.clear()
    text.send_keys("nobody says this")
    assert shown_rows(browser) == []


def test_it_goes_by_keyboard(browser: Any, page: str) -> None:
    """Each control has the focus in turn and is seen to have it; a failure opens with a key."""
    from selenium.webdriver import ActionChains, Keys

    browser.get(page)
    seen: list[str] = []
    for _ in range(40):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        focused = browser.switch_to.active_element
        if focused.tag_name == "body":
            break
        outline = focused.value_of_css_property("outline-style")
        assert outline != "none", focused.get_attribute("outerHTML")
        seen.append(focused.get_attribute("name") or focused.tag_name)
        if focused.tag_name == "summary" and seen.count("summary") == 1:
            ActionChains(browser).send_keys(Keys.ENTER).perform()
            assert focused.find_element("xpath", "..").get_attribute("open") is not None
    for control in ("verdict", "column", "text", "button", "a", "summary"):
        assert control in seen, control
    assert seen.count("summary") == 3, "what is opened can be reached: its exchanges"


def test_a_screen_reader_has_names_and_a_table(browser: Any, page: str) -> None:
    """Also on a phone, where the table does not look like one."""
    for window in (DESK, PHONE):
        set_up(browser, window)
        browser.get(page)
        assert browser.find_element("tag name", "html").get_attribute("lang") == "en"
        assert browser.title == "Device conformance of Dendrite 0.13.8+<b>"
        for name in ("column", "text"):
            assert browser.find_element("name", name).accessible_name
        for box in browser.find_elements("name", "verdict"):
            assert box.accessible_name in ("kept", "not kept", "not judged")
        picture = browser.find_element("css selector", ".score svg")
        assert picture.accessible_name == "Specification: 3 kept, 1 not kept, 0 not judged"
        roles = {
            tag: browser.find_element("css selector", tag).aria_role
            for tag in ("table", "tbody tr", "tbody th", "td", "thead th")
        }
        assert roles == {
            "table": "table",
            "tbody tr": "row",
            "tbody th": "rowheader",
            "td": "cell",
            "thead th": "columnheader",
        }, window


def test_it_reads_without_scripts(start_browser: Callable[..., Any], page: str) -> None:
    """Everything is there but the filter; failures and exchanges open."""
    browser = start_browser(NO_SCRIPTS)
    browser.get(page)
    assert not browser.find_element("id", "filter").is_displayed(), "scripts are not off"
    assert len(shown_rows(browser)) == 6
    got = browser.find_element("xpath", "//pre[text()='set()']")
    assert not is_seen(browser, got)
    browser.find_element("css selector", "#D8 summary").click()
    assert is_seen(browser, got)
    browser.find_element("css selector", "#D8 .failure summary").click()
    assert "Authorization: Bearer [token]" in browser.find_element("id", "D8").text


def test_a_link_leads_to_a_row(browser: Any, page: str) -> None:
    """So that one can be sent."""
    set_up(browser, PHONE)
    browser.get(f"{page}#R6")
    top = browser.execute_script("return document.getElementById('R6').getBoundingClientRect().top")
    assert 0 <= top <= PHONE["height"]
