// A histogram as bars. Where its bins are not equally wide a bar's area says how many values fell into it.

import { element } from "./dom.js";
import { number, whole } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const HIGH = 100;
const BINS_MAX = 2048;

// How many values fell into each bin, and between which edges; raises TypeError for what is none.
export function counted({ values, bins }) {
  if (!(Array.isArray(values) && Array.isArray(bins) && values.length > 0 && values.length <= BINS_MAX && bins.length === values.length + 1)) throw new TypeError("no histogram");
  if (![...values, ...bins].every(Number.isFinite)) throw new TypeError("no histogram");
  return { values, bins, total: values.reduce((sum, value) => sum + value, 0) };
}

export function distribution(value) {
  const { values, bins, total } = counted(value);
  const [low, high] = [bins[0], bins.at(-1)];
  const even = (high - low) / values.length || 1;
  const heights = values.map((count, k) => (count * even) / (bins[k + 1] - bins[k] || even));
  const most = Math.max(...heights, Number.MIN_VALUE);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${values.length} ${HIGH}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${whole(total)} values from ${number(low)} to ${number(high)}, half of them below ${number(median(values, bins, total))}`);
  const across = (edge) => (values.length * (edge - low)) / (high - low || 1);
  heights.forEach((height, k) => {
    const bar = svg.appendChild(document.createElementNS(SVG, "rect"));
    const place = { x: across(bins[k]), width: Math.max(0, across(bins[k + 1]) - across(bins[k])), y: HIGH - (HIGH * height) / most, height: (HIGH * height) / most };
    for (const [name, to] of Object.entries(place)) bar.setAttribute(name, to.toFixed(3));
    const words = bar.appendChild(document.createElementNS(SVG, "title"));
    words.textContent = `${number(bins[k])} to ${number(bins[k + 1])}: ${whole(values[k])}`;
  });
  const ends = element("div", "ends", element("span", "", number(low)), element("span", "muted", `${whole(total)} values`), element("span", "", number(high)));
  return element("div", "distribution", svg, ends);
}

// Below which edge half of the values lie, as if those of a bin were spread evenly over it.
function median(values, bins, total) {
  let left = total / 2;
  for (let k = 0; k < values.length; k++) {
    if (values[k] > 0 && left <= values[k]) return bins[k] + (left / values[k]) * (bins[k + 1] - bins[k]);
    left -= values[k];
  }
  return bins.at(-1);
}
