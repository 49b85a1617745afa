// What a chart's picture was painted from, so that of the next one only the columns that differ are painted: a point more
// on each of a hundred curves changes the last of three hundred columns.

const alike = (p, q) => p.trace === q.trace && p.color === q.color && p.half === q.half && p.alpha === q.alpha && Number.isNaN(p.dot) === Number.isNaN(q.dot);

export class Painted {
  constructor() {
    this.forget();
  }

  // Nothing of it is on the canvas any more.
  forget() {
    this.frame = null;
    this.strokes = [];
  }

  // The first of a picture's columns that differs from what was painted last; there are `columns` of them. `frame` is all
  // that every column depends on, or null when that cannot be said; of the strokes, traces know where they changed. The dot at a
  // stroke's end reaches over `spill` columns to both sides, and is painted whole or not at all.
  since(frame, strokes, columns, spill) {
    const { frame: last, strokes: painted } = this;
    const same = frame && last && frame.every((part, i) => part === last[i]) && strokes.length === painted.length && strokes.every((stroke, k) => alike(stroke, painted[k]));
    let first = same ? columns : 0;
    const include = (column) => {
      if (column - spill < first) first = column - spill; // It may be NaN.
    };
    strokes.forEach(({ trace, dot }, k) => {
      include(trace.changed);
      // A dot may go on over what has no line, such as values that a logarithmic axis has no place for.
      if (same && dot !== painted[k].dot) [dot, painted[k].dot].forEach(include);
      trace.changed = Infinity;
    });
    Object.assign(this, { frame, strokes });
    for (let before = Infinity; first < before && first > 0; ) {
      before = first;
      for (const { dot } of strokes) if (Math.abs(dot - first) < spill) first = dot - spill;
    }
    return Math.max(0, Math.floor(first));
  }
}
