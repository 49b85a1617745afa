// Many curves as one, such as those of a run's ranks or of runs that agree on a config key: at each place their mean,
// their standard deviation (of a sample: n - 1), and the lowest and highest value.
// Where there are few points, the places are the points themselves, exactly; where there are more than pixels, each
// place is a pixel column, and lowest and highest are over all that was logged in it.

const TIP_COLUMNS = 8; // The newest points are those of the ranks that were heard last; who is further behind is not waited for.

// Merge two ascending lists of places.
function merge(a, b) {
  const out = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const next = j >= b.length || a[i] <= b[j] ? a[i] : b[j];
    while (i < a.length && a[i] <= next) i++;
    while (j < b.length && b[j] <= next) j++;
    out.push(next);
  }
  return out;
}

function places(parts, low, high, columns) {
  let all = [];
  for (const { xs, from, to } of parts) {
    if (to - from > columns) return null;
    all = merge(all, xs.subarray(from, to));
    if (all.length > 2 * columns) return null;
  }
  return all;
}

// `parts` have points [from, to) of xs and ys, ascending in x, perhaps with what smoothing makes of these, and say whether each
// `grows`. Returns xs, mean, deviation, low, high and count, by place, and the mean of the smoothed values.
export function fold(parts, low, high, columns) {
  const exact = places(parts, low, high, columns);
  const width = (high - low) / columns;
  const n = exact ? exact.length : columns;
  const xs = exact ? Float64Array.from(exact) : Float64Array.from({ length: n }, (_, k) => low + (k + 0.5) * width);
  const mean = new Float64Array(n);
  const smooth = new Float64Array(n);
  const squares = new Float64Array(n); // Of the distances from the mean; Welford 1962, so that no digits cancel.
  const count = new Int32Array(n);
  const lowest = new Float64Array(n).fill(Infinity);
  const highest = new Float64Array(n).fill(-Infinity);
  const own = new Float64Array(n); // Of one part: the sum and number of its points at each place, and the sum of the smoothed.
  const ownSmooth = new Float64Array(n);
  const owned = new Int32Array(n);
  const reach = (k, v) => {
    if (v < lowest[k]) lowest[k] = v;
    if (v > highest[k]) highest[k] = v;
  };
  for (const { xs: px, ys: py, smoothed, from, to } of parts) {
    own.fill(0);
    ownSmooth.fill(0);
    owned.fill(0);
    let at = 0;
    let before = -1; // The last finite point.
    for (let i = from; i < to; i++) {
      const v = py[i];
      if (v - v !== 0) {
        before = -1;
        continue;
      }
      let k;
      if (exact) {
        while (xs[at] < px[i]) at++;
        k = at;
      } else k = Math.floor((px[i] - low) / width);
      if (k >= 0 && k < n) {
        own[k] += v;
        if (smoothed) ownSmooth[k] += smoothed[i];
        owned[k]++;
        reach(k, v);
      }
      // Between two points the curve is the line that joins them.
      if (before >= 0) {
        const length = px[i] - px[before] || 1;
        const first = exact ? k - 1 : Math.min(n - 1, Math.max(-1, Math.ceil((px[i] - low) / width - 0.5) - 1));
        for (let j = first; j >= 0 && xs[j] > px[before]; j--) {
          if (owned[j]) continue;
          const part = (xs[j] - px[before]) / length;
          own[j] = py[before] + part * (v - py[before]);
          if (smoothed) ownSmooth[j] = smoothed[before] + part * (smoothed[i] - smoothed[before]);
          owned[j] = 1;
          reach(j, own[j]);
        }
      }
      before = i;
    }
    for (let k = 0; k < n; k++) {
      if (!owned[k]) continue;
      const v = own[k] / owned[k];
      const gap = v - mean[k];
      mean[k] += gap / ++count[k];
      squares[k] += gap * (v - mean[k]);
      smooth[k] += (ownSmooth[k] / owned[k] - smooth[k]) / count[k];
    }
  }
  const last = ({ xs: px, to }) => (exact ? xs.lastIndexOf(px[to - 1]) : Math.floor((px[to - 1] - low) / width));
  const reached = parts.filter(({ grows, from, to }) => grows && to > from).map(last);
  return close({ xs, mean, smooth, squares, count, lowest, highest, n, reached });
}

// Divide, leave out the places that nobody reaches at either end, and those at the tip that one which grows has yet to reach;
// one that is over reaches them never.
function close({ xs, mean, smooth, squares, count, lowest, highest, n, reached }) {
  let from = 0;
  let to = n;
  while (from < to && !count[from]) from++;
  while (to > from && !count[to - 1]) to--;
  const slowest = Math.min(...reached.filter((k) => k >= to - 1 - TIP_COLUMNS));
  if (to - from > TIP_COLUMNS) to = Math.max(from + TIP_COLUMNS, Math.min(to, slowest + 1));
  const hole = (values) => values.slice(from, to).map((v, k) => (count[from + k] ? v : NaN));
  const deviation = hole(squares).map((v, k) => (count[from + k] > 1 ? Math.sqrt(v / (count[from + k] - 1)) : v));
  return { n: to - from, xs: xs.slice(from, to), mean: hole(mean), smooth: hole(smooth), deviation, low: hole(lowest), high: hole(highest), count: count.slice(from, to) };
}
