// Where the ticks of a chart's axes stand, and what they say.

import { metricOf, timed } from "./axis.js";
import { elapsedTick, niceGap, tick, timeGap, wallTick } from "./format.js";

const TICKS_MAX = 200; // No axis is so long.
const HOUR_MS = 3_600_000;

// Between ticks of a logarithmic axis: whole decades, where it has some.
export const logGap = (gap, decades) => (decades > 1 ? Math.max(1, Math.round(gap)) : Math.max(gap, Math.log10(2)));

// The multiples of a gap, from `low` to `high`. Where the gap is nothing beside the values, they end with the first.
function* multiples(low, high, gap) {
  const first = Math.ceil(low / gap);
  for (let i = 0, before = NaN; i < TICKS_MAX; i++) {
    const at = (first + i) * gap;
    if (!(at <= high) || at === before) return;
    yield at;
    before = at;
  }
}

export function* yTicks({ low, high, gap, log }) {
  const hair = gap * 1e-9; // An end that was said is often a tick, but for the last digit.
  for (const at of multiples(low - hair, high + hair, gap)) yield { at, text: log ? tick(10 ** at) : tick(at, gap) };
}

export function* xTicks(axis, [low, high], width, log) {
  const nice = niceGap(high - low, Math.max(2, width / 80));
  const gap = log ? logGap(nice, high - low) : !timed(axis) ? Math.max(metricOf(axis) === null ? 1 : 0, nice) : timeGap(high - low, width / (axis === "wall" ? 76 : 64));
  // Whole days begin at local midnight, not at Greenwich's.
  const shift = axis === "wall" && gap >= HOUR_MS ? new Date(low).getTimezoneOffset() * 60_000 : 0;
  for (const multiple of multiples(low - shift, high - shift, gap)) {
    const v = multiple + shift;
    yield { at: v, text: log ? tick(10 ** v) : !timed(axis) ? tick(v, gap) : axis === "rel" ? elapsedTick(v) : wallTick(v, gap) };
  }
}
