// Draw one chart, or the strip behind the replay bar, onto an OffscreenCanvas. Lines go through the span rasterizer;
// axes, dots and marks through the 2D context. What to draw it asks of the scene.

import { metricOf, timed } from "./axis.js";
import { abgr, mix, runColor } from "./colors.js";
import { fold } from "./fold.js";
import { niceGap } from "./format.js";
import { bounded, yEnds } from "./hand.js";
import { shorten } from "./names.js";
import { upper } from "./series.js";
import { Span } from "./span.js";
import { logGap, xTicks, yTicks } from "./ticks.js";
import { Trace } from "./trace.js";

export const PAD = { left: 50, right: 12, top: 8, bottom: 22 };
const LINE_HALF = 0.75; // Half a line's thickness, in CSS pixels.
const SAMPLES_MAX = 4096; // Enough values to know a chart's range without looking at all.
const RAW_CURVES_MAX = 40; // Behind smoothed ones; more are a fog, and cost as much as all the rest.
const ALIKE = 1e-12; // Values that differ by less of themselves are one, computed in different ways.
const BREAKS_MAX = 64; // Marks of NaN on one curve; more would be a smear.
const samples = new Float64Array(SAMPLES_MAX);
const spans = new Map(); // Charts of one size share a framebuffer: each is painted and handed over at once.

function framebuffer(width, height) {
  const key = `${Math.round(width)}×${Math.round(height)}`;
  if (!spans.has(key)) {
    if (spans.size > 8) spans.clear(); // Sizes come and go with the window.
    spans.set(key, new Span(width, height));
  }
  return spans.get(key);
}

export class Chart {
  constructor(metric, canvas, width, height, dpr) {
    this.metric = metric;
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.visible = true;
    this.resize(width, height, dpr);
  }

  resize(width, height, dpr) {
    Object.assign(this, { width, height, dpr });
    this.canvas.width = Math.round(width * dpr);
    this.canvas.height = Math.round(height * dpr);
  }

  draw(scene, theme, xRange) {
    const { context, dpr } = this;
    const plotWidth = this.width - PAD.left - PAD.right;
    const plotHeight = this.height - PAD.top - PAD.bottom;
    if (plotWidth < 8 || plotHeight < 8) return;
    const span = framebuffer(plotWidth * dpr, plotHeight * dpr);
    const { smooth, kind, log } = scene.options;
    const axis = scene.axisOf(this.metric);
    const width = xRange[1] - xRange[0];
    const parts = scene.curves(this.metric).map((curve) => this.cut(curve, scene, xRange));
    const logx = scene.logarithmic(axis);
    const stretch = logx ? 10 ** xRange[1] - 10 ** xRange[0] : width;
    if (smooth > 0) for (const { series, n } of parts) series.smooth(smooth, timed(axis) ? axis : "step", stretch, kind, n);
    const curves = this.arrange(parts, scene, xRange, span.w);
    const [low, high, gap] = this.yRange(curves, scene.options, plotHeight, yEnds(scene.options, scene.model.metrics[this.metric]));
    this.yShown = [low, high];
    this.xShown = xRange;
    this.gap = gap;
    const kx = span.w / width;
    const ky = -span.h / (high - low);
    const oy = span.h - low * ky;
    const background = abgr(theme.card);
    span.clear(background);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = theme.card;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(dpr, 0, 0, dpr, 0, 0);
    context.fillStyle = theme.muted;
    context.font = `11px ${theme.font}`;
    this.drawYAxis(span, theme, { low, high, gap, ky, oy, log });
    this.drawXAxis(axis, xRange, plotWidth, logx);
    curves.sort((p, q) => (p.run.id === scene.focus) - (q.run.id === scene.focus));
    const dimmed = (run) => scene.focus !== null && run.id !== scene.focus;
    const map = (curve) => ({ kx, ox: -(xRange[0] + curve.offset) * kx, ky, oy, log });
    const clear = curves.length <= RAW_CURVES_MAX;
    for (const curve of curves) {
      if (curve.band) span.band(curve.xs, curve.band.low, curve.band.high, curve.n, map(curve), curve.abgr, dimmed(curve.run) ? 0.04 : 0.2);
      else if (smooth > 0 && (clear || curve.run.id === scene.focus)) span.trace(traced(curve, "raw", curve.series.y, span.w, map(curve)), map(curve), curve.abgr, LINE_HALF * 0.8 * dpr, dimmed(curve.run) ? 0.05 : 0.22);
    }
    for (const curve of curves) {
      const focused = curve.run.id === scene.focus;
      const color = dimmed(curve.run) ? mix(background, curve.abgr, 0.22) : scene.isGhost(curve.run) ? mix(background, curve.abgr, 0.45) : curve.abgr;
      span.trace(traced(curve, "shown", curve.ys, span.w, map(curve)), map(curve), color, LINE_HALF * (focused ? 1.6 : 1) * dpr, 1);
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.putImageData(span.picture(), Math.round(PAD.left * dpr), Math.round(PAD.top * dpr));
    context.setTransform(dpr, 0, 0, dpr, PAD.left * dpr, PAD.top * dpr);
    const place = (curve, i) => [((curve.xs[i] - curve.offset - xRange[0]) * kx) / dpr, ((log ? Math.log10(curve.ys[i]) : curve.ys[i]) * ky + oy) / dpr];
    for (const curve of curves) {
      context.globalAlpha = dimmed(curve.run) ? 0.25 : 1;
      for (const part of curve.parts ?? [curve]) if (part.held.broken) this.drawBreaks(part, place, theme, plotWidth, plotHeight);
      this.drawEnd(curve, place, scene, plotWidth, plotHeight);
    }
    context.globalAlpha = 1;
    this.drawn = curves;
  }

  // Which of a curve's points lie in the shown stretch, one more on each side.
  cut(curve, scene, xRange) {
    let from = Math.min(curve.start, curve.n);
    let to = curve.n;
    if (scene.rangeOf(this.metric)) {
      from = Math.max(from, upper(curve.xs, curve.n, xRange[0] + curve.offset) - 1);
      to = Math.min(curve.n, upper(curve.xs, curve.n, xRange[1] + curve.offset) + 1);
    }
    return { ...curve, from, to, ys: scene.options.smooth > 0 ? curve.series.sm : curve.series.y };
  }

  // Fold the curves of each group, or of each run that has several; or fan them out in shades that tell them apart.
  arrange(parts, scene, xRange, columns) {
    const byRun = new Map();
    for (const part of parts) {
      if (!byRun.has(part.run)) byRun.set(part.run, []);
      byRun.get(part.run).push(part);
    }
    if (scene.groups.by) return this.gather(byRun, scene, xRange, columns);
    const alone = byRun.size === 1;
    return [...byRun].flatMap(([run, own]) => {
      if (own.length > 1 && scene.options.fold) return [folded(run, own, xRange, columns)];
      return own.map((part, k) => ({ ...part, ...shade(run, own.length > 1 ? rankOf(part.held.label, k) : 0, alone) }));
    });
  }

  // Each run of a group counts once, however many processes it had.
  gather(byRun, scene, xRange, columns) {
    const members = new Map();
    for (const [run, own] of byRun) {
      const one = own.length > 1 ? folded(run, own, xRange, columns) : own[0];
      if (!members.has(run.group)) members.set(run.group, []);
      members.get(run.group).push(one);
    }
    return [...members].map(([group, own]) => folded(group, own, xRange, columns, scene.options.band));
  }

  // Lowest and highest value to show (in decades on a logarithmic axis), and the gap between two ticks.
  yRange(curves, { log, outliers }, plotHeight, ends) {
    const stride = Math.max(1, Math.ceil(curves.reduce((sum, curve) => sum + (curve.band ? 2 : 1) * (curve.to - curve.from), 0) / (SAMPLES_MAX - 1024)));
    let count = 0;
    const sample = (v) => {
      const value = log ? (v > 0 ? Math.log10(v) : NaN) : v;
      if (Number.isFinite(value) && count < SAMPLES_MAX) samples[count++] = value;
    };
    for (const { ys, from, to, band } of curves) {
      for (const values of band ? [band.low, band.high] : [ys]) {
        for (let i = from; i < to; i += stride) sample(values[i]);
        if (to > from) sample(values[to - 1]);
      }
    }
    const sorted = samples.subarray(0, count).sort();
    let low = sorted[0] ?? 0;
    let high = sorted[count - 1] ?? 1;
    if (outliers && count > 40) {
      low = sorted[Math.floor(count * 0.005)];
      high = sorted[Math.floor(count * 0.985)];
    }
    if (!(high - low > ALIKE * Math.max(Math.abs(low), Math.abs(high)))) {
      const room = Math.abs(low) * 0.1 || 1;
      low -= room;
      high += room;
    }
    [low, high] = bounded([low, high], ends);
    const parts = Math.max(2, Math.min(6, plotHeight / 38));
    let gap = niceGap(high - low, parts);
    if (log) gap = logGap(gap, high - low);
    const room = (high - low) * 0.06;
    return [ends[0] === null ? low - room : low, ends[1] === null ? high + room : high, gap];
  }

  drawYAxis(span, theme, { low, high, gap, ky, oy, log }) {
    const { context, dpr } = this;
    const grid = abgr(theme.grid);
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const { at, text } of yTicks({ low, high, gap, log })) {
      const y = at * ky + oy;
      span.horizontal(y, grid);
      context.fillText(text, PAD.left - 8, PAD.top + y / dpr);
    }
  }

  drawXAxis(axis, [low, high], plotWidth, log) {
    const { context } = this;
    const other = metricOf(axis);
    let end = this.width - 2;
    if (other !== null) {
      const text = shorten(context, other, plotWidth / 3);
      context.textAlign = "right";
      context.textBaseline = "alphabetic";
      context.fillText(text, this.width - PAD.right, this.height - 6);
      end = this.width - PAD.right - context.measureText(text).width - 8;
    }
    context.textBaseline = "alphabetic";
    for (const { at, text } of xTicks(axis, [low, high], plotWidth, log)) {
      const x = PAD.left + ((at - low) / (high - low)) * plotWidth;
      const half = context.measureText(text).width / 2;
      if (x + half > end) break;
      context.textAlign = "center";
      context.fillText(text, Math.max(x, PAD.left - 8 + half), this.height - 6);
    }
  }

  // Where a run computed NaN or an infinity: a cross where it happened, and a dotted line as long as it lasts.
  drawBreaks(curve, place, theme, plotWidth, plotHeight) {
    const { context } = this;
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

  // A dot where a curve is growing, or on the only point that there is.
  drawEnd(curve, place, scene, plotWidth, plotHeight) {
    const { run, held, from, to, n } = curve;
    if (to <= from || to !== n) return;
    const growing = run.state === "running" || (!scene.clock.live && n < held.n);
    if (!growing && n > 1) return;
    const [x, y] = place(curve, n - 1);
    if (!(y > -4 && y < plotHeight + 4) || x < -1 || x > plotWidth + 1) return;
    const { context } = this;
    context.beginPath();
    context.arc(x, y, 2.7, 0, 6.3);
    context.fillStyle = curve.color;
    context.fill();
  }
}

// A curve by columns. It is kept with the series, as what a chart shows of it changes little from picture to picture.
function traced({ series, xs, from, to, band }, name, ys, columns, map) {
  if (band) return new Trace(columns).follow(null, xs, ys, from, to, map);
  series.traces ??= {};
  if (series.traces[name]?.low.length !== columns) series.traces[name] = new Trace(columns);
  const points = xs === series.x ? "step" : xs === series.t ? "time" : "log";
  const values = ys === series.y ? `${series.edition}` : `${series.edition} ${series.smoothings}`;
  return series.traces[name].follow(`${points} ${values} ${map.kx} ${map.ox} ${map.log}`, xs, ys, from, to, map);
}

// Several curves as one of `run`, which may be a group: their mean, with a band from the lowest to the highest, or of the
// standard deviation, or of the standard error of the mean, to both sides of it.
function folded(run, parts, [low, high], columns, band = "range") {
  const { n, xs, mean, deviation, low: lowest, high: highest, count } = fold(parts.map(fromZero), low, high, columns);
  const leaves = parts.flatMap((part) => part.parts ?? [part]);
  const whole = leaves.every((part) => part.n === part.held.n);
  const series = { label: "", x: xs, t: xs, y: mean, sm: mean, n };
  const half = band === "stderr" ? deviation.map((v, k) => v / Math.sqrt(count[k] || 1)) : deviation;
  const edges = band === "range" ? { low: lowest, high: highest } : { low: mean.map((v, k) => v - half[k]), high: mean.map((v, k) => v + half[k]) };
  return { run, parts: leaves, of: parts.length, series, n, xs, ys: mean, from: 0, to: n, offset: 0, band: { ...edges, count }, color: run.color, abgr: run.abgr, held: { n: whole ? n : n + 1, broken: 0 } };
}

// Runs that began at different times have each their own zero; what is folded lies along one.
function fromZero(part) {
  if (!part.offset) return part;
  const { series, offset } = part;
  if (series.zeroed?.version !== series.version || series.zeroed.offset !== offset) {
    series.zeroed = { version: series.version, offset, xs: part.xs.subarray(0, series.n).map((x) => x - offset) };
  }
  return { ...part, xs: series.zeroed.xs };
}

// The number in `rank3`, so that a rank has its colour whichever others there are.
const rankOf = (label, order) => Number(/(\d+)$/.exec(label)?.[1] ?? order);

// A curve's colour: its run's; of several of one run, alone on the page, those that runs would have.
const shades = new Map();
function shade(run, rank, alone) {
  if (!rank) return { color: run.color, abgr: run.abgr };
  const key = `${run.color} ${rank} ${alone}`;
  if (!shades.has(key)) {
    const abgrShade = alone ? abgr(runColor(run.order + rank)) : mix(run.abgr, rank % 2 ? 0xff000000 : 0xffffffff, 0.1 * (1 + (rank % 4)));
    shades.set(key, { abgr: abgrShade, color: `rgb(${abgrShade & 255},${(abgrShade >> 8) & 255},${(abgrShade >> 16) & 255})` });
  }
  return shades.get(key);
}

function line(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

// The strip behind the replay bar: one ghost curve for each run, over the whole time.
export class Strip {
  constructor(canvas, width, height, dpr) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.resize(width, height, dpr);
  }

  resize(width, height, dpr) {
    Object.assign(this, { width, height, dpr });
    this.canvas.width = Math.round(width * dpr);
    this.canvas.height = Math.round(height * dpr);
  }

  draw(scene, theme, metric) {
    const { t0, t1 } = scene.clock;
    const span = framebuffer(this.canvas.width, this.canvas.height);
    span.clear(abgr(theme.track));
    const kx = span.w / (t1 - t0 || 1);
    for (const run of scene.shownRuns()) {
      const offset = scene.unit === "elapsed" ? run.t0 : 0;
      for (const held of scene.model.curves(run, metric)) {
        const series = held.along(scene.unit === "step" ? "step" : "time");
        const xs = scene.unit === "step" ? series.x : series.t;
        if (series.n < 2) continue;
        const values = scene.options.smooth > 0 && series.smoothed === series.n ? series.sm : series.y;
        let low = Infinity;
        let high = -Infinity;
        for (let i = 0; i < series.n; i += 1 + (series.n >> 9)) {
          if (values[i] < low) low = values[i];
          if (values[i] > high && values[i] !== Infinity) high = values[i];
        }
        const ky = -(span.h - 10 * this.dpr) / (high - low || 1);
        const map = { kx, ox: -(t0 + offset) * kx, ky, oy: span.h - 5 * this.dpr - low * ky, log: false };
        span.trace(new Trace(span.w).follow(null, xs, values, 0, series.n, map, 1 + (series.n >> 10)), map, (run.group ?? run).abgr, 0.55 * this.dpr, 0.75);
      }
    }
    this.context.putImageData(span.picture(), 0, 0);
  }
}
