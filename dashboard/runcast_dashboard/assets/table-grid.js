// Rows of which only those in view exist. What stands in a row may change at any time; where a row stands changes only
// when its owner gives a new order.

import { button, element, write } from "./dom.js";
import { CURVE, progress, textOf } from "./table-columns.js";

const ROW = 36;
const HEAD = 34;
const FOOT = 76; // Room for what floats below the last row.
const BEYOND = 6; // Rows above and below what is seen, so that a quick wheel finds something.
const NAME_WIDTH = 260;
const NAME_WIDTH_PHONE = 176;
const SVG = "http://www.w3.org/2000/svg";

export class Grid {
  // `owner` has: columns, row(id), selected, sort, onNeed(ids), onSort(id), onOpen(id), onSelect(), hrefOf(id).
  constructor(owner) {
    this.owner = owner;
    this.items = []; // {id} or {group, runs, shut}
    this.lines = new Map(); // Index → what is on screen.
    this.pool = [];
    this.active = 0;
    this.anchor = 0;
    this.head = element("div", "t-head");
    this.head.setAttribute("role", "row");
    this.body = element("div", "t-body");
    this.body.setAttribute("role", "rowgroup");
    this.root = element("div", "t-grid", this.head, this.body);
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "grid");
    this.root.setAttribute("aria-label", "Runs");
    this.root.setAttribute("aria-multiselectable", "true");
    this.root.onscroll = () => this.later();
    this.root.onkeydown = (event) => this.onKey(event);
    this.root.onfocus = () => this.mark();
    this.size = new ResizeObserver(() => this.resize());
    this.size.observe(this.root);
  }

  get nameWidth() {
    return this.root.clientWidth && this.root.clientWidth < 620 ? NAME_WIDTH_PHONE : NAME_WIDTH;
  }

  // New columns: everything on screen is built anew.
  layout() {
    this.columns = this.owner.columns.shown;
    const widths = [this.nameWidth, ...this.columns.map((one) => one.width)];
    this.width = widths.reduce((sum, one) => sum + one, 0);
    this.root.style.setProperty("--t-width", `${this.width}px`);
    this.root.style.setProperty("--t-name", `${this.nameWidth}px`);
    this.root.setAttribute("aria-colcount", String(this.columns.length + 1));
    const all = element("input", "t-check");
    all.type = "checkbox";
    all.title = "Select all";
    all.setAttribute("aria-label", "Select all runs");
    all.onchange = () => this.selectAll(all.checked);
    this.all = all;
    const name = this.title({ id: "name", name: "Run" });
    const first = element("div", "t-cell t-pin", all, name);
    first.setAttribute("role", "columnheader");
    this.head.replaceChildren(first, ...this.columns.map((column) => {
      const cell = element("div", column.right ? "t-cell right" : "t-cell", column.fixed ? this.curveTitle() : this.title(column));
      cell.style.width = `${column.width}px`;
      cell.setAttribute("role", "columnheader");
      cell.dataset.id = column.id;
      return cell;
    }));
    this.showSort();
    for (const line of this.lines.values()) line.root.remove();
    this.lines.clear();
    this.pool = [];
    this.draw();
  }

  title(column) {
    const title = button("t-title", `Sort by ${column.name}`, () => this.owner.onSort(column), element("span", "t-text", column.name), element("i", "t-arrow"));
    title.dataset.sort = column.id;
    title.tabIndex = -1;
    return title;
  }

  curveTitle() {
    const select = element("select", "t-select");
    select.setAttribute("aria-label", "Metric whose curve is shown");
    for (const metric of this.owner.columns.metrics) {
      const option = element("option", "", metric);
      option.value = metric;
      select.append(option);
    }
    select.value = this.owner.columns.metric ?? "";
    select.onchange = () => this.owner.onCurve(select.value);
    return select;
  }

  showSort() {
    const { sort } = this.owner;
    const down = sort.startsWith("-");
    for (const title of this.head.querySelectorAll(".t-title")) {
      const on = title.dataset.sort === sort.replace(/^-/, "");
      title.classList.toggle("on", on);
      title.classList.toggle("down", on && down);
      title.closest(".t-cell").setAttribute("aria-sort", on ? (down ? "descending" : "ascending") : "none");
    }
  }

  // A new order. The reader stays where they are, unless `home`.
  show(items, { home = false } = {}) {
    this.items = items;
    this.root.setAttribute("aria-rowcount", String(items.length + 1));
    this.body.style.height = `${items.length * ROW + FOOT}px`;
    if (home) this.root.scrollTop = 0;
    this.active = Math.min(this.active, Math.max(0, items.length - 1));
    this.draw();
  }

  resize() {
    if (!this.columns) return;
    if (this.root.style.getPropertyValue("--t-name") !== `${this.nameWidth}px`) this.layout();
    else this.later();
  }

  later() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      this.draw();
    });
  }

  get range() {
    const top = this.root.scrollTop;
    const first = Math.max(0, Math.floor(top / ROW) - BEYOND);
    return [first, Math.min(this.items.length, Math.ceil((top + this.root.clientHeight - HEAD) / ROW) + BEYOND)];
  }

  get ids() {
    return this.items.slice(...this.range).flatMap((item) => item.id ?? []);
  }

  draw() {
    if (!this.columns) return;
    const [first, end] = this.range;
    for (const [at, line] of this.lines) {
      if (at >= first && at < end && line.item === this.items[at]) continue;
      this.lines.delete(at);
      line.root.remove();
      if (!line.group) this.pool.push(line);
    }
    for (let at = first; at < end; at++) {
      let line = this.lines.get(at);
      if (!line) {
        const item = this.items[at];
        line = item.id === undefined ? this.groupLine(item) : (this.pool.pop() ?? this.runLine());
        line.item = item;
        line.at = at;
        line.root.style.transform = `translateY(${at * ROW}px)`;
        line.root.setAttribute("aria-rowindex", String(at + 2));
        line.root.id = `run-row-${at}`;
        this.lines.set(at, line);
        this.body.append(line.root);
      }
      if (!line.group) this.fill(line);
    }
    this.mark();
    this.owner.onNeed(this.ids);
  }

  groupLine(item) {
    const toggle = button("t-group", item.shut ? "Open this group" : "Close this group", () => this.owner.onGroup(item),
      element("i", item.shut ? "t-fold shut" : "t-fold"), element("b", "", item.title), element("span", "muted", `${item.runs.toLocaleString("en")} ${item.runs === 1 ? "run" : "runs"}`));
    toggle.setAttribute("aria-expanded", String(!item.shut));
    toggle.dir = "auto";
    const root = element("div", "t-line t-grouped", toggle);
    root.setAttribute("role", "row");
    return { root, group: true };
  }

  runLine() {
    const line = { cells: [] };
    line.check = element("input", "t-check");
    line.check.type = "checkbox";
    line.check.tabIndex = -1;
    line.check.onclick = (event) => this.toggle(line.at, event.shiftKey);
    line.dot = element("i", "t-dot");
    line.link = element("a", "t-name");
    line.link.tabIndex = -1;
    line.link.dir = "auto";
    line.link.onclick = (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
      event.preventDefault();
      this.owner.onOpen(line.item.id);
    };
    line.bar = element("i", "t-progress");
    line.said = element("span", "t-state");
    const name = element("div", "t-cell t-pin", line.check, line.dot, line.link, line.said, line.bar);
    name.setAttribute("role", "rowheader");
    line.root = element("div", "t-line", name);
    line.root.setAttribute("role", "row");
    for (const column of this.columns) {
      const cell = element("div", column.right ? "t-cell right" : "t-cell");
      cell.setAttribute("role", "gridcell");
      cell.style.width = `${column.width}px`;
      if (column.id === CURVE) cell.append(curve());
      line.cells.push(cell);
      line.root.append(cell);
    }
    line.root.onclick = (event) => {
      if (event.target.closest("a, input, button, select")) return;
      this.active = line.at;
      this.toggle(line.at, event.shiftKey);
    };
    return line;
  }

  fill(line) {
    const { id } = line.item;
    const run = this.owner.row(id);
    const selected = this.owner.selected.has(id);
    line.root.classList.toggle("selected", selected);
    line.root.setAttribute("aria-selected", String(selected));
    line.check.checked = selected;
    line.link.href = this.owner.hrefOf(id);
    line.root.classList.toggle("loading", !run);
    write(line.link, run ? run.name : id);
    line.link.title = run ? (run.name === id ? id : `${run.name} (${id})`) : id;
    line.check.setAttribute("aria-label", `Select ${run ? run.name : id}`);
    const state = run?.gone ? "deleted" : (run?.state ?? "");
    if (line.dot.dataset.state !== state) line.dot.dataset.state = state;
    line.dot.title = state;
    write(line.said, state && state !== "running" && state !== "finished" ? state : "");
    const part = run ? progress(run) : null;
    line.bar.hidden = part === null;
    if (part !== null) {
      line.bar.style.setProperty("--part", part.toFixed(4));
      line.bar.title = `${Math.round(100 * part)} % of what its config says`;
    }
    this.columns.forEach((column, at) => {
      const cell = line.cells[at];
      if (column.id === CURVE) return drawCurve(cell.firstChild, run?.curve ?? []);
      if (column.tags) return fillTags(cell, run?.tags ?? []);
      const text = run ? textOf(column, run) : "";
      if (cell.textContent === text) return undefined;
      cell.textContent = text;
      cell.title = text.length > 12 ? text.slice(0, 4000) : "";
      cell.classList.toggle("broken", text === "NaN");
      return undefined;
    });
  }

  // What stands in rows has changed, not where.
  refresh() {
    for (const line of this.lines.values()) if (!line.group) this.fill(line);
    const every = this.items.filter((item) => item.id !== undefined);
    const some = every.some(({ id }) => this.owner.selected.has(id));
    if (this.all) {
      this.all.checked = some && every.every(({ id }) => this.owner.selected.has(id));
      this.all.indeterminate = some && !this.all.checked;
    }
  }

  toggle(at, range) {
    const { selected } = this.owner;
    const { id } = this.items[at] ?? {};
    if (id === undefined) return;
    const on = !selected.has(id);
    const [from, to] = range ? [Math.min(this.anchor, at), Math.max(this.anchor, at)] : [at, at];
    for (const item of this.items.slice(from, to + 1)) {
      if (item.id === undefined) continue;
      if (on) selected.add(item.id);
      else selected.delete(item.id);
    }
    this.anchor = this.active = at;
    this.changed();
  }

  selectAll(on) {
    const { selected } = this.owner;
    selected.clear();
    if (on) for (const { id } of this.items) if (id !== undefined) selected.add(id);
    this.changed();
  }

  changed() {
    this.refresh();
    this.mark();
    this.owner.onSelect();
  }

  mark() {
    for (const [at, line] of this.lines) line.root.classList.toggle("active", at === this.active);
    if (this.lines.has(this.active)) this.root.setAttribute("aria-activedescendant", `run-row-${this.active}`);
    else this.root.removeAttribute("aria-activedescendant");
  }

  onKey(event) {
    if (event.target.matches("select, input:not(.t-check)")) return;
    const page = Math.max(1, Math.floor((this.root.clientHeight - HEAD) / ROW) - 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in moves && !event.altKey) {
      const before = this.active;
      this.active = Math.max(0, Math.min(this.items.length - 1, this.active + moves[event.key]));
      const item = this.items[this.active];
      if (event.shiftKey && item?.id !== undefined) {
        this.owner.selected.add(item.id);
        if (this.items[before]?.id !== undefined) this.owner.selected.add(this.items[before].id);
        this.changed();
      }
      this.reveal();
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      this.root.scrollLeft += event.key === "ArrowLeft" ? -120 : 120;
    } else if (event.key === " ") {
      if (event.target !== this.root) return; // A box or a button has a space bar of its own.
      const item = this.items[this.active];
      if (item && item.id === undefined) this.owner.onGroup(item);
      else this.toggle(this.active, event.shiftKey);
    } else if (event.key === "Enter") {
      if (event.target !== this.root) return;
      const item = this.items[this.active];
      if (item?.id !== undefined) this.owner.onOpen(item.id);
    } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      this.selectAll(true);
    } else if (event.key === "Escape") {
      this.selectAll(false);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  reveal() {
    const top = this.active * ROW;
    const room = this.root.clientHeight - HEAD - ROW;
    if (top < this.root.scrollTop) this.root.scrollTop = top;
    else if (top > this.root.scrollTop + room) this.root.scrollTop = top - room;
    this.draw();
  }

  destroy() {
    this.size.disconnect();
    cancelAnimationFrame(this.waiting);
  }
}

function curve() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 120 24");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "t-curve");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(SVG, "path"));
  return svg;
}

function drawCurve(svg, values) {
  let path = "";
  if (values.length === 1) path = "M56 12h8";
  if (values.length > 1) {
    // One spike must not flatten the rest: the scale is that of the middle nine tenths.
    const sorted = [...values].sort((a, b) => a - b);
    const at = (part) => sorted[Math.round(part * (sorted.length - 1))];
    const middle = at(0.95) - at(0.05) || sorted.at(-1) - sorted[0] || 1;
    const low = Math.max(sorted[0], at(0.05) - middle * 0.4);
    const high = Math.min(sorted.at(-1), at(0.95) + middle * 0.4);
    const span = high - low || 1;
    path = values.map((v, i) => `${i ? "L" : "M"}${((120 * i) / (values.length - 1)).toFixed(1)} ${(22 - 20 * Math.min(1, Math.max(0, (v - low) / span))).toFixed(1)}`).join("");
  }
  const line = svg.firstChild;
  if (line.getAttribute("d") !== path) line.setAttribute("d", path);
}

function fillTags(cell, tags) {
  const text = tags.join("\0");
  if (cell.dataset.tags === text) return;
  cell.dataset.tags = text;
  cell.title = tags.join(", ");
  cell.replaceChildren(...tags.map((tag) => {
    const chip = element("span", "t-tag", tag);
    chip.dir = "auto";
    return chip;
  }));
}
