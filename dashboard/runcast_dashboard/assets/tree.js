// Values in values, as a config has them: a tree that opens and shuts, is searched, and shows what is long when asked.

import { copy } from "./clipboard.js";
import { button, element, search, write } from "./dom.js";
import { whole } from "./format.js";
import { arrange } from "./rows.js";

const CHARS_SHOWN = 160; // Of one value; the rest after a click.
const ROWS_MAX = 2000; // Of one tree; who has more asks the API.
const SEARCHED_MIN = 8; // Fewer rows are seen at a glance.

const isBranch = (value) => value !== null && typeof value === "object" && !Array.isArray(value) && !value._type && Object.keys(value).length > 0;
const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));

export class Tree {
  constructor(title, nothing) {
    this.nothing = nothing;
    this.shut = new Set();
    this.find = search(`Search ${title.toLowerCase()}`, () => this.filter());
    this.copy = button("chip", `Copy ${title.toLowerCase()} as JSON`, () => this.copied(), "Copy");
    this.rows = element("div", "tree");
    this.words = element("p", "muted");
    this.root = element("section", "part", element("div", "part-head", element("h2", "", title), this.find, this.copy), this.rows, this.words);
  }

  async copied() {
    if (!(await copy(this.told, "As JSON"))) return;
    write(this.copy, "Copied");
    setTimeout(() => write(this.copy, "Copy"), 1500);
  }

  show(values) {
    const told = JSON.stringify(values, null, 2);
    if (told === this.told) return; // Nothing moves under the reader's hand.
    this.told = told;
    this.left = ROWS_MAX;
    this.missing = 0;
    this.fill(this.rows, values, "");
    this.find.hidden = this.rows.querySelectorAll(".leaf").length < SEARCHED_MIN;
    this.copy.hidden = !Object.keys(values).length;
    this.filter();
  }

  // Rows go by their paths: of one that is there already only the value is written, where it differs.
  fill(parent, values, prefix, ...above) {
    const held = new Map([...parent.children].map((row) => [row.dataset.path, row]));
    const rows = [];
    for (const [key, value] of Object.entries(values)) {
      if (this.left <= 0) {
        this.missing++;
        continue;
      }
      const path = prefix + key;
      const branch = isBranch(value);
      if (!branch) this.left--;
      const known = held.get(path)?.matches(branch ? ".twig" : ".leaf");
      const row = known ? held.get(path) : branch ? this.twig(key, path) : leaf(key, path);
      row.tell(value);
      rows.push(row);
    }
    arrange(parent, [...above, ...rows]);
  }

  twig(key, path) {
    const size = element("span", "muted");
    const head = element("summary", "", element("b", "", key), size);
    const row = element("details", "twig", head);
    row.dataset.path = path;
    row.open = !this.shut.has(path);
    row.ontoggle = () => !this.find.value && this.shut[row.open ? "delete" : "add"](path);
    row.tell = (value) => {
      write(size, ` ${whole(Object.keys(value).length)}`);
      this.fill(row, value, `${path}.`, head);
    };
    return row;
  }

  filter() {
    const query = this.find.hidden ? "" : this.find.value.trim().toLowerCase();
    let shown = 0;
    for (const row of this.rows.querySelectorAll(".leaf")) {
      row.hidden = !!query && !`${row.dataset.path} ${row.said}`.toLowerCase().includes(query);
      shown += !row.hidden;
    }
    for (const twig of this.rows.querySelectorAll(".twig")) {
      twig.hidden = !!query && !twig.querySelector(".leaf:not([hidden])");
      twig.open = query ? true : !this.shut.has(twig.dataset.path);
    }
    const more = this.missing ? `and ${whole(this.missing)} more; the API has all of them` : "";
    write(this.words, !this.rows.children.length ? this.nothing : query && !shown ? `Nothing has “${this.find.value.trim()}” in it.` : more);
  }
}

function leaf(key, path) {
  const term = element("span", "leaf-key", key);
  term.title = path;
  const shown = element("span", "leaf-value");
  shown.dir = "auto";
  const row = element("div", "leaf", term, shown);
  row.dataset.path = path;
  const fill = (all) => {
    const { said } = row;
    const long = said.length > CHARS_SHOWN || said.includes("\n");
    row.toggleAttribute("data-whole", all);
    shown.replaceChildren(all || !long ? said : `${said.split("\n")[0].slice(0, CHARS_SHOWN)}…`);
    if (!long) return;
    const turn = button("link", "", () => {
      fill(!all);
      shown.querySelector("button").focus();
    }, all ? "less" : `all ${whole(said.length)} characters`);
    turn.setAttribute("aria-expanded", String(all));
    shown.append(" ", turn);
  };
  row.tell = (value) => {
    const said = text(value);
    if (said === row.said) return;
    const held = shown.matches(":focus-within");
    row.said = said;
    shown.classList.toggle("broken", value === "NaN");
    fill(row.hasAttribute("data-whole"));
    if (held) shown.querySelector("button")?.focus({ preventScroll: true });
  };
  return row;
}
