"""A chart whose axes the reader set by hand."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.board import ask, box_of, drawn, ready
from tests.browser.conftest import Open
from tests.browser.stage import Stage

POINTS = 8_000  # More than a chart holds: of a stretch, the rest has to be asked for.
TRAINING = f"""
runcast.init(project="ranges", id="one")
for step in range({POINTS}):
    runcast.log({{"loss": 1 + math.sin(step / 40), "acc": step / {POINTS}}})
runcast.finish()
"""

BOUNDED = """async ([shown, said]) => (await import("./hand.js")).bounded(shown, said)"""


@pytest.mark.parametrize(
    ("said", "then"),
    [
        ([None, None], [1, 3]),
        ([0, None], [0, 3]),
        ([None, 2], [1, 2]),
        ([10, None], [10, 11]),  # All that is shown lies below.
        ([None, -10], [-11, -10]),
        ([None, 0], [-1, 0]),
    ],
)
def test_an_end_that_nobody_said_follows_what_is_shown(said: list[Any], then: list[float], blank: Page) -> None:
    assert blank.evaluate(BOUNDED, [[1, 3], said]) == then


def test_axes_are_set_by_hand_for_one_chart(stage: Stage, visit: Open) -> None:
    stage.train(TRAINING)
    page = visit(f"{stage.url}/?project=ranges&smooth=0&outliers=0")
    ready(page, metrics=2)

    def until(what: str, metric: str, low: float, high: float, near: float = 1e-6) -> None:
        for _ in range(300):
            if (seen := drawn(page, metric)[what]) == [pytest.approx(low, abs=near), pytest.approx(high, abs=near)]:
                return
            page.wait_for_timeout(100)
        raise AssertionError(seen)

    until("range", "loss", 0, POINTS - 1)
    card = page.locator(".card", has=page.locator('.plot[data-name="loss"]'))
    card.hover()
    card.get_by_role("button", name="More for loss").click()
    page.get_by_role("menuitem", name="Axis ranges…").click()
    form = page.get_by_role("dialog", name="Axes of loss")
    ends = {name: form.get_by_label(name, exact=True) for name in ("y from", "y to", "x from", "x to")}
    expect(ends["y from"]).to_be_focused()
    # A first end above the second is none: it is said, and the chart stays as it is.
    page.keyboard.type("3")
    ends["y to"].fill("2")
    ends["x from"].focus()
    expect(form.get_by_role("alert")).to_have_text("The first must be below the second.")
    ends["y from"].fill("0.5")
    ends["x from"].fill("400")
    ends["x to"].fill("800")
    page.keyboard.press("Enter")
    expect(form).to_be_hidden()
    expect(card.get_by_role("button", name="More for loss")).to_be_focused()
    until("scale", "loss", 0.5, 2)
    until("range", "loss", 400, 800)
    until("range", "acc", 0, POINTS - 1)
    # Every point of the stretch is asked for, without a zoom.
    _until_detail(page, 400)
    mark = card.get_by_role("button", name="Axes of loss by hand: y 0.5 to 2, x 400 to 800")
    expect(mark).to_be_visible()
    # The crosshair of the other charts stands at the same step, not at the same part of the width.
    page.wait_for_function("__rc.board.cards.cards.get('loss').x?.[1] === 800")
    box, other = (box_of(page.locator(f'.plot[data-name="{name}"]')) for name in ("loss", "acc"))
    page.mouse.move(box["x"] + 50 + (box["width"] - 62) / 2, box["y"] + 60)
    place = 50 + 600 / (POINTS - 1) * (other["width"] - 62)
    page.wait_for_function(
        "(place) => Math.abs(new DOMMatrix(__rc.board.cards.cards.get('acc').cross.style.transform).m41 - place) < 1.5",
        arg=place,
    )
    # A zoom of all charts is of this one too; after it, what was said by hand holds again.
    ask(page, {"op": "zoom", "range": [100, 200]})
    until("range", "loss", 100, 200)
    until("scale", "loss", 0.5, 2)
    page.keyboard.press("Escape")
    until("range", "loss", 400, 800)
    # A drag is along what is shown, though it differs from chart to chart.
    page.mouse.down()
    page.mouse.move(box["x"] + 50 + (box["width"] - 62) * 0.75, box["y"] + 60, steps=4)
    page.mouse.up()
    until("range", "loss", 600, 700, near=3)
    page.keyboard.press("Escape")
    until("range", "loss", 400, 800)
    page.wait_for_url("**ranges=**")
    page.goto(page.evaluate("__rc.board.link()"))
    ready(page, metrics=2)
    until("range", "loss", 400, 800)
    until("scale", "loss", 0.5, 2)
    # Along another axis, what was said of this one does not hold.
    page.locator(".choice button", has_text="Relative").click()
    page.wait_for_function("__rc.board.cards.cards.get('loss').axis === 'rel'")
    until("scale", "loss", 0.5, 2)
    page.wait_for_function("__rc.board.cards.cards.get('loss').x[1] !== 800")
    page.locator(".choice button", has_text="Step").click()
    until("range", "loss", 400, 800)
    page.wait_for_function("__rc.board.cards.cards.get('loss').axis === 'step'")
    mark.click()
    expect(ends["x to"]).to_have_value("800")
    form.get_by_role("button", name="Automatic").click()
    until("range", "loss", 0, POINTS - 1)
    expect(mark).to_have_count(0)
    page.wait_for_url(re.compile("^(?!.*ranges=)"))


def _until_detail(page: Page, points: int) -> None:
    for _ in range(300):
        page.evaluate("__rc.board.points = null; __rc.board.ask({ op: 'points', run: 'one', metric: 'loss' })")
        page.wait_for_function("__rc.board.points")
        if page.evaluate("__rc.board.points.curves[0].detail") >= points:
            return
        page.wait_for_timeout(100)
    raise AssertionError("the stretch never came")
