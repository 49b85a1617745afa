"""Replay: the picture at a moment is what had been logged by then."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Browser, Page, expect
from tests.browser.board import PICTURE, WATCH, ask, box_of, ready, stats
from tests.browser.chromium import WINDOW
from tests.browser.conftest import Open
from tests.browser.stage import Stage

GOING = """
runcast.init(project="going", id="one")
for step in range(5000):
    runcast.log({"loss": math.sin(step / 9)})
    time.sleep(0.03)
"""


HIDE = """async () => {
  const { Model } = await import("./model.js");
  const { Scene } = await import("./scene.js");
  const model = new Model();
  for (const [id, t1] of [["short", 400], ["long", 1000]]) model.describeRun({ id, created_ms: 1 }).t1 = t1;
  const scene = new Scene(model);
  const { clock } = scene;
  const moments = [];
  const pass = (hidden) => {
    scene.hidden = new Set(hidden);
    scene.advance(16);
    moments.push(clock.t);
  };
  pass([]);
  scene.seek(700);
  for (const hidden of [[], ["long"], ["long", "short"], []]) pass(hidden);
  pass(["long"]);
  scene.pause();
  pass([]);
  pass(["long"]);
  scene.seek(300);
  pass([]);
  return moments;
}"""


def test_a_run_that_is_hidden_and_shown_again_leaves_the_moment_where_it_was(blank: Page) -> None:
    """Meanwhile the clock stands at the end of the others; who asks for another moment then means that."""
    assert blank.evaluate(HIDE) == [1000, 700, 400, 400, 700, 400, 700, 400, 300]


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
    page.set_viewport_size({"width": 390, "height": 844})
    for control in page.locator(".dock > :visible").all():
        box = box_of(control)
        assert 0 <= box["x"] <= 390 - box["width"], "a control is cut off on a phone"


def test_comma_and_full_stop_go_from_point_to_point(stage: Stage, visit: Open) -> None:
    """Of all runs that are shown, by the times of what they logged; in a race by their steps."""
    for run, first in (("even", 0), ("odd", 1)):
        stage.train(
            f"""
            run = runcast.init(project="points", id="{run}")
            for step in range(0, 6):
                run.log({{"loss": step}}, step=2 * step + {first})
                time.sleep(0.01)
            run.finish()
            """
        )
    page = visit(f"{stage.url}/?project=points")
    ready(page)
    expect(page.locator(".rc .plot")).to_have_attribute("aria-label", re.compile("2 curves"), timeout=20_000)
    times = sorted(row["_timestamp"] * 1000 for run in ("even", "odd") for row in stage.history("points", run))
    clock = "Math.round(__rc.board.clock.t)"
    for back in (2, 3, 4):  # Live stands at the last.
        page.keyboard.press(",")
        page.wait_for_function(f"!__rc.board.clock.live && {clock} === {round(times[-back])}")
    page.keyboard.press(".")
    page.wait_for_function(f"{clock} === {round(times[-3])}")
    page.get_by_role("button", name="Let all runs begin at once").click()
    page.keyboard.press(",")
    page.wait_for_function("__rc.board.clock.unit === 'step' && __rc.board.clock.t === 10")
    page.keyboard.press(",")
    page.wait_for_function("__rc.board.clock.t === 9")
    page.keyboard.press(".")
    page.wait_for_function("__rc.board.clock.t === 10")


def test_a_link_to_a_moment_shows_the_same_picture_to_somebody_else(
    stage: Stage, visit: Open, browser: Browser
) -> None:
    """The runs that are shown, the zoom, the smoothing and the moment: drawn the same, pixel by pixel."""
    stage.train(
        """
        import time
        for name in ("one", "two", "three"):
            run = runcast.init(project="moment", id=name)
            for step in range(40):
                run.log({"loss": math.sin(step) + len(name)})
                time.sleep(0.01)
            run.finish()
        """
    )
    page = visit(f"{stage.url}/?project=moment")
    ready(page)
    page.wait_for_function("__rc.board.runs.size === 3")
    page.locator(".row .swatch").nth(1).click()
    page.evaluate("__rc.board.setOptions({ smooth: 0.3 })")
    ask(page, {"op": "zoom", "range": [5, 25]})
    ask(page, {"op": "seek", "part": 0.7})
    page.wait_for_function("__rc.board.range && __rc.board.clock && !__rc.board.clock.live")
    page.wait_for_function("location.search.includes('smooth=0.3')")
    link = page.evaluate("__rc.board.link()")
    assert f"t={page.evaluate('String(__rc.board.clock.t)')}" in link
    other = browser.new_context(viewport={"width": WINDOW["width"], "height": WINDOW["height"]})
    seen = other.new_page()
    seen.goto(link)
    ready(seen)
    seen.wait_for_function("__rc.board.recalled")
    told = "[Math.round(__rc.board.clock.t), __rc.board.range, [...__rc.board.hidden], __rc.board.options.smooth]"
    assert seen.evaluate(told) == page.evaluate(told)
    page.mouse.move(5, 5)
    deadline = time.monotonic() + 20
    while seen.evaluate(PICTURE, "loss") != page.evaluate(PICTURE, "loss"):
        assert time.monotonic() < deadline, "the pictures differ"
        time.sleep(0.2)
    # What comes after is theirs: a reload begins with what is live.
    assert not re.search("[?&]t=", seen.evaluate("location.search"))
    other.close()
