// Saved views: links to this project's board that have a name. Those for everybody who reads it the service keeps, those of
// one's own this browser.

import { address } from "./address.js";
import { Service } from "./asking.js";
import { button, element } from "./dom.js";
import { Popover } from "./popover.js";

const NAME_MAX = 256;
const OWN_MAX = 200;
const NONE = "None yet. A view is what the board shows now: axes, smoothing, groups, runs, charts, zoom.";

// One's own, as the browser remembers them: name → query.
class Own {
  constructor(project) {
    this.key = `runcast views ${project}`;
  }

  get views() {
    try {
      const kept = JSON.parse(localStorage.getItem(this.key) ?? "{}");
      return Object.entries(kept).filter(([, query]) => typeof query === "string").map(([name, query]) => ({ name, query, own: true }));
    } catch {
      return []; // A browser that keeps nothing, or somebody's own words in our place.
    }
  }

  set views(views) {
    localStorage.setItem(this.key, JSON.stringify(Object.fromEntries(views.slice(-OWN_MAX).map(({ name, query }) => [name, query]))));
  }

  save(name, query) {
    this.views = [...this.views.filter((view) => view.name !== name), { name, query }];
  }

  remove(name) {
    this.views = this.views.filter((view) => view.name !== name);
  }
}

export class Views extends Popover {
  constructor(board) {
    super("div", "view-panel", "dialog");
    this.board = board;
    this.service = new Service(board.data.project);
    this.own = new Own(board.data.project);
    this.shared = [];
    this.open = button("chip", "Save what is shown under a name, or open what was saved", () => this.toggle(), "Views");
    this.open.setAttribute("aria-haspopup", "dialog");
    this.list = element("div", "view-list");
    this.name = element("input", "search");
    Object.assign(this.name, { placeholder: "Name of this view", maxLength: NAME_MAX, spellcheck: false });
    this.name.setAttribute("aria-label", "Name of this view");
    this.mine = element("input");
    this.mine.type = "checkbox";
    this.said = element("p", "muted");
    const form = element("form", "view-form", this.name, element("button", "chip", "Save"), element("label", "muted", this.mine, "Only for me, in this browser"));
    form.onsubmit = (event) => {
      event.preventDefault();
      this.save(this.name.value.trim());
    };
    this.root.setAttribute("aria-label", "Views");
    this.root.append(this.list, form, this.said);
    this.whole = element("div", "views", this.open, this.root);
  }

  toggle() {
    if (!this.root.hidden) return this.close();
    this.show(this.open, this.name);
    return this.ask(() => this.service.get("views"));
  }

  save(name) {
    if (!name) return void (this.said.textContent = "Give it a name first.");
    const query = address(this.board).searchParams;
    query.delete("project");
    if (!this.mine.checked) return this.ask(() => this.service.post("views", { name, query: query.toString() }), `Saved: ${name}`);
    try {
      this.own.save(name, query.toString());
      this.draw(`Saved in this browser: ${name}`);
    } catch {
      this.said.textContent = "This browser keeps nothing for this page; save it for everybody instead.";
    }
    return undefined;
  }

  async ask(question, done = "") {
    try {
      this.shared = (await question()).views;
      this.draw(done);
    } catch (error) {
      this.draw();
      this.said.textContent = error.message;
    }
  }

  draw(done = "") {
    const views = [...this.own.views, ...this.shared];
    const held = this.list.matches(":focus-within");
    this.list.replaceChildren(...views.map((view) => this.entry(view)));
    this.said.textContent = done || (views.length ? "" : NONE);
    if (done) this.name.value = "";
    if (held) this.name.focus(); // What had the focus is gone, and keys outside of this panel are the board's.
  }

  entry({ name, query, own = false }) {
    const url = new URL(location.href);
    url.search = new URLSearchParams([...new URLSearchParams(query), ["project", this.board.data.project]]).toString();
    const link = element("a", "entry", name);
    link.href = url.href;
    link.target = "_self";
    link.title = `Open ${name}`;
    const away = button("ghost", `Delete ${name}`, () => this.remove(name, own), "×");
    return element("div", "view-entry", link, ...(own ? [element("span", "muted", "mine")] : []), away);
  }

  remove(name, own) {
    if (!own) return this.ask(() => this.service.remove(`views?${new URLSearchParams({ name })}`));
    this.own.remove(name);
    return this.draw();
  }
}
