"""Walk through the demo as somebody new does, and take a picture of each step for docs/walk.md.

The page is opened, the run that went wrong is found, its end is looked at closely, the clock is drawn back to the
moment when it happened, the link is shared, and whoever opens it in a browser of their own sees the same. All of it
by the mouse, from what stands on the page: nothing is asked of the board but whether it has drawn.

python -m tests.browser.walk
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from playwright.sync_api import Browser, Locator, Page, expect
from tests.browser.board import PICTURE, box_of, ready
from tests.browser.chromium import FLAGS, WINDOW, executable, launched
from tests.browser.gallery import IMAGES, PROJECT, demo, save

PLOT = {"left": 50, "right": 12}  # The room of a chart's axes, as in chart.js.
BEFORE, AFTER = 120, 20  # Steps around a run's end that a look at it takes in.
SAME_SECONDS_MAX = 60.0
SETTLE_MS = 1000  # Less than for how long the chain says that the link is copied.

Take = Callable[[str, Page], None]


class Walk:
    """Somebody new on the board; `take` gets the name of each step, and the page as it is then."""

    def __init__(self, browser: Browser, take: Take) -> None:
        self._browser = browser
        self._take = take
        context = browser.new_context(
            viewport={"width": WINDOW["width"], "height": WINDOW["height"]},
            permissions=["clipboard-read", "clipboard-write"],
        )
        self.page = context.new_page()

    def open(self, url: str) -> None:
        """Open the address that the demo prints."""
        self.page.goto(url)
        ready(self.page, metrics=4)
        expect(self.page.locator(".row")).not_to_have_count(0)
        self._take("1-open", self.page)

    def find(self) -> str:
        """Find the run that is marked as failed, and bring its curves forward; return its id."""
        row = self.page.locator('.row[data-state="failed"]')
        expect(row).to_have_count(1, timeout=60_000)
        expect(self.card("train/loss").locator(".broken")).to_have_text("NaN in 1 run")
        row.hover()
        self._take("2-find", self.page)
        return row.get_attribute("data-id") or ""

    def zoom(self, run: str) -> None:
        """Drag over the chart where the curve of the run ends."""
        said = self.page.locator(f'.row[data-id="{run}"] .run-detail').inner_text()
        steps = [_step(text) for text in self.page.locator(".row .run-detail").all_inner_texts()]
        box = box_of(self.card("train/loss").locator(".plot"))
        wide = box["width"] - PLOT["left"] - PLOT["right"]
        ends = (_step(said) - BEFORE, _step(said) + AFTER)
        left, right = (box["x"] + PLOT["left"] + wide * min(1, max(0, end / max(steps))) for end in ends)
        mouse, y = self.page.mouse, box["y"] + box["height"] * 0.4
        mouse.move(left, y)
        mouse.down()
        mouse.move(right, y, steps=8)
        self._take("3-zoom", self.page)
        mouse.up()
        expect(self.page.get_by_text("Reset zoom")).to_be_visible()
        self._take("4-zoomed", self.page)

    def scrub(self) -> None:
        """Draw the clock back along the timeline until no value is broken, then on again until one is."""
        track = box_of(self.page.locator(".dock .track"))
        x, y = track["x"] + track["width"] - 2, track["y"] + track["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        while self._broken():
            x -= track["width"] / 20
            assert x > track["x"], "there is no moment at which it was still well"
            self._draw_to(x, y)
        while not self._broken():
            x += track["width"] / 100
            self._draw_to(x, y)
        self._take("5-scrub", self.page)
        self.page.mouse.up()

    def _draw_to(self, x: float, y: float) -> None:
        self.page.mouse.move(x, y)
        self.page.wait_for_timeout(300)  # The notes on the cards are written four times a second.

    def _broken(self) -> bool:
        return bool(self.card("train/loss").locator(".broken").inner_text())

    def share(self) -> str:
        """Press the chain, and return the link that the clipboard holds then."""
        button = self.page.get_by_role("button", name="Copy a link to this moment")
        button.click()
        expect(button).to_have_attribute("data-said", "Link copied")
        self._take("6-share", self.page)
        link = self.page.evaluate("navigator.clipboard.readText()")
        assert isinstance(link, str)
        return link

    def follow(self, link: str) -> None:
        """Open the link in another browser, and see the same picture: pixel by pixel, on every chart."""
        other = self._browser.browser_type.launch(executable_path=executable(), args=FLAGS)
        try:
            seen = other.new_page(viewport={"width": WINDOW["width"], "height": WINDOW["height"]})
            seen.goto(link)
            ready(seen, metrics=4)
            seen.wait_for_function("__rc.board.recalled")
            self.page.mouse.move(5, 5)
            names = [name or "" for name in _names(seen)]
            assert names == _names(self.page)
            deadline = time.monotonic() + SAME_SECONDS_MAX
            for name in names:
                while seen.evaluate(PICTURE, name) != self.page.evaluate(PICTURE, name):
                    assert time.monotonic() < deadline, f"{name} is another picture"
                    time.sleep(0.2)
            self._take("7-same", seen)
        finally:
            other.close()

    def card(self, metric: str) -> Locator:
        """Find the chart of a metric."""
        return self.page.locator(".card").filter(has=self.page.locator(f'.plot[data-name="{metric}"]'))


def walk(browser: Browser, url: str, take: Take) -> None:
    """Walk from the first look to the same picture at somebody else's."""
    newcomer = Walk(browser, take)
    newcomer.open(url)
    newcomer.zoom(newcomer.find())
    newcomer.scrub()
    newcomer.follow(newcomer.share())


def _names(page: Page) -> list[str]:
    names = page.locator(".plot:has(canvas)").evaluate_all("(plots) => plots.map((plot) => plot.dataset.name)")
    return [str(name) for name in names]


def _step(said: str) -> int:
    found = re.search(r"step ([\d,]+)", said)
    assert found, f"no step in {said!r}"
    return int(found[1].replace(",", ""))


def main() -> None:
    """Take the pictures of docs/walk.md."""

    def take(name: str, page: Page) -> None:
        page.wait_for_timeout(SETTLE_MS)
        save(page.screenshot(), IMAGES / f"walk-{name}.png")

    with demo() as url, launched() as browser:
        walk(browser, f"{url}/?project={PROJECT}", take)


if __name__ == "__main__":
    main()
