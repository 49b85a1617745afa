// What is shown of a stretch, at full resolution: asks the service for the stretches of charts that were zoomed into or
// whose ends the reader said. One question at a time, as the service answers only the last.

import { metricOf, timed } from "./axis.js";

const REST_MS = 60; // Stretches and cards change in bursts.
const FAR = 2 ** 62; // As far as steps and times go; JSON has no infinity.

const sent = (end) => Math.min(FAR, Math.max(-FAR, end));

export class Details {
  constructor({ scene, model, charts, send, pixels }) {
    Object.assign(this, { scene, model, charts, send, pixels });
    this.req = 0;
    this.open = null; // The question that was not answered yet: answers to others were given up.
    this.asked = ""; // What was asked last, as text.
    this.timer = 0;
    this.waiting = [];
  }

  // What was asked is of no interest any more.
  drop() {
    this.open = null;
    this.waiting = [];
    this.model.dropDetails();
  }

  ask() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.waiting = this.questions();
      this.asked = JSON.stringify(this.waiting);
      this.next();
    }, REST_MS);
  }

  // While runs grow, a stretch of theirs is to be asked for again: where a curve has no longer all of its points, where what
  // is held of it was thinned, and where the metric along which it lies came back.
  follow() {
    if (!this.model.coarse && JSON.stringify(this.questions()) === this.asked) return;
    this.model.coarse = false;
    this.ask();
  }

  answered(req) {
    if (req === this.open?.req) this.next();
  }

  next() {
    const question = this.waiting.shift();
    this.open = question ? { req: ++this.req, ...question } : null;
    if (question) this.send({ op: "view", px: this.pixels(), ...this.open, lo: sent(question.lo), hi: sent(question.hi) });
  }

  // One question for each stretch of an axis; where every point is held already, there is none. An end that the reader left
  // open is one: what comes later lies in the stretch too.
  questions() {
    const { scene, model } = this;
    const found = new Map();
    for (const chart of this.charts.values()) {
      const range = scene.rangeOf(chart.metric);
      if (!chart.visible || !range) continue;
      if (!scene.shownRuns().some((run) => model.curves(run, chart.metric).some(({ envelope }) => envelope))) continue;
      const axis = scene.axisOf(chart.metric);
      const other = metricOf(axis);
      const stretch = scene.stretchOf(chart.metric).map((end, k) => (Number.isFinite(range[k]) ? end : range[k]));
      const key = `${axis} ${stretch}`;
      if (!found.has(key)) found.set(key, { ...this.ends(axis, other, stretch), metrics: new Set() });
      const { metrics } = found.get(key);
      metrics.add(model.metrics[chart.metric]);
      if (other !== null) metrics.add(other);
    }
    const questions = [...found.values()].filter(({ lo, hi }) => lo <= hi);
    return questions.map((question) => ({ ...question, metrics: [...question.metrics] }));
  }

  // Between which steps or times the points of a stretch lie.
  ends(axis, other, stretch) {
    const { scene } = this;
    let [lo, hi] = other === null ? stretch : scene.stepsOf(other, stretch);
    if (axis === "rel") {
      const starts = scene.shownRuns().map((run) => run.t0).filter(Number.isFinite);
      lo += Math.min(...starts);
      hi += Math.max(...starts);
    }
    if (timed(axis)) return { lo, hi, x: "time" };
    return { lo: Math.floor(lo), hi: Math.ceil(hi), x: "step" }; // Steps are whole: the curve goes on to the ends.
  }
}
