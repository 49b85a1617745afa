// A run's notes: Markdown to read, and a field to write it in. What is being written is never touched by what comes, and
// nobody overwrites what they have not seen.

import { button, element, write } from "./dom.js";
import { markdown } from "./markdown.js";

const CHARS_MAX = 100_000; // As the service takes them.
const CHARS_TOLD = 90_000; // From here on it is said how many are left.

export class Notes {
  constructor(service) {
    this.service = service;
    this.text = null; // As they were read last.
    this.was = ""; // As they were when the reader began to write.
    this.edit = button("chip", "", () => this.begin(), "Edit");
    this.shown = element("div", "notes-shown");
    this.shown.dir = "auto";
    this.field = element("textarea", "notes-field");
    Object.assign(this.field, { maxLength: CHARS_MAX, rows: 12, spellcheck: true, dir: "auto" });
    this.field.setAttribute("aria-label", "Notes, in Markdown");
    this.field.oninput = () => this.count();
    this.field.onkeydown = (event) => this.pressed(event);
    this.save = button("chip on", "Save (Ctrl+Enter)", () => this.store(), "Save");
    this.cancel = button("chip", "", () => this.end(), "Cancel");
    this.words = element("span", "muted");
    this.words.setAttribute("role", "status");
    this.theirs = element("div", "notes-theirs");
    this.editor = element("div", "notes-editor", this.theirs, this.field, element("div", "notes-bar", this.save, this.cancel, this.words));
    this.editor.hidden = this.theirs.hidden = true;
    this.root = element("section", "notes-card", element("div", "part-head", element("h2", "", "Notes"), this.edit), this.shown, this.editor);
  }

  show(text) {
    if (text === this.text) return;
    this.text = text;
    this.shown.replaceChildren(text.trim() ? markdown(text) : element("p", "muted", "What was tried, and why? Notes are Markdown; a program gives them by runcast.init(notes=…)."));
    write(this.edit, text.trim() ? "Edit" : "Write notes");
  }

  begin() {
    if (this.storing) return; // What was sent is not read yet.
    this.was = this.text ?? "";
    this.field.value = this.was;
    this.turn(true);
    this.count();
    this.field.focus();
  }

  turn(writing) {
    this.editor.hidden = !writing;
    this.shown.hidden = this.edit.hidden = writing;
    this.theirs.hidden = true;
    write(this.save, "Save");
  }

  end() {
    const held = this.editor.matches(":focus-within");
    this.turn(false);
    if (held) this.edit.focus();
  }

  count() {
    const { length } = this.field.value;
    write(this.words, length > CHARS_TOLD ? `${(CHARS_MAX - length).toLocaleString("en")} characters left` : "");
  }

  pressed(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.store();
    else if (event.key === "Escape") {
      // What was written is not thrown away by a slip of the hand.
      if (this.field.value === this.was) this.end();
      event.stopPropagation();
    }
  }

  async store() {
    if (this.storing) return;
    this.storing = true;
    write(this.words, "saving …");
    const sent = this.field.value;
    try {
      const { notes } = await this.service.post("notes", { notes: sent, was: this.was });
      this.show(notes);
      if (this.field.value === sent || this.editor.hidden) this.end();
      else this.goOn(notes);
    } catch (error) {
      write(this.words, error.message);
      if (error.status === 409) this.differ(error.said.notes ?? "");
    }
    this.storing = false;
  }

  // Saved, but for what was written meanwhile.
  goOn(notes) {
    this.was = notes;
    this.turn(true);
    write(this.words, "Saved, but for what you wrote since.");
  }

  // Somebody else wrote meanwhile: both are shown, and the reader decides.
  differ(theirs) {
    this.was = theirs;
    this.show(theirs);
    const take = button("chip", "", () => {
      this.field.value = theirs;
      this.theirs.hidden = true;
      write(this.save, "Save");
      this.field.focus();
    }, "Take theirs");
    this.theirs.replaceChildren(element("div", "part-head", element("b", "", "Somebody saved other notes meanwhile:"), take), theirs.trim() ? markdown(theirs) : element("p", "muted", "none"));
    this.theirs.hidden = false;
    write(this.save, "Save mine over theirs");
    write(this.words, "Nothing was saved yet.");
  }
}
