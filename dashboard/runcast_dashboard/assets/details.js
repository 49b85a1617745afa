// What is shown of a stretch, at full resolution: asks the service for the stretches of charts that were zoomed into or
// whose ends the reader said. One question at a time, as the service answers only the last.

import { metricOf, timed } from "./axis.js";

const REST_MS = 60; // Stretches and cards change in bursts.

export class Details {
  constructor({ scene, model, charts, send, pixels }) {
    Object.assign(this, { scene, model, charts, send, pixels });
    this.req = 0; // Of the question that is open: answers to others were given up.
    this.timer = 0;
    this.waiting = [];
  }

  // What was asked is of no interest any more.
  drop() {
    this.req++;
    this.waiting = [];
    this.model.dropDetails();
  }

  ask() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.waiting = this.questions();
      this.next();
    }, REST_MS);
  }

  answered(req) {
    if (req === this.req) this.next();
  }

  next() {
    const question = this.waiting.shift();
    if (question) this.send({ op: "view", req: ++this.req, px: this.pixels(), ...question });
  }

  // One question for each stretch of an axis; where every point is held already, there is none.
  questions() {
    const { scene, model } = this;
    const found = new Map();
    for (const chart of this.charts.values()) {
      if (!chart.visible || !scene.rangeOf(chart.metric)) continue;
      if (!scene.curves(chart.metric).some(({ held }) => held.envelope)) continue;
      const axis = scene.axisOf(chart.metric);
      const other = metricOf(axis);
      const stretch = scene.stretchOf(chart.metric);
      let [lo, hi] = other === null ? stretch : scene.stepsOf(other, stretch);
      if (!(lo <= hi)) continue;
      if (axis === "rel") {
        const starts = scene.shownRuns().map((run) => run.t0).filter(Number.isFinite);
        lo += Math.min(...starts);
        hi += Math.max(...starts);
      }
      const key = `${axis} ${stretch}`;
      if (!found.has(key)) found.set(key, { lo, hi, x: timed(axis) ? "time" : "step", metrics: new Set() });
      const { metrics } = found.get(key);
      metrics.add(model.metrics[chart.metric]);
      if (other !== null) metrics.add(other);
    }
    return [...found.values()].map((question) => ({ ...question, metrics: [...question.metrics] }));
  }
}
