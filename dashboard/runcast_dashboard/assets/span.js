// Column-span rasterizer: a line that is a function of x is one vertical span in each pixel column. It writes into
// a framebuffer of 32-bit pixels, so it needs no GPU, no paths and no library, and costs the same on every machine.
// Only the vertical direction is antialiased. The framebuffer lies column by column, as it is painted; a picture is
// made of it when all is painted.

const FAR = 1e4; // Pixels; what lies beyond is outside of any chart.
const FILLED_MIN = 24; // Of fewer pixels the call takes longer than they do.

const spans = new Map(); // By size: charts of one size share one, as each is painted and handed over at once.

export function framebuffer(width, height) {
  const key = `${Math.round(width)}×${Math.round(height)}`;
  if (!spans.has(key)) {
    if (spans.size > 8) spans.clear(); // Sizes come and go with the window.
    spans.set(key, new Span(width, height));
  }
  return spans.get(key);
}

export class Span {
  constructor(width, height) {
    this.resize(width, height);
  }

  resize(width, height) {
    const w = Math.max(1, Math.round(width));
    const h = Math.max(1, Math.round(height));
    if (w === this.w && h === this.h) return;
    this.w = w;
    this.h = h;
    this.image = new ImageData(w, h);
    this.rows = new Uint32Array(this.image.data.buffer);
    this.pixels = new Uint32Array(w * h);
    this.low = new Float32Array(w);
    this.high = new Float32Array(w);
  }

  // Each of these may leave out the columns before `since`.
  clear(color, since = 0) {
    this.pixels.fill(color, since * this.h);
  }

  horizontal(y, color, since = 0) {
    const row = Math.floor(y);
    if (row >= 0 && row < this.h) for (let at = since * this.h + row; at < this.pixels.length; at += this.h) this.pixels[at] = color;
  }

  picture(since = 0) {
    const { w, h, rows, pixels } = this;
    for (let row = 0; row < h; row++) for (let k = since, at = since * h + row, to = row * w + since; k < w; k++, at += h) rows[to++] = pixels[at];
    return this.image;
  }

  // A curve by columns; y·ky+oy are pixels, of decades where its values are. `half` is half the thickness, `alpha` its opacity.
  trace({ low, high, left, right }, { ky, oy }, color, half, alpha, since = 0) {
    const from = Math.max(left, since);
    for (let k = from; k <= right; k++) {
      this.low[k] = Math.max(-FAR, high[k] * ky + oy);
      this.high[k] = Math.min(FAR, low[k] * ky + oy);
    }
    this.paint(from, right, color, half, alpha);
  }

  // The area between two lines with the same xs. Where either is not finite, there is none; one whose low has no place on a
  // logarithmic axis, and its high has, reaches to the lower edge.
  band(xs, lows, highs, n, { kx, ox, ky, oy, log }, color, alpha) {
    const { w, h, low, high } = this;
    low.fill(1e9);
    high.fill(-1e9);
    const place = (v) => Math.min(FAR, Math.max(-FAR, (log ? (v > 0 ? Math.log10(v) : NaN) : v) * ky + oy));
    let X0 = 0;
    let top0 = NaN;
    let end0 = NaN;
    for (let i = 0; i < n; i++) {
      const X = xs[i] * kx + ox;
      const top = place(highs[i]);
      const end = log && lows[i] <= 0 ? h : place(lows[i]);
      if (top - top === 0 && end - end === 0) {
        const c = Math.floor(X);
        if (top0 - top0 === 0) {
          // Columns are where their middle is.
          for (let k = Math.max(0, Math.floor(X0) + 1); k <= c && k < w; k++) {
            const part = X > X0 ? Math.min(1, (k + 0.5 - X0) / (X - X0)) : 1;
            const y = top0 + (top - top0) * part;
            const z = end0 + (end - end0) * part;
            if (y < low[k]) low[k] = y;
            if (z > high[k]) high[k] = z;
          }
        } else if (c >= 0 && c < w) {
          low[c] = Math.min(low[c], top);
          high[c] = Math.max(high[c], end);
        }
      }
      X0 = X;
      top0 = top;
      end0 = end;
    }
    this.paint(0, w - 1, color, 0, alpha);
  }

  paint(left, right, color, half, alpha) {
    const { h, low, high, pixels } = this;
    const solid = (0xff000000 | color) >>> 0;
    const redBlue = color & 0xff00ff;
    const green = color & 0x00ff00;
    // In parts of 256, two channels at once.
    const blend = (at, cover) => {
      const part = (cover * 256 + 0.5) | 0;
      const rest = 256 - part;
      const under = pixels[at];
      pixels[at] = 0xff000000 | (((Math.imul(redBlue, part) + Math.imul(under & 0xff00ff, rest)) >>> 8) & 0xff00ff) | (((Math.imul(green, part) + Math.imul(under & 0x00ff00, rest)) >>> 8) & 0x00ff00);
    };
    for (let k = left; k <= right; k++) {
      if (low[k] > high[k]) continue;
      const top = Math.max(0, low[k] - half);
      const end = Math.min(h, high[k] + half);
      if (end < 0 || top > h) continue;
      const column = k * h;
      const first = top | 0;
      const last = Math.min(h - 1, end | 0);
      if (first > last) continue;
      if (first === last) {
        blend(column + first, (Math.min(end, first + 1) - top) * alpha);
        continue;
      }
      blend(column + first, (1 - top + first) * alpha);
      if (alpha > 0.98 && last - first > FILLED_MIN) pixels.fill(solid, column + first + 1, column + last);
      else if (alpha > 0.98) for (let at = column + first + 1; at < column + last; at++) pixels[at] = solid;
      else for (let at = column + first + 1; at < column + last; at++) blend(at, alpha);
      blend(column + last, Math.min(1, end - last) * alpha);
    }
  }
}
