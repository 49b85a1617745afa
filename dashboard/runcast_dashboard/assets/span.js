// Column-span rasterizer: a line that is a function of x is one vertical span in each pixel column. It writes into
// a framebuffer of 32-bit pixels, so it needs no GPU, no paths and no library, and costs the same on every machine.
// Only the vertical direction is antialiased. The framebuffer lies column by column, as it is painted; a picture is
// made of it when all is painted.

const FAR = 1e4; // Pixels; what lies beyond is outside of any chart.

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

  clear(color) {
    this.pixels.fill(color);
  }

  horizontal(y, color) {
    const row = Math.floor(y);
    if (row >= 0 && row < this.h) for (let at = row; at < this.pixels.length; at += this.h) this.pixels[at] = color;
  }

  picture() {
    const { w, h, rows, pixels } = this;
    for (let row = 0, to = 0; row < h; row++) for (let k = 0, at = row; k < w; k++, at += h) rows[to++] = pixels[at];
    return this.image;
  }

  // A curve by columns; y·ky+oy are pixels, of decades where its values are. `half` is half the thickness, `alpha` its opacity.
  trace({ low, high, left, right }, { ky, oy }, color, half, alpha) {
    for (let k = left; k <= right; k++) {
      this.low[k] = Math.max(-FAR, high[k] * ky + oy);
      this.high[k] = Math.min(FAR, low[k] * ky + oy);
    }
    this.paint(left, right, color, half, alpha);
  }

  // The area between two lines with the same xs. Where either is not finite, there is none.
  band(xs, lows, highs, n, { kx, ox, ky, oy, log }, color, alpha) {
    const { w, low, high } = this;
    low.fill(1e9);
    high.fill(-1e9);
    const place = (v) => Math.min(1e4, Math.max(-1e4, (log ? (v > 0 ? Math.log10(v) : NaN) : v) * ky + oy));
    let X0 = 0;
    let top0 = NaN;
    let end0 = NaN;
    for (let i = 0; i < n; i++) {
      const X = xs[i] * kx + ox;
      const top = place(highs[i]);
      const end = place(lows[i]);
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
    const red = color & 255;
    const green = (color >> 8) & 255;
    const blue = (color >> 16) & 255;
    const solid = (0xff000000 | color) >>> 0;
    const blend = (at, cover) => {
      if (cover <= 0.02) return;
      const under = pixels[at];
      const r = under & 255;
      const g = (under >> 8) & 255;
      const b = (under >> 16) & 255;
      pixels[at] = cover > 0.98 ? solid : (0xff000000 | ((b + (blue - b) * cover) << 16) | ((g + (green - g) * cover) << 8) | (r + (red - r) * cover)) >>> 0;
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
      if (alpha > 0.98) pixels.fill(solid, column + first + 1, column + last);
      else for (let at = column + first + 1; at < column + last; at++) blend(at, alpha);
      blend(column + last, Math.min(1, end - last) * alpha);
    }
  }
}
