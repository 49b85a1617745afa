"""The board's modules, each alone in a real browser."""

from __future__ import annotations

import random
from array import array
from typing import Any

import pytest
from playwright.sync_api import Page

from runcast import frames

NAN = float("nan")


def buffers(*numbers: float) -> Any:
    return memoryview(b"").cast("B") if not numbers else memoryview(array("d", numbers))


def frame(kind: int, seq: int, *blocks: tuple[int, int, list[float], list[list[float]]], flags: int = 0) -> list[int]:
    """Write a frame of blocks (first, last, steps, columns) of run 0 and writer 0; times are a second a step."""
    made = [
        frames.block(
            0,
            0,
            first,
            last,
            buffers(*steps),
            buffers(*(1000 * step for step in steps)),
            range(len(columns)),
            buffers(*(value for column in columns for value in column)),
        )
        for first, last, steps, columns in blocks
    ]
    return list(frames.frame(kind, seq, made, newest_ms=1.0, sent_ms=2.0, flags=flags))


MODEL = """async ([frames, names]) => {
  const { Model } = await import("./model.js");
  const { parseFrame } = await import("./frames.js");
  const model = new Model();
  model.describeRun({ i: 0, id: "r", name: "r", state: "running", created_ms: 1, summary: {} });
  model.nameWriter({ i: 0, run: 0, id: "w", label: "" });
  names.forEach((name, i) => model.nameMetric(i, name));
  for (const frame of frames) model.apply(parseFrame(new Uint8Array(frame).buffer), 0);
  const run = model.runs.get("r");
  const held = (values, n) => [...values.subarray(0, n)];
  const curve = (m) => model.curves(run, m).map((s) => ({ x: held(s.x, s.n), y: held(s.y, s.n), total: s.total }))[0];
  return { curves: names.map((_, m) => curve(m)), marks: model.marks() };
}"""


def test_a_frame_that_python_wrote_reads_the_same_in_the_browser(blank: Page) -> None:
    data = frame(frames.SNAPSHOT, 7, (1, 3, [0, 1, 2], [[0.1, 1e300, NAN], [4, 5, 6]]))
    read = blank.evaluate(
        """async (bytes) => {
          const { parseFrame } = await import("./frames.js");
          const f = parseFrame(new Uint8Array(bytes).buffer);
          const [b] = f.blocks;
          return { ...f, blocks: f.blocks.length, first: b.first, last: b.last,
                   steps: [...b.steps], times: [...b.times], values: b.values.map((v) => [...v].map(String)) };
        }""",
        data,
    )
    assert (read["kind"], read["seq"], read["newestMs"], read["sentMs"], read["blocks"]) == (1, 7, 1, 2, 1)
    assert (read["first"], read["last"], read["steps"], read["times"]) == (1, 3, [0, 1, 2], [0, 1000, 2000])
    assert read["values"] == [["0.1", "1e+300", "NaN"], ["4", "5", "6"]]


def test_a_delta_that_comes_twice_is_drawn_once(blank: Page) -> None:
    snapshot = frame(frames.SNAPSHOT, 1, (1, 2, [0, 1], [[1, 2]]))
    delta = frame(frames.DELTA, 2, (3, 4, [2, 3], [[3, 4]]))
    seen = blank.evaluate(MODEL, [[snapshot, delta, delta], ["loss"]])
    assert seen["curves"][0]["y"] == [1, 2, 3, 4]
    assert seen["marks"] == {"r": {"w": 4}}


def test_a_snapshot_replaces_its_own_metrics_and_no_others(blank: Page) -> None:
    both = frame(frames.SNAPSHOT, 1, (1, 2, [0, 1], [[1, 2], [10, 20]]))
    first = frame(frames.SNAPSHOT, 2, (1, 2, [0, 1], [[5, 6]]))
    seen = blank.evaluate(MODEL, [[both, first], ["loss", "accuracy"]])
    assert [curve["y"] for curve in seen["curves"]] == [[5, 6], [10, 20]]


def test_a_picture_counts_what_it_leaves_out_and_what_comes_later(blank: Page) -> None:
    """Over all writers of a curve; another metric of the same rows has a number of its own."""
    snapshot = frame(frames.SNAPSHOT, 1, (1, 9000, [0, 4000, 8999], [[1, 2, 3]]), flags=frames.ENVELOPE)
    delta = frame(frames.DELTA, 2, (9001, 9002, [9000, 9001], [[4, 5]]))
    seen = blank.evaluate(
        """async ([snapshot, delta]) => {
          const { Model } = await import("./model.js");
          const { parseFrame } = await import("./frames.js");
          const model = new Model();
          model.describeRun({ i: 0, id: "r", name: "r", state: "running", created_ms: 1, summary: {} });
          for (const [i, id] of ["w", "v"].entries()) model.nameWriter({ i, run: 0, id, label: "" });
          model.nameMetric(0, "loss");
          model.apply(parseFrame(new Uint8Array(snapshot).buffer), 0);
          const unknown = [[7, 0, 1], [0, 7, 1]];
          const touched = [...model.count([[0, 0, 8500], [1, 0, 100], ...unknown])];
          model.apply(parseFrame(new Uint8Array(delta).buffer), 0);
          const [series] = model.curves(model.runs.get("r"), 0);
          return { touched, total: series.total, shown: series.n };
        }""",
        [snapshot, delta],
    )
    assert seen == {"touched": [0], "total": 8602, "shown": 5}


def test_a_step_logged_again_says_its_last_value(blank: Page) -> None:
    seen = blank.evaluate(MODEL, [[frame(frames.DELTA, 1, (1, 4, [0, 1, 1, 0], [[1, 2, 3, 4]]))], ["loss"]])
    assert seen["curves"][0] == {"x": [0, 1], "y": [4, 3], "total": 2}


def test_steps_that_go_back_are_put_in_order(blank: Page) -> None:
    frames_seen = [
        frame(frames.DELTA, 1, (1, 3, [0, 10, 20], [[0, 10, 20]])),
        frame(frames.DELTA, 2, (4, 5, [5, 15], [[5, 15]])),
    ]
    seen = blank.evaluate(MODEL, [frames_seen, ["loss"]])
    assert seen["curves"][0]["x"] == [0, 5, 10, 15, 20]
    assert seen["curves"][0]["y"] == [0, 5, 10, 15, 20]


def test_a_long_curve_is_thinned_and_keeps_its_extremes_and_its_nan(blank: Page) -> None:
    kept = blank.evaluate(
        """async () => {
          const { Series, POINTS_MAX } = await import("./series.js");
          const series = new Series();
          for (let i = 0; i < 100000; i++) series.append([i], [i], [i === 31234 ? 99 : i === 70001 ? NaN : i % 2]);
          const y = [...series.y.subarray(0, series.n)];
          return { n: series.n, max: POINTS_MAX, total: series.total, spike: y.includes(99), broken: series.broken,
                   first: series.x[0], last: series.x[series.n - 1] };
        }"""
    )
    assert kept["n"] <= kept["max"]
    assert kept["spike"]
    assert kept["broken"] == 1
    assert (kept["total"], kept["first"], kept["last"]) == (100_000, 0, 99_999)


TRACE = """async ([xs, ys, cuts, log]) => {
  const { Trace } = await import("./trace.js");
  const map = { kx: 60 / (xs.at(-1) - xs[0]), ox: -3, log };
  const all = ({ low, high, left, right }) => [[...low].map(String), [...high].map(String), left, right];
  const told = (trace) => JSON.stringify(all(trace));
  const numbers = ys.map(Number);
  const whole = new Trace(60).follow(["a"], xs, numbers, 0, xs.length, map);
  const grown = new Trace(60);
  for (const cut of cuts) grown.follow(["a"], xs, numbers, 0, cut, map);
  const before = told(grown);
  const back = told(grown.follow(["a"], xs, numbers, 0, 5, map));
  const short = told(new Trace(60).follow(["a"], xs, numbers, 0, 5, map));
  return { same: told(whole) === before, back: back === short, found: whole.high.findIndex((v) => v === 40) };
}"""


@pytest.mark.parametrize("log", [False, True])
def test_a_curve_that_grew_has_the_columns_of_one_that_is_drawn_at_once(log: bool, blank: Page) -> None:
    """Also after a replay went back, where numbers break off, and where points skip columns or share one."""
    chance = random.Random(3)
    xs = [0.0]
    while len(xs) < 300:
        xs.append(xs[-1] + chance.choice((0.1, 1, 1, 9)))
    ys = ["NaN" if chance.random() < 0.05 else chance.gauss(1, 2) for _ in xs]
    ys[150] = 1e40 if log else 40
    cuts = sorted({*chance.sample(range(1, 300), 40), 300})
    assert blank.evaluate(TRACE, [xs, ys, cuts, log]) == {"same": True, "back": True, "found": pytest.approx(30, abs=6)}


@pytest.mark.parametrize("ends", [(0.3, 0.30000000000000004), (0.9999999999999999, 1), (1e-3, 0.0010000000000000002)])
def test_ticks_between_values_that_are_all_but_equal_come_to_an_end(ends: tuple[float, float], blank: Page) -> None:
    """A worker that counts for ever draws nothing any more, and hears nothing."""
    ticks = blank.evaluate(
        """async ([low, high]) => {
          const { xTicks, yTicks } = await import("./ticks.js");
          const along = [...xTicks("metric a", [low, high], 400, false)];
          return [[...yTicks({ low, high, gap: (high - low) / 4, log: false })], along];
        }""",
        ends,
    )
    assert all(0 < len(found) < 10 for found in ticks)


def test_a_value_to_its_last_digit_is_that_value(blank: Page) -> None:
    """Whole numbers are never rounded; of what was a float32 only the digits count that it had."""
    said = {
        134217728.0: "134217728",
        2.0**30: "1073741824",
        -(2.0**60): "−1152921504606846976",
        1e20: "100000000000000000000",
        1e300: "1e+300",
        0.10000000149011612: "0.1",
        0.1: "0.1",
        0.30000000000000004: "0.30000000000000004",
        8388607.5: "8388607.5",
        -0.0: "0",
    }
    script = "async (values) => { const { exact } = await import('./format.js'); return values.map(exact); }"
    assert blank.evaluate(script, list(said)) == list(said.values())


def test_of_a_run_that_is_forgotten_nothing_stays(blank: Page) -> None:
    """Another one has its id by then: where it began and how far it came is its own."""
    seen = blank.evaluate(
        """async (bytes) => {
          const { Model } = await import("./model.js");
          const { parseFrame } = await import("./frames.js");
          const model = new Model();
          const begun = (ms) => ({ i: 0, id: "r", state: "running", created_ms: ms, updated_ms: ms, steps: 0 });
          const run = model.describeRun(begun(500));
          model.nameWriter({ i: 0, run: 0, id: "w", label: "" });
          model.nameMetric(0, "loss");
          model.apply(parseFrame(new Uint8Array(bytes).buffer), 0);
          const before = [run.t0, run.t1, run.step];
          model.describeRun(begun(9000));
          model.forget("r");
          return [before, [run.t0, run.t1, run.step]];
        }""",
        frame(frames.SNAPSHOT, 1, (1, 3, [1, 2, 3], [[1, 2, 3]])),
    )
    assert seen == [[500, 3000, 3], [9000, 0, -1]]


def test_two_dozen_runs_have_two_dozen_colours(blank: Page) -> None:
    colours = blank.evaluate(
        """async () => {
          const { runColor } = await import("./colors.js");
          return Array.from({ length: 24 }, (_, i) => runColor(i));
        }"""
    )
    assert len(set(colours)) == 24


def test_a_list_that_offers_what_it_offered_is_left_alone(blank: Page) -> None:
    """One that is open would shut; another choice is shown all the same, and names from strangers are text."""
    seen = blank.evaluate(
        """async () => {
          const { offer, picker } = await import("./picker.js");
          const list = picker("", "Which", () => {}, [["", "none"], ["<b>a</b>"], ["b"]], "b");
          const [, first] = list.options;
          offer(list, [["", "none"], ["<b>a</b>"], ["b"]], "<b>a</b>");
          const same = [first === list.options[1], list.value, first.innerHTML];
          offer(list, [["", "none"], ["b"], ["c"]]);
          return [same, first === list.options[1], list.value, list.options.length];
        }"""
    )
    assert seen == [[True, "<b>a</b>", "&lt;b&gt;a&lt;/b&gt;"], False, "", 3]
