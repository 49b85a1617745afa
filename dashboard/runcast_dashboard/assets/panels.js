// What a run's page has beside its charts, each behind a tab. All of them follow the replay clock: a panel is told the
// moment that is shown, in ms since 1970, or null while the page follows what is logged now.

import { button, element } from "./dom.js";
import { Console } from "./console.js";
import { Files } from "./files.js";
import { Machine } from "./machine.js";
import { Media } from "./media.js";
import { Overview } from "./overview.js";
import { RunService } from "./service.js";

const POLL_MS = 2000; // What is printed and logged to be looked at is read as often as somebody could look.
const MOMENT_MS = 2; // Times of things are cut to milliseconds, those of rows are not.

export class Panels {
  constructor(board) {
    this.board = board;
    const { data } = board;
    this.service = new RunService(data.project, data.run.id);
    this.created = Date.parse(data.run.created);
    // By the key of its table: how a chart of it is drawn.
    this.charts = new Map(Object.entries(data.run.facts ?? {}).filter(([name, told]) => name.startsWith("chart.") && told?.table).map(([, told]) => [told.table, told]));
    this.made = new Map();
    this.root = element("div", "panels");
    this.tabs = element("div", "tabs");
    this.tabs.setAttribute("role", "tablist");
    for (const [name, title, Panel] of [["charts", "Charts", null], ["overview", "Overview", Overview], ["system", "System", Machine], ["media", "Media", Media], ["console", "Console", Console], ["files", "Files", Files]]) {
      const tab = button("tab", "", () => this.open(name), title);
      tab.setAttribute("role", "tab");
      tab.dataset.panel = name;
      tab.make = Panel;
      this.tabs.append(tab);
    }
    this.tabs.onkeydown = (event) => this.step(event);
    this.timer = setInterval(() => this.current?.asking || this.poll(), POLL_MS);
    this.moment = null;
    this.mark("charts");
  }

  get current() {
    return this.made.get(this.name);
  }

  open(name) {
    this.mark(name);
    const { make } = this.tabs.querySelector(`[data-panel=${name}]`);
    if (make && !this.made.has(name)) {
      const panel = new make(this);
      this.made.set(name, panel);
      this.root.append(panel.root);
    }
    for (const [other, panel] of this.made) panel.root.hidden = other !== name;
    const charts = name === "charts" || (name === "system" && this.board.cards.hasSystem);
    this.board.root?.classList.toggle("paneled", !charts);
    this.board.root?.classList.toggle("machine", name === "system");
    this.board.teach();
    this.poll();
    this.current?.show(this.moment);
  }

  mark(name) {
    this.name = name;
    for (const tab of this.tabs.children) {
      const on = tab.dataset.panel === name;
      tab.classList.toggle("on", on);
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
    }
  }

  // Tabs are walked with the arrows, as everywhere.
  step(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const all = [...this.tabs.children];
    const next = all[(all.findIndex((tab) => tab.dataset.panel === this.name) + by + all.length) % all.length];
    this.open(next.dataset.panel);
    next.focus();
    event.stopPropagation();
    event.preventDefault();
  }

  // Who is asked while it reads reads once more: what it was after may be another thing by now.
  async poll() {
    const panel = this.current;
    if (!panel) return;
    panel.due = true;
    if (panel.asking) return;
    panel.asking = true;
    while (panel.due && !document.hidden) {
      panel.due = false;
      try {
        await panel.read();
        panel.trouble("");
      } catch (error) {
        panel.trouble(error.message);
      }
    }
    panel.asking = false;
  }

  // The clock runs along the wall or along the run.
  clock({ t, live, unit }) {
    const moment = live ? null : unit === "elapsed" ? this.created + t : t;
    if (moment === this.moment) return;
    this.moment = moment;
    this.current?.show(moment);
  }

  // Show the moment of something in a panel on all of the page, if the clock reaches it: it goes from the run's begin to
  // its last row of numbers.
  seek(time) {
    const { board } = this;
    const { t0, t1, unit } = board.clock ?? {};
    const x = unit === "elapsed" ? time - this.created : time;
    if (!(t1 > t0 && x >= t0 - MOMENT_MS && x <= t1 + MOMENT_MS)) return false;
    board.ask({ op: "seek", part: Math.min(1, Math.max(0, (x - t0) / (t1 - t0))) });
    return true;
  }

  destroy() {
    clearInterval(this.timer);
  }
}
