// What a board shows that has nothing to show yet: the lines of code that make its first curve.

import { button, element, icon, write } from "./dom.js";

export class Lesson {
  constructor(board) {
    this.board = board;
    this.title = element("h2");
    this.text = element("p");
    this.code = element("code");
    const copy = button("ghost", "Copy", () => navigator.clipboard?.writeText(this.code.textContent), icon("copy"));
    this.snippet = element("div", "snippet", element("pre", "", this.code), copy);
    this.root = element("div", "lesson", element("div", "lesson-card", this.title, this.text, this.snippet));
    this.root.hidden = true;
  }

  show({ synced, runs, metrics }) {
    const { data, single } = this.board;
    this.root.hidden = !synced || metrics > 0;
    this.board.root.classList.toggle("bare", !this.root.hidden);
    if (this.root.hidden) return;
    const name = JSON.stringify(data.project);
    if (!runs && !single) {
      write(this.title, "Waiting for the first run");
      write(this.text, "Run this from any terminal on this machine. Its curves appear here as it logs.");
      write(this.code, `import runcast\n\nruncast.init(project=${name})\nfor step in range(1000):\n    runcast.log({"loss": 1 / (step + 1)})\n`);
    } else {
      write(this.title, single ? "Nothing logged yet" : runs === 1 ? "A run has started" : `${runs} runs have started`);
      write(this.text, "The first number that it logs opens a chart here.");
      write(this.code, 'runcast.log({"train/loss": loss, "train/accuracy": accuracy})');
    }
  }
}
