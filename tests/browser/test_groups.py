"""Runs that agree on a config key are drawn as one: their mean, and a band of what lies around it."""

from __future__ import annotations

import math
import random
import re
import statistics
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.board import ask, box_of, drawn, ready
from tests.browser.conftest import Open
from tests.browser.stage import Stage

RATES = (0.1, 0.01, 0.001)
STEPS = 40
TRAINING = """
for number in range(9):
    rate = (0.1, 0.01, 0.001)[number % 3]
    more = {"odd": {"one": "<b>x</b>"}} if number == 4 else {}
    runcast.init(project="groups", id=f"r{number}", name=f"run {number}", config={"lr": rate, "same": 1, **more})
    for step in range(40):
        runcast.log({"loss": rate * 1000 + number + step / 10})
    runcast.finish()
"""

KEYS = """async (configs) => {
  const { Groups } = await import("./group.js");
  const runs = new Map(configs.map((config, k) => [`r${k}`, { id: `r${k}`, config, state: "finished" }]));
  const groups = new Groups({ runs });
  const keys = groups.keys();
  const named = {};
  for (const key of keys) {
    groups.choose(key);
    named[key] = groups.describe().map(({ name, runs }) => [name, runs.length]);
  }
  return named;
}"""


# What a chart draws of one group, by (state, values) of its runs: a point is an epoch, and a second. Each
# run began two seconds after the one before.
GROUPED = """async ([runs, options, moment]) => {
  const { Chart } = await import("./chart.js");
  const { Model } = await import("./model.js");
  const { Scene } = await import("./scene.js");
  const model = new Model();
  const metric = model.metric("loss");
  runs.forEach(([state, values], i) => {
    const run = model.describeRun({ i, id: `r${i}`, name: `r${i}`, state, created_ms: 1000, config: { lr: 1 } });
    const epochs = [...values.keys()];
    const times = epochs.map((epoch) => 1000 * (1 + 2 * i + epoch));
    model.curve(run, metric, "").append(epochs, times, values.map(Number));
    Object.assign(run, { t1: times.at(-1), step: epochs.at(-1) });
  });
  const scene = new Scene(model);
  scene.setOptions({ by: "lr", ...options });
  scene.groups.choose("lr");
  scene.advance(0);
  if (moment !== null) scene.seek(moment);
  const chart = new Chart(metric, new OffscreenCanvas(10, 10), 400, 220, 1);
  chart.draw(scene, { card: "#ffffff", muted: "#888888", grid: "#cccccc", font: "sans-serif" }, scene.xRange());
  const [{ xs, ys, series, band }] = chart.drawn;
  const told = { xs, shown: ys, logged: series.y, low: band.low, high: band.high, count: band.count,
                 alphas: chart.painted.strokes.map(({ alpha }) => alpha) };
  return Object.fromEntries(Object.entries(told).map(([name, values]) => [name, [...values]]));
}"""


def grouped(
    page: Page, *runs: tuple[str, list[float]], options: dict[str, Any] | None = None, moment: float | None = None
) -> Any:
    return page.evaluate(GROUPED, [runs, {"smooth": 0} | (options or {}), moment])


def value(rate: float, number: int, step: int) -> float:
    return rate * 1000 + number + step / 10


def bands(page: Page, count: int, of: int | None = None) -> dict[str, Any]:
    """Wait until so many groups are drawn, each of so many runs; give them by their id."""
    for _ in range(100):
        found = {band["id"]: band for band in drawn(page, "loss")["bands"]}
        whole = all(len(band["xs"]) == STEPS and of in {None, band["of"]} for band in found.values())
        if len(found) == count and whole:
            return found
        page.wait_for_timeout(100)
    raise AssertionError(f"{len(found)} groups are drawn")


def test_only_keys_that_differ_are_offered_and_values_stand_in_their_order(blank: Page) -> None:
    configs = [
        {"lr": 10, "same": 1, "deep": {"a": "x"}, "list": [1]},
        {"lr": 9, "same": 1, "deep": {"a": "x"}, "list": [1, 2]},
        {"lr": 9, "same": 1, "deep": {"a": None}, "new": True},
        {"lr": "auto", "same": 1, "deep": {"a": "x"}, "list": [1]},
    ]
    assert blank.evaluate(KEYS, configs) == {
        "deep.a": [["null", 1], ["x", 3]],
        "list": [["[1,2]", 1], ["[1]", 2], ["no list", 1]],
        "lr": [["9", 2], ["10", 1], ["auto", 1]],
        "new": [["true", 1], ["no new", 3]],
    }


@pytest.mark.parametrize("epochs", [(20, 20, 15), (10, 9, 5), (50, 47, 48)])
def test_a_run_that_ended_early_does_not_cut_its_group(epochs: tuple[int, ...], blank: Page) -> None:
    """It never reaches the last places; at these the mean is of those that do."""
    seen = grouped(blank, *(("failed", [float(at)] * count) for at, count in enumerate(epochs)))
    last = max(epochs)
    assert seen["xs"] == list(range(last))
    assert seen["count"][-1] == sum(count == last for count in epochs)
    assert seen["logged"][-1] == statistics.fmean(at for at, count in enumerate(epochs) if count == last)


def test_a_group_waits_for_those_that_go_on(blank: Page) -> None:
    """Also in a replay, where each goes on until its own end."""
    runs = (("finished", [1.0] * 40), ("failed", [1.0] * 30), ("running", [1.0] * 37))
    assert grouped(blank, *runs)["xs"][-1] == 36
    ended = [("finished", values) for _, values in runs]
    assert grouped(blank, *ended, moment=35_000)["xs"][-1] == 30  # The first had come to 34, and the second to its end.
    assert grouped(blank, *ended, moment=45_000)["xs"][-1] == 39


@pytest.mark.parametrize("epochs", [40, 2000])
def test_a_group_says_what_was_logged_beside_what_smoothing_makes_of_it(epochs: int, blank: Page) -> None:
    """Its line is the mean of the smoothed runs; mean, lowest and highest are of the runs as they were logged.

    The mean as it was logged lies behind the line, as of one run. So it is where each place is a point, and where it is
    a column of several.
    """
    chance = random.Random(5)
    logged = [[chance.gauss(0, 9) for _ in range(epochs)] for _ in range(3)]
    runs = [("finished", values) for values in logged]
    alone = [grouped(blank, run, options={"smooth": 0.99}) for run in runs]
    seen = grouped(blank, *runs, options={"smooth": 0.99})
    for name, over in (("logged", statistics.fmean), ("low", min), ("high", max), ("shown", statistics.fmean)):
        assert seen[name] == pytest.approx([over(values) for values in zip(*(one[name] for one in alone), strict=True)])
    assert seen["logged"] == grouped(blank, *runs)["logged"]
    assert seen["alphas"] == [0.22, 1]
    assert statistics.stdev(seen["shown"]) < statistics.stdev(seen["logged"]) / 2
    if epochs == len(seen["xs"]):
        assert seen["logged"] == pytest.approx([statistics.fmean(values) for values in zip(*logged, strict=True)])
        assert seen["high"] == [max(values) for values in zip(*logged, strict=True)]


TIP = """async ([rows, smooth]) => {
  const { Tip } = await import("./tip.js");
  const root = document.body;
  const tip = new Tip({ root, options: { smooth }, runs: new Map() });
  root.append(tip.root);
  tip.follow({ clientX: 0, clientY: 0 });
  tip.show({ title: "step 5", rows, total: rows.length, near: null });
  return [...tip.root.querySelectorAll("small, span, b")].filter((one) => !one.hidden).map((one) => one.textContent);
}"""


@pytest.mark.parametrize("smooth", [0, 0.6])
def test_the_tooltip_of_a_group_has_both(smooth: float, blank: Page) -> None:
    spread = {"low": -0.371, "high": 51.91, "count": 3, "of": 3}
    row = {"id": "g", "name": "lr = 1", "label": "", "color": "red", "spread": spread, "y": 7.5037, "raw": 17.1994}
    told = blank.evaluate(TIP, [[row], smooth])
    words = ["smoothed · logged", "lr = 1 · mean of 3", "7.504", "17.1994 (−0.371 – 51.91)"]
    assert told == (words if smooth else words[1::2])


# The rows of each column that a band fills, on a plot of 20 rows: ten of them a decade, 1 at the 15th.
BAND = """async ([lows, highs, log]) => {
  const { Span } = await import("./span.js");
  const span = new Span(lows.length, 20);
  span.clear(0xff000000);
  const [low, high] = [lows, highs].map((values) => Float64Array.from(values, Number));
  const place = { kx: 1, ox: 0, ky: -10, oy: 15, log };
  span.band(low.map((_, k) => k + 0.5), low, high, low.length, place, 0xffffff, 1);
  const column = (k) => [...span.pixels.subarray(20 * k, 20 * (k + 1))];
  return lows.map((_, k) => column(k).flatMap((pixel, row) => (pixel & 255 ? [row] : [])));
}"""


def test_a_band_reaches_the_lower_edge_where_a_logarithmic_axis_has_no_place_for_its_low(blank: Page) -> None:
    """A mean less its deviation is often below 0; there is no band where its high is as well, or is no number."""
    lows, highs = [1, -1, 0, 1, -1, "NaN"], [10, 10, 10, 10, 0, 10]
    seen = blank.evaluate(BAND, [lows, highs, True])
    inside, below = list(range(5, 15)), list(range(5, 20))
    assert seen == [inside, below, below, inside, [], []]
    assert blank.evaluate(BAND, [[0], [1], False]) == [list(range(5, 15))]


PICTURE = """async ([lows, highs, log]) => {
  const { picture } = await import("./svg.js");
  const [low, high] = [lows, highs].map((values) => Float64Array.from(values, Number));
  const xs = low.map((_, k) => k);
  const curve = { run: { name: "g" }, series: { label: "", y: high }, ys: high, band: { low, high }, color: "red" };
  const n = lows.length;
  const drawn = [{ ...curve, xs, n, from: 0, to: n, offset: 0 }];
  const chart = { width: 162, height: 130, drawn, xShown: [0, n - 1], yShown: [-1, 1], gap: 1 };
  const text = picture(chart, "loss", { axis: "step", log, smooth: 0 }, { muted: "gray", grid: "gray", card: "white" });
  return /d="([^"]*)" fill="red"/.exec(text)[1];
}"""


def test_a_saved_picture_has_the_band_of_the_board(blank: Page) -> None:
    """It ends at the lower edge too, and where there is none, none is drawn across."""
    seen = blank.evaluate(PICTURE, [[1, -1, 1, "NaN", 1, 1], [10] * 6, True])
    whole = "M50.00 38.00L70.00 38.00L90.00 38.00L90.00 88.00L70.00 138.00L50.00 88.00Z"
    assert seen == f"{whole}M130.00 38.00L150.00 38.00L150.00 88.00L130.00 88.00Z"


@pytest.fixture
def page(stage: Stage, visit: Open) -> Page:
    if not any(project["name"] == "groups" for project in stage.get("/projects")["projects"]):
        stage.train(TRAINING)
    page = visit(f"{stage.url}/?project=groups&smooth=0")
    ready(page)
    page.get_by_role("combobox", name="Group by").select_option("lr")
    return page


def test_a_group_is_the_mean_of_all_its_runs_and_a_band(page: Page) -> None:
    found = bands(page, 3, of=3)
    for at, rate in enumerate(RATES):
        members = range(at, 9, 3)
        band = found[f'lr="{rate}"']
        assert band["of"] == 3
        assert band["count"] == [3] * STEPS
        for step in (0, 7, STEPS - 1):
            values = [value(rate, number, step) for number in members]
            assert band["xs"][step] == step
            assert band["mean"][step] == pytest.approx(statistics.fmean(values))
            assert (band["low"][step], band["high"][step]) == (pytest.approx(min(values)), pytest.approx(max(values)))
    for choice, part in (("std", 1.0), ("stderr", math.sqrt(3))):
        page.get_by_role("combobox", name="Band").select_option(choice)
        page.wait_for_function("(band) => __rc.board.options.band === band", arg=choice)
        half = statistics.stdev([0, 3, 6]) / part
        for _ in range(50):
            band = bands(page, 3)['lr="0.1"']
            if band["high"][0] - band["mean"][0] == pytest.approx(half):
                break
            page.wait_for_timeout(100)
        assert band["mean"][0] - band["low"][0] == pytest.approx(half)


def test_the_list_names_the_groups_and_hides_them_and_a_link_shows_the_same(page: Page) -> None:
    heads = page.locator(".row.group")
    expect(heads.locator("b")).to_have_text(["0.001", "0.01", "0.1"])
    expect(heads.locator(".muted")).to_have_text(["3", "3", "3"])
    expect(heads.last.locator(".value")).to_have_text("106.9")
    expect(page.locator(".group-runs").last.locator(".run-name")).to_have_text(["run 6", "run 3", "run 0"])
    box = box_of(page.locator(".rc .plot").first)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    expect(page.locator(".tip-row:visible span").first).to_have_text("lr = 0.1 · mean of 3")
    page.locator('.row[data-id="r0"] .swatch').click()
    expect(heads.last.locator(".muted")).to_have_text("2 of 3")
    for _ in range(50):
        if bands(page, 3)['lr="0.1"']["of"] == 2:
            break
        page.wait_for_timeout(100)
    heads.first.locator(".swatch").click()
    bands(page, 2)
    heads.first.locator(".swatch").click()
    page.wait_for_url(re.compile("by=lr"))
    page.reload()
    ready(page)
    bands(page, 3)
    page.get_by_role("combobox", name="Group by").select_option("odd.one")
    expect(heads.locator("b")).to_have_text(["<b>x</b>", "no odd.one"])
    page.get_by_role("combobox", name="Group by").select_option("")
    expect(heads).to_have_count(0)
    expect(page.locator(".runs > .row .run-name").first).to_have_text("run 8")
    page.wait_for_url(re.compile("^(?!.*by=)"))


def test_runs_that_began_at_other_times_fold_from_their_own_start(page: Page) -> None:
    bands(page, 3)
    ask(page, {"op": "options", "options": {"axis": "rel", "smooth": 0, "by": "lr"}})
    for _ in range(50):
        shown = drawn(page, "loss")
        if shown["range"] and shown["range"][1] < 10_000:
            break
        page.wait_for_timeout(100)
    assert all(band["xs"][0] < 5000 for band in shown["bands"])
    assert len(shown["bands"]) == 3
