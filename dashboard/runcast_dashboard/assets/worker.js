// The board's worker: everything that must never wait for the page. It owns the socket, the points, the replay clock
// and the drawing; the page sends it what was clicked, and gets back what has to be written in words.

import { Chart } from "./chart.js";
import { Details } from "./details.js";
import { DELTA, VIEW, parseFrame } from "./frames.js";
import { Live } from "./live.js";
import { Model } from "./model.js";
import { best, hovered, latest, notes, table } from "./said.js";
import { Scene } from "./scene.js";
import { spoken } from "./spoken.js";
import { Strip } from "./strip.js";
import { picture } from "./svg.js";
import { Wanted } from "./wanted.js";

const DRAW_MS_MAX = 20; // The rest waits a frame, so that hover and scrub stay prompt.
const ELAPSED_MS_MAX = 250; // Between two pictures: a replay that nobody saw goes on from where it was.
const CLOCK_POST_MS = 50;
const LATEST_POST_MS = 250;
const SPOKEN_POST_MS = 2000; // What is read out need not change under the reader.
const STRIP_DRAW_MS = 400;
const SAMPLES_MAX = 4000;

const model = new Model();
const scene = new Scene(model);
const charts = new Map(); // Metric name → Chart, for those whose card is near the screen.
const dirty = new Set();
const told = new Map(); // By kind, what the page was told last of what seldom changes.
const stat = { latency: [], frames: [], draw: [], arrival: [], bytes: 0, messages: 0, points: 0 };
let config = null;
let theme = null;
let dpr = 1;
let live = null;
let strip = null;
let hover = null;
let drawnRanges = new Map(); // By axis, the stretch that charts along it show.
const changed = new Set(); // Runs of which the page has not heard the newest.
let described = false; // Runs said of themselves what may put them into another group.
let newest = 0;
let newestSeen = 0; // When, by the page's clock, the newest point had been drawn.
let latency = null;

const post = (message) => self.postMessage(message);
const send = (message) => live?.send(message);
const wanted = new Wanted({ scene, model, charts, ratio: () => dpr, send });
const details = new Details({ scene, model, charts, pixels: () => wanted.pixels(), send });
const note = (list, value) => {
  list.push(value);
  if (list.length > SAMPLES_MAX) list.splice(0, SAMPLES_MAX / 2);
};
const mark = (chart) => dirty.add(chart);
// It shows something else than before: no scale is kept for that.
const renew = (chart) => mark(Object.assign(chart, { scale: null }));
const markAll = () => charts.forEach((chart) => mark(chart));
const renewAll = () => charts.forEach((chart) => renew(chart));
const markMetrics = (touched, each = mark) => charts.forEach((chart) => touched.has(chart.metric) && each(chart));

// ——— The socket ———

const texts = {
  welcome(message) {
    model.describeRuns(message.runs);
    described = true;
    message.metrics.forEach((name, number) => model.nameMetric(number, name));
    (message.writers ?? []).forEach((writer) => model.nameWriter(writer));
    changed.clear();
    post({ ev: "runs", runs: [...model.runs.values()].map(describe), metrics: model.metrics });
  },
  // Of a run that goes on it comes twice a second, for what its summary says: the page hears of that with the next words.
  run({ run: info }) {
    const before = model.runs.get(info.id);
    const was = before && `${before.name} ${before.state} ${before.stopping} ${before.aside}`;
    const config = before && JSON.stringify(before.config);
    const run = model.describeRun(info);
    changed.add(run);
    const other = was !== `${run.name} ${run.state} ${run.stopping} ${run.aside}`;
    if (other || model.redefined || config !== JSON.stringify(run.config)) described = true;
    if (!other) return;
    markAll();
    tellRuns();
  },
  // A reader deleted it; who looks at single runs keeps them.
  gone({ run: id }) {
    const run = model.runs.get(id);
    if (!run || config.runs) return;
    model.forget(id);
    model.runs.delete(id);
    changed.delete(run);
    for (const chart of charts.values()) chart.drawn = chart.drawn?.filter(({ run: one }) => one !== run); // Until it is drawn again.
    described = true;
    renewAll();
    post({ ev: "gone", id });
  },
  metric({ i, name }) {
    model.nameMetric(i, name);
    scene.axes.forget(); // It may be one that others lie along.
    post({ ev: "runs", runs: [], metrics: [name] });
  },
  writer(message) {
    model.nameWriter(message);
  },
  totals({ points }) {
    markMetrics(model.count(points));
  },
  synced() {
    if (!wanted.answered()) return;
    live.settled();
    post({ ev: "synced" });
    markAll();
    look();
    details.ask();
  },
  alert(message) {
    post(message);
  },
  resync({ run }) {
    model.forget(run);
    renewAll();
  },
  bye({ reason }) {
    post({ ev: "connection", state: "reconnecting", reason });
  },
};

const describe = (run) => ({
  id: run.id, name: run.name, state: run.state, aside: run.aside, color: run.color, order: run.order, created: run.created, updated: run.updated,
  t0: run.t0, t1: Math.max(run.t1, run.updated), step: run.step,
  config: run.config, summary: run.summary,
});

function onFrame(buffer) {
  const frame = parseFrame(buffer);
  const touched = model.apply(frame, details.open);
  markMetrics(touched, frame.kind === DELTA ? mark : renew);
  if (frame.kind === DELTA) {
    newest = frame.newestMs;
    note(stat.arrival, live.serverNow - frame.newestMs);
  }
  stat.bytes += frame.bytes;
  stat.messages++;
  for (const block of frame.blocks) stat.points += block.n * block.values.length;
  if (frame.kind === VIEW) details.answered(frame.req);
  return frame.seq;
}

// Ask for what is in view.
const look = () => wanted.look(() => details.ask());

function zoom(range, axis = scene.axis) {
  scene.range = range;
  scene.rangeAxis = range && axis;
  details.drop();
  renewAll();
  details.ask();
  post({ ev: "range", range, axis, own: axis === scene.axis });
}

// ——— What the page writes in words ———

function tellRuns() {
  if (changed.size) post({ ev: "runs", runs: [...changed].map(describe), metrics: [] });
  changed.clear();
}

function reportHover() {
  const chart = hover && charts.get(hover.id);
  if (chart?.drawn) post({ ev: "hover", id: hover.id, ...hovered(scene, chart, hover) });
}

function reportLatest(fps) {
  const quiet = !newestSeen || performance.now() - newestSeen > 4000;
  post({ ev: "latest", ...latest(scene, wanted.primary), latency: quiet ? null : latency, fps, live: scene.clock.live });
}

// What is said once, and again only when it differs.
function tell(message) {
  const text = JSON.stringify(message);
  if (text !== told.get(message.ev)) post(message);
  told.set(message.ev, text);
}

function regroup() {
  described = false;
  if (model.redefined) {
    model.redefined = false;
    scene.axes.forget();
    look();
    markAll();
  }
  scene.groups.choose(scene.options.by);
  tell({ ev: "groups", by: scene.groups.by, keys: scene.groups.keys(), groups: scene.groups.describe() });
}

// ——— The frame loop ———

let lastFrame = 0;
let lastClock = 0;
let lastClockText = "";
let lastLatest = 0;
let lastStrip = 0;
let lastSpoken = 0;
let stripDirty = true;

function frame(now) {
  const elapsed = lastFrame ? now - lastFrame : 16;
  if (lastFrame) note(stat.frames, elapsed);
  lastFrame = now;
  if (theme) {
    if (described) regroup();
    if (scene.advance(Math.min(elapsed, ELAPSED_MS_MAX))) markAll();
    for (const chart of charts.values()) if (chart.isDue(now)) mark(chart);
    if (dirty.size) drawDirty();
    if (now - lastClock > CLOCK_POST_MS) {
      lastClock = now;
      const { t, t0, t1, live: following, playing } = scene.clock;
      const text = `${t} ${t0} ${t1} ${following} ${playing} ${scene.unit}`;
      if (text !== lastClockText) {
        lastClockText = text;
        stripDirty = true;
        post({ ev: "clock", t, t0, t1, live: following, playing, unit: scene.unit });
      }
    }
    if (strip && wanted.primary !== null && stripDirty && now - lastStrip > STRIP_DRAW_MS) {
      lastStrip = now;
      stripDirty = false;
      strip.draw(scene, theme, wanted.primary);
    }
    if (now - lastLatest > LATEST_POST_MS) {
      lastLatest = now;
      tellRuns();
      if (!wanted.unanswered) details.follow();
      const recent = stat.frames.slice(-15);
      reportLatest(Math.round(1000 / (recent.reduce((sum, ms) => sum + ms, 0) / recent.length || 16)));
      post({ ev: "notes", notes: notes(scene, charts) });
      tell({ ev: "best", best: best(scene, wanted.primary) });
      tell({ ev: "several", several: model.several });
    }
    if (now - lastSpoken > SPOKEN_POST_MS) {
      lastSpoken = now;
      tell({ ev: "spoken", spoken: spoken(scene, charts) });
    }
  }
  requestAnimationFrame(frame);
}

function drawDirty() {
  const began = performance.now();
  const ranges = new Map([[scene.axis, scene.xRange()]]);
  for (const chart of charts.values()) {
    const axis = scene.axisOf(chart.metric);
    if (!ranges.has(axis)) ranges.set(axis, scene.xRange(axis));
    const [low, high] = ranges.get(axis);
    const [before, until] = drawnRanges.get(axis) ?? [];
    if (low !== before || high !== until) dirty.add(chart);
  }
  drawnRanges = ranges;
  let drawn = 0;
  for (const chart of dirty) {
    dirty.delete(chart);
    if (!chart.visible) continue;
    chart.draw(scene, theme, scene.xRangeOf(chart.metric, ranges.get(scene.axisOf(chart.metric))));
    drawn++;
    if (performance.now() - began > DRAW_MS_MAX) break;
  }
  if (drawn) note(stat.draw, performance.now() - began);
  if (!dirty.size && newest) {
    latency = live.serverNow - newest;
    note(stat.latency, latency);
    newestSeen = performance.now();
    newest = 0;
  }
  if (hover) reportHover();
}

// ——— What the page asks ———

const redraw = () => {
  stripDirty = true;
  renewAll();
};

const operations = {
  open({ config: given, theme: colors, dpr: ratio, options, hidden }) {
    config = given;
    theme = colors;
    dpr = ratio;
    scene.setOptions(options);
    scene.hidden = new Set(hidden);
    live = new Live(config.url, { subscription: () => wanted.subscription(config), onText: (message) => texts[message.ev]?.(message), onFrame, onState: (state) => post({ ev: "connection", ...state }) });
  },
  token({ token }) {
    const renewed = config.token !== token;
    config.token = token;
    if (renewed && !live.socket) live.open();
  },
  chart({ id, canvas, width, height }) {
    const chart = new Chart(model.metric(id), canvas, width, height, dpr);
    charts.set(id, chart);
    dirty.add(chart);
    // A browser may take a canvas's memory away, of a page that nobody looks at, and give it back empty.
    canvas.oncontextrestored = () => {
      chart.painted.forget();
      if (charts.get(id) === chart) mark(chart);
    };
    look();
  },
  drop({ id }) {
    const chart = charts.get(id);
    dirty.delete(chart);
    if (chart) model.unpaint(chart.metric);
    charts.delete(id);
    look();
  },
  size({ id, width, height }) {
    const chart = charts.get(id);
    if (!chart) return;
    chart.resize(width, height, dpr);
    dirty.add(chart);
    details.ask();
  },
  strip({ canvas, width, height }) {
    strip = new Strip(canvas, width, height, dpr);
    stripDirty = true;
    canvas.oncontextrestored = () => (stripDirty = true);
  },
  stripSize({ width, height }) {
    strip?.resize(width, height, dpr);
    stripDirty = true;
    lastStrip = 0;
  },
  ratio({ dpr: ratio }) {
    dpr = ratio;
    for (const chart of charts.values()) chart.resize(chart.width, chart.height, dpr);
    strip?.resize(strip.width, strip.height, dpr);
    redraw();
  },
  theme({ theme: colors }) {
    theme = colors;
    redraw();
  },
  primary({ metric }) {
    wanted.primary = metric === null ? null : model.metric(metric);
    stripDirty = true;
    look();
  },
  options({ options }) {
    const { axis, range } = scene;
    const before = JSON.stringify(scene.options.ranges);
    scene.setOptions(options);
    if (before !== JSON.stringify(options.ranges)) details.ask();
    if (axis !== scene.axis || (range && !scene.range)) zoom(null);
    look();
    described = true;
    redraw();
  },
  hidden({ ids }) {
    scene.hidden = new Set(ids);
    redraw();
  },
  focus({ id }) {
    if (scene.focus === id) return;
    scene.focus = id;
    markAll();
  },
  hover({ at }) {
    hover = at;
    if (at) reportHover();
  },
  zoom({ part, id, range }) {
    if (range) return zoom(range.slice(0, 2), range[2]);
    const axis = id === undefined ? scene.axis : scene.axisOf(model.metric(id));
    const [low, high] = charts.get(id)?.xShown ?? drawnRanges.get(axis) ?? [0, 1];
    return zoom(part && [low + part[0] * (high - low), low + part[1] * (high - low)], axis);
  },
  play: () => scene.play(),
  pause() {
    scene.pause();
    redraw();
  },
  speed({ speed }) {
    scene.clock.speed = speed;
  },
  seek({ part, by, t }) {
    const { t0, t1 } = scene.clock;
    scene.seek(t ?? (by === undefined ? t0 + part * (t1 - t0) : scene.clock.t + by * scene.pace));
    redraw();
  },
  step({ by }) {
    scene.step(by, wanted.primary);
    redraw();
  },
  live() {
    scene.goLive();
    redraw();
  },
  // For tests and measurements.
  mark() {
    for (const list of [stat.latency, stat.frames, stat.draw, stat.arrival]) list.length = 0;
    stat.bytes = stat.messages = stat.points = 0;
  },
  stats() {
    let series = 0;
    let points = 0;
    for (const run of model.runs.values()) for (const list of run.curves.values()) for (const one of list) [series, points] = [series + 1, points + one.n];
    post({ ev: "stats", stat, series, points, clock: { ...scene.clock }, range: drawnRanges.get(scene.axis) ?? [0, 1], zoomed: scene.range, subscribed: wanted.metrics, marks: model.marks(), opened: !!live?.socket });
  },
  points({ run, metric }) {
    const found = model.runs.get(run);
    const list = found ? model.curves(found, model.metric(metric)) : [];
    post({ ev: "points", curves: list.map((one) => ({ label: one.label, total: one.total, detail: one.detail?.n ?? 0, steps: [...one.x.subarray(0, one.n)], values: [...one.y.subarray(0, one.n)] })) });
  },
  csv({ metric }) {
    post({ ev: "csv", metric, text: table(scene, model.metric(metric)) });
  },
  svg({ metric }) {
    const chart = charts.get(metric);
    if (!chart?.drawn) return;
    const axis = scene.axisOf(chart.metric);
    post({ ev: "svg", metric, text: picture(chart, metric, { ...scene.options, axis, logx: scene.logarithmic(axis) }, theme) });
  },
  drawn({ metric }) {
    const chart = charts.get(metric);
    const bands = (chart?.drawn ?? []).filter(({ band }) => band).map(({ run, xs, ys, band, of }) => ({ id: run.id, of, xs: [...xs], mean: [...ys], low: [...band.low], high: [...band.high], count: [...band.count] }));
    post({ ev: "drawn", curves: chart?.drawn?.length ?? 0, bands, range: chart?.xShown ?? null, scale: chart?.yShown ?? null });
  },
  close() {
    live?.close();
    self.close();
  },
};

self.onmessage = ({ data }) => operations[data.op](data);
requestAnimationFrame(frame);
