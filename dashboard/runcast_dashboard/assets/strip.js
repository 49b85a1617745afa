// The strip behind the replay bar: one ghost curve for each run, over the whole time.

import { abgr } from "./colors.js";
import { framebuffer } from "./span.js";
import { Trace } from "./trace.js";

export class Strip {
  constructor(canvas, width, height, dpr) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.resize(width, height, dpr);
  }

  resize(width, height, dpr) {
    Object.assign(this, { width, height, dpr });
    this.canvas.width = Math.round(width * dpr);
    this.canvas.height = Math.round(height * dpr);
  }

  draw(scene, theme, metric) {
    const { t0, t1 } = scene.clock;
    const span = framebuffer(this.canvas.width, this.canvas.height);
    span.clear(abgr(theme.track));
    const kx = span.w / (t1 - t0 || 1);
    for (const run of scene.shownRuns()) {
      const offset = scene.unit === "elapsed" ? run.t0 : 0;
      for (const held of scene.model.curves(run, metric)) {
        const series = held.along(scene.unit === "step" ? "step" : "time");
        const xs = scene.unit === "step" ? series.x : series.t;
        if (series.n < 2) continue;
        const values = scene.options.smooth > 0 && series.smoothed === series.n ? series.sm : series.y;
        let low = Infinity;
        let high = -Infinity;
        for (let i = 0; i < series.n; i += 1 + (series.n >> 9)) {
          if (values[i] < low) low = values[i];
          if (values[i] > high && values[i] !== Infinity) high = values[i];
        }
        const ky = -(span.h - 10 * this.dpr) / (high - low || 1);
        const map = { kx, ox: -(t0 + offset) * kx, ky, oy: span.h - 5 * this.dpr - low * ky, log: false };
        span.trace(new Trace(span.w).follow(null, xs, values, 0, series.n, map, 1 + (series.n >> 10)), map, (run.group ?? run).abgr, 0.55 * this.dpr, 0.75);
      }
    }
    this.context.putImageData(span.picture(), 0, 0);
  }
}
