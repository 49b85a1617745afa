// What stands on a curve: where it was no number, and where it ends.

const BREAKS_MAX = 64; // Marks of NaN on one curve; more would be a smear.
const DOT = 2.7; // Its radius, in CSS pixels.
const OUTSIDE = 4; // So far outside of the plot an end is still drawn.
export const SPILL = 7; // So far a mark reaches over the plot, or to its own sides.

// Where a run computed NaN or an infinity: a cross where it happened, and a dotted line as long as it lasts.
export function drawBreaks(context, curve, place, theme, plotWidth, plotHeight) {
  const { series, from, to } = curve;
  const color = curve.color ?? curve.run.color;
  let good = -1;
  let marks = 0;
  for (let i = 0; i < to && marks < BREAKS_MAX; i++) {
    if (Number.isFinite(series.y[i])) {
      good = i;
      continue;
    }
    const start = i;
    while (i + 1 < to && !Number.isFinite(series.y[i + 1])) i++;
    if (i < from) continue;
    const [x0] = place(curve, start);
    const [x1] = place(curve, i);
    let y = good >= 0 ? place(curve, good)[1] : plotHeight;
    if (!Number.isFinite(y)) y = plotHeight;
    y = Math.min(plotHeight - 5, Math.max(5, y));
    const lastX = Math.min(x1, plotWidth);
    context.strokeStyle = color;
    if (lastX - x0 > 8) {
      context.setLineDash([1.5, 4]);
      context.lineWidth = 1.5;
      line(context, Math.max(0, x0), y, lastX, y);
      context.setLineDash([]);
    }
    if (x0 < 0 || x0 > plotWidth) continue;
    for (const [width, style] of [[4.5, theme.card], [2, color]]) {
      context.lineWidth = width;
      context.strokeStyle = style;
      context.lineCap = "round";
      line(context, x0 - 3.5, y - 3.5, x0 + 3.5, y + 3.5);
      line(context, x0 - 3.5, y + 3.5, x0 + 3.5, y - 3.5);
    }
    marks++;
  }
  context.lineCap = "butt";
}

// A curve has a dot where it is growing, or on the only point that there is.
export function dotted({ run, held, from, to, n, beyond }, scene) {
  if (to <= from || to !== n || beyond) return false;
  return n === 1 || run.state === "running" || (!scene.clock.live && n < held.n);
}

export function drawDot(context, curve, place, plotWidth, plotHeight) {
  const [x, y] = place(curve, curve.n - 1);
  if (!(y > -OUTSIDE && y < plotHeight + OUTSIDE) || x < -1 || x > plotWidth + 1) return;
  context.beginPath();
  context.arc(x, y, DOT, 0, 6.3);
  context.fillStyle = curve.color;
  context.fill();
}

function line(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}
