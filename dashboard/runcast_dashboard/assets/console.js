// What a run printed: the lines up to the moment shown, the newest in view while the reader has not scrolled up. A line is
// held as it was last written; what it said before, as a progress bar does, is asked for when a replay comes there.

import { button, element, leading, search, write } from "./dom.js";
import { clockTime, whole } from "./format.js";

const LINES_MAX = 20_000; // Held in the page; the rest is read by the API.
const PER_READ = 5000;
const DRAWN_MAX = 2000; // Elements at once: the end of what is shown.
const NEAR_END = 40; // Pixels from the end that still mean "follow".
const TYPING_MS = 250;
const SCRUB_MS = 500; // What stood at a moment is asked for at most so often.

export class Console {
  constructor(panels) {
    this.panels = panels;
    this.moment = null;
    this.find = search("Search the console", () => this.typed());
    this.words = element("span", "note");
    this.times = button("chip", "Show when each line was printed", () => this.toggleTimes(), "Times");
    this.times.setAttribute("aria-pressed", "false");
    this.bar = element("div", "panel-bar", this.find, this.times, this.words);
    this.list = element("div", "lines");
    this.list.setAttribute("role", "log");
    this.list.tabIndex = 0;
    this.empty = element("div", "teach", element("h2", "", "Nothing was printed"),
      element("p", "", "What the training writes to its console is shown here as a terminal would, progress bars too. RUNCAST_CONSOLE=off switches it off."));
    this.empty.hidden = true;
    this.root = element("div", "panel console", this.bar, this.list, this.empty);
    this.list.onscroll = () => {
      const before = this.following;
      this.following = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR_END;
      if (this.following && !before) this.draw(); // There may be more than was drawn for who read further up.
    };
    this.search("");
  }

  // Begin again: with what is asked for now.
  search(query) {
    this.query = query;
    this.lines = new Map(); // `writer:number` → line: a progress bar writes its line again and again.
    this.sorted = [];
    this.rewritten = []; // Those of them that once said something else.
    this.after = null; // The number behind which the service has more.
    this.cut = false; // Whether earlier lines are not held.
    this.past = null; // The lines as they stood at a moment.
    this.drawn = [];
    this.following = true;
    this.drawnOnce = false;
  }

  async read() {
    const { lines, query, after } = this;
    const { lines: found, next } = await this.ask(query ? [["search", query]] : [["after", after]]);
    if (lines !== this.lines) return; // Another question by now.
    if (query) lines.clear();
    let changed = query !== "" || !this.drawnOnce;
    for (const line of found) {
      const key = `${line.writer}:${line.number}`;
      const before = lines.get(key);
      if (before?.text === line.text) continue;
      lines.set(key, dated(line, before));
      changed = true;
    }
    if (found.length >= PER_READ) {
      if (after === null) this.cut = true;
      else this.panels.poll(); // And more of it.
    }
    this.after = query ? null : next;
    if (changed) {
      this.drawnOnce = true;
      this.sorted = [...lines.values()].sort(inOrder);
      for (const gone of this.sorted.splice(0, Math.max(0, this.sorted.length - LINES_MAX))) {
        lines.delete(`${gone.writer}:${gone.number}`);
        this.cut = true;
      }
      this.rewritten = this.sorted.filter(({ begun, at }) => begun < at);
      this.draw();
    }
    await this.readPast();
  }

  ask(asked) {
    return this.panels.service.get("console", [["limit", PER_READ], ...asked]);
  }

  // Whether other lines stood there at the moment shown than those that are held: earlier ones, or what they said before.
  get lost() {
    const { moment, query } = this;
    if (moment === null || query) return false;
    return (this.cut && moment < this.sorted[0].begun) || this.rewritten.some(({ begun, at }) => begun <= moment && moment < at);
  }

  async readPast() {
    const { moment, lines } = this;
    if (!this.lost || this.past?.moment === moment) return;
    const { lines: found } = await this.ask([["until", new Date(moment + 1).toISOString()]]);
    if (lines !== this.lines) return;
    this.past = { moment, lines: found.map((line) => dated(line)).sort(inOrder) };
    this.draw();
  }

  typed() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => {
      const query = this.find.value.trim();
      if (query === this.query) return;
      this.search(query);
      this.panels.poll();
    }, TYPING_MS);
  }

  toggleTimes() {
    const on = this.list.classList.toggle("timed");
    this.times.classList.toggle("on", on);
    this.times.setAttribute("aria-pressed", String(on));
  }

  show(moment) {
    this.moment = moment;
    this.draw();
    if (!this.lost || this.scrubbed) return;
    this.scrubbed = setTimeout(() => {
      this.scrubbed = 0;
      this.panels.poll();
    }, SCRUB_MS);
  }

  // How many of some lines had been begun by the moment shown.
  end(lines) {
    return this.moment === null ? lines.length : leading(lines, ({ begun }) => begun <= this.moment + 1);
  }

  draw() {
    // Until the answer comes, what is held stands for what stood there, as far as it was so by then.
    const lines = this.lost && this.past ? this.past.lines : this.sorted;
    const end = this.end(lines);
    // Who reads what stands further up keeps it under the eyes: more is only added below.
    const [top] = this.drawn;
    const kept = this.following || !top ? -1 : lines.findIndex((line) => inOrder(line, top) >= 0);
    const first = kept >= 0 && kept < end ? kept : Math.max(0, end - DRAWN_MAX);
    const shown = lines.slice(first, Math.min(end, first + DRAWN_MAX)).filter(({ at }) => this.moment === null || at <= this.moment + 1);
    this.empty.hidden = this.sorted.length > 0 || !this.drawnOnce || !!this.query;
    this.list.hidden = !this.empty.hidden;
    this.bar.hidden = !this.empty.hidden;
    this.put(shown);
    this.sum = this.said(first, shown.length, end);
    this.trouble(this.sentence);
    if (this.following) this.list.scrollTop = this.list.scrollHeight;
  }

  said(first, shown, end) {
    if (!this.drawnOnce) return ""; // Nothing is known yet.
    if (this.query) return shown < end || this.cut ? `the last ${whole(shown)} found` : `${whole(end)} found`;
    if (this.lost && !this.past) return "reading what was printed by then …";
    if (first + shown < end) return `${whole(shown)} of ${whole(end)} lines`;
    return `${this.cut || first > 0 ? "the last " : ""}${whole(shown)} ${shown === 1 ? "line" : "lines"}`;
  }

  put(shown) {
    const labelled = new Set(shown.map((line) => line.label)).size > 1;
    // Those that left at the top are taken away, so that the others stay what they are.
    for (let gone = this.drawn.indexOf(shown[0]); gone > 0; gone--) this.list.firstChild.remove();
    this.drawn = shown;
    const { children } = this.list;
    while (children.length > shown.length) this.list.lastChild.remove();
    shown.forEach((line, k) => {
      const row = children[k] ?? this.list.appendChild(element("div", "line", element("time"), element("b"), element("span")));
      const [time, label, text] = row.children;
      row.classList.toggle("error", line.error);
      write(time, clockTime(line.at));
      write(label, labelled ? line.label : "");
      write(text, line.text);
    });
  }

  trouble(sentence) {
    this.sentence = sentence;
    write(this.words, sentence || this.sum || "");
  }
}

const dated = (line, before) => ({ ...line, at: Date.parse(line.time), begun: before?.begun ?? Date.parse(line.begun) });
const inOrder = (a, b) => a.begun - b.begun || a.number - b.number;
