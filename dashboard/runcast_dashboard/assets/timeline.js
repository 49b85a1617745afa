// Marks on the timeline: where a run began, ended, began again, was warned of, kept a model, and was at its best.
// A click, or `[` and `]`, goes to that moment. Marks that lie too close to be told apart are one, with a count.

import { Service } from "./asking.js";
import { element, write } from "./dom.js";
import { number } from "./format.js";

const RUNS_MAX = 200; // That the service is asked about, the newest.
const ENDS_RUNS_MAX = 12; // With more, where each began and ended is a picket fence.
const NEAR_PX = 11;
const ASK_MS = 700; // After news: more may follow.
const AGAIN_MS = 15_000; // After no answer, and while something runs: models are kept without a word on the live socket.
const LINES_MAX = 6;
// By what matters most: of marks that lie on each other, the first gives the colour.
const KINDS = ["failed", "error", "warn", "resume", "best", "checkpoint", "info", "end", "start"];

export class Timeline {
  constructor(board, track) {
    this.board = board;
    this.track = track;
    this.root = element("div", "marks");
    this.said = element("div", "mark-said");
    this.said.setAttribute("role", "status");
    track.append(this.root, this.said);
    this.service = new Service(board.data.project);
    this.told = []; // What the service said.
    this.best = {};
    this.shown = [];
  }

  // Runs came, or one changed its state, or something was told: ask soon, once for all that comes till then.
  news() {
    this.soon ??= setTimeout(() => this.ask(), ASK_MS);
    this.redraw();
  }

  // Another moment may never come: the clock of runs that ended stands still.
  redraw() {
    const { dock } = this.board;
    this.drawn = null;
    if (dock?.shown) this.show(dock.shown, dock.width ?? 0);
  }

  async ask() {
    clearTimeout(this.soon);
    clearTimeout(this.timer);
    this.soon = undefined;
    const runs = [...this.board.runs.values()].slice(-RUNS_MAX);
    if (!runs.length) return;
    let failed = false;
    try {
      this.told = (await this.service.get("timeline", runs.map(({ id }) => ["id", id]))).marks;
    } catch {
      failed = true; // They are asked for again; the curves do not need them.
    }
    if (this.gone) return;
    this.redraw();
    if (failed || runs.some(({ state }) => state === "running")) this.timer = setTimeout(() => this.ask(), AGAIN_MS);
  }

  // What is known, each with its place on the clock. A run ends, and may be warned of or keep a model, after its last point; the
  // clock's end is the last point of all. What comes later stands there, and its words say when it was.
  marks({ unit, t1 }) {
    const { board } = this;
    const runs = [...board.runs.values()].filter(({ id }) => !board.hidden.has(id));
    const found = [];
    const put = (run, t, step, kind, text) => {
      const place = unit === "step" ? step : unit === "elapsed" ? t - run.t0 : t;
      if (place !== null && t >= run.t0 - 1) found.push({ t: Math.min(place, t1), said: place, kind, text: board.single ? text : `${run.name}: ${text}` });
    };
    for (const run of runs) {
      const ended = run.state !== "running";
      const well = run.state === "finished";
      if (runs.length <= ENDS_RUNS_MAX) put(run, run.t0, 0, "start", "began");
      if (ended && (!well || runs.length <= ENDS_RUNS_MAX)) put(run, run.t1, run.step, well ? "end" : "failed", run.state);
      const best = this.best[run.id];
      if (best) put(run, best.t, best.step, "best", `best ${best.metric}, ${number(best.y)}`);
    }
    const shown = new Map(runs.map((run) => [run.id, run]));
    for (const { run, kind, time, step, title, level } of this.told) {
      if (!shown.has(run)) continue;
      const said = { alert: level === "ERROR" ? "error" : level === "WARN" ? "warn" : "info", resume: "resume", checkpoint: "checkpoint" }[kind];
      put(shown.get(run), Date.parse(time), step, said, kind === "checkpoint" ? `kept ${title}` : title);
    }
    return found.sort((p, q) => p.said - q.said);
  }

  // Draw what differs; the clock's ends move all the time.
  show(clock, width) {
    const { t0, t1, unit } = clock;
    const scale = width / (t1 - t0);
    if (!(scale > 0) || !Number.isFinite(scale)) return;
    const key = `${unit} ${width}`;
    const moved = this.ends && Math.abs(t1 - this.ends[1]) * scale < 1 && Math.abs(t0 - this.ends[0]) * scale < 1;
    if (this.drawn === key && moved) return;
    this.drawn = key;
    this.ends = [t0, t1];
    const groups = [];
    for (const mark of this.marks(clock)) {
      if (mark.t < t0 - 1) continue;
      const x = (mark.t - t0) * scale;
      const last = groups.at(-1);
      if (last && x - last.x < NEAR_PX) last.marks.push(mark);
      else groups.push({ x, marks: [mark] });
    }
    this.shown = groups.map(({ x, marks }) => {
      const first = marks.reduce((p, q) => (KINDS.indexOf(q.kind) < KINDS.indexOf(p.kind) ? q : p));
      return { x, t: first.t, kind: first.kind, marks };
    });
    while (this.root.children.length > this.shown.length) this.root.lastChild.remove();
    while (this.root.children.length < this.shown.length) this.root.append(this.pin());
    this.shown.forEach((mark, at) => {
      const pin = this.root.children[at];
      pin.dataset.kind = mark.kind;
      pin.dataset.at = at;
      pin.style.left = `${mark.x}px`;
      pin.setAttribute("aria-label", this.words(mark).join("; "));
      write(pin.firstChild, mark.marks.length > 1 ? String(Math.min(99, mark.marks.length)) : "");
    });
  }

  words({ marks }) {
    const lines = marks.slice(0, LINES_MAX).map(({ said, text }) => `${this.board.dock.label(said)}  ${text}`);
    return marks.length > LINES_MAX ? [...lines, `and ${marks.length - LINES_MAX} more`] : lines;
  }

  pin() {
    const pin = element("button", "mark", element("i"));
    pin.type = "button";
    pin.tabIndex = -1; // `[` and `]` reach them: a hundred stops of the tab key would be none.
    pin.onclick = () => this.go(this.shown[pin.dataset.at]); // By what is no pointer: the track takes those.
    pin.onpointerenter = () => this.say(this.shown[pin.dataset.at]);
    pin.onpointerleave = ({ buttons }) => buttons || this.say(null); // While one is held, the pointer is the track's.
    return pin;
  }

  // The mark that was pressed, or null: the track takes the pointer, so that a drag may begin on a mark.
  markOf(target) {
    const pin = target.closest(".mark");
    return pin && this.shown[pin.dataset.at];
  }

  say(mark) {
    this.said.classList.toggle("on", mark !== null);
    this.track.classList.toggle("marked", mark !== null);
    if (mark === null) return;
    this.said.replaceChildren(...this.words(mark).map((line) => element("div", "", line)));
    const room = this.track.getBoundingClientRect().width;
    this.said.style.left = `${Math.min(Math.max(mark.x, 120), Math.max(120, room - 120))}px`;
  }

  go(mark) {
    const { dock } = this.board;
    this.board.ask({ op: "seek", t: mark.t });
    dock.show({ ...dock.shown, t: mark.t, live: false }); // The next key may come before the clock's answer.
    this.say(mark);
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => this.say(null), 3000);
  }

  // To the mark before or after the moment that is shown.
  step(by) {
    const clock = this.board.dock.shown;
    if (!clock) return;
    const slack = (clock.t1 - clock.t0) / 1000;
    const found = by < 0 ? this.shown.findLast(({ t }) => t < clock.t - slack) : this.shown.find(({ t }) => t > clock.t + slack);
    if (found) this.go(found);
  }

  destroy() {
    this.gone = true;
    clearTimeout(this.soon);
    clearTimeout(this.timer);
    clearTimeout(this.quiet);
  }
}
