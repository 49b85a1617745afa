// Rows of which only those in view exist. What stands in a row may change at any time; where a row stands changes only
// when its owner gives a new order.

import { button, element } from "./dom.js";
import { picker } from "./picker.js";
import { fill, groupLine, runLine } from "./table-line.js";

const ROW = 36;
const HEAD = 34;
const FOOT = 76; // Room for what floats below the last row.
const BEYOND = 6; // Rows above and below what is seen, so that a quick wheel finds something.
const NAME_WIDTH = 260;
const NAME_WIDTH_PHONE = 176;

export class Grid {
  // `owner` has: columns, row(id), selected, sort, onNeed(ids), onSort(id), onOpen(id), onSelect(), hrefOf(id).
  constructor(owner) {
    this.owner = owner;
    this.items = []; // {id}, or of a group {title, value, runs, shut}
    this.lines = new Map(); // Index → what is on screen.
    this.pool = [];
    this.active = 0;
    this.anchor = null; // The run from which a range is selected.
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
    return title;
  }

  curveTitle() {
    const { metrics, metric } = this.owner.columns;
    return picker("t-select", "Metric whose curve is shown", (name) => this.owner.onCurve(name), metrics.map((name) => [name]), metric ?? "");
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

  // A new order. The reader stays where they are, and the keys with their run, unless `home`.
  show(items, { home = false } = {}) {
    const held = this.items[this.active];
    const at = items.findIndex(({ id, value }) => id === held?.id && value === held?.value);
    this.items = items;
    this.root.setAttribute("aria-rowcount", String(items.length + 1));
    this.body.style.height = `${items.length * ROW + FOOT}px`;
    if (home) {
      this.root.scrollTop = 0;
      this.active = 0;
      this.anchor = null;
    } else this.active = at < 0 ? Math.min(this.active, Math.max(0, items.length - 1)) : at;
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
    const held = [...this.lines.values()].find(({ root }) => root.matches(":focus-within"))?.item;
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
        line = item.id === undefined ? groupLine(item, () => this.owner.onGroup(item)) : (this.pool.pop() ?? this.runLine());
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
    if (held && !this.body.matches(":focus-within")) this.refocus(held);
    this.mark();
    this.owner.onNeed(this.ids);
  }

  // What had the focus was taken away: the same group's button has it then, or the grid, where the keys go on.
  refocus({ value }) {
    const same = [...this.lines.values()].find((line) => line.group && line.item.value === value);
    (same?.toggle ?? this.root).focus({ preventScroll: true });
  }

  runLine() {
    const line = runLine(this.columns, (id) => this.owner.onOpen(id));
    line.check.onclick = (event) => this.toggle(line.at, event.shiftKey);
    line.root.onclick = (event) => {
      if (event.target.closest("a, input, button, select")) return;
      this.active = line.at;
      this.toggle(line.at, event.shiftKey);
    };
    return line;
  }

  fill(line) {
    const { id } = line.item;
    fill(line, this.columns, { id, run: this.owner.row(id), selected: this.owner.selected.has(id), href: this.owner.hrefOf(id) });
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
    const anchor = range ? this.items.findIndex((item) => item.id === this.anchor) : -1;
    const [from, to] = anchor < 0 ? [at, at] : [Math.min(anchor, at), Math.max(anchor, at)];
    for (const item of this.items.slice(from, to + 1)) {
      if (item.id === undefined) continue;
      if (on) selected.add(item.id);
      else selected.delete(item.id);
    }
    this.anchor = id;
    this.active = at;
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
        const [from, to] = [Math.min(before, this.active), Math.max(before, this.active)];
        for (const { id } of this.items.slice(from, to + 1)) if (id !== undefined) this.owner.selected.add(id);
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
