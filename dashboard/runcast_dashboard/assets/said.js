// What is shown, in words and numbers for the page to write: the values under the pointer, those that stand beside the
// runs, what a chart leaves out, and the points as a table.

import { metricOf, timed } from "./axis.js";
import { clockTime, dateTime, elapsedTick, number, whole } from "./format.js";
import { goalOf } from "./goal.js";
import { upper } from "./series.js";

const ROWS_MAX = 12; // Under the pointer; more could not be read.
const NEAR = 0.08; // Of a chart's height: so close is pointed at.
const DAY_MS = 86_400_000;

// The value of each curve at a place of a chart, given in parts of its width and height.
export function hovered(scene, chart, { x: across, y: down }) {
  const [x0, x1] = chart.xShown;
  const x = x0 + across * (x1 - x0);
  const slack = (x1 - x0) * 0.01;
  const [y0, y1] = chart.yShown;
  const { log } = scene.options;
  const rows = [];
  for (const { run, series, xs, ys, n, offset, band, color, of } of chart.drawn) {
    const at = x + offset;
    if (at > xs[n - 1] + slack || at < xs[0] - slack) continue;
    let i = Math.min(n - 1, upper(xs, n, at));
    if (i > 0 && at - xs[i - 1] < xs[i] - at) i--;
    const v = log ? Math.log10(ys[i]) : ys[i];
    const far = Math.abs((y1 - v) / (y1 - y0) - down);
    const spread = band && { low: band.low[i], high: band.high[i], count: band.count[i], of };
    rows.push({ id: run.id, name: run.title ?? run.name, label: series.label, color, spread, y: ys[i], raw: series.y[i], step: series.x[i], t: series.t[i], far: Number.isFinite(far) ? far : 1e9 });
  }
  let near = null;
  for (const row of rows) if (row.far < (near ? near.far : NEAR)) near = row;
  const total = rows.length;
  const height = ({ y }) => (Number.isFinite(y) ? y : -Infinity);
  // With many runs, those that pass closest to the pointer.
  const chosen = rows.sort((p, q) => p.far - q.far).slice(0, ROWS_MAX).sort((p, q) => height(q) - height(p));
  return { title: titled(scene, chart, x), rows: chosen, total, near: near && `${near.id} ${near.label}` };
}

function titled(scene, { metric, xShown }, x) {
  const axis = scene.axisOf(metric);
  const place = scene.logarithmic(axis) ? 10 ** x : x;
  if (axis === "step") return `step ${whole(place)}`;
  if (!timed(axis)) return `${metricOf(axis)} ${number(place)}`;
  if (axis === "rel") return `${elapsedTick(Math.round(x / 100) * 100)} after its start`;
  return xShown[1] - xShown[0] > DAY_MS ? dateTime(x) : clockTime(x);
}

// Of each run, how far it is at the moment shown, and its last value of a metric.
export function latest(scene, metric) {
  const { model, clock, options } = scene;
  const values = {};
  for (const run of model.runs.values()) {
    let last = null;
    let complete = true;
    const ends = [];
    for (const held of metric === null ? [] : model.curves(run, metric)) {
      const [series, n] = scene.past(run, metric, held, "step");
      complete &&= n === held.n;
      if (n) ends.push({ t: series.t[n - 1], step: series.x[n - 1], y: options.smooth > 0 && series.smoothed >= n ? series.sm[n - 1] : series.y[n - 1] });
    }
    for (const end of ends) if (!last || end.t > last.t) last = end;
    if (options.fold && ends.length > 1) last = { ...last, y: ends.reduce((sum, end) => sum + end.y, 0) / ends.length };
    values[run.id] = {
      y: last ? last.y : clock.live ? run.summary[model.metrics[metric]] ?? null : null,
      step: clock.live ? run.step : last ? last.step : -1,
      state: !scene.begun(run) ? "pending" : clock.live || (complete && scene.over(run)) ? (run.stopping ? "stopping" : run.state) : "running",
    };
  }
  const runs = scene.shownRuns();
  const goal = metric === null || !runs.length ? 0 : goalOf(runs.at(-1), model.metrics[metric]);
  return { values, goal, primary: model.metrics[metric] ?? "" };
}

// Where each run was at its best of a metric, if somebody said what is best.
export function best(scene, metric) {
  const { model } = scene;
  const found = {};
  const name = model.metrics[metric];
  for (const run of metric === null ? [] : scene.shownRuns()) {
    const goal = goalOf(run, name);
    for (const { n, t, x, y } of goal ? model.curves(run, metric) : []) {
      for (let i = 0; i < n; i++) if (Number.isFinite(y[i]) && !(goal * y[i] <= goal * found[run.id]?.y)) found[run.id] = { t: t[i], step: x[i], y: y[i], metric: name, goal };
    }
  }
  return found;
}

// Of each chart in view, how many of its points it shows, and what it cannot show as it is.
export function notes(scene, charts) {
  const said = {};
  for (const [id, chart] of charts) {
    if (!chart.visible || !chart.drawn) continue;
    let shown = 0;
    let total = 0;
    const broken = new Set();
    for (const { held, near, series, n, run } of chart.drawn.flatMap((curve) => curve.parts ?? [curve])) {
      shown += n;
      total += n + near.total - near.n;
      // Of a replay, only what had happened by then.
      if (held.broken && (scene.clock.live || !series.y.subarray(0, n).every(Number.isFinite))) broken.add(run.id);
    }
    const axis = scene.axisOf(chart.metric);
    const other = metricOf(axis);
    const apart = other !== null && !chart.drawn.length && scene.shownRuns().some((run) => scene.model.curves(run, chart.metric).length);
    said[id] = { shown, total, broken: broken.size, axis, x: chart.xShown, apart: apart ? other : "" };
  }
  return said;
}

// What is held of a metric, of the runs that are shown, as CSV: each point that a chart may be drawn of.
export function table(scene, metric) {
  const quoted = (text) => `"${String(text).replaceAll('"', '""')}"`;
  const lines = ["run,name,process,step,time,value"];
  for (const run of scene.shownRuns()) {
    for (const series of scene.model.curves(run, metric)) {
      for (let i = 0; i < series.n; i++) lines.push(`${run.id},${quoted(run.name)},${quoted(series.label)},${series.x[i]},${new Date(series.t[i]).toISOString()},${series.y[i]}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
