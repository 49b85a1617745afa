"""A chart lies along steps, along time, or along another metric: as `define_metric` says, or as the reader chooses."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.board import drawn, ready
from tests.browser.conftest import Open
from tests.browser.stage import Stage
from tests.browser.test_modules import assets, blank  # noqa: F401  # Fixtures: a page with the board's modules.

TRAINING = """
runcast.init(project="axes", id="one")
runcast.define_metric("val/*", step_metric="epoch")
for step in range(300):
    row = {"loss": 1 / (1 + step), "tokens": 1024 * step}
    if step % 10 == 9:
        row |= {"val/acc": step / 300, "epoch": (step + 1) / 100}
    runcast.log(row)
    if step == 50:
        runcast.log({"alone": 7})
runcast.finish()
"""

JOIN = """async ([curve, other, left]) => {
  const { join } = await import("./axis.js");
  const { Series } = await import("./series.js");
  const made = (points) => {
    const series = new Series();
    const numbers = (at) => points.map((point) => Number(point[at]));
    series.append(numbers(0), numbers(0).map((step) => 1000 * step), numbers(1));
    return series;
  };
  const [y, x] = [made(curve), made(other)];
  y.total += left;
  const joined = join(y, x);
  const again = join(y, x) === joined;
  x.append([1e6], [1e9], [5]);
  const { n, total, timely } = joined;
  const part = (field) => [...joined[field].slice(0, n)];
  return { x: part("x"), y: part("y"), total, timely, again, anew: join(y, x) !== joined };
}"""


def joined(page: Page, curve: list[Any], other: list[Any], left: int = 0) -> Any:
    return page.evaluate(JOIN, [curve, other, left])


def test_a_row_without_the_other_metric_is_left_out(blank: Page) -> None:  # noqa: F811
    seen = joined(blank, [[0, 10], [1, 11], [2, 12], [3, 13]], [[0, 0.5], [2, 1.5], [3, "NaN"]])
    assert (seen["x"], seen["y"], seen["total"]) == ([0.5, 1.5], [10, 12], 2)
    assert seen["again"]
    assert seen["anew"]


def test_values_that_fall_are_put_in_order_and_replay_still_knows_their_times(blank: Page) -> None:  # noqa: F811
    seen = joined(blank, [[0, 10], [1, 11], [2, 12]], [[0, 3], [1, 1], [2, 1]])
    assert (seen["x"], seen["y"]) == ([1, 1, 3], [11, 12, 10])
    assert not seen["timely"]


def test_where_points_were_left_out_the_other_metric_is_on_the_line_between(blank: Page) -> None:  # noqa: F811
    seen = joined(blank, [[0, 10], [3, 13], [10, 20]], [[0, 0], [4, 8]], left=100)
    assert (seen["x"], seen["y"], seen["total"]) == ([0, 6], [10, 13], 102)


def test_charts_lie_along_what_define_metric_says_or_what_is_chosen(stage: Stage, visit: Open) -> None:
    stage.train(TRAINING)
    page = visit(f"{stage.url}/?project=axes&smooth=0")
    ready(page, metrics=5)

    def lies(metric: str, low: float, high: float) -> None:
        for _ in range(100):
            if drawn(page, metric)["range"] == [pytest.approx(low), pytest.approx(high)]:
                return
            page.wait_for_timeout(100)
        raise AssertionError(drawn(page, metric)["range"])

    lies("val/acc", 0.1, 3)
    lies("loss", 0, 300)
    # A stretch is of one axis: the others stay as they are, and a link has it too.
    box = page.locator('.plot[data-name="val/acc"]').bounding_box()
    assert box
    left, width = box["x"] + 50, box["width"] - 62
    page.mouse.move(left + width / 4, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(left + width / 2, box["y"] + 60, steps=4)
    page.mouse.up()
    lies("val/acc", 0.1 + 2.9 / 4, 0.1 + 2.9 / 2)
    lies("loss", 0, 300)
    link = page.evaluate("__rc.board.link()")
    assert "metric+epoch" in link
    page.goto(link)
    ready(page, metrics=5)
    lies("val/acc", 0.1 + 2.9 / 4, 0.1 + 2.9 / 2)
    page.keyboard.press("Escape")
    lies("val/acc", 0.1, 3)
    page.locator(".choice button", has_text="Metric").click()
    field = page.get_by_label("X axis: name of a metric")
    expect(field).to_be_focused()
    page.keyboard.type("tok")
    expect(page.locator("datalist option")).to_have_count(1)
    assert page.locator("datalist option").get_attribute("value") == "tokens"
    page.keyboard.type("ens")
    lies("loss", 0, 1024 * 299)
    lies("tokens", 0, 300)
    note = page.locator(".card", has=page.locator('.plot[data-name="alone"]')).locator(".note")
    expect(note).to_have_text("no row has tokens too")
    page.mouse.move(left + width / 2, box["y"] + 60)
    expect(page.locator(".tip-head")).to_contain_text("tokens 1")
    page.wait_for_url(re.compile("axis=metric.*x=tokens"))
    page.reload()
    ready(page, metrics=5)
    lies("loss", 0, 1024 * 299)
    page.locator(".choice button", has_text="Relative").click()
    expect(field).to_be_hidden()
    page.wait_for_url(re.compile("^(?!.*x=tokens)"))
