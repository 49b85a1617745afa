// Above the table: project, filter with its mistakes and examples, grouping, which runs, columns, and what is new.

import { button, choice, element, search, write } from "./dom.js";
import { offer, offerProjects, picker } from "./picker.js";

const EXAMPLES = [
  ["state == running", "runs that run"],
  ["created > now - 1d", "begun within a day"],
  ["summary.loss == nan", "diverged: the last loss is NaN"],
  ["config.lr < 0.01 and max.accuracy > 0.9", "given and reached; min and max are of the whole curve"],
  ['"best" in tags', "tagged"],
  ["state in (failed, crashed) and duration > 1h", "ended badly, after an hour or more"],
  ["not config.augment", "without a value"],
];

export class Toolbar {
  constructor(table) {
    this.table = table;
    this.picker = picker("t-select boxed", "Project", (project) => table.component.setTriggerValue("project", project));
    this.find = search("Filter: a name, or config.lr < 0.01 and …", (text) => table.onFilter(text));
    this.find.value = table.filter;
    this.find.classList.add("t-find");
    this.find.setAttribute("aria-describedby", "t-mistake");
    this.help = button("t-ask", "Examples of filters", () => this.toggle(this.examples), "?");
    this.examples = this.popover("t-examples", ...EXAMPLES.map(([text, words]) => button("t-example", "", () => {
      this.find.value = text;
      table.onFilter(text);
      this.toggle(null);
      this.find.focus();
    }, element("code", "", text), element("span", "muted", words))));
    this.wrong = element("div", "t-mistake");
    this.wrong.id = "t-mistake";
    this.wrong.setAttribute("role", "status");
    this.grouped = picker("t-select boxed", "Group by", (field) => table.onGrouped(field));
    this.views = choice([["active", "Runs", "All but hidden and deleted ones"], ["hidden", "Hidden", "Runs that were put aside"], ["deleted", "Deleted", "They can be restored"]], "active", (view) => table.onView(view));
    this.list = element("div", "t-columns");
    this.seek = search("Find a column", () => this.fill());
    this.columns = this.popover("t-picker", this.seek, this.list, button("link", "", () => {
      table.columns.keep(null);
      this.fill();
      table.onColumns();
    }, "Show the usual ones"));
    this.open = button("chip", "Choose columns", () => {
      this.fill();
      this.toggle(this.columns);
      this.seek.focus();
    }, "Columns");
    this.total = element("span", "muted t-total");
    this.fresh = button("t-news", "", () => {
      table.showNews();
      table.grid.root.focus({ preventScroll: true }); // The button goes; keys go on with what it brought.
    });
    this.fresh.hidden = true;
    this.root = element("div", "t-bar", this.picker,
      element("div", "t-filter", this.find, this.help, this.examples, this.wrong),
      this.grouped, this.views, element("div", "t-around", this.open, this.columns), this.total, table.outage.root, this.fresh);
    this.update();
    this.onOutside = (event) => event.composedPath().some((one) => one === this.root) || this.toggle(null);
    document.addEventListener("pointerdown", this.onOutside);
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      if (!this.examples.hidden || !this.columns.hidden) this.toggle(null);
      else if (event.target === this.find && this.find.value) {
        this.find.value = "";
        table.onFilter("");
      } else this.table.grid.root.focus();
      event.stopPropagation();
    });
  }

  popover(classes, ...children) {
    const made = element("div", `t-popover ${classes}`, ...children);
    made.hidden = true;
    return made;
  }

  toggle(popover) {
    for (const one of [this.examples, this.columns]) one.hidden = one !== popover || !one.hidden;
  }

  update() {
    offerProjects(this.picker, this.table.data);
  }

  learned() {
    const { group, columns } = this.table;
    const groups = columns.groups;
    if (group && !groups.some(([id]) => id === group)) groups.push([group, group]);
    offer(this.grouped, [["", "No groups"], ...groups.map(([id, name]) => [id, `Group by ${name}`])], group);
  }

  fill() {
    const { columns } = this.table;
    const text = this.seek.value.trim().toLowerCase();
    const chosen = new Set(columns.ids);
    const sections = new Map();
    for (const column of columns.all.values()) {
      if (text && !`${column.section} ${column.name}`.toLowerCase().includes(text)) continue;
      if (!sections.has(column.section)) sections.set(column.section, []);
      sections.get(column.section).push(column);
    }
    const limit = 200; // Of a section, unless it is searched: nobody reads more.
    this.list.replaceChildren(...[...sections].flatMap(([section, found]) => [
      element("h3", "", section),
      ...found.slice(0, limit).map((column) => {
        const box = element("input", "t-check");
        box.type = "checkbox";
        box.checked = chosen.has(column.id);
        box.onchange = () => {
          columns.toggle(column.id);
          this.table.onColumns();
        };
        const label = element("label", "t-choice", box, element("span", "", column.name));
        label.title = column.name;
        return label;
      }),
      ...(found.length > limit ? [element("p", "muted", `and ${found.length - limit} more: search for them`)] : []),
    ]));
    if (!sections.size) this.list.replaceChildren(element("p", "muted", "No column is called so."));
  }

  count(text) {
    write(this.total, text);
  }

  // What cannot be read is underlined, and said.
  mistake(error, placed = true) {
    this.find.classList.toggle("wrong", !!error);
    this.find.setAttribute("aria-invalid", String(!!error));
    if (!error) return this.wrong.replaceChildren();
    const { message, at, length } = error;
    const text = this.find.value.trim();
    const pointed = placed && at !== null && at !== undefined && text
      ? [element("code", "t-pointed", text.slice(0, at), element("mark", "", text.slice(at, at + length) || " "), text.slice(at + length))] : [];
    return this.wrong.replaceChildren(...pointed, element("span", "", message));
  }

  news(added, moved) {
    this.fresh.hidden = !added && !moved;
    write(this.fresh, added ? `${added.toLocaleString("en")} new ${added === 1 ? "run" : "runs"}` : "Order has changed: sort again");
  }

  destroy() {
    document.removeEventListener("pointerdown", this.onOutside);
  }
}
