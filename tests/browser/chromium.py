"""A real Chromium without a screen, driven by Playwright."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
).split()
WINDOW = {"width": 1440, "height": 900}


def executable() -> str:
    """Find the browser; fails with what to do when there is none."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found or not os.path.exists(found):
        pytest.fail(
            "the browser tests need Chromium: `apt-get install chromium`, or name one with CHROMIUM=/path/to/it",
            pytrace=False,
        )
    return found


@contextlib.contextmanager
def launched() -> Iterator[Browser]:
    """Give a browser for as long as it is needed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
