// The tooltip beside the pointer: what each run logged there, or a group of them with their lowest and highest, and beside it
// what smoothing makes of it. The closest one is in bold, and to its last digit.

import { element, write } from "./dom.js";
import { exact, number } from "./format.js";
import { apart } from "./names.js";

const FIGURES = 6; // Of runs that are not pointed at.

export class Tip {
  constructor(board) {
    this.board = board;
    this.head = element("div", "tip-head");
    this.body = element("div");
    this.key = element("small", "", "smoothed · logged");
    this.root = element("div", "tip", element("div", "tip-top", this.head, this.key), this.body);
    this.root.hidden = true;
    this.rows = [];
    this.over = false;
  }

  follow(event) {
    this.over = true;
    this.event = event;
    if (!this.root.hidden) this.place();
  }

  hide() {
    this.over = false;
    this.root.hidden = true;
  }

  show({ title, rows, total, near }) {
    if (!this.over) return;
    if (!rows.length) {
      this.root.hidden = true;
      return;
    }
    write(this.head, rows.length < total ? `${title} · ${rows.length} of ${total} ${rows.some((row) => row.label) ? "curves" : "runs"}` : title);
    const smooth = this.board.options.smooth > 0;
    this.key.hidden = !smooth;
    while (this.rows.length < rows.length) this.rows.push(this.build());
    this.rows.forEach((row, k) => {
      const given = rows[k];
      row.root.hidden = !given;
      if (!given) return;
      const { spread } = given;
      row.dot.style.background = given.color ?? this.board.runs.get(given.id).color;
      write(row.name, given.label ? `${apart(given.name)} · ${given.label}` : spread && spread.of > 1 ? `${apart(given.name)} · mean of ${spread.count}` : given.name);
      const closest = rows.length === 1 || `${given.id} ${given.label}` === near;
      const value = closest && !spread ? exact(given.raw) : number(given.raw, FIGURES);
      write(row.value, value + (spread && spread.of > 1 ? ` (${number(spread.low)} – ${number(spread.high)})` : ""));
      row.smoothed.hidden = !smooth;
      write(row.smoothed, number(given.y));
      row.root.classList.toggle("near", closest && rows.length > 1);
    });
    const longest = Math.max(...this.rows.slice(0, rows.length).map(({ value }) => value.textContent.length));
    if (this.root.hidden || this.size !== rows.length || longest > this.longest) {
      this.root.hidden = false;
      this.size = rows.length;
      this.longest = longest;
      this.width = this.root.offsetWidth; // The only layout that is forced.
      this.height = this.root.offsetHeight;
      this.frame = this.board.root.getBoundingClientRect();
    }
    this.place();
  }

  build() {
    const dot = element("i");
    const name = element("span");
    const smoothed = element("small");
    const value = element("b");
    const root = element("div", "tip-row", dot, name, smoothed, value);
    this.body.append(root);
    return { root, dot, name, smoothed, value };
  }

  place() {
    let x = this.event.clientX - this.frame.left + 16;
    let y = this.event.clientY - this.frame.top + 14;
    if (x + this.width > this.frame.width - 8) x = Math.max(8, x - this.width - 32);
    if (y + this.height > this.frame.height - 8) y = Math.max(8, this.frame.height - this.height - 8);
    this.root.style.transform = `translate(${x}px, ${y}px)`;
  }
}
