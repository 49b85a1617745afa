// A chart in sentences, for who cannot see it: what it shows, between which ends, and where the curves stand.

import { metricOf, timed } from "./axis.js";
import { dateTime, elapsedTick, number, whole } from "./format.js";
import { goalOf } from "./goal.js";

const NAMED_MAX = 5; // Curves whose values are read out; a list of two hundred would not be listened to.

// By the metric's name, of each chart in view.
export function spoken(scene, charts) {
  const said = {};
  for (const [name, chart] of charts) if (chart.visible && chart.drawn) said[name] = sentences(scene, name, chart);
  return said;
}

function sentences(scene, name, { metric, drawn, xShown }) {
  const ends = [];
  let [low, high] = [Infinity, -Infinity];
  for (const { run, series, ys, n, from, to, band } of drawn) {
    const title = run.title ?? run.name;
    if (n) ends.push({ title: series.label && !band ? `${title}, ${series.label}` : title, y: ys[n - 1] });
    for (let i = from; i < to; i++) if (Number.isFinite(ys[i])) [low, high] = [Math.min(low, ys[i]), Math.max(high, ys[i])];
  }
  if (!ends.length) return `${name}: no points here.`;
  const goal = goalOf(scene.shownRuns().at(-1), name); // What is drawn may be a group.
  const height = ({ y }) => (Number.isFinite(y) ? y * (goal || 1) : -Infinity);
  ends.sort((p, q) => height(q) - height(p));
  const what = `${whole(ends.length)} ${scene.options.by ? "group" : "curve"}${ends.length === 1 ? "" : "s"}`;
  const values = low > high ? "" : `, values from ${number(low)} to ${number(high)}`;
  const rest = ends.length > NAMED_MAX ? ` and ${whole(ends.length - NAMED_MAX)} more` : "";
  const last = ends.slice(0, NAMED_MAX).map(({ title, y }) => `${title} ${number(y)}`);
  return `${name}: ${what}, ${along(scene, metric, xShown)}${values}. At the end${goal && ends.length > 1 ? ", best first" : ""}: ${last.join("; ")}${rest}.`;
}

function along(scene, metric, shown) {
  const axis = scene.axisOf(metric);
  const [from, to] = scene.logarithmic(axis) ? shown.map((v) => 10 ** v) : shown;
  if (axis === "step") return `steps ${whole(from)} to ${whole(to)}`;
  if (axis === "rel") return `${elapsedTick(Math.round(from))} to ${elapsedTick(Math.round(to))} after their start`;
  if (timed(axis)) return `${dateTime(from)} to ${dateTime(to)}`;
  return `${metricOf(axis)} from ${number(from)} to ${number(to)}`;
}
