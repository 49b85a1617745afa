// What is wrong behind a board, in a line above its charts: the worst of what the service says of itself, or that it does not
// answer. Nothing is drawn late, or missing, without a word.

import { Service } from "./asking.js";
import { button, element, icon, write } from "./dom.js";

const ASK_MS = 10_000;
const SILENT_MS = 3000; // A socket that is back sooner is not worth a word.
const LEVELS = new Set(["error", "warning"]);

// What it is about, whatever its figures are by now: who read it need not read it again.
const subject = ({ what }) => what.replace(/[\d.,]+/g, "#");

export class Notice {
  constructor() {
    this.service = new Service();
    this.read = new Set();
    this.what = element("b");
    this.next = element("span");
    this.more = element("a", "link", "Health");
    this.more.href = new URL("health", location.href).href;
    this.more.target = "_self";
    const away = button("ghost", "Put this away", () => this.putAway(), icon("cross"));
    this.root = element("div", "notice", element("i"), element("p", "", this.what, " ", this.next), this.more, away);
    this.root.setAttribute("role", "status");
    this.root.hidden = true;
    this.ask = this.ask.bind(this);
    document.addEventListener("visibilitychange", this.ask);
    this.ask();
  }

  // A page that nobody sees asks for nothing.
  async ask() {
    clearTimeout(this.timer);
    if (this.gone || document.hidden) return;
    try {
      this.told = (await this.service.health()).troubles;
    } catch {
      this.told = []; // A service that is away is said by the socket.
    }
    if (this.gone) return;
    this.show();
    clearTimeout(this.timer);
    this.timer = setTimeout(this.ask, ASK_MS);
  }

  connection({ state }) {
    clearTimeout(this.waiting);
    if (state === "reconnecting") {
      this.lost ??= Date.now();
      this.waiting = setTimeout(() => this.show(), Math.max(0, this.lost + SILENT_MS - Date.now()));
    } else {
      const back = this.lost !== undefined;
      this.lost = undefined;
      if (back) this.ask();
    }
    this.show();
  }

  show() {
    const silent = this.lost !== undefined && Date.now() - this.lost >= SILENT_MS;
    const told = (this.told ?? []).filter((one) => LEVELS.has(one.level));
    const all = silent
      ? [{ level: "error", what: "No connection to the service.", next: "Trainings go on, and nothing that they log is lost. This page joins again by itself, and gets what it missed." }]
      : told;
    for (const one of this.read) if (!all.some((each) => subject(each) === one)) this.read.delete(one); // If it comes again, it is news.
    const left = all.filter((one) => !this.read.has(subject(one)));
    this.shown = left[0];
    this.root.hidden = !left.length;
    if (!left.length) return;
    const [{ level, what, next }] = left;
    this.root.dataset.level = level;
    write(this.what, what);
    write(this.next, next);
    this.more.hidden = silent;
    write(this.more, left.length > 1 ? `${left.length - 1} more on Health` : "Health");
  }

  putAway() {
    this.read.add(subject(this.shown));
    this.show();
  }

  destroy() {
    this.gone = true;
    clearTimeout(this.timer);
    clearTimeout(this.waiting);
    document.removeEventListener("visibilitychange", this.ask);
  }
}
