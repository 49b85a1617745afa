// Histograms side by side, the oldest to the left: each column is one, the darker the more of its values lie there.

import { counted } from "./distribution.js";
import { element, write } from "./dom.js";
import { number } from "./format.js";

const ROWS = 48;
const STRAY = 0.05; // So many of the columns may reach over the ends: one that exploded leaves the others readable.

export class Heat {
  constructor(onChoose) {
    this.canvas = element("canvas");
    this.mark = element("i", "heat-mark");
    [this.high, this.low] = [element("span", "heat-end"), element("span", "heat-end low")];
    this.root = element("div", "heat", this.canvas, this.mark, this.high, this.low);
    this.root.hidden = true;
    this.root.setAttribute("aria-hidden", "true"); // The slider below it says and does the same.
    this.root.onclick = ({ clientX }) => {
      const { left, width } = this.root.getBoundingClientRect();
      onChoose(Math.min(this.columns - 1, Math.max(0, Math.floor((this.columns * (clientX - left)) / width))));
    };
    this.columns = 0;
  }

  draw(all) {
    this.columns = all.length;
    this.root.hidden = all.length < 2;
    if (this.root.hidden) return;
    const columns = all.map(readable);
    const [low, high] = ends(columns.filter(Boolean));
    const pixels = new ImageData(columns.length, ROWS);
    const [red, green, blue] = getComputedStyle(this.root).color.match(/[\d.]+/g).map(Number);
    columns.forEach((column, x) => {
      if (!column) return;
      shares(column, low, high).forEach((share, row) => pixels.data.set([red, green, blue, 255 * Math.sqrt(share)], 4 * ((ROWS - 1 - row) * columns.length + x)));
    });
    Object.assign(this.canvas, { width: columns.length, height: ROWS });
    this.canvas.getContext("2d").putImageData(pixels, 0, 0);
    write(this.high, number(high, 3));
    write(this.low, number(low, 3));
  }

  // Mark the column that is shown above.
  point(at, columns) {
    this.mark.hidden = at < 0;
    this.mark.style.left = `${(100 * (at + 0.5)) / Math.max(1, columns)}%`;
  }
}

function readable(value) {
  try {
    return counted(value);
  } catch {
    return null; // Its own exhibit says so.
  }
}

function ends(columns) {
  const lows = columns.map(({ bins }) => bins[0]).sort((a, b) => a - b);
  const highs = columns.map(({ bins }) => bins.at(-1)).sort((a, b) => a - b);
  const stray = Math.floor(STRAY * columns.length);
  const [low, high] = [lows[stray] ?? 0, highs.at(-1 - stray) ?? 1];
  return high > low ? [low, high] : [low - 0.5, low + 0.5];
}

// What part of a histogram lies in each row, against its fullest row: a bin's values are spread evenly over its width.
function shares({ values, bins }, low, high) {
  const rows = new Float64Array(ROWS);
  const place = (edge) => (ROWS * (edge - low)) / (high - low);
  values.forEach((count, k) => {
    const [from, to] = [place(bins[k]), place(bins[k + 1])];
    if (to <= 0 || from >= ROWS || !count) return;
    const width = to - from || 1;
    for (let row = Math.max(0, Math.floor(from)); row < Math.min(ROWS, Math.ceil(Math.max(to, from + 1e-9))); row++) {
      rows[row] += (count * Math.max(Math.min(to, row + 1) - Math.max(from, row), to > from ? 0 : 1)) / width;
    }
  });
  const most = rows.reduce((found, row) => Math.max(found, row), 0) || 1;
  return rows.map((row) => row / most);
}
