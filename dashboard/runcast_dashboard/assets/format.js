// Numbers, times and axis ticks in words. Pure; the page and the worker share it.

const two = (n) => String(n).padStart(2, "0");

// A value in a list: four figures, and NaN by its name.
export function number(v, figures = 4) {
  if (v === null || v === undefined) return "–";
  if (Number.isNaN(v)) return "NaN";
  if (!Number.isFinite(v)) return v > 0 ? "∞" : "−∞";
  const size = Math.abs(v);
  if (size >= 1e15) return minus(v.toExponential(2));
  if (size >= 1e9) return minus(`${(v / 1e9).toPrecision(figures)}G`);
  if (size >= 1e6) return minus(`${(v / 1e6).toPrecision(figures)}M`);
  if (size >= 1e5) return minus(`${(v / 1e3).toPrecision(figures)}k`);
  if (size < 1e-3 && size > 0) return minus(v.toExponential(figures - 2));
  return minus(String(+v.toPrecision(figures)));
}

const EXPONENT_FROM = 1e21; // From there on JavaScript writes one.

// A value to its last digit. Of one that was a float32, those that tell it from its neighbours: the rest were not there. A
// whole number is what it is: steps and counts of bytes are often a float32, too.
export function exact(v) {
  if (!Number.isFinite(v)) return number(v);
  if (Number.isInteger(v) && Math.abs(v) < EXPONENT_FROM) return minus(String(BigInt(v)));
  for (let figures = 1; figures < 9 && Math.fround(v) === v; figures++) {
    const short = Number(v.toPrecision(figures));
    if (Math.fround(short) === v) return minus(String(short));
  }
  return minus(String(v));
}

const minus = (text) => text.replaceAll("-", "−");

export function bytes(n) {
  for (const [unit, name] of [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]) if (n >= unit) return `${(n / unit).toPrecision(3)} ${name}`;
  return `${n} B`;
}

export const whole = (n) => Math.round(n).toLocaleString("en");

// A label of the y axis or of steps: as short as it can be.
export function tick(v, gap = 0) {
  const size = Math.abs(v);
  if (size < gap / 1e6 || v === 0) return "0";
  if (size >= 1e15 || size < 1e-3) return minus(v.toExponential(size < 1e-3 && gap && gap < size / 2 ? 1 : 0).replace("e+", "e"));
  for (const [unit, name] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (size >= unit) return minus(`${digits(v / (name === "k" ? 1e3 : unit), gap / (name === "k" ? 1e3 : unit))}${name}`);
  }
  return minus(digits(v, gap));
}

// As many decimals as the gap between two ticks needs.
function digits(v, gap) {
  if (!gap) return String(+v.toPrecision(3));
  return String(+v.toFixed(Math.max(0, Math.min(6, Math.ceil(-Math.log10(gap) + 0.3)))));
}

// The largest of 1, 2, 5 × 10ⁿ that cuts the span in about `parts`.
export function niceGap(span, parts) {
  const raw = span / parts;
  const power = 10 ** Math.floor(Math.log10(raw));
  const figure = raw / power;
  return (figure < 1.41 ? 1 : figure < 3.16 ? 2 : figure < 7.07 ? 5 : 10) * power;
}

const SECOND = 1e3;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIME_GAPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500], ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND), ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR), ...[1, 2, 7, 14, 30, 90, 365].map((n) => n * DAY),
];

export const timeGap = (span, parts) => TIME_GAPS.find((gap) => span / gap < parts) ?? TIME_GAPS.at(-1);

// A tick of elapsed time: "850ms", "5s", "2m", "1h30".
export function elapsedTick(ms) {
  if (ms === 0) return "0";
  if (ms % SECOND) return `${+(ms / SECOND).toFixed(3)}s`;
  const s = Math.round(ms / SECOND);
  const d = Math.floor(s / 86400);
  const h = Math.floor(s / 3600) % 24;
  const m = Math.floor(s / 60) % 60;
  if (d) return h ? `${d}d${h}h` : `${d}d`;
  if (h) return m ? `${h}h${two(m)}` : `${h}h`;
  if (m) return s % 60 ? `${m}m${two(s % 60)}` : `${m}m`;
  return `${s}s`;
}

// A tick of the wall clock, as fine as the gap asks.
export function wallTick(ms, gap) {
  const date = new Date(ms);
  if (gap >= DAY) return date.toLocaleDateString("en", { month: "short", day: "numeric" });
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return gap >= MINUTE ? clock : `${clock}:${two(date.getSeconds())}`;
}

export const clockTime = (ms) => new Date(ms).toTimeString().slice(0, 8);

export const dateTime = (ms) => `${new Date(ms).toLocaleDateString("en", { day: "numeric", month: "short", year: "numeric" })}, ${clockTime(ms)}`;

// A duration as a clock: "0:07", "12:05", "3:00:12", "2d 4:00:00".
export function duration(ms) {
  const s = Math.max(0, Math.round(ms / SECOND));
  const d = Math.floor(s / 86400);
  const h = Math.floor(s / 3600) % 24;
  const m = Math.floor(s / 60) % 60;
  const rest = `${h || d ? `${h}:${two(m)}` : m}:${two(s % 60)}`;
  return d ? `${d}d ${rest}` : rest;
}
