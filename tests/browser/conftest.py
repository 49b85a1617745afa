"""One service for all the tests of this folder, a browser for each file, a page and a project for each test."""

from __future__ import annotations

import functools
import http.server
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.browser.chromium import WINDOW, launched
from tests.browser.stage import Stage, service

import runcast_dashboard

ASSETS = Path(runcast_dashboard.__file__).parent / "assets"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright's event loop runs for as long as its browser, and other tests of this process have their own.
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def _service() -> Iterator[Stage]:
    # A short path: that of a unix socket may have no more than about 100 bytes.
    with tempfile.TemporaryDirectory(prefix="rc-") as folder, service(Path(folder)) as stage:
        yield stage


@pytest.fixture
def stage(_service: Stage) -> Iterator[Stage]:
    """Give a running service; what a test starts on it ends with the test."""
    yield _service
    _service.end()
    _service.processes.clear()


Open = Callable[[str], Page]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    """Open pages in a fresh window; a script error on any of them fails the test."""
    context = browser.new_context(viewport={"width": WINDOW["width"], "height": WINDOW["height"]})
    errors: list[str] = []

    def opened(url: str) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        return page

    yield opened
    context.close()
    assert not errors


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # The base class names it so.
        """Say nothing."""


@pytest.fixture(scope="module")
def assets() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=ASSETS))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def blank(browser: Browser, assets: str) -> Iterator[Page]:
    """Open a page with nothing on it, from where the board's modules are."""
    page = browser.new_page()
    page.goto(f"{assets}/board.css")
    yield page
    page.close()
