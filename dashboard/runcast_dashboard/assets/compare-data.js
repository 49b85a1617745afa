// Runs that are compared, as values under dotted names, and the fields by which they can be laid out. Pure.

import { asNumber } from "./asking.js";
import { runColor } from "./colors.js";

const FIELDS_MAX = 2000;
const FEW = 6; // Different numbers that stand on an axis themselves.

export function flat(values, prefix = "", found = {}, depth = 0) {
  for (const [key, value] of Object.entries(values ?? {})) {
    if (value !== null && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length && depth < 20) flat(value, `${prefix}${key}.`, found, depth + 1);
    else found[`${prefix}${key}`] = value;
  }
  return found;
}

// Each run with `values`: a map from a field such as `config.lr` to its value, as numbers, words or null.
export function read(runs) {
  // As on the board: by order of creation.
  const order = [...runs].sort((a, b) => (a.created < b.created ? -1 : a.created > b.created ? 1 : a.id < b.id ? -1 : 1));
  const color = new Map(order.map((run, at) => [run.id, runColor(at)]));
  return runs.map((run) => {
    const values = new Map([["duration", run.duration], ["steps", run.steps]]);
    for (const group of ["config", "summary"]) {
      for (const [key, value] of Object.entries(flat(run[group]))) {
        const known = asNumber(value);
        values.set(`${group}.${key}`, known ?? (value === null ? null : typeof value === "string" ? value : JSON.stringify(value)));
      }
    }
    return { ...run, values, color: color.get(run.id) };
  });
}

// What there is, and of what kind: all numbers, or words of which some are different.
export function fields(runs) {
  const names = new Set(runs.flatMap((run) => [...run.values.keys()]));
  return [...names].slice(0, FIELDS_MAX).map((name) => {
    const held = runs.map((run) => run.values.get(name) ?? null);
    const known = held.filter((value) => value !== null);
    const numeric = known.length > 0 && known.every((value) => typeof value === "number");
    return { name, held, numeric, differs: new Set(held.map(String)).size > 1, finite: known.filter(Number.isFinite).length, words: new Set(known).size };
  });
}

export const short = (name) => name.replace(/^(config|summary)\./, "");
export const isOutcome = (name) => name.startsWith("summary.") && !name.startsWith("summary._");

// What runs are likely to be judged by comes first, and of that what most of them have.
export function outcomes(all) {
  const judged = /acc|loss|reward|score|f1|auc|bleu|error/i;
  return all.filter((one) => one.numeric && one.finite > 1 && isOutcome(one.name)).sort((a, b) => judged.test(b.name) - judged.test(a.name) || b.finite - a.finite);
}

// Where a value lies on an axis, from 0 to 1; null where it has no place.
export function axis(field) {
  const { held, numeric } = field;
  if (!numeric) {
    const words = [...new Set(held.filter((value) => value !== null).map(String))].sort();
    return { place: (value) => (value === null ? null : words.length < 2 ? 0.5 : words.indexOf(String(value)) / (words.length - 1)), ticks: words.slice(0, 40).map((word) => [word, words.length < 2 ? 0.5 : words.indexOf(word) / (words.length - 1)]), log: false };
  }
  const known = held.filter((value) => typeof value === "number" && Number.isFinite(value));
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const log = low > 0 && high / low > 50; // Learning rates and their like.
  const map = (value) => (log ? Math.log(value) : value);
  const span = map(high) - map(low) || 1;
  const place = (value) => (typeof value === "number" && Number.isFinite(value) ? (high > low ? (map(value) - map(low)) / span : 0.5) : null);
  const distinct = [...new Set(known)].sort((a, b) => a - b);
  const ticks = high > low && distinct.length <= FEW ? distinct.map((value) => [value, (map(value) - map(low)) / span]) : high > low ? [0, 0.25, 0.5, 0.75, 1].map((part) => [log ? Math.exp(map(low) + part * span) : low + part * span, part]) : [[low, 0.5]];
  return { place, ticks, log };
}
