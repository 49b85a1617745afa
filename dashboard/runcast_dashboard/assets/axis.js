// What a chart is drawn along: steps, time, or another metric of the same rows, as `define_metric` or the reader said.

import { held } from "./goal.js";
import { isSystem } from "./names.js";
import { upper } from "./series.js";

const METRIC = "metric "; // Of an axis; then comes the metric's name.
const OWN = new Map([["_step", "step"], ["_runtime", "rel"], ["_timestamp", "wall"]]);

export const timed = (axis) => axis === "rel" || axis === "wall";
export const metricOf = (axis) => (axis.startsWith(METRIC) ? axis.slice(METRIC.length) : null);

// The logarithms of a curve's places, and the first of them that has one.
export function logarithms(series) {
  if (series.logs?.version !== series.version) {
    series.logs = { version: series.version, xs: series.x.subarray(0, series.n).map(Math.log10), start: upper(series.x, series.n, 0) };
  }
  return series.logs;
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
export function join(series, other) {
  const { joined } = series;
  if (joined?.version === series.version && joined.other === other && joined.otherVersion === other.version) return joined.made;
  const thinned = series.envelope || other.envelope;
  const places = [];
  const values = [];
  let j = 0;
  for (let i = 0; i < series.n; i++) {
    const step = series.x[i];
    while (j < other.n && other.x[j] < step) j++;
    let v = NaN;
    if (j < other.n && other.x[j] === step) v = other.y[j];
    else if (thinned && j > 0 && j < other.n) v = other.y[j - 1] + ((other.y[j] - other.y[j - 1]) * (step - other.x[j - 1])) / (other.x[j] - other.x[j - 1]);
    if (!Number.isFinite(v)) continue;
    places.push(i);
    values.push(v);
  }
  const rises = values.every((v, k) => !k || v >= values[k - 1]);
  const order = rises ? null : Array.from(values, (_, k) => k).sort((p, q) => values[p] - values[q] || p - q);
  const made = series.picked(order ? order.map((k) => places[k]) : places);
  made.x.set(order ? order.map((k) => values[k]) : values);
  made.count();
  made.total += series.total - series.n;
  series.joined = { version: series.version, other, otherVersion: other.version, made };
  return made;
}
