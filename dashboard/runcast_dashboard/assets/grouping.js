// Groups in the list of runs: by which config key, what the band shows, and a heading for each group.

import { button, element, write } from "./dom.js";
import { number } from "./format.js";
import { offer, picker } from "./picker.js";

const BANDS = [["range", "min – max"], ["std", "± std"], ["stderr", "± std error"]];

export class Grouping {
  constructor(list) {
    this.list = list;
    this.heads = new Map();
    const { board } = list;
    this.by = picker("pick", "Group by", (by) => board.setOptions({ by }));
    this.by.title = "One curve for all runs that agree on this config key: their mean, over all runs that are shown";
    this.band = picker("pick", "Band", (band) => board.setOptions({ band }), BANDS, board.options.band);
    this.band.title = "What the band around a group's mean shows";
    this.root = element("div", "grouping", this.by, this.band);
    this.root.hidden = true;
  }

  // Put the rows under the headings of their groups, or back into one list.
  show({ by, keys, groups }) {
    const { board, rows, list } = this.list;
    const known = by && !keys.includes(by) ? [by, ...keys] : keys; // A link may name what no run differs in any more.
    this.root.hidden = !known.length;
    this.band.hidden = !by;
    offer(this.by, [["", "not grouped"], ...known.map((key) => [key, `by ${key}`])], by);
    const runs = [...board.runs.values()].reverse(); // The newest first.
    this.heads.clear();
    for (const row of rows.values()) row.group = null;
    if (!by) {
      for (const { id, color } of runs) rows.get(id)?.swatch.style.setProperty("--run", color);
      list.replaceChildren(...runs.map(({ id }) => rows.get(id)?.root).filter(Boolean));
      return;
    }
    const parts = groups.map((group) => {
      const head = this.head(group);
      const members = new Set(group.runs);
      const body = element("div", "group-runs", ...runs.filter(({ id }) => members.has(id) && rows.has(id)).map(({ id }) => {
        const row = rows.get(id);
        row.group = group.id;
        row.swatch.style.setProperty("--run", group.color);
        return row.root;
      }));
      this.heads.set(group.id, { ...head, group, body });
      return [head.root, body];
    });
    list.replaceChildren(...parts.flat());
  }

  head({ id, name, color, runs }) {
    const { board } = this.list;
    const swatch = button("swatch", "Show or hide the runs of this group", () => {
      const hidden = new Set(board.hidden);
      const hide = runs.some((run) => !hidden.has(run));
      for (const run of runs) {
        if (hide) hidden.add(run);
        else hidden.delete(run);
      }
      board.setHidden(hidden);
    });
    swatch.style.setProperty("--run", color);
    const value = element("span", "value", "–");
    const count = element("span", "muted");
    const title = element("b", "run-name", name);
    title.title = name;
    const root = element("div", "row group", swatch, title, count, value);
    root.onmouseenter = () => board.ask({ op: "focus", id });
    root.onmouseleave = () => board.ask({ op: "focus", id: null });
    return { root, count, value };
  }

  // How many of each group are shown, and the mean of their last values; a heading without runs goes.
  summarize(values) {
    this.values = values ?? this.values;
    const { board, rows } = this.list;
    for (const { group, root, count, value } of this.heads.values()) {
      const shown = group.runs.filter((id) => !board.hidden.has(id));
      root.hidden = group.runs.every((id) => rows.get(id)?.root.hidden);
      root.classList.toggle("off", !shown.length);
      write(count, shown.length === group.runs.length ? String(shown.length) : `${shown.length} of ${group.runs.length}`);
      const last = shown.map((id) => this.values?.[id]?.y).filter(Number.isFinite);
      write(value, last.length ? number(last.reduce((sum, y) => sum + y, 0) / last.length) : "–");
    }
  }
}
