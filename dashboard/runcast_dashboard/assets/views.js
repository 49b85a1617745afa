// Saved views: links to this project's board that have a name, for everybody who reads it.

import { address } from "./address.js";
import { Service } from "./asking.js";
import { button, element } from "./dom.js";
import { Popover } from "./popover.js";

const NAME_MAX = 256;

export class Views extends Popover {
  constructor(board) {
    super("div", "view-panel", "dialog");
    this.board = board;
    this.service = new Service(`${location.origin}/api/v1`, board.data.project);
    this.open = button("chip", "Save what is shown under a name, or open what somebody saved", () => this.toggle(), "Views");
    this.open.setAttribute("aria-haspopup", "dialog");
    this.list = element("div", "view-list");
    this.name = element("input", "search");
    Object.assign(this.name, { placeholder: "Name of this view", maxLength: NAME_MAX, spellcheck: false });
    this.name.setAttribute("aria-label", "Name of this view");
    this.said = element("p", "muted");
    const form = element("form", "view-form", this.name, element("button", "chip", "Save"));
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
    return this.ask(() => this.service.post("views", { name, query: query.toString() }), `Saved: ${name}`);
  }

  async ask(question, done = "") {
    try {
      const { views } = await question();
      this.list.replaceChildren(...views.map((view) => this.entry(view)));
      this.said.textContent = done || (views.length ? "" : "None yet. A view is what the board shows now: axes, smoothing, groups, runs, charts, zoom.");
      if (done) this.name.value = "";
    } catch (error) {
      this.said.textContent = error.message;
    }
  }

  entry({ name, query }) {
    const url = new URL(location.href);
    url.search = new URLSearchParams([...new URLSearchParams(query), ["project", this.board.data.project]]).toString();
    const link = element("a", "entry", name);
    link.href = url.href;
    link.target = "_self";
    link.title = `Open ${name}`;
    const away = button("ghost", `Delete ${name}`, () => this.ask(() => this.service.ask(`${this.service.root}/views?${new URLSearchParams({ name })}`, { method: "DELETE" })), "×");
    return element("div", "view-entry", link, away);
  }
}
