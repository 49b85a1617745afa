// A curve by pixel columns: the lowest and highest value that its line has in each. As long as its points lie where they
// lay, new ones are added to it: to draw a curve again costs its columns, and not its points. It knows from which column on
// it changed since somebody painted it.

export class Trace {
  constructor(columns) {
    this.low = new Float64Array(columns);
    this.high = new Float64Array(columns);
    this.key = null;
    this.begin(null, 0);
  }

  begin(key, from) {
    this.low.fill(Infinity);
    this.high.fill(-Infinity);
    // `next` is the first point that is not in it; `open`, whether a line comes from the one before, and where that lies.
    Object.assign(this, { key, from, next: from, left: this.low.length, right: -1, open: false, X: 0, V: 0, changed: 0 });
  }

  // Be the line of points [from, to) of xs and ys, whose columns are x·kx+ox; values are decades when `log`. One that is not
  // finite breaks the line. `key` lists all that its points depend on, but for how many there are.
  // Of a curve that need not be exact, every `stride`th point will do.
  follow(key, xs, ys, from, to, { kx, ox, log }, stride = 1) {
    const same = key !== null && this.key !== null && key.every((part, i) => part === this.key[i]);
    if (!same || from !== this.from || to < this.next) this.begin(key, from);
    const { low, high } = this;
    const w = low.length;
    let { left, right, open, changed, X: X0, V: V0 } = this;
    let c0 = Math.floor(X0);
    for (let i = this.next; i < to; i += stride) {
      let v = ys[i];
      if (log) v = v > 0 ? Math.log10(v) : NaN;
      if (v - v !== 0) {
        open = false;
        continue;
      }
      const X = xs[i] * kx + ox;
      const c = Math.floor(X);
      if (open && c !== c0 && !(c < 0 && c0 < 0) && c0 < w) {
        const slope = (v - V0) / (X - X0);
        let k = Math.max(0, c0);
        let y = c0 < 0 ? V0 - X0 * slope : V0;
        if (k < left) left = k;
        if (k < changed) changed = k;
        for (; k < c && k < w; k++) {
          if (y < low[k]) low[k] = y;
          if (y > high[k]) high[k] = y;
          y = V0 + (k + 1 - X0) * slope;
          if (y < low[k]) low[k] = y;
          if (y > high[k]) high[k] = y;
        }
        if (k - 1 > right) right = k - 1;
        if (c < w) {
          if (y < low[c]) low[c] = y;
          if (y > high[c]) high[c] = y;
        }
      }
      if (c >= 0 && c < w) {
        if (v < low[c]) low[c] = v;
        if (v > high[c]) high[c] = v;
        if (c < left) left = c;
        if (c < changed) changed = c;
        if (c > right) right = c;
      }
      open = true;
      X0 = X;
      V0 = v;
      c0 = c;
    }
    Object.assign(this, { left, right, open, changed, X: X0, V: V0, next: Math.max(to, from) });
    return this;
  }
}
