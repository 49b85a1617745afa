// Draw one chart onto an OffscreenCanvas. Lines go through the span rasterizer; axes, dots and marks through the 2D
// context. What to draw it asks of the scene.

import { metricOf, timed } from "./axis.js";
import { abgr, mix, runColor } from "./colors.js";
import { fold } from "./fold.js";
import { niceGap } from "./format.js";
import { bounded, yEnds } from "./hand.js";
import { SPILL, dotted, drawBreaks, drawDot } from "./marks.js";
import { shorten } from "./names.js";
import { Painted } from "./painted.js";
import { upper } from "./series.js";
import { framebuffer } from "./span.js";
import { logGap, xTicks, yTicks } from "./ticks.js";
import { Trace } from "./trace.js";

export const PAD = { left: 50, right: 12, top: 8, bottom: 22 };
const LINE_HALF = 0.75; // Half a line's thickness, in CSS pixels.
const SAMPLES_MAX = 4096; // Enough values to know a chart's range without looking at all.
const RAW_CURVES_MAX = 40; // Behind smoothed ones; more are a fog, and cost as much as all the rest.
const ALIKE = 1e-12; // Values that differ by less of themselves are one, computed in different ways.
const ROOM = 0.06; // Above and below what a chart shows, of its height.
const ROOM_KEPT = [0.015, 0.15]; // While curves grow a scale stays as long as it has so much.
const KEPT_MS = 200; // So often it is looked at whether it has.
const samples = new Float64Array(SAMPLES_MAX);

const isDimmed = ({ run }, scene) => scene.focus !== null && run.id !== scene.focus;

export class Chart {
  constructor(metric, canvas, width, height, dpr) {
    this.metric = metric;
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.visible = true;
    this.painted = new Painted();
    this.scale = null;
    this.resize(width, height, dpr);
  }

  resize(width, height, dpr) {
    Object.assign(this, { width, height, dpr });
    this.canvas.width = Math.round(width * dpr);
    this.canvas.height = Math.round(height * dpr);
    this.painted.forget();
  }

  draw(scene, theme, xRange) {
    const { dpr } = this;
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
    const { low, high, gap } = this.yRange(curves, scene, plotHeight);
    const frame = [theme, axis, log, logx, ...xRange, low, high, gap];
    Object.assign(this, { xShown: xRange, yShown: [low, high], gap, drawn: curves });
    curves.sort((p, q) => (p.run.id === scene.focus) - (q.run.id === scene.focus));
    const [kx, ky] = [span.w / width, -span.h / (high - low)];
    const flat = { kx, ky, oy: span.h - low * ky, log };
    const map = (curve) => ({ ...flat, ox: -(xRange[0] + curve.offset) * kx });
    const strokes = this.strokes(curves, scene, theme, span.w, map);
    // A metric's name below the plot may reach up to it.
    const simple = metricOf(axis) === null && !curves.some(({ band, held }) => band || held.broken);
    const since = this.painted.since(simple ? frame : null, strokes, span.w, SPILL * dpr);
    if (since < span.w) this.paint(span, since, { scene, theme, axis, logx, curves, strokes, flat, map });
  }

  // Paint the columns from one on; what is before them stays as it is.
  paint(span, since, { scene, theme, axis, logx, curves, strokes, flat, map }) {
    const { context, dpr, gap, yShown: [low, high], xShown: [start] } = this;
    const [plotWidth, plotHeight] = [span.w / dpr, span.h / dpr];
    const [left, top] = [Math.round(PAD.left * dpr), Math.round(PAD.top * dpr)];
    const { kx, log } = flat;
    const ticks = [...yTicks({ low, high, gap, log })];
    const height = (v) => v * flat.ky + flat.oy;
    span.clear(abgr(theme.card), since);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = theme.card;
    if (since) context.fillRect(left + since, 0, this.canvas.width, top + span.h + Math.round(SPILL * dpr));
    else this.drawAxes(theme, axis, plotWidth, ticks, height, logx);
    const grid = abgr(theme.grid);
    for (const { at } of ticks) span.horizontal(height(at), grid, since);
    for (const curve of curves) if (curve.band) span.band(curve.xs, curve.band.low, curve.band.high, curve.n, map(curve), curve.abgr, isDimmed(curve, scene) ? 0.04 : 0.2);
    for (const { trace, color, half, alpha } of strokes) span.trace(trace, flat, color, half, alpha, since);
    context.putImageData(span.picture(since), left, top, since, 0, span.w - since, span.h);

    context.setTransform(dpr, 0, 0, dpr, PAD.left * dpr, PAD.top * dpr);
    const place = (curve, i) => [((curve.xs[i] - curve.offset - start) * kx) / dpr, height(log ? Math.log10(curve.ys[i]) : curve.ys[i]) / dpr];
    for (const { curve, dot } of strokes) {
      if (!curve) continue;
      context.globalAlpha = isDimmed(curve, scene) ? 0.25 : 1;
      for (const part of curve.parts ?? [curve]) if (part.held.broken) drawBreaks(context, part, place, theme, plotWidth, plotHeight);
      if (dot >= (since || -dpr)) drawDot(context, curve, place, plotWidth, plotHeight);
    }
    context.globalAlpha = 1;
  }

  // Which of a curve's points lie in the shown stretch, one more on each side.
  cut(curve, scene, xRange) {
    let from = Math.min(curve.start, curve.n);
    let to = curve.n;
    if (scene.rangeOf(this.metric)) {
      from = Math.max(from, upper(curve.xs, curve.n, xRange[0] + curve.offset) - 1);
      to = Math.min(curve.n, upper(curve.xs, curve.n, xRange[1] + curve.offset) + 1);
    }
    return { ...curve, from, to, grows: goesOn(curve, scene), ys: scene.options.smooth > 0 ? curve.series.sm : curve.series.y };
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

  // A curve's line is painted over those before; behind a smoothed one lies what was logged.
  strokes(curves, scene, theme, columns, map) {
    const { smooth } = scene.options;
    const background = abgr(theme.card);
    const half = LINE_HALF * this.dpr;
    const behind = [];
    const shown = [];
    for (const curve of curves) {
      const focused = curve.run.id === scene.focus;
      const dimmed = isDimmed(curve, scene);
      const along = map(curve);
      if (smooth > 0 && (focused || curves.length <= RAW_CURVES_MAX)) {
        behind.push({ trace: traced(curve, "raw", curve.series.y, columns, along), color: curve.abgr, half: 0.8 * half, alpha: dimmed ? 0.05 : 0.22, dot: NaN });
      }
      const color = dimmed ? mix(background, curve.abgr, 0.22) : scene.isGhost(curve.run) ? mix(background, curve.abgr, 0.45) : curve.abgr;
      shown.push({ trace: traced(curve, "shown", curve.ys, columns, along), color, half: focused ? 1.6 * half : half, alpha: 1, curve, dot: dotted(curve, scene) ? curve.xs[curve.n - 1] * along.kx + along.ox : NaN });
    }
    return [...behind, ...shown];
  }

  // Lowest and highest value to show (in decades on a logarithmic axis), and the gap between two ticks.
  yRange(curves, scene, plotHeight) {
    const { log, outliers } = scene.options;
    const ends = yEnds(scene.options, scene.model.metrics[this.metric]);
    const key = `${log} ${outliers} ${ends} ${plotHeight}`;
    const kept = scene.moving && this.scale?.key === key ? this.scale : null;
    const now = performance.now();
    if (kept && now - kept.at < KEPT_MS) return Object.assign(kept, { due: kept.at + KEPT_MS });
    const found = extent(curves, log, outliers);
    let [low, high] = found ?? [0, 1];
    if (!(high - low > ALIKE * Math.max(Math.abs(low), Math.abs(high)))) {
      const room = Math.abs(low) * 0.1 || 1;
      low -= room;
      high += room;
    }
    [low, high] = bounded([low, high], ends);
    if (kept && fits(kept, low, high, ends)) return Object.assign(kept, { at: now, due: Infinity });
    const parts = Math.max(2, Math.min(6, plotHeight / 38));
    let gap = niceGap(high - low, parts);
    if (log) gap = logGap(gap, high - low);
    const room = (high - low) * ROOM;
    this.scale = { low: ends[0] === null ? low - room : low, high: ends[1] === null ? high + room : high, gap, key: found && key, at: now, due: Infinity };
    return this.scale;
  }

  // Whether points came since somebody looked if they fit the scale that was kept for them.
  isDue(now) {
    return this.scale?.due <= now;
  }

  // The numbers along both axes, on a canvas that is cleared for them.
  drawAxes(theme, axis, plotWidth, ticks, place, log) {
    const { context, dpr } = this;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(dpr, 0, 0, dpr, 0, 0);
    context.fillStyle = theme.muted;
    context.font = `11px ${theme.font}`;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const { at, text } of ticks) context.fillText(text, PAD.left - 8, PAD.top + place(at) / dpr);
    this.drawXAxis(axis, this.xShown, plotWidth, log);
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
}

// Whether more of a run's curves may come, or comes after the moment that is shown.
const goesOn = ({ run }, scene) => run.state === "running" || !scene.over(run);

// Between which values nearly all of the curves lie; null where there are none.
function extent(curves, log, outliers) {
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
  if (outliers && count > 40) return [sorted[Math.floor(count * 0.005)], sorted[Math.floor(count * 0.985)]];
  return count ? [sorted[0], sorted[count - 1]] : null;
}

// Whether what lies between two values is neither cut by a scale nor lost in it. Ends that the reader set are exact.
function fits(scale, low, high, ends) {
  const [least, most] = ROOM_KEPT.map((part) => part * (high - low));
  const fit = (room, set) => (set === null ? room >= least && room <= most : room === 0);
  return fit(low - scale.low, ends[0]) && fit(scale.high - high, ends[1]);
}

// A curve by columns. It is kept with the series, as what a chart shows of it changes little from picture to picture.
function traced({ series, xs, from, to, band }, name, ys, columns, map) {
  if (band) return new Trace(columns).follow(null, xs, ys, from, to, map);
  series.traces ??= {};
  if (series.traces[name]?.low.length !== columns) series.traces[name] = new Trace(columns);
  const points = xs === series.x ? "step" : xs === series.t ? "time" : "log";
  const smoothings = ys === series.y ? 0 : series.smoothings;
  return series.traces[name].follow([points, series.edition, smoothings, map.kx, map.ox, map.log], xs, ys, from, to, map);
}

// Several curves as one of `run`, which may be a group: their mean, with a band from the lowest to the highest, or of the
// standard deviation, or of the standard error of the mean, to both sides of it. These are of what was logged; the line is the
// mean of what smoothing makes of it.
function folded(run, parts, [low, high], columns, band = "range") {
  const smooth = parts.some((part) => part.ys !== part.series.y);
  const logged = parts.map((part) => ({ ...fromZero(part), ys: part.series.y, smoothed: smooth && part.ys }));
  const { n, xs, mean, smooth: line, deviation, low: lowest, high: highest, count } = fold(logged, low, high, columns);
  const ys = smooth ? line : mean;
  const leaves = parts.flatMap((part) => part.parts ?? [part]);
  const whole = leaves.every((part) => part.n === part.held.n);
  const series = { label: "", x: xs, t: xs, y: mean, sm: ys, n };
  const half = band === "stderr" ? deviation.map((v, k) => v / Math.sqrt(count[k] || 1)) : deviation;
  const edges = band === "range" ? { low: lowest, high: highest } : { low: mean.map((v, k) => v - half[k]), high: mean.map((v, k) => v + half[k]) };
  const grows = parts.some((part) => part.grows);
  return { run, parts: leaves, of: parts.length, grows, series, n, xs, ys, from: 0, to: n, offset: 0, band: { ...edges, count }, color: run.color, abgr: run.abgr, held: { n: whole ? n : n + 1, broken: 0 } };
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
