"""One service for all the tests of this folder, a browser for each file, a page and a project for each test."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from tests.browser.chromium import WINDOW, launched
from tests.browser.stage import Stage, service


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
