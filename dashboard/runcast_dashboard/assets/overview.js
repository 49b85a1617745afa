// A run in words: its notes, what it was given and what came out. What it is and where it ran stands beside the charts, and
// here where there is no room beside them.

import { element } from "./dom.js";
import { about } from "./facts.js";
import { isSystem } from "./names.js";
import { Notes } from "./notes.js";
import { Tree } from "./tree.js";

export class Overview {
  constructor(panels) {
    this.panels = panels;
    this.notes = new Notes(panels.service);
    this.config = new Tree("Config", "No config. A program gives it by runcast.init(config={…}), or sets run.config.");
    this.summary = new Tree("Summary", "Nothing logged yet: the last value of each metric stands here.");
    this.facts = new Tree("Surroundings", "Nothing is known of where it ran.");
    this.facts.shut = new Set(["packages", "environment"]); // Long, and seldom asked for.
    this.about = element("dl", "facts");
    this.name = element("h1", "run-title");
    this.words = element("p", "muted");
    this.words.setAttribute("role", "status");
    this.root = element("div", "panel overview", this.words,
      element("section", "part about-part", this.name, this.about),
      this.notes.root, element("div", "parts", this.config.root, this.summary.root, this.facts.root));
    this.draw(panels.board.data.run);
  }

  async read() {
    this.draw(await this.panels.service.about());
  }

  draw(run) {
    this.notes.show(run.notes ?? "");
    this.config.show(run.config ?? {});
    // Pictures and the like have a tab of their own, and so has the machine.
    this.summary.show(Object.fromEntries(Object.entries(run.summary ?? {}).filter(([key, value]) => !isSystem(key) && !value?._type)));
    // How charts are drawn is nothing that surrounds the run.
    this.facts.show(Object.fromEntries(Object.entries(run.facts ?? {}).filter(([name]) => !name.startsWith("chart."))));
    const told = JSON.stringify([run.name, ...about(run)]);
    if (told === this.told) return;
    this.told = told;
    this.name.textContent = run.name;
    this.about.replaceChildren(...about(run).map(([key, value]) => element("div", "", element("dt", "", key), element("dd", "", value))));
  }

  show() {}

  trouble(sentence) {
    this.words.textContent = sentence;
  }
}
