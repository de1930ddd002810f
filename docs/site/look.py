"""Look at the site in a Chromium, at the width of a phone and of a desk, light and dark.

look.py HTML SCREENSHOTS

No page is wider than the window, no text lies outside of it, nothing is missing or loaded from
elsewhere, and the colours are those that were asked for. The search finds what is looked for.
Pictures of some come in SCREENSHOTS.
"""

import functools
import pathlib
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

SIZES = {"phone": (390, 844), "desk": (1440, 900)}
SCHEMES = ("light", "dark")
# Which are looked at in both schemes, and pictures made of: one of each kind
SHOWN = ("index", "docs/index", "docs/operations", "docs/configuration", "docs/host_guide",
         "docs/behaviour", "abi/include/matrix_devices/module.h", "reference/command_line",
         "reference/python", "reference/go")  # fmt: skip
SWITCHES = ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--hide-scrollbars")  # fmt: skip
# A word, and a page that has it
LOOKED_FOR = ("grace_period_ms", "docs/configuration.html")
FOUND_S = 60
# What sticks out, though not in a box that scrolls; and how bright the background is
MEASURE = """
const scrolls = (node) => {
  for (let box = node.parentElement; box; box = box.parentElement) {
    if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(box).overflowX)) return true;
  }
  return false;
};
const outside = [...document.querySelectorAll('.md-content *, .md-header *')].filter((node) => {
  const box = node.getBoundingClientRect();
  return box.width > 0 && box.right > innerWidth + 1 && !scrolls(node);
});
const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g);
return {
  wide: document.documentElement.scrollWidth - innerWidth,
  outside: outside.slice(0, 3).map((node) => node.outerHTML.slice(0, 120)),
  elsewhere: performance.getEntriesByType('resource').map((entry) => entry.name)
    .filter((name) => !name.startsWith(location.origin) && !name.startsWith('data:')),
  bright: (Number(red) + Number(green) + Number(blue)) / 3,
  height: document.documentElement.scrollHeight,
  title: document.querySelector('h1')?.textContent ?? '',
};
"""


class Files(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Nobody reads it."""


def problems_of(seen: dict[str, Any], scheme: str, log: list[dict[str, Any]]) -> Iterator[str]:
    if seen["wide"] > 0:
        yield f"is {seen['wide']} pixels wider than the window"
    for node in seen["outside"]:
        yield f"has what lies outside of the window: {node}"
    for address in seen["elsewhere"]:
        yield f"loads {address}"
    if not seen["title"]:
        yield "has no heading"
    if (seen["bright"] > 127) != (scheme == "light"):
        yield f"is not {scheme}: its background's brightness is {seen['bright']}"
    for entry in log:
        if "/favicon.ico" in entry["message"]:
            continue  # asked for by the browser, for the style sheet below
        yield f"{entry['level'].lower()}: {entry['message']}"


def search(browser: webdriver.Chrome, root: str) -> Iterator[str]:
    """As at a desk, where the field is in sight."""
    word, page = LOOKED_FOR
    browser.get(f"{root}/index.html")
    browser.find_element(By.CSS_SELECTOR, ".md-search__input").send_keys(word)
    link = f".md-search-result__link[href*='{page}']"
    try:
        WebDriverWait(browser, FOUND_S).until(
            lambda browser: browser.find_elements(By.CSS_SELECTOR, link)
        )
    except TimeoutException:
        yield f"the search for {word} does not find {page} within {FOUND_S} s"


def look(html: pathlib.Path, screenshots: pathlib.Path) -> Iterator[str]:
    pages = [
        name
        for path in sorted(html.rglob("*.html"))
        if not (name := str(path.relative_to(html))).startswith("reference/rust/")
        and name != "404.html"
    ]
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=str(html)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}"
    options = webdriver.ChromeOptions()
    for switch in SWITCHES:
        options.add_argument(switch)
    options.add_argument("--no-sandbox")  # only our own pages
    options.set_capability("goog:loggingPrefs", {"browser": "WARNING"})
    browser = webdriver.Chrome(options=options)
    screenshots.mkdir(parents=True, exist_ok=True)
    try:
        for size, (width, height) in SIZES.items():
            for scheme in SCHEMES:
                metrics = {"width": width, "height": height, "deviceScaleFactor": 1,
                           "mobile": size == "phone"}  # fmt: skip
                browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
                media = {"name": "prefers-color-scheme", "value": scheme}
                browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [media]})
                # Which scheme the last page had: cleared where no script puts it back
                browser.get(f"{root}/site.css")
                browser.execute_script("localStorage.clear()")
                for page in pages if scheme == "light" else SHOWN:
                    browser.get(f"{root}/{page.removesuffix('.html')}.html")
                    seen = browser.execute_script(MEASURE)
                    for problem in problems_of(seen, scheme, browser.get_log("browser")):
                        yield f"{page}, {size}, {scheme}: {problem}"
                    if (name := page.removesuffix(".html")) in SHOWN:
                        picture = f"{name.replace('/', '-')}.{size}.{scheme}.png"
                        browser.save_screenshot(str(screenshots / picture))
        yield from search(browser, root)
    finally:
        browser.quit()
        server.shutdown()
    print(f"{len(pages)} pages, {len(SIZES)} sizes, {len(SCHEMES)} schemes")
    if len(pages) < 30:
        yield f"expected 30 pages or more, found {len(pages)}"


def main() -> int:
    problems = list(look(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
