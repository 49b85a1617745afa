// A race: all runs begin at once, and the clock counts their steps, or their own time. Who leads is said in words.
// Beside runs that go on, those that are over are drawn as ghosts.

import { button, element } from "./dom.js";
import { number } from "./format.js";
import { apart } from "./names.js";

export class Race {
  constructor(board) {
    this.board = board;
    this.best = {};
    this.leader = "";
    this.chip = button("chip race", "Let all runs begin at once: the clock counts their steps, or along time how long they have run", () => this.turn(), "Race");
    this.ghost = button("chip ghost-chip", "Show what runs now beside the best run before it", () => this.only(), "vs best");
    this.root = element("div", "racing", this.chip, this.ghost);
    this.root.hidden = this.ghost.hidden = true;
    this.show();
  }

  turn() {
    this.board.setOptions({ race: !this.board.options.race });
    this.show();
  }

  show() {
    const { race } = this.board.options;
    this.chip.classList.toggle("on", race);
    this.chip.setAttribute("aria-pressed", String(race));
  }

  // Hide all runs but those that go on and, of the others, the best by the listed metric.
  only() {
    const { board } = this;
    const over = this.over();
    const hidden = [...board.runs.values()].filter((run) => run.state !== "running" && run.id !== over[0]?.id).map(({ id }) => id);
    board.setHidden(new Set(hidden));
  }

  over() {
    const rank = ({ id }) => this.best[id].goal * this.best[id].y;
    return [...this.board.runs.values()].filter((run) => run.state !== "running" && this.best[run.id]).sort((p, q) => rank(q) - rank(p));
  }

  latest({ values, goal, primary }) {
    const { board } = this;
    const { race } = board.options;
    this.root.hidden = board.single || board.runs.size < 2;
    const living = [...board.runs.values()].some(({ state }) => state === "running");
    this.ghost.hidden = !race || !living || !this.over().length;
    const going = Object.entries(values).filter(([id, { y }]) => !board.hidden.has(id) && Number.isFinite(y)).sort(([, p], [, q]) => (goal || 1) * (q.y - p.y));
    const [first, second] = going;
    const by = first && second ? Math.abs(first[1].y - second[1].y) : 0;
    this.leader = !race || !first ? "" : `${apart(board.runs.get(first[0])?.name ?? "")} ${goal ? "leads" : "is highest"}${second ? ` by ${number(by)}` : ""} · ${apart(primary)}`;
    if (board.dock.shown) board.dock.show(board.dock.shown);
  }

  words({ live }) {
    return live ? "" : this.leader;
  }
}
