// How much each thing that runs were given says about what came out of them. Pure, and the same every time.
//
// Importance is by permutation: a forest of random trees (Geurts' extremely randomised ones) learns the outcome from the
// config, each tree from a part of the runs; then one key is shuffled, and what the forest's guesses about the runs that
// a tree has not seen lose by that is the key's. Beside it stands Spearman's correlation, which has a direction.

import { apart, clipped } from "./names.js";

const TREES = 120;
const LEAF_MIN = 3;
const DEPTH_MAX = 8;
const SHUFFLES = 3;
export const RUNS_MIN = 8; // Of fewer nothing can be said.
const NAME_MAX = 80; // Characters of a key in a sentence.

// A small generator of random numbers with a seed (mulberry32): the figures must not change while somebody reads.
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Ranks from 0 to 1; equal values share theirs. Outcomes of any scale, with outliers, become comparable.
export function ranks(values) {
  const order = values.map((value, at) => [value, at]).sort(([a], [b]) => a - b);
  const found = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to < order.length && order[to][0] === order[from][0]) to++;
    for (let at = from; at < to; at++) found[order[at][1]] = (from + to - 1) / 2 / Math.max(1, order.length - 1);
    from = to;
  }
  return found;
}

export function correlation(a, b) {
  const mean = (list) => list.reduce((sum, one) => sum + one, 0) / list.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    ab += (a[at] - ma) * (b[at] - mb);
    aa += (a[at] - ma) ** 2;
    bb += (b[at] - mb) ** 2;
  }
  return aa && bb ? ab / Math.sqrt(aa * bb) : 0;
}

function grow(columns, target, members, depth, random) {
  let sum = 0;
  for (const at of members) sum += target[at];
  const leaf = { value: sum / members.length };
  if (depth >= DEPTH_MAX || members.length < 2 * LEAF_MIN) return leaf;
  let best = null;
  for (let k = 0; k < columns.length; k++) {
    const column = columns[k];
    let [low, high] = [Infinity, -Infinity];
    for (const at of members) {
      if (column[at] < low) low = column[at];
      if (column[at] > high) high = column[at];
    }
    if (!(high > low)) continue;
    const cut = low + random() * (high - low);
    let [left, right, n] = [0, 0, 0];
    for (const at of members) {
      if (column[at] <= cut) {
        left += target[at];
        n++;
      } else right += target[at];
    }
    const rest = members.length - n;
    if (n < LEAF_MIN || rest < LEAF_MIN) continue;
    const gain = left ** 2 / n + right ** 2 / rest; // The larger, the more the two halves differ.
    if (!best || gain > best.gain) best = { gain, k, cut };
  }
  if (!best) return leaf;
  const { k, cut } = best;
  return {
    k, cut,
    left: grow(columns, target, members.filter((at) => columns[k][at] <= cut), depth + 1, random),
    right: grow(columns, target, members.filter((at) => columns[k][at] > cut), depth + 1, random),
  };
}

function guess(tree, columns, at, swapped = -1, instead = at) {
  let node = tree;
  while (node.left) node = columns[node.k][node.k === swapped ? instead : at] <= node.cut ? node.left : node.right;
  return node.value;
}

// `keys` have a name and a value of each run, numbers or words; `outcome` is a number for each run.
// Returns what the forest explains of the outcome, from 0 to 1, and each key with its share and its correlation.
export function importance(keys, outcome) {
  const n = outcome.length;
  const random = generator(n * 7919 + keys.length);
  const target = ranks(outcome);
  const named = keys.map(({ name, values }) => ({ name, ...encode(values, target) }));
  const columns = named.map(({ column }) => column);
  const everybody = Array.from({ length: n }, (_, at) => at);
  const trees = Array.from({ length: TREES }, () => {
    const unseen = new Set(everybody.filter(() => random() < 0.35));
    const seen = everybody.filter((at) => !unseen.has(at));
    return { root: grow(columns, target, seen.length ? seen : everybody, 0, random), unseen: [...unseen] };
  });
  const error = (swapped = -1, order = everybody) => {
    const sums = new Float64Array(n);
    const counts = new Float64Array(n);
    for (const { root, unseen } of trees) {
      for (const at of unseen) {
        sums[at] += guess(root, columns, at, swapped, order[at]);
        counts[at]++;
      }
    }
    let total = 0;
    let held = 0;
    for (let at = 0; at < n; at++) {
      if (!counts[at]) continue;
      total += (target[at] - sums[at] / counts[at]) ** 2;
      held++;
    }
    return total / Math.max(1, held);
  };
  const mean = target.reduce((sum, one) => sum + one, 0) / n;
  const spread = target.reduce((sum, one) => sum + (one - mean) ** 2, 0) / n || 1;
  const plain = error();
  const losses = columns.map((_, k) => {
    let loss = 0;
    for (let turn = 0; turn < SHUFFLES; turn++) loss += error(k, shuffled(everybody, random)) - plain;
    return Math.max(0, loss / SHUFFLES / spread);
  });
  const whole = losses.reduce((sum, one) => sum + one, 0) || 1;
  return {
    explained: Math.max(0, 1 - plain / spread),
    keys: named.map(({ name, numeric, column }, k) => ({ name, share: losses[k] / whole, correlation: numeric ? correlation(ranks([...column]), target) : null })).sort((a, b) => b.share - a.share),
  };
}

// Numbers by rank; words in the order of the outcome that they had, so that one cut can divide them.
function encode(values, target) {
  const numeric = values.every((value) => value === null || typeof value === "number");
  if (numeric) {
    const known = values.filter((value) => value !== null);
    const least = known.length ? Math.min(...known) : 0;
    return { numeric, column: ranks(values.map((value) => value ?? least - 1)) };
  }
  const groups = new Map();
  values.forEach((value, at) => {
    const group = groups.get(value) ?? { sum: 0, n: 0 };
    group.sum += target[at];
    group.n++;
    groups.set(value, group);
  });
  const order = [...groups].sort(([, a], [, b]) => a.sum / a.n - b.sum / b.n).map(([value]) => value);
  return { numeric, column: Float64Array.from(values, (value) => order.indexOf(value)) };
}

function shuffled(list, random) {
  const made = [...list];
  for (let at = made.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [made[at], made[other]] = [made[other], made[at]];
  }
  return made;
}

// What the figure means, in words.
export function explained({ explained: part, keys }, runs, name) {
  const percent = Math.round(100 * part);
  const first = keys[0];
  if (!first) return `These ${runs} runs were all given the same: nothing in their config can say why ${name} differs.`;
  if (part < 0.2) return `The config says little about ${name} here: from it, ${percent} % of the differences between runs that were not looked at can be told. Take the bars below for a hint at most; other things, such as the seed, matter more, or ${runs} runs are too few.`;
  const turn = first.correlation === null || first.share < 0.3 ? "" : Math.abs(first.correlation) < 0.3 ? ` It does not go one way: the middle of its range differs from both ends.` : first.correlation > 0 ? ` Where it is larger, ${name} tends to be larger.` : ` Where it is larger, ${name} tends to be smaller.`;
  return `From the config, ${percent} % of the differences in ${name} between runs that were not looked at can be told. Of what the config says, ${Math.round(100 * first.share)} % comes from ${apart(clipped(first.name, NAME_MAX))}.${turn}`;
}
