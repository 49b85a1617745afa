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
  // that every column depends on, or null when that cannot be said; of the strokes, traces know where they changed. A mark
  // reaches over `spill` columns to the left of the point that it stands on.
  since(frame, strokes, columns, spill) {
    const last = this.frame;
    let first = frame && last && strokes.length === this.strokes.length && frame.every((part, i) => part === last[i]) ? columns : 0;
    strokes.forEach((stroke, k) => {
      first = Math.min(first, stroke.trace.changed - spill);
      if (first > 0 && !alike(stroke, this.strokes[k])) first = 0;
      stroke.trace.changed = Infinity;
    });
    Object.assign(this, { frame, strokes });
    for (let before = Infinity; first < before && first > 0; ) {
      before = first;
      for (const { dot } of strokes) if (Math.abs(dot - first) < spill) first = dot - spill;
    }
    return Math.max(0, Math.floor(first));
  }
}
