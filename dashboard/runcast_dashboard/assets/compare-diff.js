// What runs were given and what came out, key by key; only where they differ, unless all is asked for.

import { short } from "./compare-data.js";
import { button, element, replaceHeld, search } from "./dom.js";
import { duration } from "./format.js";
import { shownValue } from "./table-columns.js";

const KEYS_MAX = 300; // Of a section, unless they are searched for.
const CELL_CHARS_MAX = 4000;

export class Diff {
  constructor(page) {
    this.page = page;
    this.only = element("input", "");
    this.only.type = "checkbox";
    this.only.checked = true;
    this.only.onchange = () => this.draw();
    this.find = search("Find a key", () => this.draw());
    this.table = element("div", "c-table");
    this.table.tabIndex = 0;
    this.table.setAttribute("role", "region");
    this.table.setAttribute("aria-label", "Differences");
    this.root = element("section", "c-part", element("div", "c-tools", element("label", "c-check", this.only, "Only what differs"), this.find), this.table);
  }

  take() {
    this.drawn = null;
  }

  draw() {
    const { runs, fields } = this.page;
    const text = this.find.value.trim().toLowerCase();
    const state = `${this.only.checked}\0${text}`;
    if (this.drawn === state) return;
    this.drawn = state;
    const table = element("table", "");
    const head = element("tr", "", element("th", "c-key", ""));
    runs.forEach((run) => {
      const swatch = element("i", "c-swatch");
      swatch.style.background = run.color;
      const open = button("c-run", "", () => this.page.open(run.id), swatch, element("span", "", run.name));
      open.title = `${run.name} (${run.id})`;
      open.dir = "auto";
      open.dataset.run = run.id;
      const cell = element("th", "", open);
      cell.scope = "col";
      head.append(cell);
    });
    table.append(element("thead", "", head));
    const own = [
      ["state", runs.map((run) => run.state)], ["duration", runs.map((run) => duration(run.duration * 1000))], ["steps", runs.map((run) => String(run.steps))],
      ["tags", runs.map((run) => run.tags.join(", "))], ["host", runs.map((run) => run.host)], ["program", runs.map((run) => run.program)],
    ].map(([name, held]) => ({ name, held, differs: new Set(held).size > 1 }));
    let total = 0;
    for (const [title, group] of [["Run", own], ["Config", fields.filter(({ name }) => name.startsWith("config."))], ["Summary", fields.filter(({ name }) => name.startsWith("summary."))]]) {
      const shown = group.filter(({ name, differs }) => (differs || !this.only.checked) && (!text || name.toLowerCase().includes(text)));
      if (!shown.length) continue;
      total += shown.length;
      const caption = element("th", "c-section", `${title} `, element("span", "muted", shown.length === group.length ? `${group.length}` : `${shown.length} of ${group.length}`));
      caption.colSpan = runs.length + 1;
      const rows = shown.slice(0, KEYS_MAX).map((field) => this.row(field));
      if (shown.length > KEYS_MAX) rows.push(element("tr", "", element("th", "c-key muted", `and ${shown.length - KEYS_MAX} more: search for them`)));
      table.append(element("tbody", "", element("tr", "", caption), ...rows));
    }
    replaceHeld(this.table, ".c-run", "run", total ? table : element("p", "c-none", text ? "No key is called so." : "These runs do not differ in anything."));
  }

  row({ name, held, differs }) {
    const key = element("th", "c-key", short(name));
    key.scope = "row";
    key.title = name;
    const counts = new Map();
    for (const value of held) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
    const usual = differs ? [...counts].sort(([, a], [, b]) => b - a)[0] : null;
    const several = usual && usual[1] > held.length / 2;
    return element("tr", differs ? "" : "same", key, ...held.map((value) => {
      const text = shownValue(value);
      const cell = element("td", several && String(value) !== usual[0] ? "odd" : "", text === "" ? "–" : text.slice(0, CELL_CHARS_MAX));
      if (text.length > 16) cell.title = text.slice(0, CELL_CHARS_MAX);
      cell.classList.toggle("broken", text === "NaN");
      cell.dir = "auto";
      return cell;
    }));
  }
}
