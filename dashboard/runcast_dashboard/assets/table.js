// The table of a project's runs, as a component of the page: what is asked of the service, and when. It is live, and
// moves nothing that somebody looks at: values change where they stand, new runs wait behind a button.

import { mounted, themed } from "./component.js";
import { element, write } from "./dom.js";
import { Outage } from "./outage.js";
import { Resting } from "./resting.js";
import { Bulk } from "./table-bulk.js";
import { Columns } from "./table-columns.js";
import { Grid } from "./table-grid.js";
import { nothing } from "./table-nothing.js";
import { Toolbar } from "./table-toolbar.js";
import { Service } from "./asking.js";

const ROWS_MS = 2000;
const ORDER_MS_MIN = 4000;
const ORDER_SHARE = 20; // An order is asked for again after so many times what it took: thousands of runs cost a little.
const ROWS_MAX = 100; // Of one question.
const NEED_MS = 60; // Rows come into view in bursts.
const TYPED_MS = 350;
const USUAL = "-created"; // The newest first.
const MISTAKES = ["bad_filter", "bad_value"]; // Of the reader: the service is there, and says what it cannot read.

// A word or two that are no expression are looked for in names.
export function expression(text) {
  const said = text.trim();
  if (!said || /[<>=~()"']|\b(and|or|not|in)\b|^(config|summary|min|max)\.|^(tags|finished|hidden|notes|group)$/.test(said)) return said;
  return `name ~ ${JSON.stringify(said)} or id ~ ${JSON.stringify(said)}`;
}

class Table {
  constructor(component) {
    this.component = component;
    const { data } = component;
    this.service = new Service(data.project);
    this.columns = new Columns(data.project);
    this.told = new Resting((name, value) => this.component.setStateValue(name, value));
    this.rows = new Map(); // Run id → what the service last said.
    this.selected = new Set(data.selected);
    this.shut = new Set(); // Values of groups that are closed.
    this.filter = data.filter ?? "";
    this.sort = data.sort || USUAL;
    this.group = data.group ?? "";
    this.view = "active";
    this.order = { ids: [], groups: null };
    this.known = new Set(); // Ids of the order that is shown.
    this.unanswered = null; // How to ask again what the reader asked last, if that failed.
    this.outage = new Outage("t-away");
    this.toolbar = new Toolbar(this);
    this.grid = new Grid(this);
    this.bulk = new Bulk(this);
    this.message = element("div", "t-message");
    this.said = element("div", "t-said");
    this.said.setAttribute("aria-live", "polite");
    this.root = element("div", "rt loading", this.toolbar.root, this.message, this.grid.root, this.bulk.root, this.said);
    component.parentElement.append(this.root);
    this.onKey = (event) => this.key(event);
    window.addEventListener("keydown", this.onKey);
    this.onSeen = () => document.hidden || this.turn();
    document.addEventListener("visibilitychange", this.onSeen);
    (window.__rc ??= {}).table = this; // A handle for tests.
    themed(this.root);
    this.begin();
  }

  get data() {
    return this.component.data;
  }

  update(component) {
    this.component = component;
    this.toolbar.update();
    themed(this.root);
  }

  async begin() {
    const order = this.reorder({ home: true });
    await this.freshColumns();
    await order;
    if (!this.gone) this.again();
  }

  // Ask anew which runs stand where. Whoever looks has asked for it: by a filter, an order, or the button.
  async reorder({ home = false, quiet = false } = {}) {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    if (!quiet) this.root.classList.add("waiting");
    this.offer(null);
    const began = performance.now();
    try {
      const order = await this.service.get("order", this.question, asking.signal);
      if (this.gone || asking !== this.asking) return;
      this.took = performance.now() - began;
      this.show(order, home);
    } catch (error) {
      if (error.name !== "AbortError" && !this.gone && asking === this.asking) this.trouble(error, home);
    } finally {
      if (asking === this.asking) {
        this.asking = null;
        this.root.classList.toggle("waiting", !!this.unanswered); // Those rows are no answer to what was asked.
      }
    }
  }

  get question() {
    return [
      ["filter", expression(this.filter)], ["sort", this.sort], ["group", this.group],
      ["hidden", this.view === "deleted" ? null : String(this.view === "hidden")], ["deleted", this.view === "deleted" ? "true" : null],
    ];
  }

  show(order, home) {
    this.order = order;
    this.known = new Set(order.ids);
    this.unanswered = null;
    this.outage.ended("order");
    this.toolbar.mistake(null);
    this.offer(null);
    this.root.classList.remove("loading");
    for (const id of this.rows.keys()) if (!this.known.has(id) && !this.selected.has(id)) this.rows.delete(id);
    this.grid.showSort();
    this.arrange(home);
    this.root.classList.toggle("empty", !order.ids.length);
    this.message.replaceChildren(...(order.ids.length ? [] : nothing(this)));
    const several = `${order.ids.length.toLocaleString("en")} ${order.ids.length === 1 ? "run" : "runs"}`;
    this.toolbar.count(order.more ? `the first ${several}` : several);
    write(this.said, several);
  }

  arrange(home = false) {
    const { ids, groups } = this.order;
    if (!groups) return this.grid.show(ids.map((id) => ({ id })), { home });
    const items = [];
    let at = 0;
    for (const { value, runs } of groups) {
      const shut = this.shut.has(value);
      items.push({ title: value === null ? "without a value" : String(value), value, runs, shut });
      if (!shut) for (const id of ids.slice(at, at + runs)) items.push({ id });
      at += runs;
    }
    return this.grid.show(items, { home });
  }

  trouble(error, home) {
    if (error.code === "unknown_project") return void this.show({ ids: [], groups: null, more: false }, true);
    const mistaken = MISTAKES.includes(error.code);
    this.root.classList.remove("loading");
    this.toolbar.mistake(mistaken ? error : null, expression(this.filter) === this.filter.trim());
    this.unanswered = mistaken ? null : { home: home || !!this.unanswered?.home };
    this.heard(error);
  }

  // Whether the service answers which runs there are; that it knows none of them is an answer, too.
  heard(error = null) {
    if (!error || MISTAKES.includes(error.code) || error.code === "unknown_project") this.outage.ended("order");
    else this.outage.began("order", error);
  }

  // While the page is seen: what stands in the rows, and now and then whether something is new.
  again() {
    clearTimeout(this.clock);
    this.clock = setTimeout(() => this.turn(), ROWS_MS);
  }

  async turn() {
    clearTimeout(this.clock);
    if (this.gone || document.hidden) return;
    await this.load(this.grid.ids);
    if (this.gone) return;
    const wait = Math.max(ORDER_MS_MIN, ORDER_SHARE * (this.took ?? 0));
    if (this.unanswered && !this.asking) await this.reorder({ ...this.unanswered, quiet: true });
    else if (performance.now() - (this.looked ?? 0) > wait) await this.look();
    if (this.unlearned && !this.gone) await this.freshColumns();
    if (!this.gone) this.again();
  }

  async look() {
    this.looked = performance.now();
    const question = JSON.stringify(this.question);
    let order;
    try {
      order = await this.service.get("order", this.question);
    } catch (error) {
      if (!this.gone) this.heard(error);
      return;
    }
    if (this.gone || this.asking || this.unanswered || question !== JSON.stringify(this.question)) return;
    this.heard();
    this.took = performance.now() - this.looked;
    const added = order.ids.filter((id) => !this.known.has(id)).length;
    const moved = !added && (order.ids.length !== this.order.ids.length || order.ids.some((id, at) => id !== this.order.ids[at]));
    // Nobody looks at an empty table: what is new may come at once.
    if (!this.order.ids.length && order.ids.length) return void (await this.freshColumns(), this.show(order, true));
    this.offer(added || moved ? order : null, added, moved);
  }

  // An order that the reader may have, and how much of it is new.
  offer(order, added = 0, moved = false) {
    this.fresh = order;
    this.toolbar.news(added, moved);
  }

  async freshColumns() {
    try {
      this.columns.learn(await this.service.get("columns"));
      this.unlearned = false;
    } catch {
      this.unlearned = true; // They are asked for again; what is wrong the order says too.
      if (this.grid.columns) return;
    }
    if (this.gone) return;
    this.toolbar.learned();
    this.grid.layout();
  }

  showNews() {
    if (this.fresh) this.show(this.fresh, true);
    else this.reorder({ home: true });
    this.freshColumns();
  }

  onNeed(ids) {
    if (!ids.some((id) => !this.rows.has(id))) return;
    this.needed ??= setTimeout(() => {
      this.needed = null;
      this.load(this.grid.ids.filter((id) => !this.rows.has(id)));
    }, NEED_MS);
  }

  async load(ids) {
    for (let at = 0; at < ids.length; at += ROWS_MAX) {
      const part = ids.slice(at, at + ROWS_MAX);
      let found;
      try {
        found = (await this.service.get("rows", [...part.map((id) => ["id", id]), ...this.columns.wanted()])).runs;
      } catch (error) {
        if (!this.gone) this.outage.began("rows", error);
        return;
      }
      if (this.gone) return;
      for (const run of found) this.rows.set(run.id, { ...run, gone: run.deleted && this.view !== "deleted" });
    }
    this.outage.ended("rows");
    this.grid.refresh();
  }

  row(id) {
    return this.rows.get(id);
  }

  hrefOf(id) {
    return `./run?project=${encodeURIComponent(this.data.project)}&run=${encodeURIComponent(id)}`;
  }

  // What the reader does.

  onSort(column) {
    const [now, down] = [this.sort.replace(/^-/, ""), this.sort.startsWith("-")];
    if (now !== column.id) this.sort = column.down ? `-${column.id}` : column.id;
    else if (down === !!column.down) this.sort = column.down ? column.id : `-${column.id}`;
    else this.sort = USUAL;
    this.grid.showSort();
    this.place();
    this.reorder({ home: true });
  }

  onFilter(text) {
    this.filter = text;
    clearTimeout(this.typed);
    this.typed = setTimeout(() => {
      this.place();
      this.reorder({ home: true });
    }, TYPED_MS);
  }

  onGrouped(field) {
    this.group = field;
    this.shut.clear();
    this.place();
    this.reorder({ home: true });
  }

  onGroup(item) {
    if (item.shut) this.shut.delete(item.value);
    else this.shut.add(item.value);
    this.arrange();
  }

  onView(view) {
    this.view = view;
    this.selected.clear();
    this.onSelect();
    this.reorder({ home: true });
  }

  onCurve(metric) {
    this.columns.draw(metric);
    this.load(this.grid.ids);
  }

  onColumns() {
    this.grid.layout();
    this.load(this.grid.ids);
  }

  onSelect() {
    this.bulk.show();
    write(this.said, this.selected.size ? `${this.selected.size} selected` : "none selected");
    this.told.set("selected", [...this.selected]);
  }

  onOpen(id) {
    this.told.flush();
    this.component.setTriggerValue("open", id);
  }

  go(where) {
    this.told.flush();
    this.component.setTriggerValue(where, [...this.selected]);
  }

  place() {
    this.told.set("place", { filter: this.filter, sort: this.sort === USUAL ? "" : this.sort, group: this.group });
  }

  key(event) {
    const target = event.composedPath()[0];
    if (event.key !== "/" || event.ctrlKey || event.metaKey || target.matches?.("input, textarea, select, [contenteditable]")) return;
    event.preventDefault();
    this.toolbar.find.focus();
  }

  destroy() {
    this.gone = true;
    clearTimeout(this.clock);
    clearTimeout(this.typed);
    clearTimeout(this.needed);
    this.told.destroy();
    this.asking?.abort();
    window.removeEventListener("keydown", this.onKey);
    document.removeEventListener("visibilitychange", this.onSeen);
    this.toolbar.destroy();
    this.grid.destroy();
    this.bulk.destroy();
    this.root.remove();
    if (window.__rc.table === this) delete window.__rc.table;
  }
}

export default mounted(Table);
