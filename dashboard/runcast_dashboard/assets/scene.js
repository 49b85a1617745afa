// What is shown of what is held: which runs, at which moment, along which axis. It keeps the replay clock:
// every point carries its time, and the picture at T is the points up to T, so that replay asks the service for nothing.
// Along the relative axis the clock counts from each run's own start, and runs replay against each other.

import { Axes, join, logarithms, metricOf, timed } from "./axis.js";
import { Groups } from "./group.js";
import { bounded, xEnds } from "./hand.js";
import { isSystem } from "./names.js";
import { upper } from "./series.js";

// Whether what is held closely of one curve reaches over another; it may be of a stretch of its own.
const covers = (detail, { x, n }) => detail?.n > 1 && detail.x[0] <= x[0] && detail.x[detail.n - 1] >= x[n - 1];

// Where an axis ends whose curves grow: ahead of them by up to a sixty-fourth. Else each new point would move all others, and
// each picture be drawn from all points. It depends on nothing but the ends: others see the same.
function ahead(low, high) {
  const grain = 2 ** Math.floor(Math.log2(high - low)) / 64;
  return low + Math.ceil((high - low) / grain) * grain;
}

const CLOCK = { live: true, playing: false, speed: 20, t: 0, t0: 0, t1: 0, asked: 0 };

export class Scene {
  constructor(model) {
    this.model = model;
    this.options = { smooth: 0.6, axis: "step", x: "", kind: "ema", log: false, logx: false, outliers: true, fold: true, by: "", band: "range", ranges: {}, race: false };
    this.groups = new Groups(model);
    this.axes = new Axes(model);
    this.hidden = new Set();
    this.focus = null;
    this.range = null; // The zoomed stretch, in units of the axis along which it is.
    this.rangeAxis = null;
    this.clock = { ...CLOCK };
    this.pace = 1;
    this.frames = 0;
    this.raced = false; // Some run that is shown goes on.
  }

  get axis() {
    return this.axes.chosen(this.options);
  }

  axisOf(metric) {
    return this.axes.of(metric, this.options);
  }

  // The stretch of a chart: where it lies along the axis that was zoomed, that; else, between the ends that were said of it.
  rangeOf(metric) {
    const axis = this.axisOf(metric);
    if (this.range && axis === this.rangeAxis) return this.range;
    const ends = this.endsOf(metric, axis);
    return ends && [ends[0] ?? -Infinity, ends[1] ?? Infinity];
  }

  endsOf(metric, axis = this.axisOf(metric)) {
    return xEnds(this.options, this.model.metrics[metric], axis, this.logarithmic(axis));
  }

  // What a chart shows of its axis, of which all is shown from `low` to `high`.
  xRangeOf(metric, [low, high]) {
    const axis = this.axisOf(metric);
    const ends = this.range && axis === this.rangeAxis ? null : this.endsOf(metric, axis);
    return ends ? bounded([low, high], ends) : [low, high];
  }

  shownRuns() {
    return [...this.model.runs.values()].filter((run) => !this.hidden.has(run.id));
  }

  // Where a run's own zero lies on an axis.
  offset(run, axis = this.axis) {
    return axis === "rel" ? run.t0 : 0;
  }

  // What the clock counts: the time of day, the time since each run's start, or each run's steps. In a race all runs
  // begin at once.
  get unit() {
    if (this.options.race && !timed(this.axis)) return "step";
    return this.options.race || this.axis === "rel" ? "elapsed" : "wall";
  }

  // What is shown of a curve at this moment: the curve, as an axis wants it, and how many of its points. In a race along
  // steps those up to the step, whenever they were logged: an evaluation may come long after it. The samples of
  // a machine have no steps that others have: of them, what had been taken by then.
  past(run, metric, series, axis) {
    const along = timed(axis) ? axis : "step";
    if (this.clock.live) return series.until(along, Infinity);
    if (this.unit === "step" && !isSystem(this.model.metrics[metric])) return series.upTo(along, this.clock.t);
    return series.until(along, this.moment(run));
  }

  // Whether a run had begun at this moment, and whether it had come to its end.
  begun(run) {
    return this.clock.live || this.moment(run) >= run.t0;
  }

  over(run) {
    return this.clock.live || (this.unit === "step" ? this.clock.t >= run.step : this.moment(run) >= run.t1);
  }

  // The moment in a run's own time up to which it is shown.
  moment(run) {
    if (this.clock.live) return Infinity;
    if (this.unit === "step") return this.reached(run, this.clock.t);
    return this.unit === "elapsed" ? this.clock.t + run.t0 : this.clock.t;
  }

  // When a run had made so many steps, and none beyond.
  reached(run, step) {
    if (run.reached?.step === step && run.reached.frame === this.frames) return run.reached.time;
    let time = -Infinity;
    let next = Infinity;
    for (const [metric, list] of run.curves) {
      if (isSystem(this.model.metrics[metric])) continue;
      for (const { x, t, n } of list) {
        const i = upper(x, n, step);
        if (i && t[i - 1] > time) time = t[i - 1];
        if (i < n && t[i] < next) next = t[i];
      }
    }
    time = Math.min(time, next);
    run.reached = { step, time, frame: this.frames };
    return time;
  }

  // In a race beside living runs, those that are over are ghosts.
  isGhost(run) {
    return this.options.race && run.state !== "running" && this.raced;
  }

  // The curves of a metric at this moment, each with how many of its points.
  curves(metric, runs = this.shownRuns()) {
    const shown = [];
    const axis = this.axisOf(metric);
    const range = this.rangeOf(metric);
    const other = metricOf(axis);
    for (const run of runs) {
      for (const held of this.model.curves(run, metric)) {
        const near = range && held.detail?.n > 1 ? held.detail : held;
        const source = other === null ? near : this.joined(run, near, other, near !== held);
        if (!source) continue;
        const [series, n] = this.past(run, metric, source, axis);
        // A stretch that was asked for ends where it does, and its curve may go on.
        const beyond = near !== held && n === source.n && near.x[near.n - 1] < held.x[held.n - 1];
        if (n) shown.push({ run, held: other === null ? held : source, near: source, series, n, beyond, ...this.places(series, axis), offset: this.offset(run, axis) });
      }
    }
    return shown;
  }

  // Where a curve's points lie on an axis, from the first that has a place there.
  places(series, axis) {
    return this.logarithmic(axis) ? logarithms(series) : { xs: timed(axis) ? series.t : series.x, start: 0 };
  }

  logarithmic(axis) {
    return this.options.logx && !timed(axis);
  }

  // The stretch of a chart as it was logged, without the axis's logarithms.
  stretchOf(metric) {
    const axis = this.axisOf(metric);
    const shown = this.xRangeOf(metric, this.xRange(axis));
    return this.logarithmic(axis) ? shown.map((x) => 10 ** x) : shown;
  }

  // A curve along another metric: what the same process logged of it, or else the run's first.
  joined(run, series, name, closer) {
    const others = this.model.curves(run, this.model.metric(name));
    const other = others.find(({ label }) => label === series.label) ?? others[0];
    if (!other) return null;
    return join(series, closer && covers(other.detail, series) ? other.detail : other);
  }

  // The steps between which another metric lies in a stretch of its values; without an end while the newest lies in it.
  stepsOf(name, [low, high]) {
    let first = Infinity;
    let last = -Infinity;
    for (const run of this.shownRuns()) {
      for (const { n, x, y } of this.model.curves(run, this.model.metric(name))) {
        for (let i = 0; i < n; i++) {
          if (!(y[i] >= low && y[i] <= high)) continue;
          first = Math.min(first, x[Math.max(0, i - 1)]);
          last = Math.max(last, i + 1 < n ? x[i + 1] : Infinity);
        }
      }
    }
    return [first, last];
  }

  // One stretch of x for all charts along an axis: that is what makes a shared crosshair honest.
  xRange(axis = this.axis) {
    if (this.range && axis === this.rangeAxis) return this.range;
    const other = metricOf(axis);
    const along = other === null ? null : this.model.metric(other);
    const log = this.logarithmic(axis);
    let low = Infinity;
    let high = -Infinity;
    for (const run of this.shownRuns()) {
      const offset = this.offset(run, axis);
      for (const held of other === null ? [] : this.model.curves(run, along)) {
        const [{ y }, n] = this.past(run, along, held, "step");
        for (let i = 0; i < n; i++) {
          if (y[i] < low && (!log || y[i] > 0)) low = y[i];
          if (y[i] > high && y[i] !== Infinity) high = y[i];
        }
      }
      for (const [metric, list] of other === null ? run.curves : []) {
        if (this.axisOf(metric) !== axis) continue;
        for (const held of list) {
          const [series, n] = this.past(run, metric, held, axis);
          if (!n) continue;
          const xs = timed(axis) ? series.t : series.x;
          const first = log ? upper(xs, n, 0) : 0;
          if (first === n) continue;
          low = Math.min(low, xs[first] - offset);
          high = Math.max(high, xs[n - 1] - offset);
        }
      }
    }
    if (log) [low, high] = [Math.log10(low), Math.log10(high)];
    if (low < high) return [low, this.raced || !this.clock.live ? ahead(low, high) : high];
    return low === high ? [low - 0.5, low + 0.5] : [0, 1];
  }

  // Let the clock's ends follow the runs, and the clock itself go on; returns whether the picture changes by it.
  advance(elapsed) {
    const { clock, unit } = this;
    let t0 = Infinity;
    let t1 = -Infinity;
    this.frames++;
    this.pace = unit === "step" ? 0 : 1; // Of the quickest: so many steps in a millisecond.
    this.raced = false;
    for (const run of this.shownRuns()) {
      if (!run.t1) continue;
      const took = run.t1 - run.t0;
      t0 = Math.min(t0, unit === "wall" ? run.t0 : 0);
      t1 = Math.max(t1, unit === "step" ? run.step : unit === "elapsed" ? took : run.t1);
      if (unit === "step" && took > 0) this.pace = Math.max(this.pace, run.step / took);
      this.raced ||= run.state === "running";
    }
    // The moment that was asked for is kept, also while the runs that are shown do not reach it.
    if (t0 < t1) Object.assign(clock, { t0, t1, t: Math.min(t1, Math.max(t0, clock.asked)) });
    if (clock.live) clock.t = clock.asked = clock.t1;
    else if (clock.playing) {
      clock.t += elapsed * clock.speed * this.pace;
      clock.asked = clock.t;
      if (clock.t >= clock.t1) this.goLive();
      return true;
    }
    return false;
  }

  // Curves grow, live or as the clock goes on.
  get moving() {
    return this.clock.live ? this.raced : this.clock.playing;
  }

  seek(t) {
    const { clock } = this;
    clock.live = false;
    clock.t = clock.asked = Math.min(clock.t1, Math.max(clock.t0, t));
  }

  // To the point that was logged next, or before: of the curves of a metric, those that are shown.
  step(by, metric) {
    const { clock, unit } = this;
    let found = by * Infinity;
    for (const run of metric === null ? [] : this.shownRuns()) {
      const zero = unit === "elapsed" ? run.t0 : 0;
      for (const held of this.model.curves(run, metric)) {
        const { n, x, t } = held.along(unit === "step" ? "step" : "wall");
        const places = unit === "step" ? x : t;
        let i = upper(places, n, clock.t + zero);
        if (by < 0) for (i--; i >= 0 && places[i] >= clock.t + zero; ) i--;
        if (i >= 0 && i < n && by * (places[i] - zero) < by * found) found = places[i] - zero;
      }
    }
    this.pause();
    if (Number.isFinite(found)) this.seek(found);
  }

  play() {
    const { clock } = this;
    if (clock.live) this.seek(clock.t0);
    clock.playing = true;
  }

  pause() {
    this.clock.live = this.clock.playing = false;
  }

  goLive() {
    Object.assign(this.clock, { live: true, playing: false, t: this.clock.t1, asked: this.clock.t1 });
  }

  setOptions(options) {
    const { axis: before, unit } = this;
    const { logx } = this.options;
    Object.assign(this.options, options);
    this.axes.forget();
    // What was a moment on the clock is none when it counts something else.
    if (unit !== this.unit) {
      Object.assign(this.clock, { live: true, playing: false });
      this.advance(0); // What is asked next, before a picture is drawn, means the new clock.
    }
    if (logx !== this.options.logx) this.range = this.rangeAxis = null;
    if (before === this.axis) return;
    this.range = this.rangeAxis = null;
  }
}
