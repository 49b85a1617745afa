// What a chart is drawn along: steps, time, or another metric of the same rows, as `define_metric` or the reader said.

import { held } from "./goal.js";
import { isSystem } from "./names.js";
import { Series, upper } from "./series.js";

const METRIC = "metric "; // Of an axis; then comes the metric's name.
const OWN = new Map([["_step", "step"], ["_runtime", "rel"], ["_timestamp", "wall"]]);

export const timed = (axis) => axis === "rel" || axis === "wall";
export const metricOf = (axis) => (axis.startsWith(METRIC) ? axis.slice(METRIC.length) : null);

// The logarithms of a curve's places, and the first of them that has one.
export function logarithms(series) {
  let { logs } = series;
  if (logs?.edition !== series.edition || logs.xs.length < series.n) series.logs = logs = { edition: series.edition, n: 0, xs: new Float64Array(series.capacity), start: 0 };
  for (; logs.n < series.n; logs.n++) {
    logs.xs[logs.n] = Math.log10(series.x[logs.n]);
    if (!(series.x[logs.n] > 0)) logs.start = logs.n + 1;
  }
  return logs;
}

export class Axes {
  constructor(model) {
    this.model = model;
    this.known = new Map();
  }

  // Runs said something new of their metrics, or the reader chose another axis.
  forget() {
    this.known.clear();
  }

  // The axis that the reader chose.
  chosen({ axis, x }) {
    return axis !== "metric" ? axis : x && this.model.metricIndex.has(x) ? METRIC + x : "step";
  }

  // Samples of the machine are counted, not stepped: they lie along time. No metric lies along itself.
  of(metric, options) {
    let axis = this.known.get(metric);
    if (axis === undefined) {
      const name = this.model.metrics[metric];
      axis = this.chosen(options);
      if (!timed(axis) && isSystem(name)) axis = "rel";
      else if (axis === "step" && options.axis === "step") axis = this.defined(name);
      else if (metricOf(axis) === name) axis = "step";
      this.known.set(metric, axis);
    }
    return axis;
  }

  // As the newest run that says something of the metric has it; of several globs the longest holds.
  defined(name) {
    for (const run of [...this.model.runs.values()].reverse()) {
      const said = held(run.axes, name);
      if (said && said !== name) return OWN.get(said) ?? (this.model.metricIndex.has(said) ? METRIC + said : "step");
    }
    return "step";
  }
}

// The points of a curve in whose rows another metric was logged, in the order of that metric's values, which take the place
// of the steps. Where points were left out of either, the other metric lies on the line between those that are there.
// What was joined is kept, and extended as points arrive: a chart that grows is not joined anew for each of them.
export function join(series, other) {
  const thinned = series.envelope || other.envelope;
  let { joined } = series;
  const kept = joined?.other === other && joined.editions === `${series.edition} ${other.edition} ${thinned}`;
  if (!kept) series.joined = joined = { other, editions: `${series.edition} ${other.edition} ${thinned}`, next: 0, made: new Series(series.label, Infinity, ["x", "t", "y", "s"]) };
  if (!kept || joined.versions !== series.version + other.version) extend(joined, series, thinned);
  joined.versions = series.version + other.version;
  joined.made.total = joined.made.n + series.total - series.n;
  return joined.made;
}

// Take in the rows that both have reached; of one that only the curve has, the other metric may be on its way.
function extend(joined, series, thinned) {
  const { other, made } = joined;
  const values = [];
  const places = [];
  let i = joined.next;
  let j = i < series.n ? below(other, series.x[i]) : 0;
  for (; i < series.n && other.n && series.x[i] <= other.x[other.n - 1]; i++) {
    const step = series.x[i];
    while (other.x[j] < step) j++;
    let v = NaN;
    if (other.x[j] === step) v = other.y[j];
    else if (thinned && j > 0) v = other.y[j - 1] + ((other.y[j] - other.y[j - 1]) * (step - other.x[j - 1])) / (other.x[j] - other.x[j - 1]);
    if (!Number.isFinite(v)) continue;
    places.push(i);
    values.push(v);
  }
  joined.next = i;
  const point = (k) => ({ x: values[k], t: series.t[places[k]], y: series.y[places[k]], s: series.x[places[k]] });
  if (made.n) places.forEach((_, k) => made.insert(point(k)));
  else {
    const order = Array.from(values.keys()).sort((p, q) => values[p] - values[q] || p - q);
    const points = order.map(point);
    made.fill(Object.fromEntries(made.fields.map((field) => [field, points.map((one) => one[field])])));
  }
}

// The first point of a curve at a step or after it.
function below({ x, n }, step) {
  let at = upper(x, n, step);
  while (at > 0 && x[at - 1] === step) at--;
  return at;
}
