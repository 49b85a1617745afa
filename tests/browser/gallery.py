"""Take the pictures of docs/images: each page, light and dark, of the demo's trainings.

python -m tests.browser.gallery
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page
from tests.browser.board import ask, ready
from tests.browser.chromium import WINDOW, launched
from tests.browser.stage import free_port

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PROJECT = "demo"
HALFWAY_SECONDS_MAX = 300.0  # By then one run has diverged, and one was killed and is known to be gone.
SCHEMES = ("light", "dark")


@contextlib.contextmanager
def demo() -> Iterator[str]:
    """Run the demo in a directory of its own, and give its address."""
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "runcast.cli", "demo", "--no-open", "--port", str(port)],
            env=os.environ | {"RUNCAST_DIR": folder},
            stdout=subprocess.DEVNULL,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            while process.poll() is None:
                with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/healthz"):
                    break
                time.sleep(0.2)
            _wait_for_trouble(url)
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _wait_for_trouble(url: str) -> None:
    """Wait until the demo's trainings differ in state and one shows NaN: eight healthy runs say little."""
    deadline = time.monotonic() + HALFWAY_SECONDS_MAX
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/api/v1/projects/{PROJECT}/runs") as answer:
            runs = json.load(answer)["runs"]
            if any(run["state"] == "crashed" for run in runs) and any("NaN" in run["summary"].values() for run in runs):
                return
        time.sleep(1)


def hover(page: Page, card: int, part: float) -> None:
    """Put the pointer over a chart."""
    box = page.locator(".rc .plot").nth(card).bounding_box()
    assert box
    page.mouse.move(box["x"] + 50 + part * (box["width"] - 62), box["y"] + box["height"] / 2)
    page.wait_for_timeout(300)


def pictures(browser: Browser, url: str, scheme: str) -> None:
    """Take every page in one colour scheme."""
    context = browser.new_context(
        viewport={"width": WINDOW["width"], "height": WINDOW["height"]},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()

    def take(name: str) -> None:
        page.screenshot(path=IMAGES / f"{name}-{scheme}.png")

    page.goto(f"{url}/?project={PROJECT}")
    ready(page, metrics=4)
    page.wait_for_timeout(2500)
    hover(page, 1, 0.45)
    take("live")
    page.mouse.move(5, 5)
    ask(page, {"op": "seek", "part": 0.45})
    page.locator(".rc .row").nth(2).hover()
    page.wait_for_timeout(800)
    take("replay")
    page.goto(f"{url}/runs?project={PROJECT}")
    page.locator(".t-line .t-name").first.wait_for()
    page.wait_for_timeout(2500)
    take("runs")
    for at in range(8):
        page.locator(".t-line .t-check").nth(at).check()
    page.get_by_role("button", name="Compare", exact=True).click()
    page.wait_for_function("window.__rc?.compare?.runs?.length > 2")
    for view, name in (("Differences", "compare"), ("Parallel", "parallel"), ("Importance", "importance")):
        page.locator(".rcmp .choice button", has_text=view).click()
        page.wait_for_timeout(800)
        take(name)
    page.goto(f"{url}/?project={PROJECT}")
    ready(page, metrics=4)
    page.locator(".rc .row", has_text="diverges").locator(".run").click()
    page.locator(".rc.single .card").first.wait_for()
    page.mouse.move(5, 5)
    page.wait_for_timeout(2500)
    take("run")
    page.goto(f"{url}/health")
    page.locator(".h-word").first.wait_for()
    page.wait_for_timeout(15_000)  # Rates need a while to be seen.
    take("health")
    context.close()


def phone(browser: Browser, url: str) -> None:
    """Take the pages with tables as a phone shows them."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, device_scale_factor=2)
    page = context.new_page()
    page.goto(f"{url}/runs?project={PROJECT}")
    page.locator(".t-line .t-name").first.wait_for()
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / "runs-phone.png")
    runs = ",".join(page.evaluate("__rc.table.order.ids"))
    page.goto(f"{url}/compare?project={PROJECT}&runs={runs}")
    page.locator(".c-table td").first.wait_for()
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / "compare-phone.png")
    context.close()


def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with demo() as url, launched() as browser:
        for scheme in SCHEMES:
            pictures(browser, url, scheme)
        phone(browser, url)


if __name__ == "__main__":
    main()
