// Axes whose ends the reader said by hand, for single charts: one end or both. They are among the board's options,
// by metric: `{ y: [low, high], x: [low, high], axis }`, where null is an end that follows what is shown.

const OPEN = [null, null];

export function saidOf({ ranges }, name) {
  return ranges && Object.hasOwn(ranges, name) ? ranges[name] : null;
}

// The ends of y, as it is drawn: in decades on a logarithmic axis, which has no place for zero and below.
export const yEnds = (options, name) => drawn(saidOf(options, name)?.y ?? OPEN, options.log);

// The ends of x, if they were said of the axis along which the chart lies; null where there are none.
export function xEnds(options, name, axis, log) {
  const said = saidOf(options, name);
  if (!said?.x || said.axis !== axis) return null;
  const ends = drawn(said.x, log);
  return ends.some((end) => end !== null) ? ends : null;
}

const drawn = (ends, log) => (log ? ends.map((end) => (end > 0 ? Math.log10(end) : null)) : ends);

// A range with the ends that were said in place of its own; where all that is shown lies beyond, there is room for nothing.
export function bounded([low, high], [first, last]) {
  const [from, to] = [first ?? low, last ?? high];
  if (from < to) return [from, to];
  return first !== null ? [from, from + (Math.abs(from) * 0.1 || 1)] : [to - (Math.abs(to) * 0.1 || 1), to];
}

// The options' ranges with those of one chart, or without it where nothing of it was said.
export function withRange(ranges, name, said) {
  const left = Object.entries(ranges ?? {}).filter(([other]) => other !== name);
  return Object.fromEntries(said ? [...left, [name, said]] : left);
}
