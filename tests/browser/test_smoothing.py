"""Curves without their noise, and axes of decades."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.board import box_of, drawn, ready
from tests.browser.conftest import Open
from tests.browser.stage import Stage

SMOOTH = """async ([xs, ys, strength, kind, n]) => {
  const { Series } = await import("./series.js");
  const series = new Series();
  series.append(xs, xs.map((x) => 1000 * x), ys.map(Number));
  series.smooth(strength, "step", xs.at(-1) - xs[0], kind, n);
  return [...series.sm.slice(0, n)].map((v) => (Number.isNaN(v) ? "NaN" : v));
}"""


def smoothed(page: Page, xs: list[float], ys: list[Any], strength: float, kind: str, n: int | None = None) -> list[Any]:
    found: list[Any] = page.evaluate(SMOOTH, [xs, ys, strength, kind, len(xs) if n is None else n])
    return found


def curve(points: int) -> tuple[list[float], list[float]]:
    """A curve whose steps have gaps of many sizes, and its noise."""
    chance = random.Random(5)
    xs = [0.0]
    for _ in range(points - 1):
        xs.append(xs[-1] + chance.choice((1, 1, 2, 7)))
    return xs, [math.sin(x / 90) + chance.gauss(0, 0.3) for x in xs]


def test_a_running_mean_is_that_of_the_points_around(blank: Page) -> None:
    xs, ys = curve(700)
    half = math.sqrt(3) * (-1 / math.log(0.95)) * (xs[-1] - xs[0]) / 1000
    seen = smoothed(blank, xs, ys, 0.95, "mean")
    for i in (0, 1, 300, 698, 699):
        near = [y for x, y in zip(xs, ys, strict=True) if abs(x - xs[i]) <= half]
        assert seen[i] == pytest.approx(sum(near) / len(near), rel=1e-5)


def test_a_gaussian_weighs_near_points_more(blank: Page) -> None:
    xs = [float(x) for x in range(2000)]
    ys = [1.0 if 900 <= x < 1100 else 0.0 for x in xs]
    tau = (-1 / math.log(0.97)) * 1999 / 1000
    seen = smoothed(blank, xs, ys, 0.97, "gauss")
    for i in range(700, 1300, 25):
        weights = [math.exp(-((x - i) ** 2) / (2 * tau**2)) for x in xs]
        true = sum(w * y for w, y in zip(weights, ys, strict=True)) / sum(weights)
        assert seen[i] == pytest.approx(true, abs=0.02)


@pytest.mark.parametrize("kind", ["mean", "gauss"])
def test_a_curve_that_exploded_and_recovered_is_itself_again(kind: str, blank: Page) -> None:
    ys = [0.5] * 1000
    ys[10] = 1e30
    seen = smoothed(blank, [float(x) for x in range(1000)], ys, 0.95, kind)
    assert seen[500:] == pytest.approx([0.5] * 500)


@pytest.mark.parametrize("kind", ["ema", "mean", "gauss"])
def test_what_comes_later_in_a_replay_is_not_seen_and_nan_stays(kind: str, blank: Page) -> None:
    xs, ys = curve(200)
    noted: list[Any] = list(ys)
    noted[50] = "NaN"
    alone = smoothed(blank, xs, [*noted[:100], *[1e6] * 100], 0.9, kind, 100)
    assert alone == smoothed(blank, xs, noted, 0.9, kind, 100)
    assert alone[50] == "NaN"
    assert all(abs(v) < 3 for i, v in enumerate(alone) if i != 50)


# Smooths a curve along its times: at once, as it grows, and as a replay shows it up to a point and goes on. Says,
# too, whether values that had been given out were changed in silence.
EPOCHS = """async ([times, ys, strength, cuts]) => {
  const { Series } = await import("./series.js");
  const steps = times.map((_, i) => i);
  const grow = (series, from, to) => series.append(...[steps, times, ys].map((column) => column.slice(from, to)));
  const smooth = (series, n) => series.smooth(strength, "rel", times.at(-1) - times[0], "ema", n);
  const of = (series, n) => [...series.sm.slice(0, n)];
  const [whole, grown, played] = [new Series(), new Series(), new Series()];
  for (const series of [whole, played]) grow(series, 0, times.length);
  smooth(whole, times.length);
  let [from, silent, past] = [0, false, true];
  let before = { n: 0, smoothings: 0, sm: [] };
  for (const to of cuts) {
    grow(grown, from, to);
    smooth(grown, to);
    silent ||= before.smoothings === grown.smoothings && before.sm.join() !== of(grown, before.n).join();
    before = { n: to, smoothings: grown.smoothings, sm: of(grown, to) };
    smooth(played, to);
    past &&= of(played, to).join() === before.sm.join();
    from = to;
  }
  smooth(played, cuts[0]);
  smooth(played, times.length);
  const all = (series) => of(series, times.length);
  return { whole: all(whole), grown: all(grown), played: all(played), silent, past };
}"""


def test_the_rows_of_an_epoch_are_one_point_their_mean(blank: Page) -> None:
    """Along what many rows share none is counted more than the others; growing, reloaded and replayed alike."""
    times = [float(epoch) for epoch in range(30) for _ in range(100)]
    flat = blank.evaluate(EPOCHS, [times, [10.0 if i % 100 == 0 else 1.0 for i in range(3000)], 0.6, [3000]])
    assert flat["whole"] == pytest.approx([1.09] * 3000)
    chance = random.Random(2)
    ys = [math.sin(i / 300) + chance.gauss(0, 1) for i in range(3000)]
    seen = blank.evaluate(EPOCHS, [times, ys, 0.98, [*sorted(chance.sample(range(1, 3000), 60)), 3000]])
    assert seen["whole"] == seen["grown"] == seen["played"]
    assert (seen["silent"], seen["past"]) == (False, True)
    one = blank.evaluate(
        EPOCHS, [[float(e) for e in range(30)], [sum(ys[100 * e :][:100]) / 100 for e in range(30)], 0.98, [30]]
    )
    assert seen["whole"][::100] == pytest.approx(one["whole"], rel=1e-6)


def test_the_kind_and_the_decades_are_chosen_and_kept(stage: Stage, visit: Open) -> None:
    stage.train(
        """
        runcast.init(project="decades", id="one")
        for step in range(1001):
            runcast.log({"loss": 5.0 if step == 500 else 1.0})
        """
    )
    page = visit(f"{stage.url}/?project=decades&smooth=0.9&outliers=0")
    ready(page)

    def shows(what: str, low: float, high: float, rel: float = 1e-6) -> None:
        for _ in range(100):
            if (seen := drawn(page, "loss")[what]) == [pytest.approx(low, rel=rel), pytest.approx(high, rel=rel)]:
                return
            page.wait_for_timeout(100)
        raise AssertionError(seen)

    shows("range", 0, 1000)
    before = drawn(page, "loss")["scale"][1]
    page.get_by_label("Kind of smoothing").select_option("mean")
    for _ in range(100):
        if drawn(page, "loss")["scale"][1] < before * 0.9:
            break
        page.wait_for_timeout(100)
    page.get_by_role("button", name="Logarithmic x axis").click()
    shows("range", 0, 3)
    box = box_of(page.locator(".rc .plot").first)
    left, width = box["x"] + 50, box["width"] - 62
    page.mouse.move(left + width / 3, box["y"] + 60)
    expect(page.locator(".tip-head")).to_have_text("step 10")
    page.mouse.down()
    page.mouse.move(left + width * 2 / 3, box["y"] + 60, steps=4)
    page.mouse.up()
    shows("range", 1, 2, 0.01)
    page.wait_for_url("**logx=1**")
    assert "kind=mean" in page.url
    page.goto(page.evaluate("__rc.board.link()"))
    ready(page)
    shows("range", 1, 2, 0.01)
    expect(page.get_by_label("Kind of smoothing")).to_have_value("mean")
