"""A chart lies along steps, along time, or along another metric: as `define_metric` says, or as the reader chooses."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.board import box_of, drawn, ready
from tests.browser.conftest import Open
from tests.browser.stage import Stage

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
  const { n, total, timely } = joined;
  const part = (field) => [...joined[field].slice(0, n)];
  return { x: part("x"), y: part("y"), total, timely, again };
}"""


def joined(page: Page, curve: list[Any], other: list[Any], left: int = 0) -> Any:
    return page.evaluate(JOIN, [curve, other, left])


def test_a_row_without_the_other_metric_is_left_out(blank: Page) -> None:
    seen = joined(blank, [[0, 10], [1, 11], [2, 12], [3, 13]], [[0, 0.5], [2, 1.5], [3, "NaN"]])
    assert (seen["x"], seen["y"], seen["total"]) == ([0.5, 1.5], [10, 12], 2)
    assert seen["again"]


def test_values_that_fall_are_put_in_order_and_replay_still_knows_their_times(blank: Page) -> None:
    seen = joined(blank, [[0, 10], [1, 11], [2, 12]], [[0, 3], [1, 1], [2, 1]])
    assert (seen["x"], seen["y"]) == ([1, 1, 3], [11, 12, 10])
    assert not seen["timely"]


def test_where_points_were_left_out_the_other_metric_is_on_the_line_between(blank: Page) -> None:
    seen = joined(blank, [[0, 10], [3, 13], [10, 20]], [[0, 0], [4, 8]], left=100)
    assert (seen["x"], seen["y"], seen["total"]) == ([0, 6], [10, 13], 102)


# Grows two curves by turns, as rows come in; gives what was joined on the way, and what is joined of the whole at once.
GROW = """async ([rows, cuts, left]) => {
  const { join, logarithms } = await import("./axis.js");
  const { Series } = await import("./series.js");
  const curve = () => Object.assign(new Series(), { total: left });
  const [y, x] = [curve(), curve()];
  const take = (series, at, from, to) => {
    const own = rows.slice(from, to).filter((row) => row[at] !== null);
    series.append(own.map((row) => row[0]), own.map((row) => 1000 + row[3]), own.map((row) => Number(row[at])));
  };
  let from = 0;
  let kept = 0;
  let made = null;
  for (const to of [...cuts, rows.length]) {
    take(y, 1, from, to);
    if (from % 2) join(y, x); // The other metric is on its way.
    take(x, 2, from, to);
    from = to;
    const before = made;
    made = join(y, x);
    kept += made === before;
    made.smooth(0.7, "step", 100);
    logarithms(made);
  }
  const [whole, other] = [curve(), curve()];
  take(whole, 1, 0, rows.length);
  take(other, 2, 0, rows.length);
  const part = (series) => {
    series.smooth(0.7, "step", 100);
    const { xs, start } = logarithms(series);
    const { n, total, timely, broken } = series;
    const of = (field) => [...series[field].slice(0, n)].map(String);
    const logs = [...xs.slice(start, n)].map(String);
    return { x: of("x"), t: of("t"), y: of("y"), sm: of("sm"), logs, total, timely, broken };
  };
  return [part(made), part(join(whole, other)), kept];
}"""


@pytest.mark.parametrize("kind", ["rising", "falling", "turning", "wild"])
@pytest.mark.parametrize("left", [0, 50])
def test_what_grows_with_its_rows_is_what_is_joined_at_once(kind: str, left: int, blank: Page) -> None:
    chance = random.Random(f"{kind} {left}")
    rows: list[Any] = []
    step = 0
    for k in range(400):
        step += 1 if kind != "wild" or chance.random() < 0.9 else chance.choice((-3, 0))
        other = {
            "rising": k // 3,
            "falling": 500 - k,
            "turning": -abs(k - 390),
            "wild": chance.choice((-1, 1)) * chance.random(),
        }[kind]
        value = "NaN" if chance.random() < 0.02 else k / 10
        rows.append([step, None if chance.random() < 0.1 else value, None if chance.random() < 0.2 else other, k])
    cuts = sorted(chance.sample(range(1, 400), 40))
    grown, whole, kept = blank.evaluate(GROW, [rows, cuts, left])
    assert grown == whole
    assert len(grown["x"]) > 200
    assert kind == "wild" or kept > 30


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
    box = box_of(page.locator('.plot[data-name="val/acc"]'))
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
