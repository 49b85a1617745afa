// What the service is to send: the metrics in view, at the resolution of the screen, and after a cut what was missed of
// those that are held completely. One question at a time, so that it is known what was answered.

import { metricOf } from "./axis.js";
import { POINTS_MAX } from "./series.js";

const REST_MS = 60; // Cards come into view in bursts.
const SNAPSHOT_POINTS = 400_000; // Of all curves in view together: about 10 MB, a fifth of a second to send and draw.
const RESUME_CHARS_MAX = 48_000;
const WIDTH_MIN = 300;
const PIXELS_MAX = 2000;

export class Wanted {
  constructor({ scene, model, charts, ratio, send }) {
    Object.assign(this, { scene, model, charts, ratio, send });
    this.primary = null; // The metric whose last value stands beside each run: wanted, wherever its chart is.
    this.metrics = []; // What the service was last told to send.
    this.whole = []; // What of it is held completely.
    this.unanswered = 0; // Questions whose `synced` has not come.
    this.seen = new Map(); // Our number of a metric → when it was last in view; the order is that of looking.
  }

  // The first message of a connection.
  subscription({ project, runs = null, token = "" }) {
    this.model.fresh();
    this.unanswered = 1;
    this.metrics = [...this.whole];
    return { op: "sub", project, runs, metrics: this.metrics, px: this.pixels(), token, resume: this.resume() };
  }

  // What is held of each run. The service takes messages up to a size: a run that is left out comes as a snapshot. Those
  // that go on come first.
  resume() {
    const known = Object.entries(this.whole.length ? this.model.marks() : {});
    const going = ([id]) => this.model.runs.get(id).state === "running";
    const told = {};
    let room = RESUME_CHARS_MAX;
    for (const [id, marks] of known.sort((p, q) => going(q) - going(p))) {
      room -= JSON.stringify({ [id]: marks }).length;
      if (room < 0) break;
      told[id] = marks;
    }
    return told;
  }

  // How finely to send curves, in pixels of 4 points each: as fine as the charts are wide, and finer when there are few.
  pixels() {
    const { charts, model } = this;
    const width = Math.max(WIDTH_MIN, ...[...charts.values()].map((chart) => chart.width));
    const affordable = SNAPSHOT_POINTS / (4 * Math.max(1, charts.size) * Math.max(1, model.runs.size));
    return Math.ceil(Math.max(Math.min(PIXELS_MAX, width * this.ratio()), Math.min(POINTS_MAX / 5, affordable)));
  }

  // Everything that was asked for has come; false when something was asked for since.
  answered() {
    this.unanswered--;
    if (this.unanswered) return false;
    this.whole = [...this.metrics];
    return true;
  }

  // The window has changed; `then` follows a question that was asked.
  look(then) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(then), REST_MS);
  }

  ask(then) {
    // The answer asks again. Only the first time nothing was asked for yet: a thousand runs need not come for nothing.
    if (this.unanswered > (this.metrics.length ? 0 : 1)) return;
    const { model } = this;
    const wanted = this.inView();
    for (const metric of wanted) {
      this.seen.delete(metric);
      this.seen.set(metric, true);
    }
    const names = [...wanted].map((metric) => model.metrics[metric]).sort();
    if (names.join("\0") === this.metrics.join("\0")) return;
    // A metric that left the window is no longer kept up to date: it comes anew when it is looked at again.
    this.whole = this.whole.filter((name) => names.includes(name));
    this.metrics = names;
    this.unanswered++;
    this.send({ op: "window", metrics: names, px: this.pixels() });
    model.evict(wanted, [...this.seen.keys()]);
    then();
  }

  // Our numbers of the metrics whose charts are in view, and of those that they lie along.
  inView() {
    const { model, scene } = this;
    const wanted = new Set([...this.charts.values()].filter((chart) => chart.visible).map((chart) => chart.metric));
    if (this.primary !== null) wanted.add(this.primary);
    for (const metric of [...wanted]) {
      const other = metricOf(scene.axisOf(metric));
      if (other !== null) wanted.add(model.metric(other));
    }
    return wanted;
  }
}
