"""Replay: the picture at a moment is what had been logged by then."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from tests.browser.board import WATCH, ask, ready, stats
from tests.browser.conftest import Open
from tests.browser.stage import Stage

GOING = """
runcast.init(project="going", id="one")
for step in range(5000):
    runcast.log({"loss": math.sin(step / 9)})
    time.sleep(0.03)
"""


def test_a_scrub_freezes_the_picture_and_live_goes_on(stage: Stage, visit: Open) -> None:
    stage.start(GOING)
    page = visit(f"{stage.url}/?project=going")
    ready(page)
    page.wait_for_timeout(2500)
    live = page.locator(".rc .live")
    expect(live).to_have_class(re.compile(r"\bon\b"))
    ask(page, {"op": "seek", "part": 0.4})
    expect(live).not_to_have_class(re.compile(r"\bon\b"))
    page.mouse.move(5, 5)
    page.wait_for_timeout(500)
    page.evaluate(WATCH, 0)
    page.wait_for_timeout(1200)
    assert len(page.evaluate("__changes")) == 1, "the picture of the past moved"
    clock = stats(page)["clock"]
    assert clock["t0"] < clock["t"] < clock["t1"]
    live.click()
    expect(live).to_have_class(re.compile(r"\bon\b"))
    page.wait_for_timeout(800)
    assert len(page.evaluate("__changes")) > 4


def test_the_keyboard_plays_seeks_and_goes_live(stage: Stage, visit: Open) -> None:
    stage.train(
        """
        runcast.init(project="keys", id="one")
        for step in range(60):
            runcast.log({"loss": step})
            time.sleep(0.02)
        runcast.finish()
        """
    )
    page = visit(f"{stage.url}/?project=keys")
    ready(page)
    page.wait_for_function("__rc.board.clock && __rc.board.clock.t1 > __rc.board.clock.t0")
    page.keyboard.press("Space")
    page.wait_for_function("!__rc.board.clock.live && !__rc.board.clock.playing")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("__rc.board.clock.t === __rc.board.clock.t0")
    ask(page, {"op": "speed", "speed": 1})
    page.keyboard.press("Space")
    page.wait_for_function("__rc.board.clock.playing")
    page.wait_for_function("__rc.board.clock.live")  # It played to the end.
    page.keyboard.press("Space")
    page.keyboard.press("l")
    page.wait_for_function("__rc.board.clock.live")
    page.keyboard.press("/")
    page.keyboard.type("nothing like it")
    expect(page.get_by_text("No metric matches")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".rc .card")).to_be_visible()
