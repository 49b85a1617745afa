// What can be done with the selected runs, at once and with a way back.

import { button, element, write } from "./dom.js";
import { apart } from "./names.js";

const UNDO_SECONDS = 20;
const TAG_CHARS_MAX = 200;

// A button that is called what stands on it; the title only says more.
function act(classes, title, onClick, text) {
  const made = button(classes, "", onClick, text);
  made.title = title;
  return made;
}

export class Bulk {
  constructor(table) {
    this.table = table;
    this.done = { words: "", undo: [] }; // What was changed last, and what takes it back.
    this.count = element("b", "");
    this.open = act("t-act main", "Open this run's page", () => table.onOpen([...table.selected][0]), "Open");
    this.compare = act("t-act main", "Put them side by side", () => table.go("compare"), "Compare");
    this.live = act("t-act", "Show only these on Live", () => table.go("live"), "Show on Live");
    this.tag = act("t-act", "Give and take tags", () => this.openTags(), "Tag");
    this.hide = act("t-act", "", () => this.change({ hidden: table.view !== "hidden" }), "Hide");
    this.drop = act("t-act bad", "", () => this.change({ deleted: table.view !== "deleted" }), "Delete");
    const clear = button("t-act t-clear", "Select none", () => table.grid.selectAll(false), "✕");
    this.input = element("input", "search");
    this.input.maxLength = TAG_CHARS_MAX;
    this.input.placeholder = "New tag, then Enter";
    this.input.setAttribute("aria-label", "New tag");
    this.input.onkeydown = (event) => {
      const text = this.input.value.trim();
      if (event.key === "Enter" && text) this.change({ tag: [text] });
      if (event.key === "Escape") this.tags.hidden = true;
      event.stopPropagation();
    };
    this.given = element("div", "t-given");
    this.tags = element("div", "t-popover t-tags", this.input, this.given);
    this.tags.hidden = true;
    this.bar = element("div", "t-bulk", this.count, this.open, this.compare, this.live, element("div", "t-around", this.tag, this.tags), this.hide, this.drop, clear);
    this.bar.setAttribute("role", "toolbar");
    this.bar.setAttribute("aria-label", "Selected runs");
    this.told = element("span", "");
    this.back = button("t-undo", "", () => this.undo(), "Undo");
    this.toast = element("div", "t-toast", this.told, this.back);
    this.toast.setAttribute("role", "status");
    this.toast.hidden = true;
    this.root = element("div", "t-foot", this.toast, this.bar);
    this.show();
  }

  show() {
    const { selected, view } = this.table;
    this.bar.hidden = !selected.size;
    write(this.count, `${selected.size.toLocaleString("en")} selected`);
    this.open.hidden = selected.size !== 1;
    this.compare.hidden = selected.size < 2 || selected.size > 200;
    this.live.hidden = view === "deleted" || selected.size > 200;
    this.hide.hidden = view === "deleted";
    write(this.hide, view === "hidden" ? "Show again" : "Hide");
    write(this.drop, view === "deleted" ? "Restore" : "Delete");
    this.drop.classList.toggle("bad", view !== "deleted");
    if (!selected.size) this.tags.hidden = true;
  }

  openTags() {
    this.tags.hidden = !this.tags.hidden;
    if (this.tags.hidden) return;
    this.input.value = "";
    const given = new Set([...this.table.selected].flatMap((id) => this.table.row(id)?.tags ?? []));
    this.given.replaceChildren(...[...given].sort().map((tag) => {
      const chip = button("t-tag", `Take the tag ${tag} away`, () => this.change({ untag: [tag] }), tag, element("i", "", " ✕"));
      chip.dir = "auto";
      return chip;
    }));
    this.input.focus();
  }

  async change(what) {
    if (this.changing) return; // A second click says nothing new.
    const { table } = this;
    const runs = [...table.selected];
    this.tags.hidden = true; // It would lie over the way back.
    const leaves = "hidden" in what || "deleted" in what;
    const held = this.bar.matches(":focus-within");
    let done;
    this.changing = true;
    try {
      done = await table.service.post("curate", { runs, ...what });
    } catch (error) {
      this.tell(`Nothing was changed: ${error.message}`);
      return;
    } finally {
      this.changing = false;
    }
    const several = `${done.changed.length.toLocaleString("en")} ${done.changed.length === 1 ? "run" : "runs"}`;
    const did = what.tag ? `Tagged ${several} “${apart(what.tag[0])}”` : what.untag ? `Took “${apart(what.untag[0])}” from ${several}`
      : what.deleted ? `Deleted ${several}` : what.deleted === false ? `Restored ${several}` : what.hidden ? `Hid ${several}` : `${several} shown again`;
    if (done.changed.length) this.tell(did, done.undo);
    else this.tell("Nothing to change: it was so already");
    await this.after(leaves ? runs : []);
    if (held && this.bar.hidden) this.back.focus({ preventScroll: true }); // Keys go on with the way back.
  }

  async undo() {
    if (this.changing) return;
    const { table } = this;
    this.changing = true;
    const held = this.back.matches(":focus");
    this.toast.hidden = true;
    clearTimeout(this.timer);
    try {
      for (const change of this.done.undo) await table.service.post("curate", change);
      this.tell("Taken back", []);
    } catch (error) {
      this.tell(`It could not be taken back: ${error.message}`);
    }
    this.changing = false;
    await this.after([]);
    if (held) table.grid.root.focus({ preventScroll: true });
  }

  async after(left) {
    const { table } = this;
    for (const id of left) table.selected.delete(id);
    if (left.length) table.onSelect();
    await table.load([...new Set([...table.grid.ids, ...[...table.selected].slice(0, 200)])]);
    await table.reorder({ quiet: true });
    this.show();
  }

  // Without an `undo` of its own it changed nothing: what was done before can still be taken back.
  tell(text, undo = null) {
    if (undo) this.done = { words: text, undo };
    const left = this.done.undo.length > 0;
    write(this.told, left && !undo ? `${text} (before that: ${this.done.words})` : text);
    this.back.hidden = !left;
    this.toast.hidden = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.toast.hidden = true;
      this.done = { words: "", undo: [] };
    }, UNDO_SECONDS * 1000);
  }

  destroy() {
    clearTimeout(this.timer);
  }
}
