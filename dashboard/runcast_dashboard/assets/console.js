// What a run printed: the lines up to the moment shown, the newest in view while the reader has not scrolled up.

import { button, element, search, write } from "./dom.js";
import { clockTime, whole } from "./format.js";

const LINES_MAX = 20_000; // Held in the page; the rest is read by the API.
const PER_READ = 5000;
const DRAWN_MAX = 2000; // Elements at once: the end of what is shown.
const NEAR_END = 40; // Pixels from the end that still mean "follow".
const TYPING_MS = 250;

export class Console {
  constructor(panels) {
    this.panels = panels;
    this.lines = new Map(); // `writer:number` → line: a progress bar writes its line again and again.
    this.sorted = [];
    this.moment = null;
    this.find = search("Search the console", () => this.searched());
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
    this.query = "";
    this.following = true;
    this.list.onscroll = () => {
      this.following = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR_END;
    };
  }

  async read() {
    const { service } = this.panels;
    const query = this.query;
    const asked = [["limit", PER_READ]];
    if (query) asked.push(["search", query]);
    else for (const [writer, number] of this.lines.size ? this.behind() : []) asked.push(["after", `${writer}:${number}`]);
    const { lines } = await service.get("console", asked);
    if (query !== this.query) return; // Another question by now.
    if (query) this.lines.clear();
    let changed = query !== "" || !this.drawnOnce;
    for (const line of lines) {
      const key = `${line.writer}:${line.number}`;
      const before = this.lines.get(key);
      if (before?.text === line.text) continue;
      this.lines.set(key, { ...line, at: Date.parse(line.time) });
      changed = true;
    }
    if (!changed) return;
    this.drawnOnce = true;
    this.sorted = [...this.lines.values()].sort((a, b) => a.at - b.at || a.number - b.number);
    for (const gone of this.sorted.splice(0, Math.max(0, this.sorted.length - LINES_MAX))) this.lines.delete(`${gone.writer}:${gone.number}`);
    this.draw();
  }

  // The last few lines are asked for again: one that is being written changes.
  behind() {
    const highest = new Map();
    for (const { writer, number } of this.lines.values()) highest.set(writer, Math.max(number, highest.get(writer) ?? 0));
    return [...highest].map(([writer, number]) => [writer, Math.max(0, number - 2)]);
  }

  searched() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => {
      this.query = this.find.value.trim();
      this.lines.clear();
      this.drawnOnce = false;
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
  }

  // How many lines had been printed by the moment shown.
  end() {
    if (this.moment === null) return this.sorted.length;
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sorted[middle].at <= this.moment + 1) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  draw() {
    const end = this.end();
    const shown = this.sorted.slice(Math.max(0, end - DRAWN_MAX), end);
    this.empty.hidden = this.sorted.length > 0 || !this.drawnOnce || !!this.query;
    this.list.hidden = !this.empty.hidden;
    this.bar.hidden = !this.empty.hidden;
    const labelled = new Set(shown.map((line) => line.label)).size > 1;
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
    const all = this.query ? `${whole(end)} found` : `${whole(end)} lines`;
    if (!this.troubled) write(this.words, shown.length < end ? `the last ${whole(shown.length)} of ${all}` : all);
    if (this.following) this.list.scrollTop = this.list.scrollHeight;
  }

  trouble(sentence) {
    this.troubled = !!sentence;
    if (sentence) write(this.words, sentence);
  }
}
