// The ready-made charts of `plot.*`: a table's columns as lines, points, bars or a matrix. Drawn once, as SVG.

import { element } from "./dom.js";
import { runColor } from "./colors.js";
import { number } from "./format.js";

const WIDTH = 340;
const HEIGHT = 220;
const EDGE = { left: 40, right: 10, top: 10, bottom: 28 };
const POINTS_MAX = 5000;
const GROUPS_MAX = 20;
const BARS_MAX = 30;
const BINS = 24;

const DRAWERS = {
  "wandb/line/v0": (rows, f) => lines(rows, f.x, f.y, f.stroke),
  "wandb/lineseries/v0": (rows, f) => lines(rows, f.step, f.lineVal, f.lineKey),
  "wandb/area-under-curve/v0": (rows, f) => lines(rows, f.x, f.y, f.class),
  "wandb/scatter/v0": (rows, f) => points(rows, f.x, f.y),
  "wandb/bar/v0": (rows, f) => bars(rows.slice(0, BARS_MAX).map((row) => [row[f.label], Number(row[f.value])])),
  "wandb/histogram/v0": (rows, f) => bars(counted(rows.map((row) => Number(row[f.value])))),
  "wandb/confusion_matrix/v1": (rows, f) => matrix(rows, f.Actual, f.Predicted, f.nPredictions),
};

// Gives an element, or null for a chart that is not one of these: then its table is what there is.
export function preset({ preset: name, fields, strings }, { columns, data }) {
  if (!Object.hasOwn(DRAWERS, name) || !data.length) return null;
  const places = Object.fromEntries(Object.entries(fields ?? {}).map(([field, column]) => [field, columns.indexOf(column)]));
  const [shown, legend] = DRAWERS[name](data.slice(0, POINTS_MAX), places);
  return element("figure", "preset", element("figcaption", "", String(strings?.title ?? "")), shown, legend ?? "");
}

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const canvas = (...children) => svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" }, ...children);

function scale(values, from, to) {
  const finite = values.filter(Number.isFinite);
  const low = Math.min(...finite);
  const span = Math.max(...finite) - low || 1;
  const at = (value) => from + ((value - low) / span) * (to - from);
  return Object.assign(at, { low, high: low + span });
}

function framed(xs, ys) {
  const x = scale(xs, EDGE.left, WIDTH - EDGE.right);
  const y = scale(ys, HEIGHT - EDGE.bottom, EDGE.top);
  const text = (value, px, py, anchor) => svg("text", { x: px, y: py, "text-anchor": anchor }, number(value));
  const marks = [
    svg("path", { class: "axes", d: `M${EDGE.left} ${EDGE.top}V${HEIGHT - EDGE.bottom}H${WIDTH - EDGE.right}` }),
    text(x.low, EDGE.left, HEIGHT - 10, "start"), text(x.high, WIDTH - EDGE.right, HEIGHT - 10, "end"),
    text(y.low, EDGE.left - 5, HEIGHT - EDGE.bottom, "end"), text(y.high, EDGE.left - 5, EDGE.top + 8, "end"),
  ];
  return { x, y, marks };
}

function lines(rows, xAt, yAt, groupAt) {
  const groups = new Map();
  for (const row of rows) {
    const name = groupAt === undefined ? "" : String(row[groupAt]);
    if (!groups.has(name) && groups.size >= GROUPS_MAX) continue;
    groups.set(name, [...(groups.get(name) ?? []), [Number(row[xAt]), Number(row[yAt])]]);
  }
  const all = [...groups.values()].flat();
  const { x, y, marks } = framed(all.map(([px]) => px), all.map(([, py]) => py));
  const drawn = [...groups.values()].map((group, k) => svg("path", { class: "line", stroke: runColor(k),
    d: group.filter(([px, py]) => Number.isFinite(px) && Number.isFinite(py)).map(([px, py], at) => `${at ? "L" : "M"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`).join("") }));
  const names = [...groups.keys()];
  const legend = groupAt === undefined ? null : element("div", "legend", ...names.map((name, k) => {
    const one = element("span", "", name);
    one.style.setProperty("--run", runColor(k));
    return one;
  }));
  return [canvas(...marks, ...drawn), legend];
}

function points(rows, xAt, yAt) {
  const pairs = rows.map((row) => [Number(row[xAt]), Number(row[yAt])]).filter((pair) => pair.every(Number.isFinite));
  const { x, y, marks } = framed(pairs.map(([px]) => px), pairs.map(([, py]) => py));
  return [canvas(...marks, ...pairs.map(([px, py]) => svg("circle", { cx: x(px).toFixed(1), cy: y(py).toFixed(1), r: 2.5, fill: runColor(0) })))];
}

// Bars lie, so that their names can be read.
function bars(pairs) {
  const most = Math.max(...pairs.map(([, value]) => value).filter(Number.isFinite), 0) || 1;
  return [element("div", "bars", ...pairs.map(([name, value]) => {
    const bar = element("i");
    bar.style.width = `${Math.max(0, 100 * (value / most))}%`;
    const label = element("span", "", String(name));
    label.title = String(name);
    return element("div", "", label, element("div", "", bar), element("b", "", number(value)));
  }))];
}

function counted(values) {
  const finite = values.filter(Number.isFinite);
  if (!finite.length) return [];
  const low = Math.min(...finite);
  const width = (Math.max(...finite) - low) / BINS || 1;
  const counts = new Array(BINS).fill(0);
  for (const value of finite) counts[Math.min(BINS - 1, Math.floor((value - low) / width))]++;
  return counts.map((count, k) => [`${number(low + k * width)} …`, count]);
}

function matrix(rows, actualAt, predictedAt, countAt) {
  const names = [...new Set(rows.flatMap((row) => [String(row[actualAt]), String(row[predictedAt])]))].slice(0, BARS_MAX);
  const counts = new Map(rows.map((row) => [`${row[actualAt]}\n${row[predictedAt]}`, Number(row[countAt])]));
  const most = Math.max(...counts.values(), 1);
  const head = element("tr", "", element("th", "", "actual ↓ said →"), ...names.map((name) => element("th", "", name)));
  const body = names.map((actual) => element("tr", "", element("th", "", actual), ...names.map((said) => {
    const count = counts.get(`${actual}\n${said}`) ?? 0;
    const cell = element("td", "number", String(count));
    cell.style.setProperty("--part", `${Math.round((70 * count) / most)}%`);
    return cell;
  })));
  return [element("table", "matrix", head, ...body)];
}
