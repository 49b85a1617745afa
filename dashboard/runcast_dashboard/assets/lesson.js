// What a board shows that has nothing to show yet: the lines of code that make its first curve.

import { copy } from "./clipboard.js";
import { button, element, icon, write } from "./dom.js";

export class Lesson {
  constructor(board) {
    this.board = board;
    this.title = element("h2");
    this.text = element("p");
    this.code = element("code");
    const take = button("ghost", "Copy", () => copy(this.code.textContent, "The program"), icon("copy"));
    this.snippet = element("div", "snippet", element("pre", "", this.code), take);
    this.root = element("div", "lesson", element("div", "lesson-card", this.title, this.text, this.snippet));
    this.root.hidden = true;
  }

  show({ synced, runs, metrics }) {
    const { data, single } = this.board;
    this.root.hidden = !synced || metrics > 0;
    this.board.root.classList.toggle("bare", !this.root.hidden);
    if (this.root.hidden) return;
    if (!runs && !single) {
      write(this.title, "Waiting for the first run");
      write(this.text, "Run this from any terminal on this machine. Its curves appear here as it logs.");
      // The name keeps to itself whichever way it is written, and what is copied is the program as it is.
      const program = ["import runcast\n\nruncast.init(project=", JSON.stringify(data.project), ')\nfor step in range(1000):\n    runcast.log({"loss": 1 / (step + 1)})\n'];
      if (this.code.textContent !== program.join("")) this.code.replaceChildren(program[0], element("bdi", "", program[1]), program[2]);
    } else {
      write(this.title, single ? "Nothing logged yet" : runs === 1 ? "A run has started" : `${runs} runs have started`);
      write(this.text, "The first number that it logs opens a chart here.");
      write(this.code, 'runcast.log({"train/loss": loss, "train/accuracy": accuracy})');
    }
  }
}
