// One curve: the points of one metric from one run (and one writer label), in order of step.
// It grows by doubling up to a bound, and then keeps what its picture needs: the first, lowest, highest and
// last point of each column. A NaN is kept: it was computed. A step logged again replaces what it said before.

import { reach, spread } from "./smoothing.js";

export const POINTS_MAX = 6400; // About 8 to a pixel of a wide chart; more could not be seen.
const COLUMNS = POINTS_MAX / 8; // What is left after thinning: 4 to a column, half of the bound.
const CAPACITY_MIN = 16; // Of a thousand short runs, most of what is more would stay empty.
const DRIFT = 0.04; // The shown span may change by this much before smoothing starts again.

// The first index whose value is above v.
export function upper(values, n, v) {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= v) low = middle + 1;
    else high = middle;
  }
  return low;
}

const FIELDS = ["x", "t", "y"];

export class Series {
  // Of a curve along something else than steps, which lies in `x` then, `s` are the steps.
  constructor(label = "", bound = POINTS_MAX, fields = FIELDS) {
    Object.assign(this, { label, bound, fields });
    this.detail = null; // The zoomed stretch at full resolution, another Series.
    this.allocate(CAPACITY_MIN);
    this.reset();
  }

  allocate(capacity) {
    const fresh = Object.fromEntries(this.fields.map((field) => [field, new Float64Array(capacity)]));
    fresh.sm = new Float32Array(capacity);
    if (this.x) for (const field of Object.keys(fresh)) fresh[field].set(this[field].subarray(0, this.n));
    Object.assign(this, fresh);
    this.capacity = capacity;
    this.smoothedBy = null;
  }

  reset() {
    this.n = 0;
    // Points behind the curve, as far as is known; above n when it shows an envelope, and Infinity where nobody counted them.
    this.total = 0;
    this.broken = 0; // How many of the values are NaN or infinite.
    this.timely = true; // Times rise with the places,
    this.stepwise = true; // and so do the steps.
    this.unsettled = -1;
    this.version = 0;
    this.edition = (this.edition ?? 0) + 1; // As long as it is the same, points were only added at the end.
    this.restartSmoothing();
  }

  get steps() {
    return this.s ?? this.x;
  }

  get envelope() {
    return this.total > this.n;
  }

  // Returns whether it became too long, and was thinned.
  append(steps, times, values) {
    const count = steps.length;
    if (this.n + count > this.capacity) {
      let capacity = this.capacity;
      while (capacity < this.n + count) capacity *= 2;
      this.allocate(capacity);
    }
    let { n } = this;
    let added = 0;
    for (let i = 0; i < count; i++) {
      const step = steps[i];
      if (n && step === this.x[n - 1]) {
        n--;
        this.edition++;
        if (!Number.isFinite(this.y[n])) this.broken--;
        if (this.smoothed > n) this.restartSmoothing();
      } else {
        added++;
        if (n && step < this.x[n - 1] && this.unsettled < 0) this.unsettled = n;
      }
      if (n && times[i] < this.t[n - 1]) this.timely = false;
      this.x[n] = step;
      this.t[n] = times[i];
      this.y[n] = values[i];
      if (!Number.isFinite(values[i])) this.broken++;
      n++;
    }
    this.n = n;
    this.total += added;
    this.version++;
    if (this.unsettled >= 0) this.settle();
    if (this.n <= this.bound) return false;
    this.thin();
    return true;
  }

  // Put what arrived out of order in its place; of two points with one step, the later arrival counts.
  settle() {
    let lowest = Infinity;
    for (let i = this.unsettled; i < this.n; i++) lowest = Math.min(lowest, this.x[i]);
    let from = upper(this.x, this.unsettled, lowest);
    while (from > 0 && this.x[from - 1] === lowest) from--;
    const order = Array.from({ length: this.n - from }, (_, i) => from + i).sort((p, q) => this.x[p] - this.x[q] || p - q);
    const keep = order.filter((at, i) => i + 1 === order.length || this.x[order[i + 1]] !== this.x[at]);
    this.total -= order.length - keep.length;
    this.take(keep, from);
    this.unsettled = -1;
  }

  thin() {
    const { x, y, n } = this;
    const start = x[0];
    const scale = COLUMNS / (x[n - 1] - start || 1);
    const keep = [];
    for (let i = 0; i < n; ) {
      const column = Math.floor((x[i] - start) * scale);
      const first = i;
      let low = -1;
      let high = -1;
      let broken = -1;
      for (; i < n && Math.floor((x[i] - start) * scale) === column; i++) {
        if (!Number.isFinite(y[i])) {
          if (broken < 0) broken = i;
        } else {
          if (low < 0 || y[i] < y[low]) low = i;
          if (high < 0 || y[i] > y[high]) high = i;
        }
      }
      const chosen = [first, low, high, broken, i - 1].filter((at) => at >= 0).sort((p, q) => p - q);
      for (const at of chosen) if (at !== keep[keep.length - 1]) keep.push(at);
    }
    this.take(keep, 0);
  }

  take(order, from) {
    for (const field of this.fields) {
      const picked = Float64Array.from(order, (at) => this[field][at]);
      this[field].set(picked, from);
    }
    this.n = from + order.length;
    this.count();
    this.version++;
    this.edition++;
    this.restartSmoothing();
  }

  // Put in one point more by its place, after those that have the same: a curve along another metric may go back.
  insert(point) {
    if (this.n === this.capacity) this.allocate(2 * this.capacity);
    const at = upper(this.x, this.n, point.x);
    if (at < this.n) {
      for (const field of this.fields) this[field].copyWithin(at + 1, at, this.n);
      this.edition++;
      this.restartSmoothing();
    }
    for (const field of this.fields) this[field][at] = point[field];
    if (!Number.isFinite(point.y)) this.broken++;
    this.n++;
    const rises = (values) => (at === 0 || values[at - 1] <= values[at]) && (at + 1 === this.n || values[at] <= values[at + 1]);
    this.timely &&= rises(this.t);
    this.stepwise &&= rises(this.steps);
    this.version++;
  }

  // See whether times and steps rise, and how many values are NaN or infinite.
  count() {
    const { steps } = this;
    this.timely = this.stepwise = true;
    this.broken = 0;
    for (let i = 0; i < this.n; i++) {
      if (i && this.t[i] < this.t[i - 1]) this.timely = false;
      if (i && steps[i] < steps[i - 1]) this.stepwise = false;
      if (!Number.isFinite(this.y[i])) this.broken++;
    }
  }

  restartSmoothing() {
    this.smoothings = (this.smoothings ?? 0) + 1; // As long as it is the same, smoothed values were only added at the end.
    this.smoothed = 0;
    this.average = { sum: 0, weight: 0 }; // Of all places before the last one,
    this.place = { start: 0, keep: 0, total: 0, count: 0 }; // and of what lies at that.
  }

  // As the kind says: "ema", or one that looks at the points to both sides, of the first n. The former is
  // a debiased moving average, weighted by distance in x in thousandths of the shown span: the same slider
  // position looks the same for 1,000 and 1,000,000 points, thinned or not. Extended as points arrive. Points at one place,
  // such as the rows of an epoch, are one there, their mean; of those that a replay is among, as many as had been logged.
  smooth(strength, axis, span, kind = "ema", n = this.n) {
    const xs = axis === "step" ? this.x : this.t;
    const key = `${kind} ${strength} ${axis}`;
    if (kind !== "ema") {
      const said = `${key} ${span} ${n} ${this.version}`;
      if (this.smoothedBy !== said) this.smoothings++;
      if (this.smoothedBy !== said) this.sm.set(spread(xs, this.y, n, reach(strength, kind, span), kind));
      this.smoothedBy = said;
      this.smoothed = n;
      return;
    }
    if (this.smoothedBy !== key || !(Math.abs(span / this.span - 1) < DRIFT)) {
      this.restartSmoothing();
      this.smoothedBy = key;
      this.span = span;
    }
    const end = n < this.n && n > 0 && !(xs[n] > xs[n - 1]) ? n : this.n;
    if (this.smoothed > end) this.restartSmoothing();
    const rate = (Math.log(strength) * 1000) / this.span;
    const { sm, y } = this;
    let { sum, weight } = this.average;
    let { start, keep, total, count } = this.place;
    let lastGap = -1;
    // The values of a place that is still growing change with it.
    if (this.smoothed > 0 && this.smoothed < end && !(xs[this.smoothed] > xs[this.smoothed - 1])) this.smoothings++;
    for (let i = this.smoothed; i < end; i++) {
      if (!i || xs[i] > xs[i - 1]) {
        if (count) {
          sum = keep * sum + (1 - keep) * (total / count);
          weight = keep * weight + 1 - keep;
        }
        [start, total, count] = [i, 0, 0];
        const gap = i ? Math.min(xs[i] - xs[i - 1], this.span) : 0;
        if (gap !== lastGap) {
          lastGap = gap;
          keep = i ? Math.exp(rate * gap) : strength;
        }
      }
      const v = y[i];
      sm[i] = v;
      if (Number.isFinite(v)) {
        total += v;
        count++;
      }
      if (i + 1 < end && !(xs[i + 1] > xs[i])) continue;
      const known = keep * weight + 1 - keep;
      const mean = known > 1e-12 ? (keep * sum + (1 - keep) * (total / count)) / known : total / count;
      for (let k = start; k <= i; k++) if (Number.isFinite(y[k])) sm[k] = mean;
    }
    Object.assign(this, { average: { sum, weight }, place: { start, keep, total, count }, smoothed: end });
  }

  // The curve as an axis wants it: by step, or by time when a step went back.
  along(axis) {
    if (axis === "step" || this.timely) return this;
    if (this.byTime?.version !== this.version) {
      const order = Array.from({ length: this.n }, (_, i) => i).sort((p, q) => this.t[p] - this.t[q]);
      this.byTime = this.picked(order);
      this.byTime.version = this.version;
    }
    return this.byTime;
  }

  // What had been logged at time T: the curve, and how many of its points.
  until(axis, T) {
    const curve = this.along(axis);
    return curve.before(curve.t, curve.timely, T);
  }

  // What was logged up to a step, whenever that was: the curve, and how many of its points.
  upTo(axis, step) {
    const curve = this.along(axis);
    return curve.before(curve.steps, curve.stepwise, step);
  }

  // The points of which what is asked is not above a limit; `rising` says that they are the first of the curve.
  before(values, rising, limit) {
    if (limit === Infinity) return [this, this.n];
    if (rising) return [this, upper(values, this.n, limit)];
    const { past } = this;
    if (past?.version !== this.version || past.values !== values || past.limit !== limit) {
      const kept = Array.from({ length: this.n }, (_, i) => i).filter((i) => values[i] <= limit);
      this.past = Object.assign(this.picked(kept), { version: this.version, values, limit });
    }
    return [this.past, this.past.n];
  }

  picked(order) {
    const copy = new Series(this.label, Infinity, this.fields);
    copy.fill(Object.fromEntries(this.fields.map((field) => [field, order.map((at) => this[field][at])])));
    return copy;
  }

  // Be these points and no others; they are in their order.
  fill(points) {
    const { version } = this;
    const { length } = points.x;
    this.reset();
    this.version = version + 1;
    if (length > this.capacity) this.allocate(length);
    for (const field of this.fields) this[field].set(points[field]);
    this.n = this.total = length;
    this.count();
  }
}
