// Curves without their noise: three ways, each as wide as the same position of the slider says.
//
// The slider's strength s is what a moving average keeps over a thousandth of the shown stretch; it forgets over
// τ = -1 / ln s thousandths. The other two look to both sides, and spread a point with the standard deviation τ.

export const KINDS = [["ema", "Moving average", "Exponential and debiased: looks back only, as a training does"],
  ["mean", "Running mean", "Of all points around, to both sides"], ["gauss", "Gaussian", "Of all points around, near ones first"]];

// How far a point reaches to each side, in units of x, so that its spread is τ: a box of half width w has the
// variance w² / 3, and three boxes after each other are close to a Gaussian of the sum of theirs
// (Kovesi, "Fast Almost-Gaussian Filtering", 2010).
export function reach(strength, kind, span) {
  const tau = (-1 / Math.log(strength)) * (span / 1000);
  return kind === "mean" ? Math.sqrt(3) * tau : tau;
}

// The mean of the finite values within `half` of each place; what is not finite stays as it is.
function box(xs, ys, n, half) {
  // Sums of all before each place, and what rounding took from them (Neumaier, 1974): the differences of sums that one
  // huge value went into would otherwise be nothing.
  const sums = new Float64Array(n + 1);
  const rests = new Float64Array(n + 1);
  const counts = new Int32Array(n + 1);
  for (let i = 0; i < n; i++) {
    const finite = Number.isFinite(ys[i]);
    const y = finite ? ys[i] : 0;
    const sum = sums[i] + y;
    rests[i + 1] = rests[i] + (Math.abs(sums[i]) >= Math.abs(y) ? sums[i] - sum + y : y - sum + sums[i]);
    sums[i + 1] = sum;
    counts[i + 1] = counts[i] + (finite ? 1 : 0);
  }
  const made = new Float64Array(n);
  let from = 0;
  let to = 0;
  for (let i = 0; i < n; i++) {
    while (xs[from] < xs[i] - half) from++;
    if (to <= i) to = i + 1;
    while (to < n && xs[to] <= xs[i] + half) to++;
    made[i] = Number.isFinite(ys[i]) ? (sums[to] - sums[from] + (rests[to] - rests[from])) / (counts[to] - counts[from]) : ys[i];
  }
  return made;
}

// The first n points of a curve, smoothed to both sides; what comes after them is not looked at.
export function spread(xs, ys, n, half, kind) {
  let made = box(xs, ys, n, half);
  if (kind === "gauss") for (let pass = 0; pass < 2; pass++) made = box(xs, made, n, half);
  return made;
}
