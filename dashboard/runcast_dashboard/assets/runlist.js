// The list of runs: colour, name, state, step and last value; the swatch hides a run, the pointer brings it forward.
// The newest stand first, and none moves while somebody reads.

import { button, element, search, write } from "./dom.js";
import { number, whole } from "./format.js";
import { Grouping } from "./grouping.js";
import { offerProjects, picker } from "./picker.js";

export class RunList {
  constructor(board) {
    this.board = board;
    this.rows = new Map();
    this.count = element("span", "muted");
    this.metric = element("span", "metric");
    this.list = element("div", "runs");
    this.picker = picker("picker", "Project", (project) => board.trigger("project", project));
    this.all = button("link", "Show or hide all runs", () => this.toggleAll());
    this.find = search("Filter runs", () => this.filter());
    this.grouping = new Grouping(this);
    this.root = element("aside", "side",
      element("label", "project", element("span", "muted", "Project"), this.picker),
      element("div", "side-head", element("b", "", "Runs"), this.count, this.all), this.find, this.grouping.root,
      element("div", "columns", element("span", "", "newest first"), this.metric), this.list);
    this.update(board.data);
  }

  update(data) {
    offerProjects(this.picker, data);
    this.picker.title = data.project;
  }

  show(runs) {
    const { size } = this.rows;
    for (const run of runs) {
      let row = this.rows.get(run.id);
      if (!row) {
        row = this.build(run);
        this.rows.set(run.id, row);
        this.list.prepend(row.root); // They come in order of creation.
      }
      write(row.name, run.name);
      const title = run.name === run.id ? run.name : `${run.name} (${run.id})`;
      if (row.root.title !== title) row.root.title = title;
    }
    if (this.rows.size !== size || this.find.value) this.filter();
  }

  remove(id) {
    this.rows.get(id)?.root.remove();
    this.rows.delete(id);
    this.summarize();
  }

  build(run) {
    const swatch = button("swatch", "Show or hide (double click: only this one)", (event) => {
      event.stopPropagation();
      this.toggle(run.id);
    });
    swatch.style.setProperty("--run", run.color);
    swatch.ondblclick = (event) => {
      event.stopPropagation();
      this.only(run.id);
    };
    const name = element("div", "run-name");
    const state = element("i", "state");
    const detail = element("span");
    const value = element("span", "value", "–");
    const open = button("run", "", () => this.board.trigger("open", run.id), element("span", "run-text", name, element("span", "run-detail", state, detail)), value);
    const root = element("div", "row", swatch, open);
    root.dataset.id = run.id;
    const row = { root, swatch, name, detail, value, group: null };
    root.onmouseenter = () => this.board.ask({ op: "focus", id: row.group ?? run.id });
    root.onmouseleave = () => this.board.ask({ op: "focus", id: null });
    root.classList.toggle("off", this.board.hidden.has(run.id));
    return row;
  }

  groups(message) {
    this.grouping.show(message);
    this.summarize();
  }

  toggle(id) {
    const hidden = new Set(this.board.hidden);
    if (!hidden.delete(id)) hidden.add(id);
    this.board.setHidden(hidden);
  }

  only(id) {
    const others = [...this.rows.keys()].filter((one) => one !== id);
    this.board.setHidden(new Set(others.every((one) => this.board.hidden.has(one)) ? [] : others));
  }

  toggleAll() {
    const shown = [...this.rows].filter(([, row]) => !row.root.hidden).map(([id]) => id);
    const hidden = new Set(this.board.hidden);
    const hide = shown.some((id) => !hidden.has(id));
    for (const id of shown) {
      if (hide) hidden.add(id);
      else hidden.delete(id);
    }
    this.board.setHidden(hidden);
  }

  // Show which runs are switched off.
  shade() {
    const { hidden } = this.board;
    for (const [id, row] of this.rows) row.root.classList.toggle("off", hidden.has(id));
    this.summarize();
  }

  filter() {
    const text = this.find.value.trim().toLowerCase();
    for (const [id, row] of this.rows) {
      const run = this.board.runs.get(id);
      row.root.hidden = !!text && !`${run.name} ${run.id} ${run.state}`.toLowerCase().includes(text);
    }
    this.summarize();
  }

  summarize() {
    const total = this.rows.size;
    const shown = total - [...this.rows.keys()].filter((id) => this.board.hidden.has(id)).length;
    write(this.count, shown === total ? String(total) : `${shown} of ${total}`);
    write(this.all, [...this.rows].some(([id, row]) => !row.root.hidden && !this.board.hidden.has(id)) ? "Hide all" : "Show all");
    this.all.hidden = total < 2;
    this.grouping.summarize();
  }

  latest({ values, primary }) {
    write(this.metric, primary);
    this.metric.title = primary;
    for (const [id, { y, step, state }] of Object.entries(values)) {
      const row = this.rows.get(id);
      if (!row) continue;
      write(row.value, number(typeof y === "number" || y === null ? y : null));
      row.value.classList.toggle("broken", Number.isNaN(y));
      const steps = step >= 0 ? `step ${whole(step)}` : "";
      write(row.detail, state === "running" ? steps || "starting" : [state, steps].filter(Boolean).join(" · "));
      if (row.root.dataset.state !== state) row.root.dataset.state = state;
    }
    this.grouping.summarize(values);
  }
}
