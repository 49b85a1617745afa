// The button that ends a training from here: asked twice, for nobody wants it by a slip of the hand.

import { button, element, write } from "./dom.js";

const SURE_MS = 5000; // Then the question goes away.

export class Stop {
  constructor(board) {
    this.board = board;
    this.words = element("span", "muted");
    this.ask = button("chip", "Interrupt this training, as Ctrl-C would", () => this.sure(true), "Stop…");
    this.yes = button("chip bad", "Interrupt this training now", () => this.stop(), "Stop it");
    this.no = button("chip", "Let it run", () => this.sure(false), "No");
    this.root = element("div", "stop", this.ask, this.yes, this.no, this.words);
    this.root.hidden = true;
    this.sure(false);
  }

  state(state) {
    this.root.hidden = state !== "running" && state !== "stopping";
    if (state === "stopping") write(this.words, ""); // The chip says it.
  }

  sure(asked) {
    this.ask.hidden = asked;
    this.yes.hidden = this.no.hidden = !asked;
    clearTimeout(this.timer);
    if (!asked) return;
    this.timer = setTimeout(() => this.sure(false), SURE_MS);
    this.no.focus();
  }

  async stop() {
    this.sure(false);
    write(this.words, "asking …");
    try {
      await this.board.panels.service.post("stop");
      write(this.words, "stopping …");
    } catch (error) {
      write(this.words, error.message);
    }
  }

  destroy() {
    clearTimeout(this.timer);
  }
}
