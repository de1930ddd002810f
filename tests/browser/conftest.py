"""A server with the fallback page, a client's page on another origin, and a Chromium."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.homeserver import Homeserver, User
from matrix_device_conformance.server import Server, server_binary

SWITCHES = (
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1000,700",
)

StartBrowser = Callable[..., Any]  # a selenium.webdriver.Chrome, where selenium is installed


class Pages(SimpleHTTPRequestHandler):
    """Serves the pages of this folder."""

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="session")
def homeserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homeserver]:
    """A homeserver with the fallback page."""
    binary = server_binary(None)
    if binary is None:
        raise pytest.UsageError("env MXD_SERVER names no matrix-devices-server")
    folder = tmp_path_factory.mktemp("homeserver")
    config = folder / "module.json"
    config.write_text(json.dumps({"fallback_pages": True}))
    options = ["--open-registration", "--no-rate-limits", "--config", str(config)]
    server = Server(binary, folder, options).start()
    yield Homeserver(server.client, server=server)
    server.stop()


@pytest.fixture
def user(homeserver: Homeserver) -> User:
    """A user of their own."""
    return homeserver.new_user()


@pytest.fixture(scope="session")
def client_origin() -> Iterator[str]:
    """Where the client's page is: an origin that is not the homeserver's."""
    handler = functools.partial(Pages, directory=str(Path(__file__).parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def start_browser(tmp_path: Path) -> Iterator[StartBrowser]:
    """Starts a Chromium with a profile of its own."""
    try:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
    except ImportError:
        pytest.skip("no browser: python3-selenium is not installed")
    paths = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    for name, path in paths.items():
        if path is None:
            pytest.skip(f"no browser: {name} is not installed")
    started: list[Any] = []

    def start(preferences: dict[str, Any] | None = None) -> Any:
        options = webdriver.ChromeOptions()
        options.binary_location = paths["chromium"]
        for switch in SWITCHES:
            options.add_argument(switch)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # Chromium has none for root
        options.add_argument(f"--user-data-dir={tmp_path / f'profile{len(started)}'}")
        options.add_experimental_option("prefs", preferences or {})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = Service(paths["chromedriver"], log_path=str(tmp_path / "chromedriver.log"))
        browser = webdriver.Chrome(service=service, options=options)
        started.append(browser)
        browser.set_page_load_timeout(60 * TIME_FACTOR)
        return browser

    yield start
    for browser in started:
        browser.quit()


@pytest.fixture
def browser(start_browser: StartBrowser) -> Any:
    """A Chromium as users have it."""
    return start_browser()


@pytest.fixture
def look(request: pytest.FixtureRequest) -> Callable[[Any, str], None]:
    """Keeps a screenshot where env MXD_SCREENSHOTS says."""

    def keep(browser: Any, name: str) -> None:
        folder = os.environ.get("MXD_SCREENSHOTS")
        if folder is not None:
            Path(folder).mkdir(parents=True, exist_ok=True)
            test = re.sub(r"\W+", "_", request.node.name)
            browser.save_screenshot(str(Path(folder) / f"{test}.{name}.png"))

    return keep
