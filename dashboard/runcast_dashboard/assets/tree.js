// Values in values, as a config has them: a tree that opens and shuts, is searched, and shows what is long when asked.

import { copy } from "./clipboard.js";
import { button, element, search, write } from "./dom.js";
import { whole } from "./format.js";

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
    const opened = new Set([...this.rows.querySelectorAll(".leaf[data-whole]")].map((row) => row.dataset.path));
    this.rows.replaceChildren(...this.branch(values, "", opened));
    this.find.hidden = this.rows.querySelectorAll(".leaf").length < SEARCHED_MIN;
    this.copy.hidden = !Object.keys(values).length;
    this.filter();
  }

  branch(values, prefix, opened) {
    const made = [];
    for (const [key, value] of Object.entries(values)) {
      const path = prefix + key;
      if (this.left <= 0) {
        this.missing++;
        continue;
      }
      if (isBranch(value)) {
        const size = Object.keys(value).length;
        const twig = element("details", "twig", element("summary", "", element("b", "", key), element("span", "muted", ` ${whole(size)}`)), ...this.branch(value, `${path}.`, opened));
        twig.dataset.path = path;
        twig.open = !this.shut.has(path);
        twig.ontoggle = () => !this.find.value && this.shut[twig.open ? "delete" : "add"](path);
        made.push(twig);
      } else {
        this.left--;
        made.push(leaf(key, value, path, opened.has(path)));
      }
    }
    return made;
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

function leaf(key, value, path, whole_) {
  const said = text(value);
  const term = element("span", "leaf-key", key);
  term.title = path;
  const shown = element("span", "leaf-value");
  shown.dir = "auto";
  const row = element("div", "leaf", term, shown);
  row.dataset.path = path;
  row.said = said;
  shown.classList.toggle("broken", value === "NaN");
  const long = said.length > CHARS_SHOWN || said.includes("\n");
  const fill = (all) => {
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
  fill(whole_ && long);
  return row;
}
