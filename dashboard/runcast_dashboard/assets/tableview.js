// A logged table: pages of rows, sorted by a click on a column's head. Cells are text, or things to look at.

import { arrived } from "./arrival.js";
import { button, element, write } from "./dom.js";
import { number, whole } from "./format.js";
import { preset } from "./presets.js";

const ROWS_PER_PAGE = 50;
const ROWS_MAX = 200_000; // Held in the page; a larger table is for the API.
const CHARS_MAX = 300;

// Each part is a file with the next rows; a chart of them, if it is known how to draw it, stands above.
export function table(parts, service, exhibit, chart) {
  const root = element("div", "table-view", element("p", "muted", "Loading…"));
  load(parts, service, root).then(
    (held) => {
      const rows = new TableView(held, service, exhibit).parts();
      const drawn = chart && preset(chart, held);
      root.replaceChildren(...(drawn ? [drawn, element("details", "", element("summary", "muted", "The table"), ...rows)] : rows));
    },
    (error) => root.replaceChildren(element("p", "muted", error.message)),
  );
  return root;
}

async function load(parts, service, root) {
  const held = { columns: [], data: [] };
  for (const part of parts) {
    const read = await arrived(() => service.json(part.path, part.sha256), () => root.isConnected);
    held.columns = read.columns ?? held.columns;
    held.data = held.data.concat((read.data ?? []).slice(0, ROWS_MAX - held.data.length));
  }
  return held;
}

class TableView {
  constructor({ columns, data }, service, exhibit) {
    Object.assign(this, { columns, data, service, exhibit, page: 0, sorted: -1, down: false });
    this.head = element("tr", "", ...columns.map((name, at) => {
      const cell = element("th", "", button("", `Sort by ${name}`, () => this.sort(at), String(name)));
      cell.scope = "col";
      cell.classList.toggle("number", typeof data[0]?.[at] === "number");
      return cell;
    }));
    this.body = element("tbody");
    this.words = element("span", "note");
    this.earlier = button("chip", "Earlier rows", () => this.turn(-1), "‹");
    this.later = button("chip", "Later rows", () => this.turn(1), "›");
    this.draw();
  }

  parts() {
    const shown = element("div", "table-scroll", element("table", "", element("thead", "", this.head), this.body));
    shown.tabIndex = 0;
    return [shown, element("div", "table-foot", this.earlier, this.later, this.words)];
  }

  sort(at) {
    this.down = this.sorted === at && !this.down;
    this.sorted = at;
    const order = this.down ? -1 : 1;
    this.data.sort((a, b) => order * compare(a[at], b[at]));
    [...this.head.children].forEach((cell, k) => cell.setAttribute("aria-sort", k !== at ? "none" : this.down ? "descending" : "ascending"));
    this.page = 0;
    this.draw();
  }

  turn(by) {
    this.page += by;
    this.draw();
  }

  draw() {
    const first = this.page * ROWS_PER_PAGE;
    const rows = this.data.slice(first, first + ROWS_PER_PAGE);
    this.body.replaceChildren(...rows.map((row) => element("tr", "", ...this.columns.map((_, at) => this.cell(row[at])))));
    const pages = Math.ceil(this.data.length / ROWS_PER_PAGE);
    this.earlier.hidden = this.later.hidden = pages < 2;
    this.earlier.disabled = this.page === 0;
    this.later.disabled = this.page >= pages - 1;
    write(this.words, pages < 2 ? `${whole(this.data.length)} rows` : `rows ${whole(first + 1)}–${whole(first + rows.length)} of ${whole(this.data.length)}`);
  }

  cell(value) {
    if (value !== null && typeof value === "object" && value._type) return element("td", "", this.exhibit(value, this.service));
    const isNumber = typeof value === "number";
    const text = isNumber ? number(value) : value === null || value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value);
    const made = element("td", isNumber ? "number" : "", text.slice(0, CHARS_MAX));
    if (text.length > CHARS_MAX || isNumber) made.title = isNumber ? String(value) : text.slice(0, 4000);
    return made;
  }
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}
