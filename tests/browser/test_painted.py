"""A chart paints only the columns that differ from its picture before; it is the same picture as if it painted all."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

# Two charts of the same curves, one of which always begins anew; the curves grow, and what is shown of them changes.
PICTURES = """async ([ratio, seed]) => {
  const { Chart } = await import("./chart.js");
  const { Model } = await import("./model.js");
  const { Scene } = await import("./scene.js");
  let state = seed;
  const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
  const RUNS = 60;
  const made = () => {
    const model = new Model();
    const metric = model.metric("loss");
    for (let i = 0; i < RUNS; i++) {
      model.describeRun({ i, id: `r${i}`, name: `r${i}`, state: "running", created_ms: 1000, summary: {} });
    }
    const scene = new Scene(model);
    const chart = new Chart(metric, new OffscreenCanvas(10, 10), 400, 220, ratio);
    return { model, metric, scene, chart };
  };
  const both = [made(), made()];
  const [kept, anew] = both;
  const colors = { muted: "#888888", grid: "#cccccc", font: "sans-serif" };
  const themes = ["#ffffff", "#101418"].map((card) => ({ card, ...colors }));
  const pixels = ({ canvas: { width, height }, context }) => {
    return new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  };
  const append = ({ model, metric }, i, step, time, value) => {
    model.curve(model.runs.get(`r${i}`), metric, "").append([step], [time], [value]);
  };
  const steps = Array(RUNS).fill(0);
  const told = { differ: [], parts: 0, pictures: 0 };
  let theme = themes[0];
  const changes = {
    60: ({ scene }) => (scene.focus = "r3"),
    70: ({ scene }) => (scene.focus = null),
    80: ({ model }) => (model.runs.get("r5").state = "finished"),
    90: (one) => append(one, 7, steps[7] - 1, 90000, 0.9),
    100: () => (theme = themes[1]),
    110: ({ scene }) => scene.hidden.add("r9"),
    120: ({ scene }) => scene.setOptions({ smooth: 0 }),
    130: ({ scene }) => scene.setOptions({ log: true }),
    132: (one) => append(one, 13, steps[13] + 0.2, 1000 + 100 * steps[13] + 20, -1),
    134: (one) => append(one, 14, steps[14] + 0.2, 1000 + 100 * steps[14] + 20, 0),
    136: ({ scene }) => scene.setOptions({ smooth: 0.9 }),
    140: ({ scene }) => scene.setOptions({ logx: true }),
    150: ({ scene }) => scene.setOptions({ logx: false, log: false, axis: "rel" }),
    160: ({ scene }) => scene.setOptions({ axis: "step", ranges: { loss: { y: [0, 2] } } }),
    170: ({ scene }) => scene.setOptions({ ranges: {} }),
    180: ({ chart }) => chart.resize(480, 260, ratio),
    190: ({ scene }) => Object.assign(scene, { range: [20, 400], rangeAxis: "step" }),
    200: ({ scene }) => Object.assign(scene, { range: null, rangeAxis: null }),
    210: ({ scene }) => { scene.seek(30000); scene.play(); },
    240: ({ scene }) => { scene.pause(); scene.seek(20000); },
    250: ({ scene }) => scene.goLive(),
    280: (one) => append(one, 11, steps[11] + 1, 99000, NaN),
    // One run grows beside a longer one, at times where a logarithmic axis has no place for it.
    282: (one) => {
      for (let i = 0; i < RUNS; i++) if (i !== 13 && i !== 20) one.scene.hidden.add(`r${i}`);
      one.scene.setOptions({ log: true, smooth: 0 });
      append(one, 20, 900, 90000, 0.5);
    },
    285: (one) => append(one, 13, steps[13] + 20, 90000, 0.5),
    288: (one) => append(one, 13, steps[13] + 40, 91000, -1),
    291: (one) => append(one, 13, steps[13] + 60, 92000, 0.4),
  };
  const log = (i) => {
    const [step, time] = [steps[i]++, 1000 + 100 * steps[i] + i];
    const value = Math.exp(-step / 40) + 0.02 * i + 0.3 * (random() - 0.5);
    for (const one of both) {
      const run = one.model.runs.get(`r${i}`);
      append(one, i, step, time, value);
      Object.assign(run, { t0: 1000, t1: Math.max(run.t1, time), step });
    }
  };
  for (let i = 0; i < RUNS; i++) while (steps[i] < 300) log(i);
  for (let picture = 0; picture < 300; picture++) {
    for (let i = 0; i < RUNS; i++) if (random() < 0.5 && picture < 282) log(i);
    for (const one of both) changes[picture]?.(one);
    let since = 0;
    for (const { scene, chart } of both) {
      scene.advance(16);
      if (chart === anew.chart) {
        chart.painted.forget();
        chart.scale = { ...kept.chart.scale, at: Infinity }; // As long as curves grow.
      }
      const painted = chart.paint;
      chart.paint = function (span, from, all) {
        if (chart === kept.chart) since = from;
        painted.call(this, span, from, all);
      };
      chart.draw(scene, theme, scene.xRangeOf(chart.metric, scene.xRange()));
      chart.paint = painted;
    }
    told.pictures++;
    told.parts += since > 0;
    const other = pixels(anew.chart);
    if (pixels(kept.chart).some((pixel, at) => pixel !== other[at])) told.differ.push(picture);
  }
  return told;
}"""


@pytest.mark.parametrize("ratio", [1, 1.25, 2])
def test_a_picture_painted_in_part_is_the_one_painted_whole(ratio: float, blank: Page) -> None:
    told = blank.evaluate(PICTURES, [ratio, 7])
    assert told["differ"] == []
    assert told["pictures"] == 300
    assert told["parts"] > 100  # It is about something.
