// The tooltip beside the pointer: the value of each run there, the closest one in bold.

import { element, write } from "./dom.js";
import { number } from "./format.js";
import { apart } from "./names.js";

export class Tip {
  constructor(board) {
    this.board = board;
    this.head = element("div", "tip-head");
    this.body = element("div");
    this.root = element("div", "tip", this.head, this.body);
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
    while (this.rows.length < rows.length) this.rows.push(this.build());
    this.rows.forEach((row, k) => {
      const given = rows[k];
      row.root.hidden = !given;
      if (!given) return;
      const { spread } = given;
      row.dot.style.background = given.color ?? this.board.runs.get(given.id).color;
      write(row.name, given.label ? `${apart(given.name)} · ${given.label}` : spread && spread.of > 1 ? `${apart(given.name)} · mean of ${spread.count}` : given.name);
      write(row.value, number(Number.isFinite(given.raw) ? given.y : given.raw) + (spread && spread.of > 1 ? ` (${number(spread.low)} – ${number(spread.high)})` : ""));
      row.root.classList.toggle("near", `${given.id} ${given.label}` === near);
    });
    if (this.root.hidden || this.size !== rows.length) {
      this.root.hidden = false;
      this.size = rows.length;
      this.width = this.root.offsetWidth; // The only layout that is forced.
      this.height = this.root.offsetHeight;
      this.frame = this.board.root.getBoundingClientRect();
    }
    this.place();
  }

  build() {
    const dot = element("i");
    const name = element("span");
    const value = element("b");
    const root = element("div", "tip-row", dot, name, value);
    this.body.append(root);
    return { root, dot, name, value };
  }

  place() {
    let x = this.event.clientX - this.frame.left + 16;
    let y = this.event.clientY - this.frame.top + 14;
    if (x + this.width > this.frame.width - 8) x -= this.width + 32;
    if (y + this.height > this.frame.height - 8) y = Math.max(8, this.frame.height - this.height - 8);
    this.root.style.transform = `translate(${x}px, ${y}px)`;
  }
}
