// What the keys and the pointer do, for whoever presses `?`.

import { element } from "./dom.js";

const LINES = [
  ["space", "pause, or play on from the moment shown"],
  ["← →", "5 s back or on; with shift a minute"],
  [", .", "to the point of the listed metric that was logged before, or next"],
  ["[ ]", "to the mark before or after: a start, an alert, a crash, a kept model …"],
  ["l", "follow what is logged now"],
  ["/", "filter metrics by a part of the name or a regular expression"],
  ["esc", "undo: the filter, the large chart, the zoom"],
  ["?", "this"],
  ["drag over a chart", "zoom all charts; double click shows the whole range"],
  ["drag a chart's head", "another place in its section; its lower right corner makes it larger (`⋯` does both by keys)"],
  ["click a run's colour", "hide or show it; double click shows it alone"],
  ["click a chart's title", "list that metric's last values beside the runs"],
];

export class Help {
  constructor() {
    const close = element("button", "chip", "Close");
    this.root = element("dialog", "help", element("h2", "", "Keys and gestures"),
      element("dl", "", ...LINES.flatMap(([what, does]) => [element("dt", "", element("kbd", "", what)), element("dd", "", does)])), close);
    this.root.setAttribute("aria-label", "Keys and gestures");
    close.onclick = () => this.root.close();
    // A click beside it closes it, as with any dialog.
    this.root.onclick = (event) => event.target === this.root && this.root.close();
  }

  toggle() {
    if (this.root.open) this.root.close();
    else this.root.showModal();
  }
}
