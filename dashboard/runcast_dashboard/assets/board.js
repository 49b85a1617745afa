// The board: everything on a page that moves. This module is the wiring between the parts; points live in the worker and
// never pass here.

import { address } from "./address.js";
import { fileName, save } from "./cardmenu.js";
import { Cards } from "./cards.js";
import { mounted, themed } from "./component.js";
import { Dock } from "./dock.js";
import { element } from "./dom.js";
import { Facts } from "./facts.js";
import { Help } from "./help.js";
import { Keys } from "./keys.js";
import { Lesson } from "./lesson.js";
import { Notice } from "./notice.js";
import { Own } from "./own.js";
import { Panels } from "./panels.js";
import { Resting } from "./resting.js";
import { RunList } from "./runlist.js";
import { Toolbar } from "./toolbar.js";

const RECALLS_MAX = 50; // Words of the clock that are answered with a link's moment: then it is out of reach.

class Board {
  constructor(component) {
    this.component = component;
    this.updates = 0;
    this.runs = new Map();
    this.told = new Resting((name, value) => this.component.setStateValue(name, value)); // Draw first.
    const { data } = component;
    this.options = { smooth: 0.6, axis: "step", x: "", kind: "ema", log: false, logx: false, outliers: true, fold: true, by: "", band: "range", ranges: {}, race: false, ...data.options };
    this.hidden = new Set(data.hidden);
    this.only = data.only && new Set(data.only); // A link's: what begins later is none of them.
    this.single = data.run !== undefined && data.run !== null;
    if (this.single) this.options.race = false; // Whoever runs alone races nobody, and its clock is that of its console.
    this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data: message }) => this[`on_${message.ev}`]?.(message);
    this.build(component.parentElement);
    // A handle for tests and measurements.
    (window.__rc ??= {}).board = this;
    this.whenStyled(() => this.start());
  }

  // The stylesheet arrives when it arrives; before, nothing has a size or a colour.
  whenStyled(then) {
    if (getComputedStyle(this.root).getPropertyValue("--card").trim()) then();
    else this.waiting = requestAnimationFrame(() => this.whenStyled(then));
  }

  start() {
    const { data } = this;
    this.theme = this.readTheme();
    const url = new URL(data.url, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this.ask({
      op: "open",
      config: { url: url.href, project: data.project, runs: this.single ? [data.run.id] : (data.runs ?? null), token: data.token },
      theme: this.theme, dpr: devicePixelRatio, options: this.options, hidden: [...this.hidden],
    });
    this.dock.start();
    this.watchRatio();
  }

  build(parent) {
    this.cards = new Cards(this);
    this.dock = new Dock(this);
    this.toolbar = new Toolbar(this);
    this.side = this.single ? new Facts(this) : new RunList(this);
    this.lesson = new Lesson(this);
    this.notice = new Notice();
    this.help = new Help();
    this.panels = this.single ? new Panels(this) : null;
    this.own = this.single ? new Own(this) : null;
    const beside = this.panels ? [this.panels.tabs, this.panels.root] : [];
    const veil = element("div", "veil");
    veil.onclick = () => this.showBeside(false);
    this.root = element("div", this.single ? "rc single" : "rc",
      veil, this.side.root, element("div", "main", ...beside, this.toolbar.root, this.notice.root, this.cards.root, this.lesson.root, this.dock.root), ...this.cards.floating, this.help.root);
    parent.append(this.root);
    this.keys = new Keys(this);
  }

  get data() {
    return this.component.data;
  }

  ask(message, transfer) {
    this.worker.postMessage(message, transfer ?? []);
  }

  // A rerun: take the new callbacks, apply what differs, touch nothing else.
  update(component) {
    const before = this.component.data;
    this.component = component;
    this.updates++;
    this.side.update?.(component.data);
    if (!this.theme) return;
    const theme = this.readTheme();
    if (JSON.stringify(theme) !== JSON.stringify(this.theme)) this.ask({ op: "theme", theme: (this.theme = theme) });
    if (before.token !== component.data.token) this.ask({ op: "token", token: component.data.token });
  }

  // On a narrow screen: the list of runs, or what is known of the one, over the charts.
  showBeside(yes = !this.root.classList.contains("sided")) {
    this.root.classList.toggle("sided", yes);
    this.toolbar.beside.setAttribute("aria-expanded", String(yes));
  }

  // A canvas cannot use CSS variables: read what they are now.
  readTheme() {
    themed(this.root);
    const now = getComputedStyle(this.root);
    const read = (name) => now.getPropertyValue(name).trim();
    return { card: read("--card"), track: read("--track"), muted: read("--muted"), grid: read("--grid"), font: "system-ui, -apple-system, 'Segoe UI', sans-serif" };
  }

  watchRatio() {
    this.ratio = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    this.onRatio = () => {
      this.ask({ op: "ratio", dpr: devicePixelRatio });
      this.watchRatio();
    };
    this.ratio.addEventListener("change", this.onRatio, { once: true });
  }

  trigger(name, value) {
    this.component.setTriggerValue(name, value);
  }

  setOptions(change) {
    Object.assign(this.options, change);
    this.ask({ op: "options", options: { ...this.options } });
    this.told.set("options", { ...this.options, race: this.single ? !!this.data.options.race : this.options.race });
  }

  // What the reader switches off and on; what a link said of it is over.
  setHidden(hidden) {
    this.chosen = true;
    this.only = null;
    this.hide(hidden);
  }

  hide(hidden) {
    this.hidden = hidden;
    this.ask({ op: "hidden", ids: [...hidden] });
    this.side.shade?.();
    this.dock.timeline.redraw();
    if (this.chosen) this.told.set("hidden", [...hidden]);
  }

  // Switch off and on what readers put aside and take back elsewhere, and off what is not of a link. Python has said it of
  // the runs that were there at first.
  arrange(runs) {
    if (this.single || this.data.runs) return;
    const hidden = new Set(this.hidden);
    for (const { id, aside } of runs) {
      const before = this.runs.get(id);
      if (before && before.aside !== aside) hidden[aside ? "add" : "delete"](id);
      else if (!before && ((this.only && !this.only.has(id)) || (this.whole && aside))) hidden.add(id);
    }
    if (hidden.size !== this.hidden.size || [...hidden].some((id) => !this.hidden.has(id))) this.hide(hidden);
  }

  on_runs({ runs, metrics }) {
    const news = runs.some(({ id, state }) => this.runs.get(id)?.state !== state);
    this.arrange(runs);
    for (const run of runs) this.runs.set(run.id, { ...this.runs.get(run.id), ...run });
    this.side.show(runs);
    if (news) this.dock.timeline.news();
    if (this.own) this.own.add(metrics, runs);
    else this.cards.add(metrics);
    this.teach();
  }

  on_gone({ id }) {
    this.runs.delete(id);
    this.side.remove(id);
    this.dock.timeline.news();
    this.teach();
  }

  on_synced() {
    this.synced = this.whole = true;
    this.recall();
    this.teach();
  }

  on_connection(message) {
    this.toolbar.connection(message);
    this.notice.connection(message);
    if (message.state === "unauthorised") this.trigger("renew", Date.now());
    if (message.state === "unknown") this.synced = true;
    if (message.state === "live") this.synced = true;
    this.teach();
  }

  // The moment and the stretch of a link that was opened. While runs still arrive, the clock may not reach it yet.
  recall() {
    const { moment } = this.data;
    const { clock } = this;
    if (this.recalled || !this.whole || !(clock?.t1 > clock?.t0)) return;
    if (moment?.zoom && !this.asked) this.ask({ op: "zoom", range: moment.zoom });
    this.asked = (this.asked ?? 0) + 1;
    const there = moment?.t === undefined || (!clock.live && Math.abs(clock.t - moment.t) <= 1);
    if (there || this.asked > RECALLS_MAX) this.recalled = true;
    else this.ask({ op: "seek", t: moment.t });
  }

  // The address of what is shown now.
  link() {
    return address(this).href;
  }

  teach() {
    this.root.classList.toggle("loading", !this.synced);
    this.lesson.show({ synced: this.synced, runs: this.runs.size, metrics: this.cards.logged });
  }

  on_latest(message) {
    this.values = message.values;
    this.side.latest(message);
    this.toolbar.latest(message);
    this.dock.race.latest(message);
  }

  on_clock(message) {
    this.clock = message;
    this.dock.show(message);
    this.panels?.clock(message);
    this.recall();
    this.root.classList.toggle("replay", !message.live);
  }

  on_hover(message) {
    this.cards.hover.tip.show(message);
  }

  on_notes({ notes }) {
    this.cards.showNotes(notes);
  }

  on_spoken({ spoken }) {
    this.cards.describe(spoken);
  }

  on_alert() {
    this.dock.timeline.news();
  }

  on_best({ best }) {
    this.dock.timeline.best = this.dock.race.best = best;
    this.dock.timeline.redraw();
  }

  on_groups(message) {
    this.grouped = message;
    this.side.groups?.(message);
  }

  on_several({ several }) {
    this.toolbar.several(several);
  }

  on_csv({ metric, text }) {
    save(new Blob([text], { type: "text/csv" }), `${fileName(metric)}.csv`);
  }

  on_svg({ metric, text }) {
    save(new Blob([text], { type: "image/svg+xml" }), `${fileName(metric)}.svg`);
  }

  on_range({ range, axis, own }) {
    this.range = range && (own ? range : [...range, axis]);
    this.toolbar.zoomed(range !== null);
  }

  on_stats(message) {
    this.stats = message;
  }

  on_points(message) {
    this.points = message;
  }

  on_drawn(message) {
    this.drawn = message;
  }

  destroy() {
    this.ask({ op: "close" });
    cancelAnimationFrame(this.waiting);
    this.ratio?.removeEventListener("change", this.onRatio);
    this.told.destroy();
    this.cards.destroy();
    this.notice.destroy();
    this.dock.destroy();
    this.panels?.destroy();
    this.own?.destroy();
    this.side.destroy?.();
    this.keys.destroy();
    this.root.remove();
    if (window.__rc.board === this) delete window.__rc.board;
  }
}

export default mounted(Board);
