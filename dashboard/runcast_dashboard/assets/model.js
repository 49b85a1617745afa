// What the board holds: runs, metrics, and a curve for each run, metric and writer label.
// The service numbers runs, writers and metrics anew on each connection; here they keep their names, so that what is
// held outlives a connection. It applies frames so that no point is missing or counted twice, and knows no socket.

import { DELTA, ENVELOPE, SNAPSHOT, VIEW } from "./frames.js";
import { abgr, runColor } from "./colors.js";
import { POINTS_MAX, Series } from "./series.js";

const HELD_POINTS_MAX = 4_000_000; // At 28 bytes a point, about 110 MB; beyond, metrics out of view are let go.
const BARE_POINTS = 40; // A curve without any is as much by itself.

// What of a block lies in a stretch of steps or of times. What comes live mostly does as a whole, or not at all.
function within({ lo, hi, x }, { steps, times }, values) {
  const places = x === "time" ? times : steps;
  const inside = (place) => place >= lo && place <= hi;
  if (places.every(inside)) return [steps, times, values];
  return [steps, times, values].map((column) => column.filter((_, i) => inside(places[i])));
}

// JSON has none of them: they travel as words.
const NOT_NUMBERS = new Map([["NaN", NaN], ["Infinity", Infinity], ["-Infinity", -Infinity]]);

export class Model {
  constructor() {
    this.runs = new Map(); // Run id → run, in order of arrival.
    this.arrived = 0; // Runs, those among them that left again.
    this.metrics = []; // Names; the index is ours.
    this.metricIndex = new Map();
    this.redefined = false; // Some run said anew along what a metric is drawn.
    this.coarse = false; // Points that came since were too many for a zoomed stretch: it shows less than it would if asked for.
    this.several = false; // Whether a run has more than one curve for a metric: then they can be folded.
    this.fresh();
  }

  // A new connection: its numbers mean nothing yet.
  fresh() {
    this.link = { runs: new Map(), writers: new Map(), metrics: new Map() };
  }

  metric(name) {
    let index = this.metricIndex.get(name);
    if (index === undefined) {
      index = this.metrics.push(name) - 1;
      this.metricIndex.set(name, index);
    }
    return index;
  }

  nameMetric(number, name) {
    this.link.metrics.set(number, this.metric(name));
  }

  nameWriter({ i, run, id, label }) {
    const owner = this.link.runs.get(run) ?? this.runs.get(run);
    if (!owner) return;
    let writer = owner.writers.get(id);
    if (!writer) owner.writers.set(id, (writer = { id, label: label ?? "", mark: 0 }));
    this.link.writers.set(i, { run: owner, writer });
  }

  describeRun(info) {
    let run = this.runs.get(info.id);
    if (!run) {
      const order = this.arrived++;
      run = { id: info.id, order, color: runColor(order), abgr: abgr(runColor(order)), writers: new Map(), curves: new Map(), t0: Infinity, t1: 0, step: -1 };
      this.runs.set(info.id, run);
    }
    if (info.i !== undefined) this.link.runs.set(info.i, run);
    run.name = info.name || info.id;
    run.state = info.state;
    run.stopping = info.state === "running" && !!info.stopping;
    run.aside = !!info.hidden;
    run.created = info.created_ms;
    run.updated = info.updated_ms;
    run.config = info.config ?? {};
    if (JSON.stringify(run.axes) !== JSON.stringify(info.axes)) this.redefined = true;
    run.axes = info.axes ?? {};
    run.goals = info.goals ?? {};
    run.summary = Object.fromEntries(Object.entries(info.summary ?? {}).map(([key, value]) => [key, NOT_NUMBERS.get(value) ?? value]));
    if (info.steps) run.step = Math.max(run.step, info.steps - 1);
    if (info.created_ms) run.t0 = Math.min(run.t0, info.created_ms);
    return run;
  }

  describeRuns(infos) {
    return [...infos].sort((a, b) => a.created_ms - b.created_ms || (a.id < b.id ? -1 : 1)).map((info) => this.describeRun(info));
  }

  // The curves of a run for a metric: one for each label of its writers.
  curves(run, metric) {
    return run.curves.get(metric) ?? [];
  }

  curve(run, metric, label) {
    let list = run.curves.get(metric);
    if (!list) run.curves.set(metric, (list = []));
    let series = list.find((one) => one.label === label);
    if (!series) list.push((series = new Series(label)));
    if (list.length > 1) this.several = true;
    return series;
  }

  // Returns our numbers of the metrics that changed. After a frame everything of a writer is held up to the highest
  // `last` in it: its mark. Blocks may lie between each other, so they are compared with the marks from before.
  // `asked` is the question for a stretch that is open; null when there is none.
  apply(frame, asked) {
    const touched = new Set();
    if (frame.kind === VIEW && frame.req !== asked?.req) return touched; // The answer to a question that was given up.
    const begun = new Set();
    const marks = new Map();
    for (const block of frame.blocks) {
      const link = this.link.writers.get(block.writer);
      if (!link) continue;
      const { run, writer } = link;
      if (frame.kind === DELTA && block.last <= writer.mark) continue;
      if (frame.kind !== VIEW) marks.set(writer, Math.max(block.last, marks.get(writer) ?? writer.mark));
      if (!block.n) continue;
      for (let k = 0; k < block.metrics.length; k++) {
        const metric = this.link.metrics.get(block.metrics[k]);
        if (metric === undefined) continue;
        touched.add(metric);
        const series = this.curve(run, metric, writer.label);
        if (frame.kind === VIEW) this.refine(series, block, k, begun, asked);
        else {
          if (frame.kind === SNAPSHOT && !begun.has(series)) {
            begun.add(series);
            series.reset();
            series.detail = null;
          }
          series.append(block.steps, block.times, block.values[k]);
          if (series.detail) this.coarse = this.extend(series.detail, block, k) || this.coarse;
        }
      }
      if (frame.kind === VIEW) continue;
      run.t0 = Math.min(run.t0, block.times[0]);
      run.t1 = Math.max(run.t1, block.times[block.n - 1]);
      run.step = Math.max(run.step, block.steps[block.n - 1]);
    }
    for (const [writer, mark] of marks) writer.mark = mark;
    // The flag is of all curves in the frame, and how many points are left out it does not say: of one that is held whole, none.
    if (frame.kind === VIEW && frame.flags & ENVELOPE) for (const series of begun) if (series.envelope) series.detail.total = Infinity;
    return touched;
  }

  // Take in how many points stand behind a snapshot that leaves some out; a curve may be of several writers.
  // Returns our numbers of the metrics that changed.
  count(points) {
    const totals = new Map();
    const touched = new Set();
    for (const [writer, number, n] of points) {
      const link = this.link.writers.get(writer);
      const metric = this.link.metrics.get(number);
      if (!link || metric === undefined) continue;
      touched.add(metric);
      const series = this.curve(link.run, metric, link.writer.label);
      totals.set(series, (totals.get(series) ?? 0) + n);
    }
    for (const [series, total] of totals) series.total = Math.max(series.total, total);
    return touched;
  }

  refine(series, block, k, begun, asked) {
    if (!begun.has(series)) {
      begun.add(series);
      series.detail = Object.assign(new Series(series.label, POINTS_MAX), { asked });
    }
    this.extend(series.detail, block, k);
  }

  // A stretch takes in what lies in it, and nothing else: with the newest points in it, it would be thinned from there to
  // here, until next to none were left of what was zoomed into. Also what answers a question has them behind it.
  extend(detail, block, k) {
    const [steps, times, values] = within(detail.asked, block, block.values[k]);
    return steps.length > 0 && detail.append(steps, times, values);
  }

  dropDetails() {
    for (const run of this.runs.values()) for (const list of run.curves.values()) for (const series of list) series.detail = null;
  }

  // By run and writer, the sequence up to which everything of the subscribed metrics is held.
  marks() {
    const marks = {};
    for (const run of this.runs.values()) {
      const held = {};
      for (const writer of run.writers.values()) if (writer.mark) held[writer.id] = writer.mark;
      if (Object.keys(held).length) marks[run.id] = held;
    }
    return marks;
  }

  // Let go of one run's points: the service will send them again.
  forget(id) {
    const run = this.runs.get(id);
    if (!run) return;
    run.curves.clear();
    Object.assign(run, { t0: run.created ?? Infinity, t1: 0, step: -1 }); // Another run may have its id by now.
    for (const writer of run.writers.values()) writer.mark = 0;
  }

  held() {
    let points = 0;
    for (const run of this.runs.values()) for (const list of run.curves.values()) for (const series of list) points += series.capacity + BARE_POINTS;
    return points;
  }

  // Let go of what a chart that is out of view was drawn from, beside its points.
  unpaint(metric) {
    for (const run of this.runs.values()) {
      for (const series of this.curves(run, metric)) {
        for (const one of [series, series.detail, series.byTime, series.past, series.byTime?.past]) if (one) one.traces = undefined;
        series.joined = undefined;
      }
    }
  }

  // Keep what is in view; of the rest, let the metrics go that were looked at longest ago.
  evict(inView, leastRecent) {
    for (const metric of leastRecent) {
      if (this.held() <= HELD_POINTS_MAX) return;
      if (!inView.has(metric)) for (const run of this.runs.values()) run.curves.delete(metric);
    }
  }
}
