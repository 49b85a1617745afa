// What a run logged to be looked at: a card for each key, with the item of the moment that the page shows.

import { element, search, write } from "./dom.js";
import { exhibit } from "./exhibits.js";
import { whole } from "./format.js";

const PER_READ = 1000;
const ITEMS_MAX = 20_000; // About 10 MB of what they say; the pictures come one by one.

export class Media {
  constructor(panels) {
    this.panels = panels;
    this.after = 0;
    this.cards = new Map();
    this.count = 0;
    this.find = search("Filter media", () => this.filter());
    this.words = element("span", "note");
    this.grid = element("div", "media-grid");
    this.empty = element("div", "teach", element("h2", "", "Nothing to look at yet"),
      element("p", "", "Pictures, sounds, films, tables and pages that the training logs are shown here, each at its step."),
      element("pre", "snippet", element("code", "", 'run.log({"sample": wandb.Image(array, caption="step 1")})')));
    this.empty.hidden = true;
    this.root = element("div", "panel", element("div", "panel-bar", this.find, this.words), this.grid, this.empty);
    this.moment = null;
  }

  async read() {
    if (this.count >= ITEMS_MAX) return;
    const { service } = this.panels;
    let page;
    do {
      page = await service.get("media", [["after", this.after], ["limit", PER_READ]]);
      this.after = page.next;
      for (const item of page.media) this.add(item);
    } while (page.media.length === PER_READ && this.count < ITEMS_MAX);
    this.empty.hidden = this.count > 0;
    this.find.hidden = this.cards.size < 4;
    for (const card of this.cards.values()) card.show(this.moment);
    if (this.count >= ITEMS_MAX) write(this.words, `the first ${whole(ITEMS_MAX)}`);
  }

  add(item) {
    const key = item.label ? `${item.key} · ${item.label}` : item.key;
    let card = this.cards.get(key);
    if (!card) {
      card = new Card(this.panels, key, this.panels.charts.get(item.key));
      this.cards.set(key, card);
      const after = [...this.cards.keys()].sort().indexOf(key);
      this.grid.insertBefore(card.root, this.grid.children[after] ?? null);
      this.filter();
    }
    card.add({ step: item.step, time: Date.parse(item.time), value: item.value });
    this.count++;
  }

  filter() {
    const query = this.find.value.trim().toLowerCase();
    for (const [key, card] of this.cards) card.root.hidden = !!query && !key.toLowerCase().includes(query);
  }

  show(moment) {
    this.moment = moment;
    for (const card of this.cards.values()) card.show(moment);
  }

  trouble(sentence) {
    write(this.words, sentence);
  }
}

class Card {
  constructor(panels, key, chart) {
    Object.assign(this, { panels, chart });
    this.items = [];
    this.at = -1;
    this.head = element("b", "", key);
    this.head.title = key;
    this.note = element("span", "note");
    this.stage = element("div", "exhibit");
    this.slider = element("input", "slider wide");
    Object.assign(this.slider, { type: "range", min: 0, max: 0, step: 1 });
    this.slider.setAttribute("aria-label", `Step of ${key}`);
    this.slider.oninput = () => this.chosen(Number(this.slider.value));
    this.root = element("section", "card media-card", element("div", "title", this.head, this.note), this.stage, this.slider);
  }

  add(item) {
    const { items } = this;
    // Nearly always the last: what a run was resumed with, or another rank logged, may come behind.
    let at = items.length;
    while (at > 0 && items[at - 1].time > item.time) at--;
    items.splice(at, 0, item);
    this.slider.max = String(items.length - 1);
    this.slider.hidden = items.length < 2;
  }

  chosen(at) {
    if (at === this.items.length - 1) this.panels.board.ask({ op: "live" });
    else if (this.panels.seek(this.items[at].time)) return; // The clock answers with the moment.
    this.put(at);
  }

  show(moment) {
    if (moment === null) {
      this.put(this.items.length - 1);
      return;
    }
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      // The clock stands at a part of a pixel, and so may be a moment before what it was sent to.
      if (this.items[middle].time <= moment + 1) low = middle + 1;
      else high = middle;
    }
    this.put(low - 1);
  }

  put(at) {
    write(this.note, at < 0 ? "not logged yet" : `step ${whole(this.items[at].step)}${this.items.length > 1 ? ` · ${whole(at + 1)} of ${whole(this.items.length)}` : ""}`);
    if (this.at === at) return;
    this.at = at;
    this.slider.value = String(at);
    this.slider.style.setProperty("--part", `${(100 * Math.max(0, at)) / Math.max(1, this.items.length - 1)}%`);
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => {
      if (at < 0) this.stage.replaceChildren();
      else this.stage.replaceChildren(exhibit(this.items[at].value, this.panels.service, this.chart));
    });
  }
}
