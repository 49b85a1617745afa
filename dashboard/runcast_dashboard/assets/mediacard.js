// One key of what was logged to be looked at: the item of the moment, and a slider over all of them.

import { element, leading, write } from "./dom.js";
import { exhibit } from "./exhibits.js";
import { whole } from "./format.js";

export class MediaCard {
  constructor(panels, name, key) {
    this.panels = panels;
    this.chart = panels.charts.get(key); // How a table is drawn, where it is known.
    this.items = [];
    this.at = -1;
    this.kept = null; // An item that was chosen where the clock does not reach: it stays until the clock moves.
    this.head = element("b", "", name);
    this.head.title = name;
    this.note = element("span", "note");
    this.stage = element("div", "exhibit");
    this.slider = element("input", "slider wide");
    Object.assign(this.slider, { type: "range", min: 0, max: 0, step: 1 });
    this.slider.setAttribute("aria-label", `Step of ${name}`);
    this.slider.oninput = () => this.chosen(Number(this.slider.value));
    this.root = element("section", "card media-card", element("div", "title", this.head, this.note), this.stage, this.slider);
  }

  add({ step, time: said, value }) {
    const { items } = this;
    const item = { step, time: Date.parse(said), value };
    // Nearly always the last: what a run was resumed with, or another rank logged, may come behind.
    let at = items.length;
    while (at > 0 && items[at - 1].time > item.time) at--;
    items.splice(at, 0, item);
    if (this.kept?.at >= at) this.kept.at += 1;
    this.slider.max = String(items.length - 1);
    this.slider.hidden = items.length < 2;
  }

  chosen(at) {
    this.kept = null;
    if (at === this.items.length - 1) this.panels.board.ask({ op: "live" });
    else if (this.panels.seek(this.items[at].time)) return; // The clock answers with the moment.
    else this.kept = { at, moment: this.panels.moment };
    this.put(at);
  }

  show(moment) {
    if (this.kept?.moment === moment) {
      this.put(this.kept.at);
      return;
    }
    this.kept = null;
    if (moment === null) {
      this.put(this.items.length - 1);
      return;
    }
    // The clock stands at a part of a pixel, and so may be a moment before what it was sent to.
    this.put(leading(this.items, ({ time }) => time <= moment + 1) - 1);
  }

  put(at) {
    write(this.note, this.said(at));
    if (this.at === at) return;
    this.at = at;
    this.slider.value = String(at);
    this.slider.style.setProperty("--part", `${(100 * Math.max(0, at)) / Math.max(1, this.items.length - 1)}%`);
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => {
      this.stage.replaceChildren(...(at < 0 ? [] : [exhibit(this.items[at].value, this.panels.service, this.chart)]));
    });
  }

  said(at) {
    if (at < 0) return "not logged yet";
    return `step ${whole(this.items[at].step)}${this.items.length > 1 ? ` · ${whole(at + 1)} of ${whole(this.items.length)}` : ""}`;
  }
}
